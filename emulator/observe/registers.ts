/** Every register that people see, by group: how to read it, how to write it, and what its bits mean. SDM Vol. 1, "Basic Execution Environment". */
import { readCr8, writeCr0, writeCr3, writeCr4, writeCr8 } from '../cpu/control-registers.js';
import { getRflags, setRflags } from '../cpu/flags.js';
import { GENERAL_NAMES as GENERAL, gpr, S, SEGMENT, segment, SEGMENT_NAMES, xmm } from '../cpu/layout.js';
import { setPkru } from '../cpu/protection-keys.js';
import { ATTRIBUTE_DB, ATTRIBUTE_L, ATTRIBUTE_P, ATTRIBUTE_S, UNUSABLE, type Processor } from '../cpu/processor.js';
import { setSegment } from '../cpu/segments.js';
import { writeXcr0 } from '../cpu/xsave.js';
import { bitField, CR0, CR4, DR6, DR7, EFER, FCW, FSW, MXCSR, namesOfBits, RFLAGS, XCR0, type BitNames } from './bits.js';

export interface Register {
  readonly name: string;
  readonly bits: number;
  read(cpu: Processor): bigint;
  /** Absent: it can only be read. Throws an Exception when the processor would refuse the value. */
  write?(cpu: Processor, value: bigint): void;
  /** What the value means, in words. */
  explain?(value: bigint, cpu: Processor): string;
  readonly parts?: readonly Register[];
}

export interface RegisterGroup {
  readonly name: 'General' | 'Flags' | 'Segments' | 'Control' | 'Debug' | 'SSE' | 'x87';
  readonly registers: readonly Register[];
}

const state = (name: string, at: number, rest: Partial<Register> = {}): Register => ({
  name,
  bits: 64,
  read: (cpu) => cpu.big(at),
  write: (cpu, value) => { cpu.setBig(at, value); },
  ...rest,
});
const state32 = (name: string, at: number, bits: number, rest: Partial<Register> = {}): Register => ({
  name,
  bits,
  read: (cpu) => BigInt(cpu.low(at)),
  write: (cpu, value) => { cpu.u32[at >> 2] = Number(value); },
  ...rest,
});

/** A register whose loading has effects: the processor's own rule decides. */
const checked = (name: string, at: number, load: (cpu: Processor, low: number, high: number) => void, bits?: BitNames): Register => ({
  name,
  bits: 64,
  read: (cpu) => cpu.big(at),
  write: (cpu, value) => {
    const high = Number(value >> 32n);
    load(cpu, name === 'CR3' ? Number(value & 0x7fffffffffffffffn) : Number(value & 0xffffffffn), high);
    cpu.modeChanged();
  },
  ...(bits && { explain: namesOfBits(bits) }),
});

const flag = ([name, bit, width = 1]: BitNames[number]): Register => ({
  name,
  bits: width,
  read: (cpu) => bitField(BigInt(getRflags(cpu)), bit, width),
  write: (cpu, value) => {
    const mask = ((1 << width) - 1) << bit;
    setRflags(cpu, (getRflags(cpu) & ~mask) | (Number(value) << bit));
    cpu.modeChanged();
  },
});

/** SDM Vol. 3, "Code- and Data-Segment Descriptor Types" and "System Descriptor Types". */
function explainSegment(cpu: Processor, index: number): string {
  const attributes = cpu.attributes(index);
  const range = `base 0x${BigInt.asUintN(64, BigInt(cpu.base(index))).toString(16)}, limit 0x${cpu.limit(index).toString(16)}`;
  if (attributes & UNUSABLE) return `${range}, unusable`;
  const type = attributes & 15;
  const dpl = (attributes >> 5) & 3;
  const present = attributes & ATTRIBUTE_P ? '' : ', not present';
  if (!(attributes & ATTRIBUTE_S)) return `${range}, ${SYSTEM_TYPES[type] ?? `system type ${type}`}, DPL ${dpl}${present}`;
  const isCode = (type & 8) !== 0;
  const width = attributes & ATTRIBUTE_L && isCode ? '64-bit ' : attributes & ATTRIBUTE_DB ? '32-bit ' : '16-bit ';
  const kind = isCode ? `code${type & 2 ? '' : ', execute-only'}${type & 4 ? ', conforming' : ''}` : `data${type & 2 ? '' : ', read-only'}${type & 4 ? ', expand-down' : ''}`;
  return `${range}, ${width}${kind}, DPL ${dpl}${present}`;
}

