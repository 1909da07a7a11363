/** The registers by the names that assemblers give them. SDM Vol. 1, "Basic Program Execution Registers"; Vol. 3, "System-Level Registers". */
import type { OperandKind } from '../emulator/isa/encoding.js';

export interface Register {
  readonly name: string;
  /** The kind of operand that it can be; absent where no operand of the manual's is meant (RIP, RFLAGS). */
  readonly kind: OperandKind | undefined;
  readonly bits: number;
  readonly number: number;
  readonly what: string;
  /** The register of which it is a part, and where in it it begins: itself at 0 for most. */
  readonly whole: string;
  readonly firstBit: number;
}

const GENERAL: readonly (readonly [name: string, role: string])[] = [
  ['ax', 'accumulator for operands and results'],
  ['cx', 'counter for string and loop operations'],
  ['dx', 'I/O pointer; upper half of wide products and dividends'],
  ['bx', 'pointer to data'],
  ['sp', 'stack pointer'],
  ['bp', 'pointer to data on the stack, by convention the frame'],
  ['si', 'source pointer for string operations'],
  ['di', 'destination pointer for string operations'],
];
const SEGMENTS = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS'] as const;
const SEGMENT_ROLES: Readonly<Record<(typeof SEGMENTS)[number], string>> = {
  ES: 'data segment; destination of string operations', CS: 'code segment; its low two bits are the CPL while it runs', SS: 'stack segment',
  DS: 'data segment', FS: 'data segment; in 64-bit mode only its base counts', GS: 'data segment; in 64-bit mode only its base counts',
};
const CONTROL: Readonly<Record<number, string>> = {
  0: 'system control flags: protection, paging, caches, FPU', 2: 'page-fault linear address', 3: 'physical address of the paging structures; PCID or PCD and PWT',
  4: 'architectural extensions that the operating system enables', 8: 'task-priority register (TPR)',
};
const DEBUG: Readonly<Record<number, string>> = {
  0: 'address of breakpoint 0', 1: 'address of breakpoint 1', 2: 'address of breakpoint 2', 3: 'address of breakpoint 3',
  4: 'alias of DR6 unless CR4.DE is 1', 5: 'alias of DR7 unless CR4.DE is 1', 6: 'debug status', 7: 'debug control',
};

type Part = Omit<Register, 'whole' | 'firstBit'> & Partial<Register>;
const whole = (register: Part): Register => ({ whole: register.name, firstBit: 0, ...register });

function* generalRegisters(): Generator<Register> {
  const part = (name: string, container: string, number: number, bits: number, what: string, firstBit = 0): Register =>
    ({ name, kind: 'gpr', bits, number, what: `${what} of ${container.toUpperCase()}`, whole: container, firstBit });
  const LOW_32 = 'bits 31:0; a write clears bits 63:32';
  for (const [number, [name, role]] of GENERAL.entries()) {
    const container = `r${name}`;
    yield whole({ name: container, kind: 'gpr', bits: 64, number, what: role });
    yield part(`e${name}`, container, number, 32, LOW_32);
    yield part(name, container, number, 16, 'bits 15:0');
    const isLettered = name.endsWith('x'), low = isLettered ? `${name[0]!}l` : `${name}l`;
    yield part(low, container, number, 8, 'bits 7:0');
    if (isLettered) yield part(`${name[0]!}h`, container, number + 4, 8, 'bits 15:8', 8);
  }
  for (let number = 8; number < 16; number++) {
    const container = `r${number}`;
    yield whole({ name: container, kind: 'gpr', bits: 64, number, what: 'general-purpose register of 64-bit mode' });
    yield part(`${container}d`, container, number, 32, LOW_32);
    yield part(`${container}w`, container, number, 16, 'bits 15:0');
    yield part(`${container}b`, container, number, 8, 'bits 7:0');
  }
}

function* otherRegisters(): Generator<Register> {
  for (const [number, name] of SEGMENTS.entries()) yield whole({ name: name.toLowerCase(), kind: 'segment', bits: 16, number, what: SEGMENT_ROLES[name] });
  for (const [number, what] of Object.entries(CONTROL)) yield whole({ name: `cr${number}`, kind: 'control', bits: 64, number: Number(number), what });
  for (const [number, what] of Object.entries(DEBUG)) yield whole({ name: `dr${number}`, kind: 'debug', bits: 64, number: Number(number), what });
  for (let number = 0; number < 16; number++) {
    yield whole({ name: `ymm${number}`, kind: 'ymm', bits: 256, number, what: 'AVX register' });
    yield { name: `xmm${number}`, kind: 'xmm', bits: 128, number, what: 'SSE register', whole: `ymm${number}`, firstBit: 0 };
  }
  for (let number = 0; number < 8; number++) {
    yield whole({ name: `mm${number}`, kind: 'mm', bits: 64, number, what: `MMX register, the significand of an x87 register` });
    yield whole({ name: `st${number}`, kind: 'st', bits: 80, number, what: `x87 register, ${number} below the top of the stack` });
  }
  yield whole({ name: 'st', kind: 'st', bits: 80, number: 0, what: 'top of the x87 register stack' });
  yield whole({ name: 'rip', kind: undefined, bits: 64, number: 0, what: 'instruction pointer' });
  yield { name: 'eip', kind: undefined, bits: 32, number: 0, what: 'bits 31:0 of RIP', whole: 'rip', firstBit: 0 };
  yield { name: 'ip', kind: undefined, bits: 16, number: 0, what: 'bits 15:0 of RIP', whole: 'rip', firstBit: 0 };
  yield whole({ name: 'rflags', kind: undefined, bits: 64, number: 0, what: 'flags' });
  yield { name: 'eflags', kind: undefined, bits: 32, number: 0, what: 'bits 31:0 of RFLAGS', whole: 'rflags', firstBit: 0 };
}

/** By name, in small letters. */
export const REGISTERS: ReadonlyMap<string, Register> = new Map([...generalRegisters(), ...otherRegisters()].map((register) => [register.name, register]));

/** A register as written in a source: `%rax`, `RAX`, `%st(1)`. */
export function findRegister(text: string): Register | undefined {
  const name = text.replace(/^%/, '').toLowerCase();
  return REGISTERS.get(name) ?? REGISTERS.get(name.replace(/^st\s*\(\s*(\d)\s*\)$/, 'st$1'));
}

const KINDS: Readonly<Partial<Record<OperandKind, string>>> = {
  gpr: 'general-purpose register', segment: 'segment register', control: 'control register', debug: 'debug register', xmm: 'XMM register', ymm: 'YMM register', mm: 'MMX register', st: 'x87 register',
};
export const describeRegister = ({ kind, bits, what }: Register): string => `${bits}-bit ${kind === undefined ? 'register' : (KINDS[kind] ?? 'register')}: ${what}.`;
