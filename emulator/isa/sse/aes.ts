/** AESENC and its kin: the S-boxes are tables of sixteen vectors, the rest is shuffles. SDM Vol. 2, by their names; Vol. 1, "Advanced Encryption Standard (AES) Acceleration". */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction } from '../instruction.js';
import { withVex } from './rows.js';
import { combined, constant, every, shuffle, sse, vector } from './vector.js';

const VEX = { 128: 'AES AVX' } as const;

/** Multiplication by x in GF(2^8), modulo x^8 + x^4 + x^3 + x + 1. */
const REDUCTION = 0x1b;
const timesX = (a: number): number => ((a << 1) ^ (a & 0x80 ? REDUCTION : 0)) & 0xff;
const times = (a: number, b: number): number => (b === 0 ? 0 : (b & 1 ? a : 0) ^ times(timesX(a), b >> 1));
const rotated = (a: number, n: number): number => ((a << n) | (a >> (8 - n))) & 0xff;
const BYTES = Array.from({ length: 256 }, (_, i) => i);
const S_BOX = BYTES.map((a) => {
  const inverse = BYTES.find((b) => times(a, b) === 1) ?? 0;
  return [1, 2, 3, 4].reduce((sum, n) => sum ^ rotated(inverse, n), inverse) ^ 0x63;
});
const INVERSE_S_BOX = BYTES.map((a) => S_BOX.indexOf(a));

/** Sixteen bytes of the table at a time: an index that lies elsewhere gives zero. */
function substitute(cpu: Cpu, table: readonly number[], a: Value): Value {
  const part = (at: number) => vector(cpu, 'i8x16.swizzle', constant(cpu, table.slice(at, at + 16)), vector(cpu, 'i8x16.sub', a, every(cpu, BigInt(at), 8)));
  return Array.from({ length: 15 }, (_, i) => 16 * (i + 1)).reduce((sum, at) => vector(cpu, 'v128.or', sum, part(at)), part(0));
}

const PLACES = Array.from({ length: 16 }, (_, i) => i);
const permute = (cpu: Cpu, a: Value, lanes: readonly number[]): Value => shuffle(cpu, a, a, lanes);
/** Row r of the state is every fourth byte from r on: it moves by r columns. */
const SHIFTED_ROWS = PLACES.map((i) => (i + 4 * (i & 3)) & 15), INVERSE_SHIFTED_ROWS = PLACES.map((i) => (i - 4 * (i & 3)) & 15);
const ROTATED_COLUMNS = [1, 2, 3].map((n) => PLACES.map((i) => (i & ~3) | ((i + n) & 3)));

const xor = (cpu: Cpu, ...of: Value[]): Value => of.reduce((sum, v) => vector(cpu, 'v128.xor', sum, v));
const doubled = (cpu: Cpu, a: Value): Value => xor(cpu, vector(cpu, 'i8x16.add', a, a), vector(cpu, 'v128.and', vector(cpu, 'i8x16.lt_s', a, every(cpu, 0n, 8)), every(cpu, BigInt(REDUCTION), 8)));
/** Columns times 3x^3 + x^2 + x + 2. */
function mixColumns(cpu: Cpu, a: Value): Value {
  const [next, second, third] = ROTATED_COLUMNS.map((lanes) => permute(cpu, a, lanes)) as [Value, Value, Value];
  return xor(cpu, doubled(cpu, xor(cpu, a, next)), next, second, third);
}
/** The inverse is 4x^2 + 5 times the same. */
function inverseMixColumns(cpu: Cpu, a: Value): Value {
  const four = doubled(cpu, doubled(cpu, xor(cpu, a, permute(cpu, a, ROTATED_COLUMNS[1]!))));
  return mixColumns(cpu, xor(cpu, a, four));
}

const encrypt = (cpu: Cpu, a: Value): Value => permute(cpu, substitute(cpu, S_BOX, a), SHIFTED_ROWS);
const decrypt = (cpu: Cpu, a: Value): Value => permute(cpu, substitute(cpu, INVERSE_S_BOX, a), INVERSE_SHIFTED_ROWS);
type Round = (cpu: Cpu, state: Value, key: Value) => Value;
const ROUNDS: readonly (readonly [name: string, summary: string, opcode: string, round: Round])[] = [
  ['AESENC', 'Perform One Round of an AES Encryption Flow', 'DC', (cpu, state, key) => xor(cpu, mixColumns(cpu, encrypt(cpu, state)), key)],
  ['AESENCLAST', 'Perform Last Round of an AES Encryption Flow', 'DD', (cpu, state, key) => xor(cpu, encrypt(cpu, state), key)],
  ['AESDEC', 'Perform One Round of an AES Decryption Flow', 'DE', (cpu, state, key) => xor(cpu, inverseMixColumns(cpu, decrypt(cpu, state)), key)],
  ['AESDECLAST', 'Perform Last Round of an AES Decryption Flow', 'DF', (cpu, state, key) => xor(cpu, decrypt(cpu, state), key)],
];
export const AES_ROUNDS: readonly Instruction[] = ROUNDS.map(([name, summary, opcode, round]) => instruction(name, summary, {
  encodings: withVex(`66 0F 38 ${opcode} /r | ${name} xmm1, xmm2/m128 | aligned`, { lengths: VEX }), feature: 'AES', flags: 'None affected.',
  operation(cpu, ...operands) {
    sse(cpu);
    combined(cpu, operands, (state, key) => round(cpu, state, key));
  },
}));

export const AESIMC = instruction('AESIMC', 'Perform the AES InvMixColumn Transformation', {
  encodings: withVex('66 0F 38 DB /r | AESIMC xmm1, xmm2/m128 | aligned', { lengths: VEX, source: false }), feature: 'AES', flags: 'None affected.',
  operation(cpu, dest, src) {
    sse(cpu);
    dest.write(inverseMixColumns(cpu, src.read(128)));
  },
});

/** Doublewords 1 and 3 through the S-box, each also rotated by a byte and with the round constant. */
const ODD_TWICE = [4, 5, 6, 7, 5, 6, 7, 4, 12, 13, 14, 15, 13, 14, 15, 12];
export const AESKEYGENASSIST = instruction('AESKEYGENASSIST', 'AES Round Key Generation Assist', {
  encodings: withVex('66 0F 3A DF /r ib | AESKEYGENASSIST xmm1, xmm2/m128, imm8 | aligned', { lengths: VEX, source: false }), feature: 'AES', flags: 'None affected.',
  operation(cpu, dest, src, constantOfRound) {
    sse(cpu);
    const words = permute(cpu, substitute(cpu, S_BOX, src.read(128)), ODD_TWICE);
    dest.write(xor(cpu, words, cpu.meaning.wasm('i64x2.splat', 128, [constantOfRound.read(8).zeroExtend(64).shl(32)])));
  },
});
