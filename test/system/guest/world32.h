/* The world of the programs in 32-bit protected mode: its tables, and what the cases change in it. */
#pragma once
#include "common.h"

extern u64 gdt[], ldt[2];
extern u32 directory[], page_table[];
extern u8 user_stack[], inner_stack_top[], stubs[], stub_returned[], code16[], tss[104 + 32], page[8192];
extern struct gate { u32 a, b; } idt[256];
enum { INTERRUPT_GATE = 0xe, TRAP_GATE = 0xf, INTERRUPT_GATE16 = 6, TASK_GATE = 5 };
enum { P = 1, W = 2, U = 4, PS = 0x80, WP = 1 << 16, AM = 1 << 18, VME = 1, PVI = 2, DE = 8 };
enum { PRESENT = 0x8000, DPL3 = 0x6000, GATE32 = 0xc00, GATE16 = 0x400 };

void gate_target(void);
void gate_parameters(void);
void sysenter_target(void);
void call_gate(int selector, u32 flags, u32 code, void (*target)(void));
void wrmsr(u32 msr, u64 value);
void set_entry(void *address, u32 entry);
void set_cr0(u32 set, u32 clear);
void set_cr4(u32 set, u32 clear);
/* What one program's cases need besides. */
void restore_own(void);

#define PREPARE(name, ...) static void name(void) { __VA_ARGS__; }
#define LOAD(segment, selector) "mov $" #selector ", %eax; mov %eax, %" #segment "; "
