/** Compares what two processors made of a case; undefined flags are masked as the definition says, known differences named. */
import { FLAG_BITS } from '../../emulator/meaning/flags.js';
import { REGISTER_NAMES, type Result } from './native.js';
import type { RandomCase } from '../fuzz/random-cases.js';
import { KNOWN_DIFFERENCES, type KnownDifference } from './known-differences.js';

/** #TS, #NP, #SS, #GP: their error code names a descriptor. */
const HAS_SELECTOR = new Set([10, 11, 12, 13]);

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Quadwords that changed, each with its offset. */
const memory = (r: Result): string[] =>
  r.data.flatMap((p) => Array.from({ length: p.bytes.length / 8 }, (_, i) => `${(p.offset + 8 * i).toString(16).padStart(4, '0')}:${hex(p.bytes.subarray(8 * i, 8 * i + 8))}`));
/** Those that only one of the two has. */
const only = (these: readonly string[], those: readonly string[]): string => these.filter((word) => !those.includes(word)).sort().join(' ');

/** Undefined; or one line that names the instruction and what differs. */
export function difference(c: RandomCase, expected: Result, got: Result): string | undefined {
  if (expected.outcome === 'lost') return undefined;
  const differences: string[] = [];
  const say = (name: string, a: unknown, b: unknown) => { if (a !== b) differences.push(`${name} expected ${String(a)}, got ${String(b)}`); };
  say('outcome', expected.outcome === 'exception' ? `exception ${expected.vector}` : 'completed', got.outcome === 'exception' ? `exception ${got.vector}` : 'completed');
  if (differences.length === 0) {
    if (expected.outcome === 'exception' && HAS_SELECTOR.has(expected.vector)) say('error code', expected.errorCode, got.errorCode);
    if (expected.outcome === 'exception' && expected.vector === 14) { say('error code', expected.errorCode | 1, got.errorCode | 1); say('cr2', expected.cr2.toString(16), got.cr2.toString(16)); }
    let mask = ~2n;
    for (const name of (c.form.instruction.undefinedFlags ?? '').split(' ').filter(Boolean)) mask &= ~BigInt(FLAG_BITS[name as 'CF']);
    say('rflags', (expected.state.rflags & mask).toString(16), (got.state.rflags & mask).toString(16));
    say('rip', expected.state.rip.toString(16), got.state.rip.toString(16));
    for (const name of REGISTER_NAMES) say(name, expected.state.get(name).toString(16), got.state.get(name).toString(16));
    for (let i = 0; i < 16; i++) say(`xmm${i}`, hex(expected.state.xmm(i)), hex(got.state.xmm(i)));
    say('mxcsr', expected.state.mxcsr, got.state.mxcsr);
    // What a faulting ENTER or PUSHA has already put below the stack pointer is nobody's.
    const partial = expected.outcome === 'exception' && /^(ENTER|PUSHA)/.test(c.form.instruction.name);
    const [wanted, written] = [memory(expected), memory(got)];
    if (!partial) say('memory', only(wanted, written), only(written, wanted));
  }
  if (differences.length === 0) return undefined;
  return `${c.form.text} [${hex(c.code)}] ${c.bits ?? 64}-bit${process.env['FUZZ_VERBOSE'] ? ` (${REGISTER_NAMES.map((n) => `${n}=${c.state.get(n).toString(16)}`).join(' ')})` : ''}: ${differences.join('; ')}`;
}

/** `says` is what `difference` said. */
export const knownDifference = (c: RandomCase, expected: Result, got: Result, says: string): KnownDifference | undefined =>
  KNOWN_DIFFERENCES.find(({ forms, when }) => forms.test(c.form.text) && when(expected, got, says));
