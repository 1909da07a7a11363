/** .eh_frame and .debug_frame: how to find the caller's frame from any instruction. DWARF Version 5, "Call Frame Information". */
import type { ByteReader } from './byte-reader.js';
import type { ElfFile } from './elf.js';
import type { DwarfSections } from './dwarf-sections.js';
import { unitLength } from './dwarf-sections.js';
import { runCallFrameProgram, type CfaRule, type RegisterRule } from './call-frame-program.js';
import { registerName } from './dwarf-registers.js';
import { RangeIndex, type Range } from './ranges.js';

/** What holds between two addresses: where the canonical frame address is, and where the caller's registers were saved. */
export interface UnwindRule extends Range {
  readonly cfa: CfaRule;
  /** Registers that are not named keep their value. */
  readonly registers: ReadonlyMap<string, RegisterRule>;
  /** The register whose rule gives the return address. */
  readonly returnAddress: string;
  /** The frame of an interrupt or signal: the return address is the next instruction itself, not the one after a call. */
  readonly isSignalFrame: boolean;
  readonly addressSize: number;
}

export interface CommonInformation {
  readonly addressSize: number;
  readonly codeAlignment: number;
  readonly dataAlignment: number;
  readonly returnAddressRegister: number;
  readonly isSignalFrame: boolean;
  readonly pointerEncoding: number;
  readonly hasAugmentationData: boolean;
  readonly instructions: ByteReader;
}

interface FrameDescription {
  readonly common: CommonInformation;
  readonly instructions: { readonly start: number; readonly end: number; readonly section: '.eh_frame' | '.debug_frame' };
}

const DW_EH_PE = { absolute: 0x00, uleb128: 0x01, udata2: 0x02, udata4: 0x03, udata8: 0x04, sleb128: 0x09, sdata2: 0x0a, sdata4: 0x0b, sdata8: 0x0c };
const DW_EH_PE_PC_RELATIVE = 0x10;
const DW_EH_PE_OMIT = 0xff;

export class CallFrames {
  private readonly elf: ElfFile;
  private readonly sections: DwarfSections;
  private index: RangeIndex<FrameDescription> | undefined;

  constructor(elf: ElfFile, sections: DwarfSections) {
    this.elf = elf;
    this.sections = sections;
  }

  at(address: bigint): UnwindRule | undefined {
    this.index ??= new RangeIndex([...this.read('.eh_frame'), ...this.read('.debug_frame')]);
    const found = this.index.at(address);
    if (!found) return undefined;
    const { common, instructions } = found.value;
    const program = this.sections.reader(instructions.section, instructions.start, instructions.end);
    const row = runCallFrameProgram(common, program, found, address);
    return {
      ...row,
      returnAddress: registerName(common.returnAddressRegister, common.addressSize),
      isSignalFrame: common.isSignalFrame,
      addressSize: common.addressSize,
    };
  }

  private *read(section: '.eh_frame' | '.debug_frame'): Generator<Range & { value: FrameDescription }> {
    if (!this.sections.has(section)) return;
    const isEh = section === '.eh_frame';
    const base = this.elf.section(section)?.address ?? 0n;
    const commons = new Map<number, CommonInformation>();
    const reader = this.sections.reader(section);
    while (reader.remaining >= 4) {
      const { offsetSize, body } = unitLength(reader);
      if (body.atEnd) {
        if (isEh) return;
        continue;
      }
      const idPosition = body.position;
      const id = body.unsigned(isEh ? 4 : offsetSize);
      if (isEh ? id === 0n : id === (offsetSize === 8 ? 0xffffffffffffffffn : 0xffffffffn)) continue;
      const commonOffset = isEh ? idPosition - Number(id) : Number(id);
      let common = commons.get(commonOffset);
      if (!common) {
        common = this.readCommon(section, commonOffset);
        commons.set(commonOffset, common);
      }
      const start = readPointer(body, common, base);
      const length = readPointer(body, { ...common, pointerEncoding: common.pointerEncoding & 0x0f }, base);
      if (common.hasAugmentationData) body.skip(body.uleb());
      if (start === 0n && length === 0n) continue;
      yield { start, end: start + length, value: { common, instructions: { start: body.position, end: body.end, section } } };
    }
  }

