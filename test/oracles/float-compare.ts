/** What compare.ts compares, and the x87 state besides. */
import { difference as general } from './compare.js';
import type { Result } from './native.js';
import type { RandomCase } from '../fuzz/random-cases.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).reverse().toString('hex');

const C1 = 0x200, CODES = 0x4700, ES = 0x80;
/**
 * Bits of FSW that Intel's manual words otherwise than this processor, which may be another vendor's, has them: FCOMI clears
 * C1; a comparison that raises an unmasked exception leaves the condition codes; FLD ST(i) between two stack faults.
 */
function undefinedStatus({ form }: RandomCase, expected: Result): number {
  const { name } = form.instruction;
  if (/^FU?COMIP?$/.test(name)) return C1;
  if (/^F(U|I)?COM|^FTST/.test(name) && expected.state.fxsave.getUint16(2, true) & ES) return CODES;
  return name === 'FLD' && form.plusSt ? C1 : 0;
}

/** A line that names the instruction, what differs, and what it was given. */
export function difference(c: RandomCase, expected: Result, got: Result): string | undefined {
  if (expected.outcome === 'lost') return undefined;
  const differences: string[] = [];
  const say = (name: string, a: unknown, b: unknown) => { if (a !== b) differences.push(`${name} expected ${String(a)}, got ${String(b)}`); };
  const x = expected.state.fxsave, y = got.state.fxsave;
  say('fcw', x.getUint16(0, true).toString(16), y.getUint16(0, true).toString(16));
  const status = 0xffff & ~undefinedStatus(c, expected);
  say('fsw', (x.getUint16(2, true) & status).toString(16), (y.getUint16(2, true) & status).toString(16));
  say('ftw', x.getUint8(4).toString(2), y.getUint8(4).toString(2));
  // Whether an MMX instruction that faults has entered the MMX state already is the processor's affair.
  const partial = expected.outcome === 'exception' && c.form.operands.some((o) => o.kind === 'mm');
  for (let i = 0; i < 8; i++) {
    const st = (v: DataView) => hex(new Uint8Array(v.buffer, v.byteOffset + 32 + 16 * i, 10));
    say(`st${i}`, st(x), st(y));
  }
  const line = general(c, expected, got);
  if (line === undefined && (partial || differences.length === 0)) return undefined;
  const before = c.state.fxsave, registers = c.form.operands.some((o) => o.kind === 'xmm' || o.kind === 'mm');
  const given = registers
    ? Array.from({ length: 16 }, (_, i) => `xmm${i}=${hex(c.state.xmm(i))}`).join(' ')
    : Array.from({ length: 8 }, (_, i) => `st${i}=${hex(new Uint8Array(before.buffer, before.byteOffset + 32 + 16 * i, 10))}`).join(' ');
  const patches = (c.data ?? []).map((p) => `${p.offset.toString(16)}:${Buffer.from(p.bytes).toString('hex')}`).join(' ');
  return `${line ?? `${c.form.text} [${Buffer.from(c.code).toString('hex')}]`}; ${differences.join('; ')} (mxcsr ${c.state.mxcsr.toString(16)} fcw ${before.getUint16(0, true).toString(16)} fsw ${before.getUint16(2, true).toString(16)} ftw ${before.getUint8(4).toString(2)} ${given} ${process.env['FUZZ_VERBOSE'] ? patches : ''})`;
}
