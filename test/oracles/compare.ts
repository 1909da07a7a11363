/** Compares what two processors made of a case; undefined flags are masked as the definition says, known differences named. */
import { SEGMENT_NAMES } from '../../emulator/cpu/layout.js';
import { FLAG_BITS } from '../../emulator/meaning/flags.js';
import type { RandomCase } from '../fuzz/random-cases.js';
import { KNOWN_DIFFERENCES, type KnownDifference } from './known-differences.js';
import { REGISTER_NAMES, type Result } from './native.js';

/** #TS, #NP, #SS, #GP: their error code names a descriptor. */
const HAS_SELECTOR = new Set([10, 11, 12, 13]);
/** A part of a result. */
export interface Difference { readonly what: string; readonly expected: string; readonly got: string }

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const reversed = (bytes: Uint8Array): string => hex(Uint8Array.from(bytes).reverse());
const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;
const sameMemory = (a: Result, b: Result): boolean => a.data.length === b.data.length && a.data.every(({ offset, bytes }, i) => offset === b.data[i]!.offset && same(bytes, b.data[i]!.bytes));

/** Quadwords that changed, each with its offset. */
const words = (r: Result): string[] =>
  r.data.flatMap((p) => Array.from({ length: p.bytes.length / 8 }, (_, i) => `${(p.offset + 8 * i).toString(16).padStart(4, '0')}:${hex(p.bytes.subarray(8 * i, 8 * i + 8))}`));
/** Those that only one of the two has. */
const only = (these: readonly string[], those: readonly string[]): string => these.filter((word) => !those.includes(word)).sort().join(' ');

/** The status flags that an instruction leaves undefined. */
const undefinedFlags = ({ form }: RandomCase): bigint =>
  (form.instruction.undefinedFlags ?? '').split(' ').filter(Boolean).reduce((mask, name) => mask | BigInt(FLAG_BITS[name as 'CF']), 0n);

export function differences(c: RandomCase, expected: Result, got: Result): Difference[] {
  if (expected.outcome === 'lost') return [];
  const sameOutcome = expected.outcome === got.outcome && expected.vector === got.vector;
  if (sameOutcome && expected.outcome === 'completed' && same(expected.state.bytes, got.state.bytes) && sameMemory(expected, got)) return [];
  const out: Difference[] = [];
  const say = (what: string, a: number | bigint, b: number | bigint) => { if (a !== b) out.push({ what, expected: a.toString(16), got: b.toString(16) }); };
  if (!sameOutcome) {
    const told = (r: Result) => (r.outcome === 'exception' ? `exception ${r.vector}` : r.outcome);
    return [{ what: 'outcome', expected: told(expected), got: told(got) }];
  }
  if (expected.outcome === 'exception' && HAS_SELECTOR.has(expected.vector)) say('error code', expected.errorCode, got.errorCode);
  if (expected.outcome === 'exception' && expected.vector === 14) { say('error code', expected.errorCode | 1, got.errorCode | 1); say('cr2', expected.cr2, got.cr2); }
  const a = expected.state, b = got.state, mask = ~(2n | undefinedFlags(c));
  say('rflags', a.rflags & mask, b.rflags & mask);
  say('rip', a.rip, b.rip);
  for (const name of REGISTER_NAMES) say(name, a.get(name), b.get(name));
  for (let n = 0; n < 6; n++) say(SEGMENT_NAMES[n]!.toLowerCase(), a.selector(n), b.selector(n));
  say('FS base', a.fsBase, b.fsBase);
  say('GS base', a.gsBase, b.gsBase);
  const bytes = (what: string, x: Uint8Array, y: Uint8Array) => { if (!same(x, y)) out.push({ what, expected: reversed(x), got: reversed(y) }); };
  for (let i = 0; i < 16; i++) { bytes(`xmm${i}`, a.xmm(i), b.xmm(i)); bytes(`high ymm${i}`, a.ymmHigh(i), b.ymmHigh(i)); }
  say('mxcsr', a.mxcsr, b.mxcsr);
  say('fcw', a.fxsave.getUint16(0, true), b.fxsave.getUint16(0, true));
  say('fsw', a.fxsave.getUint16(2, true), b.fxsave.getUint16(2, true));
  say('ftw', a.fxsave.getUint8(4), b.fxsave.getUint8(4));
  for (let i = 0; i < 8; i++) bytes(`st${i}`, a.st(i), b.st(i));
  if (!sameMemory(expected, got)) { const [wanted, written] = [words(expected), words(got)]; out.push({ what: 'memory', expected: only(wanted, written), got: only(written, wanted) }); }
  return out;
}

/** The entries that explain all these differences; undefined when one is not explained. */
export function explanation(c: RandomCase, expected: Result, got: Result, found: readonly Difference[]): KnownDifference[] | undefined {
  const entries = found.map((difference) => KNOWN_DIFFERENCES.find(({ forms, what, when }) =>
    forms.test(c.form.text) && (what ?? /(?:)/).test(difference.what) && when({ c, expected, got, difference })));
  return entries.some((entry) => entry === undefined) ? undefined : entries as KnownDifference[];
}

/** One line that names the instruction and what differs. */
export const told = (c: RandomCase, found: readonly Difference[]): string =>
  `${c.form.text} [${hex(c.code)}] ${c.bits}-bit: ${found.map(({ what, expected, got }) => `${what} expected ${expected}, got ${got}`).join('; ')}`;

/** What the instruction was given. */
export const given = ({ state }: RandomCase): string => [
  ...REGISTER_NAMES.map((name) => `${name}=${state.get(name).toString(16)}`), `rflags=${state.rflags.toString(16)} rip=${state.rip.toString(16)} mxcsr=${state.mxcsr.toString(16)}`,
  ...[0, 2, 4].map((at, i) => `${['fcw', 'fsw', 'ftw'][i]!}=${state.fxsave.getUint16(at, true).toString(16)}`),
  ...Array.from({ length: 8 }, (_, i) => `st${i}=${reversed(state.st(i))}`), ...Array.from({ length: 16 }, (_, i) => `ymm${i}=${reversed(state.ymmHigh(i))}${reversed(state.xmm(i))}`),
].join(' ');
