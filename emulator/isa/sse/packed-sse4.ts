/** The packed integer operations of SSE4.1 and SSE4.2 without an immediate byte. SDM Vol. 2, by their names. */
import { each, type PackedInteger } from './packed-integer.js';
import { ONLY_128 } from './rows.js';
import { constant, shuffle, vector } from './vector.js';

type Compute = PackedInteger['compute'];
const SSE41 = { map: '0F 38', since: 'SSE4.1' } as const;

const EVEN_DOUBLEWORDS = [0, 1, 2, 3, 8, 9, 10, 11, 0, 1, 2, 3, 8, 9, 10, 11];
const multiplySigned: Compute = (cpu, a, b) => {
  const even = (v: typeof a) => shuffle(cpu, v, v, EVEN_DOUBLEWORDS);
  return vector(cpu, 'i64x2.extmul_low_i32x4_s', even(a), even(b));
};

/** Each word above its index: the smallest doubleword is the smallest word, the first of several. */
const minimumWord: Compute = (cpu, _a, b) => {
  const ranked = (half: 'low' | 'high', indices: readonly number[]) => vector(cpu, 'v128.or',
    cpu.meaning.wasm('i32x4.shl', 128, [vector(cpu, `i32x4.extend_${half}_i16x8_u`, b), cpu.constant(16, 32)]), constant(cpu, indices.flatMap((i) => [i, 0, 0, 0])));
  const folded = (v: typeof b, lanes: readonly number[]) => vector(cpu, 'i32x4.min_u', v, shuffle(cpu, v, v, lanes));
  const four = vector(cpu, 'i32x4.min_u', ranked('low', [0, 1, 2, 3]), ranked('high', [4, 5, 6, 7]));
  const one = folded(folded(four, [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7]), [4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11]);
  return one.truncate(32).rotl(16).zeroExtend(128);
};

export const PACKED_SSE4: readonly PackedInteger[] = [
  { ...SSE41, name: 'PMULDQ', summary: 'Multiply Packed Doubleword Integers', opcode: '28', compute: multiplySigned },
  ...each(['PCMPEQQ'], 'Compare Packed Qword Data for Equal', '29', ['i64x2.eq'], SSE41),
  ...each(['PACKUSDW'], 'Pack With Unsigned Saturation', '2B', ['i16x8.narrow_i32x4_u'], SSE41),
  ...each(['PCMPGTQ'], 'Compare Packed Data for Greater Than', '37', ['i64x2.gt_s'], { ...SSE41, since: 'SSE4.2' }),
  ...each(['PMINSB', 'PMINSD', 'PMINUW', 'PMINUD'], 'Minimum of Packed Integers', '38 39 3A 3B', ['i8x16.min_s', 'i32x4.min_s', 'i16x8.min_u', 'i32x4.min_u'], SSE41),
  ...each(['PMAXSB', 'PMAXSD', 'PMAXUW', 'PMAXUD'], 'Maximum of Packed Integers', '3C 3D 3E 3F', ['i8x16.max_s', 'i32x4.max_s', 'i16x8.max_u', 'i32x4.max_u'], SSE41),
  ...each(['PMULLD'], 'Multiply Packed Integers and Store Low Result', '40', ['i32x4.mul'], SSE41),
  { ...SSE41, name: 'PHMINPOSUW', summary: 'Packed Horizontal Word Minimum', opcode: '41', lengths: ONLY_128, unary: true, compute: minimumWord },
];
