/* The memory that the trampoline reaches by absolute addresses, for assembly and C. */
#pragma once

#define TRAMPOLINE_BASE 0x30000000
#define TRAMPOLINE_BYTES 0x4000

#define HOST_RSP (TRAMPOLINE_BASE + 0)
#define REGISTERS_IN (TRAMPOLINE_BASE + 0x100)
#define IRET_FRAME (TRAMPOLINE_BASE + 0x200)
#define REGISTERS_OUT (TRAMPOLINE_BASE + 0x300)
#define RFLAGS_OUT (TRAMPOLINE_BASE + 0x380)
/* Of FS, then of GS. */
#define BASES_IN (TRAMPOLINE_BASE + 0x280)
#define BASES_OUT (TRAMPOLINE_BASE + 0x388)
#define SELECTORS_OUT (TRAMPOLINE_BASE + 0x398)
#define XSAVE_IN (TRAMPOLINE_BASE + 0x1000)
#define XSAVE_OUT (TRAMPOLINE_BASE + 0x2000)
#define SCRATCH_STACK_TOP (TRAMPOLINE_BASE + 0x4000)

/* x87, SSE and AVX components. */
#define XSAVE_COMPONENTS 7
#define YMM_HIGH_OFFSET 576

#ifndef __ASSEMBLER__
/* Loads the case's state and runs its code. Returns when direct_exit or leave_case was reached. */
void enter_case(void);

/* Where the code of a direct case ends: stores the state into REGISTERS_OUT … XSAVE_OUT. */
extern const char direct_exit[];

/* Returns from enter_case; for the signal handler. */
_Noreturn void leave_case(void);
#endif
