/* What hypervisor and guest have agreed upon, for assembly and C. */
#pragma once

/* The guest has 16 MiB of memory; its image lies at GUEST_BASE and begins with a struct guest_header. */
#define RAM_SIZE 0x1000000
#define GUEST_BASE 0x400000
#define GUEST_MAGIC 0x7473657567 /* 'guest' */

/* A byte written here appears on the hypervisor's console; a read tells whether the console is there. */
#define CONSOLE_PORT 0xe9
#define CONSOLE_PRESENT 0xe9

/* CPUID leaf by which a guest recognizes its hypervisor: EBX, ECX, EDX hold 'RingsideLab1'. */
#define HYPERVISOR_LEAF 0x40000000
#define SIGNATURE_EBX 0x676e6952
#define SIGNATURE_ECX 0x65646973
#define SIGNATURE_EDX 0x3162614c

/* VMCALL: the number in RAX, arguments in RDI and RSI, the answer in RAX. */
#define HYPERCALL_PRINT 1  /* guest-physical address, length */
#define HYPERCALL_FINISH 2 /* status */
#define HYPERCALL_DONE 0
#define HYPERCALL_REFUSED (-1ull)

#ifndef __ASSEMBLER__
#include <stdint.h>

struct guest_header {
  uint64_t magic, entry, stack_top, page_table_root;
};
#endif
