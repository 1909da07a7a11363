/**
 * The operands of the current instruction as a VM exit reports them: read again from its bytes, so that nothing has to be kept
 * for the exits that want it. SDM Vol. 3C, "Instruction-Execution Information"; Vol. 2, "Instruction Format".
 */
import { CS } from '../cpu/layout.js';
import { ATTRIBUTE_DB, type Processor } from '../cpu/processor.js';
import { EXECUTE } from '../paging/mmu.js';
import { hostOf } from '../paging/physical-memory.js';

export interface InstructionOperands {
  /** The last opcode byte. */
  readonly opcode: number;
  /** 0: 16 bits, 1: 32 bits, 2: 64 bits. */
  readonly addressSize: 0 | 1 | 2;
  readonly operandSize: 0 | 1 | 2;
  /** ModRM.reg with its REX bit, ModRM.rm likewise when it is a register. */
  readonly reg: number;
  readonly rm: number;
  readonly isRegister: boolean;
  readonly scale: number;
  /** Register numbers, or -1. */
  readonly index: number;
  readonly base: number;
  readonly segment: number;
  /** Sign-extended; with RIP-relative addressing the offset of the operand. */
  readonly displacement: number;
}

const SEGMENT_PREFIX = new Map([[0x26, 0], [0x2e, 1], [0x36, 2], [0x3e, 3], [0x64, 4], [0x65, 5]]);
const SS = 2, DS = 3, RSP = 4, RBP = 5;
/** Base and index of 16-bit addressing by ModRM.rm: BX 3, BP 5, SI 6, DI 7. */
const BASE_16 = [3, 3, 5, 5, 6, 7, 5, 3], INDEX_16 = [6, 7, 6, 7, -1, -1, -1, -1];

function codeByte(cpu: Processor, offset: number): number {
  const linear = cpu.code64 ? cpu.rip + offset : (cpu.base(CS) + cpu.rip + offset) >>> 0;
  return cpu.u8[hostOf(cpu, cpu.mmu.translate(linear, EXECUTE, cpu.cpl === 3), EXECUTE)]!;
}

class Cursor {
  at = 0;
  constructor(private readonly cpu: Processor) {}
  byte(): number { return codeByte(this.cpu, this.at++); }
  signed(bytes: number): number {
    let value = 0;
    for (let i = 0; i < bytes; i++) value |= this.byte() << (8 * i);
    return bytes === 0 ? 0 : (value << (32 - 8 * bytes)) >> (32 - 8 * bytes);
  }
}

const codeBits = (cpu: Processor): 16 | 32 | 64 => (cpu.code64 ? 64 : (cpu.attributes(CS) & ATTRIBUTE_DB) !== 0 ? 32 : 16);

export function decodeOperands(cpu: Processor): InstructionOperands {
  const mode = codeBits(cpu), cursor = new Cursor(cpu);
  let override = -1, operandPrefix = false, addressPrefix = false, rex = 0, byte = cursor.byte();
  for (;;) {
    const segment = SEGMENT_PREFIX.get(byte);
    if (segment !== undefined) override = segment;
    else if (byte === 0x66) operandPrefix = true;
    else if (byte === 0x67) addressPrefix = true;
    else if (byte !== 0xf0 && byte !== 0xf2 && byte !== 0xf3) break;
    byte = cursor.byte();
  }
  if (mode === 64 && (byte & 0xf0) === 0x40) {
    rex = byte;
    byte = cursor.byte();
  }
  const addressSize = mode === 64 ? (addressPrefix ? 1 : 2) : (mode === 32) !== addressPrefix ? 1 : 0;
  const operandSize = mode === 64 ? ((rex & 8) !== 0 ? 2 : operandPrefix ? 0 : 1) : (mode === 32) !== operandPrefix ? 1 : 0;
  const string = byte === 0x6c || byte === 0x6d || byte === 0x6e || byte === 0x6f;
  const sizes = { addressSize, operandSize } as const;
  if (string) {
    return { ...sizes, opcode: byte, reg: 0, rm: 0, isRegister: false, scale: 0, index: -1, base: -1, segment: override >= 0 ? override : DS, displacement: 0 };
  }
  if (byte === 0x0f) {
    byte = cursor.byte();
    if (byte === 0x38) byte = cursor.byte();
  }
  const opcode = byte, modrm = cursor.byte(), mod = modrm >> 6;
  const reg = ((modrm >> 3) & 7) | ((rex & 4) << 1), rm = (modrm & 7) | ((rex & 1) << 3);
  if (mod === 3) return { ...sizes, opcode, reg, rm, isRegister: true, scale: 0, index: -1, base: -1, segment: DS, displacement: 0 };

  const memory = addressSize === 0 ? memory16(cursor, modrm) : memory32(cursor, modrm, rex, mode);
  const stack = memory.base === RSP || memory.base === RBP;
  const displacement = memory.ripRelative ? cpu.nextRip + memory.displacement : memory.displacement;
  return {
    ...sizes, opcode, reg, rm: 0, isRegister: false, scale: memory.scale, index: memory.index, base: memory.base,
    segment: override >= 0 ? override : stack ? SS : DS, displacement,
  };
}

