/** The processor's state at the first instruction, for each way to begin. SDM Vol. 3, "Processor State After Reset". */
import { CR0, CR4, EFER } from '../cpu/modes.js';
import { FLAT_CODE32, FLAT_CODE64, FLAT_DATA, REAL_ATTRIBUTES } from '../cpu/segments.js';
import { GENERAL_REGISTERS, type DescriptorTableState, type EntryState, type GeneralRegister, type GeneralRegisters, type SegmentState } from './plan.js';

const RFLAGS_FIXED = 0x2n;
const WHOLE = 0xffffffff;
const REAL_IDT_LIMIT = 0x3ff;
const PRESENT_LDT = 0x82, PRESENT_BUSY_TSS = 0x8b;
const NO_TABLE: DescriptorTableState = { base: 0n, limit: 0 };

/** Where flat code and data are in a GDT. */
export interface FlatSelectors {
  readonly code: number;
  readonly data: number;
}

const FIRST_SELECTORS: FlatSelectors = { code: 0x08, data: 0x10 };

export type SomeRegisters = Readonly<Partial<Record<GeneralRegister, bigint>>>;

const registers = (given: SomeRegisters) =>
  Object.fromEntries(GENERAL_REGISTERS.map((name) => [name, given[name] ?? 0n])) as unknown as GeneralRegisters;

const system = {
  ldtr: { selector: 0, base: 0n, limit: 0xffff, attributes: PRESENT_LDT },
  tr: { selector: 0, base: 0n, limit: 0xffff, attributes: PRESENT_BUSY_TSS },
};

function flatSegments(attributes: number, selectors: FlatSelectors) {
  const data: SegmentState = { selector: selectors.data, base: 0n, limit: WHOLE, attributes: FLAT_DATA };
  const cs: SegmentState = { selector: selectors.code, base: 0n, limit: WHOLE, attributes };
  return { es: data, cs, ss: data, ds: data, fs: data, gs: data, ...system };
}

export function realEntry(codeSegment: number, ip: number, given: SomeRegisters): EntryState {
  const segment = (selector: number): SegmentState => ({ selector, base: BigInt(selector * 16), limit: 0xffff, attributes: REAL_ATTRIBUTES });
  const zero = segment(0);
  return {
    mode: 'real',
    registers: registers(given),
    rip: BigInt(ip),
    rflags: RFLAGS_FIXED,
    segments: { es: zero, cs: segment(codeSegment), ss: zero, ds: zero, fs: zero, gs: zero, ...system },
    cr0: BigInt(CR0.ET),
    cr3: 0n,
    cr4: 0n,
    efer: 0n,
    gdtr: NO_TABLE,
    idtr: { base: 0n, limit: REAL_IDT_LIMIT },
  };
}

/** Flat segments, paging off. Without a GDT the segments hold until one is loaded, as the Multiboot Specification has it. */
export function protected32Entry(rip: bigint, given: SomeRegisters, gdtr = NO_TABLE, selectors = FIRST_SELECTORS): EntryState {
  return {
    mode: 'protected32',
    registers: registers(given),
    rip,
    rflags: RFLAGS_FIXED,
    segments: flatSegments(FLAT_CODE32, selectors),
    cr0: BigInt(CR0.PE | CR0.ET),
    cr3: 0n,
    cr4: 0n,
    efer: 0n,
    gdtr,
    idtr: NO_TABLE,
  };
}

/** 64-bit mode with SSE enabled, as compilers take it for granted. */
export function long64Entry(rip: bigint, given: SomeRegisters, gdtr: DescriptorTableState, pageTableRoot: number, selectors = FIRST_SELECTORS): EntryState {
  return {
    mode: 'long64',
    registers: registers(given),
    rip,
    rflags: RFLAGS_FIXED,
    segments: flatSegments(FLAT_CODE64, selectors),
    cr0: BigInt(CR0.PE) | BigInt(CR0.MP) | BigInt(CR0.ET) | BigInt(CR0.NE) | BigInt(CR0.PG),
    cr3: BigInt(pageTableRoot),
    cr4: BigInt(CR4.PAE | CR4.OSFXSR | CR4.OSXMMEXCPT),
    efer: BigInt(EFER.LME | EFER.LMA),
    gdtr,
    idtr: NO_TABLE,
  };
}

/** Null descriptors, but for flat code and data. */
export function flatGdt(mode: 'protected32' | 'long64', selectors = FIRST_SELECTORS): Uint8Array {
  const gdt = new DataView(new ArrayBuffer(selectors.data + 8));
  const descriptor = (selector: number, attributes: number) => {
    gdt.setUint32(selector, 0xffff, true);
    gdt.setUint32(selector + 4, ((attributes & 0xff) << 8) | 0xf0000 | ((attributes >> 12) << 20), true);
  };
  descriptor(selectors.code, mode === 'long64' ? FLAT_CODE64 : FLAT_CODE32);
  descriptor(selectors.data, FLAT_DATA);
  return new Uint8Array(gdt.buffer);
}
