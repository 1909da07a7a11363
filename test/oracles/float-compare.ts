/** What compare.ts compares, and the x87 state besides; what Intel's manual leaves open or words otherwise is named here. */
import { difference as general, knownDifference } from './compare.js';
import type { Result } from './native.js';
import type { RandomCase } from '../fuzz/random-cases.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).reverse().toString('hex');
const register = (r: { readonly fxsave: DataView }, i: number): string => hex(new Uint8Array(r.fxsave.buffer, r.fxsave.byteOffset + 32 + 16 * i, 10));
const statusWord = (r: Result): number => r.state.fxsave.getUint16(2, true);

const C1 = 0x200, CODES = 0x4700, ES = 0x80;
const TRANSCENDENTAL = /^(F2XM1|FYL2X(P1)?|FPTAN|FPATAN|FSIN|FCOS|FSINCOS)$/;

/** Bits of FSW that this processor, which may be another vendor's, has otherwise than the manual says. */
function undefinedStatus({ form }: RandomCase, expected: Result): number {
  const { name } = form.instruction;
  // "C1: Set to 0."
  if (/^FU?COMIP?$/.test(name)) return C1;
  // "If the invalid-arithmetic-operand exception is unmasked, the condition code flags are not set."
  if (/^F(U|I)?COM|^FTST/.test(name) && statusWord(expected) & ES) return CODES;
  // Empty source and full stack at once: which of the two stack faults it is.
  if (name === 'FLD' && form.plusSt) return C1;
  // Whether the last bit was rounded up is known only of the exact value.
  return TRANSCENDENTAL.test(name) ? C1 : 0;
}

/** "The worst case error … is less than 1 ulp", of either processor. */
function nearlyEqual(a: string, b: string): boolean {
  const distance = BigInt(`0x${a}`) - BigInt(`0x${b}`);
  return distance >= -1n && distance <= 1n;
}

/** Operands for which "the result is undefined". */
function undefinedOperand({ form, state }: RandomCase): boolean {
  const exponent = parseInt(register(state, 0).slice(0, 4), 16) & 0x7fff, bias = 0x3fff;
  return (form.instruction.name === 'F2XM1' && exponent >= bias) || (form.instruction.name === 'FYL2XP1' && exponent >= bias - 2);
}

/** A line that names the instruction, what differs, and what it was given. */
export function difference(c: RandomCase, expected: Result, got: Result): string | undefined {
  if (expected.outcome === 'lost' || undefinedOperand(c)) return undefined;
  const differences: string[] = [];
  const say = (name: string, a: unknown, b: unknown) => { if (a !== b) differences.push(`${name} expected ${String(a)}, got ${String(b)}`); };
  const x = expected.state.fxsave, y = got.state.fxsave, { name } = c.form.instruction;
  say('fcw', x.getUint16(0, true).toString(16), y.getUint16(0, true).toString(16));
  const status = 0xffff & ~undefinedStatus(c, expected);
  say('fsw', (statusWord(expected) & status).toString(16), (statusWord(got) & status).toString(16));
  say('ftw', x.getUint8(4).toString(2), y.getUint8(4).toString(2));
  for (let i = 0; i < 8; i++) {
    const a = register(expected.state, i), b = register(got.state, i);
    if (!(TRANSCENDENTAL.test(name) && nearlyEqual(a, b))) say(`st${i}`, a, b);
  }
  // Whether an MMX instruction that faults has entered the MMX state already is the processor's affair.
  const partial = expected.outcome === 'exception' && c.form.operands.some((o) => o.kind === 'mm');
  let line = general(c, expected, got);
  if (line !== undefined && knownDifference(c, expected, got, line)) line = undefined;
  // FCOMI: an unmasked stack fault or invalid operand "does not set" the status flags; this processor sets them.
  if (/^FU?COMIP?$/.test(name) && statusWord(expected) & ES && /: rflags expected \S+, got \S+$/.test(line ?? '')) line = undefined;
  if (line === undefined && (partial || differences.length === 0)) return undefined;
  const given = c.form.operands.some((o) => o.kind === 'xmm' || o.kind === 'mm')
    ? Array.from({ length: 16 }, (_, i) => `xmm${i}=${hex(c.state.xmm(i))}`)
    : Array.from({ length: 8 }, (_, i) => `st${i}=${register(c.state, i)}`);
  const before = c.state.fxsave;
  return `${line ?? `${c.form.text} [${Buffer.from(c.code).toString('hex')}]`}; ${differences.join('; ')} (mxcsr ${c.state.mxcsr.toString(16)} fcw ${before.getUint16(0, true).toString(16)} fsw ${before.getUint16(2, true).toString(16)} ftw ${before.getUint8(4).toString(2)} ${given.join(' ')})`;
}
