/* Arithmetic of level x86-64-v3 in turns with other processes, told in a few numbers: the same on every processor of that level. */
#include <immintrin.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 1024, ROUNDS = 40 };

static float singles[COUNT];
static double doubles[COUNT];
static int32_t words[COUNT];
static char text[COUNT + 1];
static uint32_t state;

static uint32_t next(void) { return state = state * 1664525u + 1013904223u; }

/* What a compiler makes vectors, FMA and shifts of. */
static double sums(void) {
  double total = 0;
  for (int i = 0; i < COUNT; i++) {
    doubles[i] = doubles[i] * 0.75 + singles[i];
    singles[i] = singles[i] * 1.25f - (float)words[i] * 0x1p-31f;
    words[i] = (words[i] << 3) ^ (words[i] >> (i & 31));
  }
  for (int i = 0; i < COUNT; i++) total += doubles[i];
  return total;
}

/* Gathers, masked moves, permutations and halves. */
static uint32_t shuffled(void) {
  __m256i sum = _mm256_setzero_si256();
  for (int i = 0; i + 16 <= COUNT; i += 8) {
    __m256i raw = _mm256_loadu_si256((const __m256i *)(words + i)), index = _mm256_and_si256(raw, _mm256_set1_epi32(COUNT - 1));
    __m256i gathered = _mm256_mask_i32gather_epi32(raw, words, index, _mm256_slli_epi32(raw, 1), 4);
    __m256i some = _mm256_maskload_epi32(words + i + 3, gathered);
    __m256 wide = _mm256_cvtph_ps(_mm256_cvtps_ph(_mm256_loadu_ps(singles + i), _MM_FROUND_TO_NEAREST_INT));
    sum = _mm256_add_epi32(_mm256_permutevar8x32_epi32(sum, index), _mm256_xor_si256(some, _mm256_castps_si256(wide)));
  }
  uint32_t parts[8], all = 0;
  _mm256_storeu_si256((__m256i *)parts, sum);
  for (int i = 0; i < 8; i++) all = all * 31 + parts[i];
  return all;
}

int main(int count, char **arguments) {
  state = count > 1 ? (uint32_t)atoi(arguments[1]) : 1;
  for (int i = 0; i < COUNT; i++) {
    words[i] = (int32_t)next();
    singles[i] = (float)(int32_t)next() * 0x1p-20f;
    doubles[i] = (double)(int32_t)next() * 0x1p-12;
    text[i] = (char)('a' + (next() >> 27) % 26);
  }
  for (int round = 0; round < ROUNDS; round++) {
    double total = sums();
    sched_yield();
    uint32_t mixed = shuffled();
    if (round % 10 == 9) printf("%a %08x %zu %zu\n", total, mixed, strlen(text + round), (size_t)(strchr(text + round, 'q') - text));
  }
  return 0;
}
