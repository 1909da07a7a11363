/* Where things lie, what a case is and what a result is. test/oracles/native.ts reads and writes the same records. */
#pragma once

/* Two pages each, with nothing mapped before and behind. All lie below 2 GiB, so that 32-bit code and disp32 reach them. */
#define CODE_BASE 0x20000000u
#define DATA_BASE 0x10000000u
#define AREA_BYTES 0x2000u

/* CS is 0x33 or 0x23, and SS, DS, ES, FS and GS are 0x2b; the bases of FS and GS are the case's, all others 0. */
#define CODE64_SELECTOR 0x33
#define CODE32_SELECTOR 0x23
#define DATA_SELECTOR 0x2b

#define MAX_CODE 15
#define CASES_PER_CHILD 5000

#ifndef __ASSEMBLER__
#include <stdint.h>

/* Register numbers are the encoding's: RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 … R15. */
struct state {
  uint64_t registers[16];
  uint64_t rflags;
  uint64_t rip;
  uint64_t fs_base, gs_base;
  uint16_t selectors[8];    /* of a result: ES, CS, SS, DS, FS, GS, and two words that are zero */
  uint8_t fxsave[512];      /* the image of FXSAVE64 */
  uint8_t ymm_high[16][16]; /* bits 255:128 of YMM0 … YMM15 */
};

/* A case is followed by its patches: what the data area holds where it is not zero. Records have a multiple of eight bytes. */
struct case_record {
  uint32_t bytes; /* with patches */
  uint8_t bits;   /* 64 or 32: the mode in which the code runs */
  uint8_t mode;   /* enum mode */
  uint8_t code_length;
  uint8_t patches;
  uint8_t code[16];
  struct state state;
};

/* A result is followed by its patches: what the data area holds where it differs from before. */
struct result_record {
  uint32_t bytes;
  uint8_t outcome;
  uint8_t vector;
  uint16_t patches;
  uint32_t error_code;
  uint32_t reserved;
  uint64_t cr2;
  struct state state;
};

/*
 * STEP: TF traps behind the first instruction, or the first iteration of a repeated string; anything may follow, and it may branch.
 * DIRECT: the code, which is exactly one instruction, runs on into the way back. Some ten times faster than the signal of a trap.
 * AUTOMATIC: STEP for branches, DIRECT for all else.
 */
enum mode { AUTOMATIC = 0, STEP = 1, DIRECT = 2 };

enum outcome { COMPLETED = 0, EXCEPTION = 1, LOST = 2 };

/* Each is followed by its bytes, and the next begins at a multiple of four. */
struct patch {
  uint16_t offset, length;
};

struct batch_header {
  uint32_t count, bytes;
};
#endif