  private readCommon(section: '.eh_frame' | '.debug_frame', offset: number): CommonInformation {
    const { offsetSize, body } = unitLength(this.sections.reader(section, offset));
    const isEh = section === '.eh_frame';
    const id = body.unsigned(isEh ? 4 : offsetSize);
    const expected = isEh ? 0n : offsetSize === 8 ? 0xffffffffffffffffn : 0xffffffffn;
    if (id !== expected) body.fail(`a frame description refers to byte ${offset}, where no common information entry is`);
    const version = body.u8();
    if (version !== 1 && version !== 3 && version !== 4) body.fail(`the common information entry at byte ${offset} has version ${version}`);
    const augmentation = body.cstring();
    const native = this.elf.bits / 8;
    const addressSize = version === 4 ? body.u8() : native;
    if (version === 4) body.skip(1);
    if (addressSize !== 4 && addressSize !== 8) body.fail(`the common information entry at byte ${offset} has addresses of ${addressSize} bytes`);
    const codeAlignment = body.uleb();
    const dataAlignment = body.sleb();
    const returnAddressRegister = version === 1 ? body.u8() : body.uleb();
    const hasAugmentationData = augmentation.startsWith('z');
    if (!hasAugmentationData && augmentation !== '' && augmentation !== 'S') body.fail(`not implemented: frame augmentation '${augmentation}'`);
    const read = hasAugmentationData ? readAugmentation(body.part(body.uleb()), augmentation, addressSize) : { pointerEncoding: 0, isSignalFrame: augmentation === 'S' };
    return { addressSize, codeAlignment, dataAlignment, returnAddressRegister, hasAugmentationData, ...read, instructions: body };
  }
}

function readAugmentation(reader: ByteReader, augmentation: string, addressSize: number): { pointerEncoding: number; isSignalFrame: boolean } {
  let pointerEncoding = 0;
  let isSignalFrame = false;
  for (const letter of augmentation.slice(1)) {
    if (letter === 'R') pointerEncoding = reader.u8();
    else if (letter === 'L') reader.skip(1);
    else if (letter === 'P') readEncoded(reader, reader.u8(), addressSize, 0n);
    else if (letter === 'S') isSignalFrame = true;
    else break;
  }
  return { pointerEncoding, isSignalFrame };
}

function readPointer(reader: ByteReader, common: CommonInformation, sectionAddress: bigint): bigint {
  return readEncoded(reader, common.pointerEncoding, common.addressSize, sectionAddress);
}

function readEncoded(reader: ByteReader, encoding: number, addressSize: number, sectionAddress: bigint): bigint {
  if (encoding === DW_EH_PE_OMIT) return 0n;
  const at = sectionAddress + BigInt(reader.position);
  const value = readFormat(reader, encoding & 0x0f, addressSize);
  const relation = encoding & 0x70;
  if (relation !== 0 && relation !== DW_EH_PE_PC_RELATIVE) reader.fail(`not implemented: frame pointers encoded as 0x${encoding.toString(16)}`);
  return BigInt.asUintN(8 * addressSize, relation === DW_EH_PE_PC_RELATIVE ? at + value : value);
}

function readFormat(reader: ByteReader, format: number, addressSize: number): bigint {
  switch (format) {
    case DW_EH_PE.absolute:
      return reader.unsigned(addressSize);
    case DW_EH_PE.uleb128:
      return reader.ulebWide();
    case DW_EH_PE.udata2:
      return reader.unsigned(2);
    case DW_EH_PE.udata4:
      return reader.unsigned(4);
    case DW_EH_PE.udata8:
      return reader.unsigned(8);
    case DW_EH_PE.sleb128:
      return reader.slebWide();
    case DW_EH_PE.sdata2:
      return reader.signed(2);
    case DW_EH_PE.sdata4:
      return reader.signed(4);
    case DW_EH_PE.sdata8:
      return reader.signed(8);
    default:
      return reader.fail(`frame pointers have the unknown format ${format}`);
  }
}