interface MemoryForm { base: number; index: number; scale: number; displacement: number; ripRelative: boolean }

function memory16(cursor: Cursor, modrm: number): MemoryForm {
  const mod = modrm >> 6, rm = modrm & 7, absolute = rm === 6 && mod === 0;
  return {
    base: absolute ? -1 : BASE_16[rm]!, index: INDEX_16[rm]!, scale: 0, ripRelative: false,
    displacement: cursor.signed(absolute || mod === 2 ? 2 : mod),
  };
}

function memory32(cursor: Cursor, modrm: number, rex: number, mode: number): MemoryForm {
  const mod = modrm >> 6;
  let base = (modrm & 7) | ((rex & 1) << 3), index = -1, scale = 0, absolute = (modrm & 7) === 5 && mod === 0;
  const ripRelative = absolute && mode === 64;
  if ((modrm & 7) === 4) {
    const sib = cursor.byte();
    base = (sib & 7) | ((rex & 1) << 3);
    index = ((sib >> 3) & 7) | ((rex & 2) << 2);
    scale = sib >> 6;
    if (index === RSP) index = -1;
    absolute = (sib & 7) === 5 && mod === 0;
  }
  return { base: absolute ? -1 : base, index, scale, ripRelative, displacement: cursor.signed(absolute || mod === 2 ? 4 : mod) };
}

/** The part that all formats with a memory operand share. */
function memoryBits(o: InstructionOperands): number {
  const index = o.index < 0 ? 1 << 22 : o.index << 18;
  const base = o.base < 0 ? 1 << 27 : o.base << 23;
  return o.scale | (o.addressSize << 7) | (o.segment << 15) | index | base;
}
const registerBits = (o: InstructionOperands): number => (o.rm << 3) | (1 << 10);

/** Tables "Format of the VM-Exit Instruction-Information Field as Used for …". */
export const FORMATS = {
  /** VMCLEAR, VMPTRLD, VMPTRST, VMXON, XRSTORS, XSAVES. */
  memory: (o: InstructionOperands): number => memoryBits(o),
  /** INVEPT, INVPCID, INVVPID: with Reg2. */
  'memory and register': (o: InstructionOperands): number => (memoryBits(o) | (o.reg << 28)) >>> 0,
  /** VMREAD and VMWRITE: either may be a register. */
  'register or memory, and register': (o: InstructionOperands): number => ((o.isRegister ? registerBits(o) : memoryBits(o)) | (o.reg << 28)) >>> 0,
  /** LGDT, LIDT, SGDT, SIDT: ModRM.reg 0 SGDT, 1 SIDT, 2 LGDT, 3 LIDT. */
  'GDTR or IDTR': (o: InstructionOperands): number => memoryBits(o) | (o.operandSize === 0 ? 0 : 1 << 11) | ((o.reg & 3) << 28),
  /** LLDT, LTR, SLDT, STR: ModRM.reg 0 SLDT, 1 STR, 2 LLDT, 3 LTR. */
  'LDTR or TR': (o: InstructionOperands): number => (o.isRegister ? registerBits(o) : memoryBits(o)) | ((o.reg & 3) << 28),
  /** RDRAND, RDSEED. */
  'random number': (o: InstructionOperands): number => (o.rm << 3) | (o.operandSize << 11),
  /** INS, OUTS. */
  string: (o: InstructionOperands): number => (o.addressSize << 7) | (o.segment << 15),
} as const;
export type Format = keyof typeof FORMATS;
