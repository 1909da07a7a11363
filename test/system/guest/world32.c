/* The tables of 32-bit protected mode, and their state before every case. */
#include "world32.h"

void run_all(void);

struct gate idt[256] __attribute__((aligned(16)));
u8 tss[104 + 32] __attribute__((aligned(16)));
u64 ldt[2];

/* A page for the cases to set the rights of, with code in it: RET. */
u8 page[8192] __attribute__((aligned(4096)));

void set_gate(int vector, void (*handler)(void), int type, int dpl, int ist) {
  u32 at = (u32)handler;
  (void)ist;
  idt[vector].a = 0x00080000u | (at & 0xffff);
  idt[vector].b = (at & 0xffff0000u) | 0x8000u | (u32)type << 8 | (u32)dpl << 13;
}
void call_gate(int selector, u32 flags, u32 code, void (*target)(void)) {
  u32 at = (u32)target;
  gdt[selector / 8] = (u64)((at & 0xffff0000u) | flags) << 32 | code << 16 | (at & 0xffff);
}
void wrmsr(u32 msr, u64 value) { __asm__ volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32))); }
void set_entry(void *address, u32 entry) {
  page_table[(u32)address >> 12] = entry;
  __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}
void set_cr0(u32 set, u32 clear) {
  u32 cr0;
  __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
  __asm__ volatile("mov %0, %%cr0" : : "r"((cr0 | set) & ~clear));
}
void set_cr4(u32 set, u32 clear) {
  u32 cr4;
  __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
  __asm__ volatile("mov %0, %%cr4" : : "r"((cr4 | set) & ~clear));
}

void restore(void) {
  __asm__ volatile("mov %0, %%dr7; mov %1, %%dr6" : : "r"(0x400), "r"(0xffff0ff0));
  for (int i = 0; i < 22; i++) set_gate(i, (void (*)(void))(stubs + 16 * i), INTERRUPT_GATE, i == 3 || i == 4 ? 3 : 0, 0);
  set_gate(0x81, (void (*)(void))stub_returned, INTERRUPT_GATE, 3, 0);
  set_gate(0x82, (void (*)(void))stub_returned, INTERRUPT_GATE, 0, 0);
  idt[0x83] = idt[0x81];
  idt[0x83].b &= ~0x8000u;
  *(u32 *)(tss + 4) = (u32)inner_stack_top;
  *(u32 *)(tss + 8) = 0x10;
  set_entry(page, (u32)page | P | W | U);
  set_entry(page + 4096, (u32)(page + 4096) | P | W | U);
  directory[2] = 0;
  __asm__ volatile("invlpg 0x800000");
  page[0] = page[4096] = 0xc3;
  set_cr0(WP, AM);
  set_cr4(0, VME | PVI | DE);
  gdt[0xa8 / 8] = (0x000082ull << 40) | (u64)((u32)ldt & 0xffffff) << 16 | (sizeof ldt - 1);
  ldt[1] = 0x00cf93000000ffffull;
  wrmsr(0x174, 0x08);
  wrmsr(0x175, (u32)inner_stack_top);
  __asm__ volatile("lldt %w0" : : "r"(0));
  restore_own();
}

void main(void) {
  struct { u16 limit; u32 base; } __attribute__((packed)) idtr = {8 * 0x90 - 1, (u32)idt};
  u32 base = (u32)tss;
  *(u16 *)(tss + 102) = 104;
  for (int i = 104; i < (int)sizeof tss; i++) tss[i] = 0xff;
  gdt[5] = 0x0000890000000000ull | (u64)(base & 0xffffff) << 16 | (sizeof tss - 1);
  for (u8 *at = user_begin; at < user_end; at += 4096) set_entry(at, (u32)at | P | W | U);
  for (u8 *at = user_stack; at < user_stack_top; at += 4096) set_entry(at, (u32)at | P | W | U);
  for (u32 at = 0x80000; at < 0xa0000; at += 4096) set_entry((void *)at, at | P | W | U);
  __asm__ volatile("lidt %0; ltr %w1" : : "m"(idtr), "r"(0x28));
  run_all();
}