const SYSTEM_TYPES: Readonly<Record<number, string>> = { 1: 'available 16-bit TSS', 2: 'LDT', 3: 'busy 16-bit TSS', 9: 'available TSS', 11: 'busy TSS' };

type SegmentPart = 'selector' | 'base' | 'limit' | 'attributes';

const segmentPart = (index: number, part: SegmentPart, bits: number): Register => ({
  name: `${SEGMENT_NAMES[index]!}.${part}`,
  bits,
  read: (cpu) => (part === 'base' ? cpu.big(segment(index) + SEGMENT.base) : BigInt(cpu.low(segment(index) + SEGMENT[part]))),
  write: (cpu, value) => {
    const now = { selector: cpu.selector(index), base: cpu.base(index), limit: cpu.limit(index), attributes: cpu.attributes(index) };
    now[part] = Number(part === 'base' ? BigInt.asIntN(64, value) : value);
    setSegment(cpu, index, now.selector, now.base, now.limit, now.attributes);
    cpu.modeChanged();
  },
});

const segmentRegister = (index: number): Register => {
  const selector = segmentPart(index, 'selector', 16);
  return {
    ...selector,
    name: SEGMENT_NAMES[index]!,
    explain: (_, cpu) => explainSegment(cpu, index),
    parts: [selector, segmentPart(index, 'base', 64), segmentPart(index, 'limit', 32), segmentPart(index, 'attributes', 32)],
  };
};

/** Little-endian bytes as one number. */
function readWide(cpu: Processor, at: number, bytes: number): bigint {
  let value = 0n;
  for (let offset = bytes - 8; offset >= 0; offset -= 8) value = (value << 64n) | cpu.big(at + offset);
  return value;
}
function writeWide(cpu: Processor, at: number, bytes: number, value: bigint): void {
  for (let offset = 0; offset < bytes; offset += 8) cpu.setBig(at + offset, BigInt.asUintN(64, value >> BigInt(8 * offset)));
}

/** SDM Vol. 1, "Double Extended-Precision Floating-Point Format": as near as a double comes. */
export function fromExtended(bits: bigint): number {
  const exponent = Number((bits >> 64n) & 0x7fffn);
  const significand = BigInt.asUintN(64, bits);
  const sign = bits >> 79n ? -1 : 1;
  if (exponent === 0x7fff) return BigInt.asUintN(63, significand) === 0n ? sign * Infinity : NaN;
  return (sign * Number(significand)) / 2 ** 63 * 2 ** (exponent - 16383);
}

/** ST(n) by its distance from the top of the stack. */
const stackTop = (n: number): Register => {
  const at = (cpu: Processor): number => S.x87 + 16 * (((cpu.low(S.fsw) >> 11) + n) & 7);
  return {
    name: `ST${n}`,
    bits: 80,
    read: (cpu) => cpu.big(at(cpu)) | (BigInt(cpu.low(at(cpu) + 8) & 0xffff) << 64n),
    write: (cpu, value) => {
      cpu.setBig(at(cpu), BigInt.asUintN(64, value));
      cpu.setBig(at(cpu) + 8, value >> 64n);
    },
    explain: (value) => String(fromExtended(value)),
  };
};

