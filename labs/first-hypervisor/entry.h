/* The door between hypervisor and guest (entry.S). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What neither VM entry nor VM exit takes care of: the general-purpose registers except RSP. The order is entry.S's. */
struct registers {
  uint64_t rax, rcx, rdx, rbx, rbp, rsi, rdi;
  uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
};

/* Runs the guest until its next VM exit. False if the VM entry itself failed. */
bool vm_enter(struct registers *registers, bool launched);

/* The address at which every VM exit arrives, for the VMCS. */
extern const char vm_exit[];

/* The hypervisor's GDT (boot.S). */
extern const char gdt[];