export const REGISTER_GROUPS: readonly RegisterGroup[] = [
  {
    name: 'General',
    registers: [
      ...GENERAL.map((name, number) => state(name, gpr(number))),
      state('RIP', S.rip),
      { name: 'RFLAGS', bits: 64, read: (cpu) => BigInt(getRflags(cpu)), write: (cpu, value) => { setRflags(cpu, Number(value)); cpu.modeChanged(); }, explain: namesOfBits(RFLAGS) },
    ],
  },
  { name: 'Flags', registers: RFLAGS.map(flag) },
  {
    name: 'Segments',
    registers: [
      ...SEGMENT_NAMES.map((_, index) => segmentRegister(index)),
      state('FS_BASE', segment(4) + SEGMENT.base),
      state('GS_BASE', segment(5) + SEGMENT.base),
      state('GDTR_BASE', S.gdtrBase),
      state32('GDTR_LIMIT', S.gdtrLimit, 16),
      state('IDTR_BASE', S.idtrBase),
      state32('IDTR_LIMIT', S.idtrLimit, 16),
    ],
  },
  {
    name: 'Control',
    registers: [
      checked('CR0', S.cr0, writeCr0, CR0),
      state('CR2', S.cr2),
      checked('CR3', S.cr3, writeCr3),
      checked('CR4', S.cr4, writeCr4, CR4),
      { name: 'CR8', bits: 4, read: (cpu) => BigInt(readCr8(cpu)), write: (cpu, value) => { writeCr8(cpu, Number(value)); } },
      { name: 'EFER', bits: 64, read: (cpu) => cpu.big(S.efer), explain: namesOfBits(EFER) },
      checked('XCR0', S.xcr0, writeXcr0, XCR0),
      { name: 'PKRU', bits: 32, read: (cpu) => BigInt(cpu.low(S.pkru)), write: (cpu, value) => { setPkru(cpu, Number(value)); } },
      { name: 'CPL', bits: 2, read: (cpu) => BigInt(cpu.cpl) },
    ],
  },
  {
    name: 'Debug',
    registers: [0, 1, 2, 3, 6, 7].map((number) => state(`DR${number}`, S.dr + 8 * number, number === 6 ? { explain: namesOfBits(DR6) } : number === 7 ? { explain: namesOfBits(DR7) } : {})),
  },
  {
    name: 'SSE',
    registers: [
      state32('MXCSR', S.mxcsr, 32, { write: (cpu, value) => { cpu.u32[S.mxcsr >> 2] = Number(value) & cpu.low(S.mxcsrMask); cpu.modeChanged(); }, explain: namesOfBits(MXCSR) }),
      ...GENERAL.flatMap((_, number) => [16, 32].map((bytes): Register => ({
        name: `${bytes === 16 ? 'XMM' : 'YMM'}${number}`,
        bits: 8 * bytes,
        read: (cpu) => readWide(cpu, xmm(number), bytes),
        write: (cpu, value) => { writeWide(cpu, xmm(number), bytes, value); },
      }))),
    ],
  },
  {
    name: 'x87',
    registers: [
      ...[0, 1, 2, 3, 4, 5, 6, 7].map(stackTop),
      state32('FCW', S.fcw, 16, { explain: namesOfBits(FCW) }),
      state32('FSW', S.fsw, 16, { explain: namesOfBits(FSW) }),
      state32('FTW', S.ftw, 8),
      state32('FOP', S.fop, 11),
      state('FIP', S.fip),
      state('FDP', S.fdp),
    ],
  },
];

/** A part of a general register: RAX is also EAX, AX, AL and AH. */
function part(whole: Register, name: string, bits: number, shift = 0): Register {
  const mask = ((1n << BigInt(bits)) - 1n) << BigInt(shift);
  return {
    name,
    bits,
    read: (cpu) => (whole.read(cpu) & mask) >> BigInt(shift),
    write: (cpu, value) => { whole.write!(cpu, bits === 32 ? value : (whole.read(cpu) & ~mask) | ((value << BigInt(shift)) & mask)); },
  };
}

function* partsOf(whole: Register): Generator<Register> {
  const { name } = whole;
  if (/^R\d+$/.test(name)) yield* [part(whole, `${name}D`, 32), part(whole, `${name}W`, 16), part(whole, `${name}B`, 8)];
  else if (/^R(.X|SP|BP|SI|DI|IP)$/.test(name)) {
    const short = name.slice(1);
    yield* [part(whole, `E${short}`, 32), part(whole, short, 16)];
    if (short.endsWith('X')) yield* [part(whole, `${short[0]!}L`, 8), part(whole, `${short[0]!}H`, 8, 8)];
    else if (short !== 'IP') yield part(whole, `${short}L`, 8);
  } else if (name === 'RFLAGS') yield part(whole, 'EFLAGS', 32);
}

const BY_NAME = new Map<string, Register>();
for (const { registers } of REGISTER_GROUPS) {
  for (const register of registers) {
    for (const each of [register, ...(register.parts ?? []), ...partsOf(register)]) BY_NAME.set(each.name.toLowerCase(), each);
  }
}

/** In any case: RAX, al, cr3, cs.base, fs_base, zf, xmm3. */
export const findRegister = (name: string): Register | undefined => BY_NAME.get(name.toLowerCase());
export const registerNames = [...BY_NAME.keys()];
