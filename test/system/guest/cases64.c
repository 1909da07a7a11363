/* Cases of 64-bit mode. */
#include "common.h"

extern u64 gdt[], pml4[], pointers[], directory[], page_table[];
extern u8 user_stack[], fault_stack_top[], stubs[], stub_returned[];
void run_all(void);

static struct { u32 a, b, c, d; } idt[256] __attribute__((aligned(16)));
static u8 tss[104] __attribute__((aligned(16)));
enum { INTERRUPT_GATE = 0xe, TRAP_GATE = 0xf, DOUBLE_FAULT_IST = 1 };

/* A page for the cases to set the rights of, with code in it: RET. */
u8 page[8192] __attribute__((aligned(4096)));
/* A call gate's target. */
void gate_target(void);
/* The end of SYSCALL. */
void syscall_target(void);
void sysenter_target(void);

void set_gate(int vector, void (*handler)(void), int type, int dpl, int ist) {
  u64 at = (u64)handler;
  idt[vector].a = 0x00080000u | (u32)(at & 0xffff);
  idt[vector].b = ((u32)at & 0xffff0000u) | 0x8000u | (u32)type << 8 | (u32)dpl << 13 | (u32)ist;
  idt[vector].c = (u32)(at >> 32);
  idt[vector].d = 0;
}
static void wrmsr(u32 msr, u64 value) { __asm__ volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32))); }
static void set_entry(void *address, u64 entry) {
  page_table[(u64)address >> 12] = entry;
  __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}
static void set_cr4(u64 set, u64 clear) {
  u64 cr4;
  __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
  __asm__ volatile("mov %0, %%cr4" : : "r"((cr4 | set) & ~clear));
}
static void set_cr0(u64 set, u64 clear) {
  u64 cr0;
  __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
  __asm__ volatile("mov %0, %%cr0" : : "r"((cr0 | set) & ~clear));
}

enum { P = 1, W = 2, U = 4, SMEP = 1 << 20, SMAP = 1 << 21, UMIP = 1 << 11, TSD = 4, DE = 8, OSFXSR = 1 << 9, WP = 1 << 16, TS = 8, EM = 4, AM = 1 << 18 };
#define NX (1ull << 63)

void restore(void) {
  set_cr4(OSFXSR, SMEP | SMAP | TSD | DE);
  for (int i = 0; i < 22; i++) set_gate(i, (void (*)(void))(stubs + 16 * i), INTERRUPT_GATE, i == 3 || i == 4 ? 3 : 0, i == 8 ? DOUBLE_FAULT_IST : 0);
  set_gate(0x81, (void (*)(void))stub_returned, INTERRUPT_GATE, 3, 0);
  set_gate(0x82, (void (*)(void))stub_returned, INTERRUPT_GATE, 0, 0);
  idt[0x83] = idt[0x81];
  idt[0x83].b &= ~0x8000u;
  *(u64 *)(tss + 4) = (u64)fault_stack_top - 4096;
  *(u64 *)(tss + 36) = (u64)fault_stack_top;
  set_entry(page, (u64)page | P | W | U);
  set_entry(page + 4096, (u64)(page + 4096) | P | W | U);
  page[0] = page[4096] = 0xc3;
  set_cr0(WP, TS | EM | AM);
  wrmsr(0xc0000081, 0x0018ull << 48 | 0x08ull << 32);
  wrmsr(0xc0000082, (u64)syscall_target);
  wrmsr(0xc0000084, 0x700);
  wrmsr(0x174, 0x08);
  wrmsr(0x175, (u64)fault_stack_top);
  wrmsr(0x176, (u64)sysenter_target);
  __asm__ volatile("mov %0, %%dr7; mov %1, %%dr6" : : "r"(0x400ull), "r"(0xffff0ff0ull));
  __asm__ volatile("fninit");
}

#define PREPARE(name, body) static void name(void) { body; }
PREPARE(read_only, set_entry(page, (u64)page | P | U))
PREPARE(read_only_without_wp, set_entry(page, (u64)page | P | U); set_cr0(0, WP))
PREPARE(supervisor, set_entry(page, (u64)page | P | W))
PREPARE(absent, set_entry(page, 0))
PREPARE(no_execute, set_entry(page, (u64)page | P | W | U | NX))
PREPARE(no_execute_supervisor, set_entry(page, (u64)page | P | W | NX))
PREPARE(reserved_bit, set_entry(page, (u64)page | P | W | U | 1ull << 51))
PREPARE(reserved_and_absent, set_entry(page, 1ull << 51 | W))
PREPARE(second_absent, set_entry(page + 4096, 0))
PREPARE(second_read_only, set_entry(page + 4096, (u64)(page + 4096) | P | U))
PREPARE(smep, set_cr4(SMEP, 0))
PREPARE(smap, set_cr4(SMAP, 0))

PREPARE(no_tsc, set_cr4(TSD, 0))
PREPARE(debug_extensions, set_cr4(DE, 0))
PREPARE(no_fxsr, set_cr4(0, OSFXSR))
PREPARE(task_switched, set_cr0(TS, 0))
PREPARE(emulation, set_cr0(EM, 0))
PREPARE(alignment, set_cr0(AM, 0))
PREPARE(page_fault_gate_absent, idt[14].b &= ~0x8000u; set_entry(page, 0))
PREPARE(protection_gate_absent, idt[13].b &= ~0x8000u)
PREPARE(undefined_gate_absent, idt[6].b &= ~0x8000u)
PREPARE(undefined_gate_32, idt[6].a = (idt[6].a & 0xffff) | 0x00180000u)
PREPARE(undefined_gate_type, idt[6].b = (idt[6].b & ~0xf00u) | 0x500u)
PREPARE(undefined_gate_far_away, idt[6].d = 0; idt[6].c = 0x8000)
PREPARE(bad_rsp0, *(u64 *)(tss + 4) = 0x8000000000000000ull)
PREPARE(unmapped_rsp0, *(u64 *)(tss + 4) = 0x500000)
PREPARE(interrupt_stack, set_gate(6, (void (*)(void))(stubs + 16 * 6), INTERRUPT_GATE, 0, DOUBLE_FAULT_IST))
PREPARE(trap_gate, set_gate(6, (void (*)(void))(stubs + 16 * 6), TRAP_GATE, 0, 0))

PREPARE(breakpoint_here, __asm__ volatile("mov %0, %%dr0; mov %1, %%dr7" : : "r"((u64)page), "r"(0x402ull)))
PREPARE(general_detect, __asm__ volatile("mov %0, %%dr7" : : "r"(0x2400ull)))

CASE(nothing, "");
CASE(read_page, "mov page, %rax");
CASE(write_page, "mov %rax, page");
CASE(update_page, "lock incl page");
CASE(call_page, "call page");
CASE(read_across, "mov page + 4092, %rax");
CASE(write_across, "mov %rax, page + 4092");
CASE(push_across, "mov $(page + 4100), %esp; push %rax");
CASE(read_page_ac, "stac; mov page, %rax; clac");
USER_CASE(user_read, "mov page, %eax");
USER_CASE(user_write, "mov %eax, page");
USER_CASE(user_call, "call page");
USER_CASE(user_cli, "cli");
USER_CASE(user_hlt, "hlt");
USER_CASE(user_in, "in $0x80, %al");
USER_CASE(user_rdtsc, "rdtsc");
USER_CASE(user_mov_cr, "mov %cr0, %rax");
USER_CASE(user_int_denied, "int $0x82");
USER_CASE(user_int_absent, "int $0x83");
USER_CASE(user_int_outside, "int $0xff");
USER_CASE(user_int3, "int3");
USER_CASE(user_ud2, "ud2");
USER_CASE(user_popf, "push $0x3302; popf; pushf; pop %rax; mov %rax, found");
USER_CASE(user_unaligned, "pushf; orl $0x40000, (%rsp); popf; mov page + 1, %eax");
USER_CASE(user_clac, "clac");
USER_CASE(user_icebp, ".byte 0xf1");
USER_CASE(user_kernel_selector, "mov $0x10, %eax; mov %eax, %ds");
USER_CASE(user_null_ss, "xor %eax, %eax; mov %eax, %ss");
USER_CASE(user_swapgs, "swapgs");
USER_CASE(user_wrfsbase, "wrfsbase %rax");
USER_CASE(user_sysret, "sysretq");
USER_CASE(user_syscall, "mov $0x44, %eax; stc; std; syscall\n after_syscall: cld");
USER_CASE(user_sysenter, "sysenter");
USER_CASE(user_gate, "lcall *far_gate");
USER_CASE(user_gate_conforming, "lcall *far_conforming");
USER_CASE(user_compatibility, "push $0x18 + 3; push $1f; lretq\n 1: .code32; mov $0x12345678, %eax; mov %eax, found; pushl %cs; popl found + 8; mov $-4, %ecx; .byte 0x48; nop; mov %ecx, found + 16; int $0x81; .code64");
USER_CASE(user_step, "pushf; orl $0x100, (%rsp); popf; nop; nop");
USER_CASE(user_step_syscall, "pushf; orl $0x100, (%rsp); popf; syscall");

CASE(read_not_canonical, "mov $1 << 47, %rax; mov (%rax), %eax");
CASE(read_across_hole, "mov $0x00007ffffffffffd, %rax; mov (%rax), %eax");
CASE(read_stack_not_canonical, "mov $1 << 47, %rbp; mov (%rbp), %eax");
CASE(push_not_canonical, "mov $1 << 47, %rsp; push %rax");
CASE(jump_not_canonical, "mov $1 << 47, %rax; jmp *%rax");
CASE(call_not_canonical, "mov $1 << 47, %rax; call *%rax");
CASE(ret_not_canonical, "movabs $0x800000000000, %rax; push %rax; ret");
CASE(iret_not_canonical, "mov %rsp, %rcx; push $0x10; push %rcx; push $2; push $8; movabs $0x800000000000, %rax; push %rax; iretq");
CASE(iret_null_ss, "mov %rsp, %rcx; push $0; push %rcx; push $2; push $8; push $1f; iretq\n 1: mov %ss, %eax; mov %rax, found; mov $0x10, %eax; mov %eax, %ss");
CASE(iret_ld, "mov %rsp, %rcx; push $0x10; push %rcx; push $2; push $0x60; push $1f; iretq\n 1:");
CASE(iret_data, "mov %rsp, %rcx; push $0x10; push %rcx; push $2; push $0x10; push $1f; iretq\n 1:");
CASE(iret_beyond, "mov %rsp, %rcx; push $0x10; push %rcx; push $2; push $0x1f8; push $1f; iretq\n 1:");
CASE(iret_bad_ss, "mov %rsp, %rcx; push $0x20; push %rcx; push $2; push $8; push $1f; iretq\n 1:");
CASE(iret_absent_ss, "mov %rsp, %rcx; push $0x58; push %rcx; push $2; push $8; push $1f; iretq\n 1:");
CASE(iret_nt, "mov %rsp, %rcx; push $0x10; push %rcx; push $2; push $8; push $1f; pushf; orl $0x4000, (%rsp); popf; iretq\n 1:");
CASE(iret_flags, "mov %rsp, %rcx; push $0x10; push %rcx; push $0x247fd7 & ~0x4300; push $8; push $1f; iretq\n 1: pushf; pop %rax; mov %rax, found");
CASE(iretd, "mov %rsp, %rcx; sub $20, %rsp; movl $1f, (%rsp); movl $8, 4(%rsp); movl $2, 8(%rsp); mov %ecx, 12(%rsp); movl $0x10, 16(%rsp); .byte 0xcf\n 1: sub %rsp, %rcx; mov %rcx, found; incq found");
CASE(lret_conforming, "push $0x50; push $1f; lretq\n 1: mov %cs, %eax; mov %rax, found; push $8; push $1f; lretq\n 1:");
CASE(load_ds_absent, "mov $0x58, %eax; mov %eax, %ds");
CASE(load_ss_absent, "mov $0x58, %eax; mov %eax, %ss");
CASE(load_ss_null, "xor %eax, %eax; mov %eax, %ss; mov %ss, %eax; inc %eax; mov %rax, found");
CASE(load_ss_null_3, "mov $3, %eax; mov %eax, %ss");
CASE(load_ds_code, "mov $8, %eax; mov %eax, %ds; mov %ds, %ecx; mov %rcx, found");
CASE(load_fs_tss, "mov $0x30, %eax; mov %eax, %fs");
CASE(ltr_busy, "mov $0x30, %eax; ltr %ax");
CASE(lldt_data, "mov $0x10, %eax; lldt %ax");
CASE(lldt_null, "xor %eax, %eax; lldt %ax");
CASE(queries, "mov $8, %edx; lar %edx, %eax; mov %rax, found; mov $0x30, %edx; lar %edx, %eax; mov %rax, found + 8; lsl %edx, %eax; mov %rax, found + 16; mov $0x40, %edx; lsl %edx, %eax; setz found + 24");
CASE(write_dr7_high, "mov $1 << 32, %rax; mov %rax, %dr7");
CASE(write_dr6_high, "mov $1 << 32, %rax; mov %rax, %dr6");
CASE(read_dr4, "mov %dr4, %rax");
CASE(read_dr4_alias, "mov %dr4, %rax; mov %rax, found");
CASE(write_cr0_pg_only, "mov $0x80000000, %eax; mov %rax, %cr0");
CASE(write_cr0_nw_only, "mov %cr0, %rax; or $0x20000000, %rax; mov %rax, %cr0");
CASE(write_cr0_high, "mov %cr0, %rax; bts $32, %rax; mov %rax, %cr0");
CASE(write_cr4_reserved, "mov %cr4, %rax; bts $31, %rax; mov %rax, %cr4");
CASE(write_cr4_without_pae, "mov %cr4, %rax; btr $5, %rax; mov %rax, %cr4");
CASE(write_cr8, "mov $9, %eax; mov %rax, %cr8; mov %cr8, %rcx; mov %rcx, found; xor %eax, %eax; mov %rax, %cr8");
CASE(write_cr8_reserved, "mov $0x10, %eax; mov %rax, %cr8");
CASE(write_efer_lme, "mov $0xc0000080, %ecx; rdmsr; btr $8, %eax; wrmsr");
CASE(write_efer_reserved, "mov $0xc0000080, %ecx; rdmsr; bts $1, %eax; wrmsr");
CASE(write_lstar_not_canonical, "mov $0xc0000082, %ecx; mov $0x8000, %edx; xor %eax, %eax; wrmsr");
CASE(write_fs_base_not_canonical, "mov $0xc0000100, %ecx; mov $0x8000, %edx; xor %eax, %eax; wrmsr");
CASE(sysret_not_canonical, "movabs $0x800000000000, %rcx; mov $2, %r11d; sysretq");
CASE(cmpxchg16b_unaligned, "lock cmpxchg16b page + 8");
CASE(movaps_unaligned, "movaps page + 4, %xmm0");
CASE(movaps_stack_unaligned, "lea page + 4, %rsp; movaps (%rsp), %xmm0");
CASE(sse, "addps %xmm0, %xmm0");
CASE(x87, "fld1");
CASE(wait, "fwait");
CASE(divide, "xor %ecx, %ecx; div %ecx");
CASE(x87_divide, "fninit; push $0x37b; fldcw (%rsp); pop %rax; fld1; fldz; fdivrp; nop; fwait");
CASE(sse_divide, "push $0x1d80; ldmxcsr (%rsp); pop %rax; xorps %xmm0, %xmm0; mov $1, %eax; cvtsi2ss %eax, %xmm1; divss %xmm0, %xmm1");
CASE(undefined, "ud2");
CASE(undefined_with_interrupts, "sti; ud2");
CASE(step, "pushf; orl $0x100, (%rsp); popf; nop; nop");
CASE(step_ss, "mov %ss, %ecx; pushf; orl $0x100, (%rsp); popf; mov %ecx, %ss; nop; nop");
CASE(step_int, "pushf; orl $0x100, (%rsp); popf; int $0x82");
CASE(step_fault, "pushf; orl $0x100, (%rsp); popf; ud2");
CASE(step_rep, "mov $3, %ecx; mov $page, %edi; pushf; orl $0x100, (%rsp); popf; rep stosb");
CASE(icebp, ".byte 0xf1");
CASE(int3, "int3");
CASE(int_82, "int $0x82");
CASE(int_absent, "int $0x83");
CASE(int_outside, "int $0xff");
CASE(break_call, "call page");
CASE(break_resume, "mov %rsp, %rcx; push $0x10; push %rcx; push $0x10002; push $8; push $page; iretq");
CASE(read_dr7, "mov %dr7, %rax");
CASE(lock_register, ".byte 0xf0, 0x01, 0xc0");
CASE(too_long, ".byte 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x90");
CASE(push_fs, "push %fs; pop %rax; mov %rax, found; pushw %gs; popw %ax");
CASE(gs_swap, "mov $0xc0000102, %ecx; mov $page, %eax; xor %edx, %edx; wrmsr; swapgs; mov %gs:0, %al; mov %rax, found; swapgs");

__asm__(
    ".text\n"
    "gate_target: mov %cs, %eax; mov %rax, found; mov %ss, %eax; inc %eax; mov %rax, found + 8; mov 24(%rsp), %rax; mov %rax, found + 16; lretq\n"
    "syscall_target: mov %rcx, %rax; sub $after_syscall, %rax; inc %rax; mov %rax, found; and $0xf00, %r11d; mov %r11, found + 8; pushf; pop %rax; mov %rax, found + 16; mov %ss, %eax; mov %rax, found + 24; mov kernel_sp, %rsp; int $0x81\n"
    "sysenter_target: mov %cs, %eax; mov %rax, found; mov %ss, %eax; mov %rax, found + 8; int $0x81\n"
    ".data\n"
    ".balign 8\n"
    "far_gate: .long 0; .word 0x43\n"
    "far_conforming: .long 1f; .word 0x53\n"

    ".text\n"
    "1: mov %cs, %eax; mov %eax, found; lretq\n");

const struct test_case cases[] = {
#define K(name, run, ...) {name, run, KERNEL, __VA_ARGS__}
#define U(name, run, ...) {name, run, USER, __VA_ARGS__}
    K("nothing", nothing, 0),
    K("supervisor reads a page that is not present", read_page, absent),
    K("supervisor writes a page that is not present", write_page, absent),
    K("supervisor executes a page that is not present", call_page, absent),
    K("supervisor reads a read-only page", read_page, read_only),
    K("supervisor writes a read-only page", write_page, read_only),
    K("supervisor updates a read-only page", update_page, read_only),
    K("supervisor writes a read-only page with CR0.WP 0", write_page, read_only_without_wp),
    K("supervisor executes a no-execute page", call_page, no_execute),
    K("supervisor reads with a reserved bit", read_page, reserved_bit),
    K("supervisor writes with a reserved bit", write_page, reserved_bit),
    K("supervisor reads, not present and a reserved bit", read_page, reserved_and_absent),
    K("read across into a page that is not present", read_across, second_absent),
    K("write across into a page that is not present", write_across, second_absent),
    K("write across into a read-only page", write_across, second_read_only),
    K("push across into a page that is not present", push_across, second_absent),
    K("SMEP: supervisor executes a user page", call_page, smep),
    K("SMEP: supervisor reads a user page", read_page, smep),
    K("SMAP: supervisor reads a user page", read_page, smap),
    K("SMAP: supervisor writes a user page", write_page, smap),
    K("SMAP: supervisor reads a user page with AC", read_page_ac, smap),
    K("SMAP: supervisor executes a user page", call_page, smap),
    U("user reads a supervisor page", user_read, supervisor),
    U("user writes a supervisor page", user_write, supervisor),
    U("user executes a supervisor page", user_call, supervisor),
    U("user executes a no-execute supervisor page", user_call, no_execute_supervisor),
    U("user reads a page that is not present", user_read, absent),
    U("user writes a read-only page", user_write, read_only),
    U("user writes a read-only page with CR0.WP 0", user_write, read_only_without_wp),
    U("user executes a no-execute page", user_call, no_execute),
    U("user reads with a reserved bit", user_read, reserved_bit),
    U("CLI", user_cli, 0),
    U("HLT", user_hlt, 0),
    U("IN", user_in, 0),
    U("RDTSC with CR4.TSD", user_rdtsc, no_tsc),
    U("MOV from CR0", user_mov_cr, 0),
    U("INT through a gate of DPL 0", user_int_denied, 0),
    U("INT through a gate that is not present", user_int_absent, 0),
    U("INT through no gate", user_int_outside, 0),
    U("INT3", user_int3, 0),
    U("UD2", user_ud2, 0),
    U("UD2 with the interrupt stack table", user_ud2, interrupt_stack),
    U("UD2 through a gate to 32-bit code", user_ud2, undefined_gate_32),
    U("UD2 with RSP0 not canonical", user_ud2, bad_rsp0),
    U("UD2 with RSP0 not mapped", user_ud2, unmapped_rsp0),
    U("POPF", user_popf, 0),
    U("unaligned read with AC", user_unaligned, alignment),
    U("CLAC", user_clac, 0),
    U("INT1", user_icebp, 0),
    U("DS of DPL 0", user_kernel_selector, 0),
    U("null SS", user_null_ss, 0),
    U("SWAPGS", user_swapgs, 0),
    U("WRFSBASE without CR4.FSGSBASE", user_wrfsbase, 0),
    U("SYSRET", user_sysret, 0),
    U("SYSCALL", user_syscall, 0),
    U("SYSENTER", user_sysenter, 0),
    U("call gate", user_gate, 0),
    U("call of conforming code", user_gate_conforming, 0),
    U("compatibility mode", user_compatibility, 0),
    U("single step", user_step, 0),
    U("single step of SYSCALL", user_step_syscall, 0),
    K("read of an address that is not canonical", read_not_canonical, 0),
    K("read across the hole of addresses", read_across_hole, 0),
    K("read by RBP that is not canonical", read_stack_not_canonical, 0),
    K("push with RSP not canonical", push_not_canonical, interrupt_stack),
    K("jump to what is not canonical", jump_not_canonical, 0),
    K("call to what is not canonical", call_not_canonical, 0),
    K("return to what is not canonical", ret_not_canonical, 0),
    K("IRETQ to what is not canonical", iret_not_canonical, 0),
    K("IRETQ with a null SS", iret_null_ss, 0),
    K("IRETQ to code with L and D", iret_ld, 0),
    K("IRETQ to data", iret_data, 0),
    K("IRETQ beyond the GDT", iret_beyond, 0),
    K("IRETQ with SS of DPL 3", iret_bad_ss, 0),
    K("IRETQ with SS not present", iret_absent_ss, 0),
    K("IRETQ with NT", iret_nt, 0),
    K("IRETQ of flags", iret_flags, 0),
    K("IRETD", iretd, 0),
    K("far return to conforming code", lret_conforming, 0),
    K("DS not present", load_ds_absent, 0),
    K("SS not present", load_ss_absent, 0),
    K("null SS at level 0", load_ss_null, 0),
    K("null SS of RPL 3", load_ss_null_3, 0),
    K("code in DS", load_ds_code, 0),
    K("TSS in FS", load_fs_tss, 0),
    K("LTR of a busy TSS", ltr_busy, 0),
    K("LLDT of data", lldt_data, 0),
    K("LLDT of null", lldt_null, 0),
    K("LAR and LSL", queries, 0),
    K("DR7 with high bits", write_dr7_high, 0),
    K("DR6 with high bits", write_dr6_high, 0),
    K("DR4 with CR4.DE", read_dr4, debug_extensions),
    K("DR4 is DR6", read_dr4_alias, 0),
    K("LSTAR not canonical", write_lstar_not_canonical, 0),
    K("FS base not canonical", write_fs_base_not_canonical, 0),
    K("SYSRET to what is not canonical", sysret_not_canonical, 0),
    K("CMPXCHG16B unaligned", cmpxchg16b_unaligned, 0),
    K("MOVAPS unaligned", movaps_unaligned, 0),
    K("MOVAPS of the stack unaligned", movaps_stack_unaligned, interrupt_stack),
    K("SSE without CR4.OSFXSR", sse, no_fxsr),
    K("SSE with CR0.TS", sse, task_switched),
    K("SSE with CR0.EM", sse, emulation),
    K("x87 with CR0.TS", x87, task_switched),
    K("x87 with CR0.EM", x87, emulation),
    K("WAIT with CR0.TS and MP", wait, task_switched),
    K("DIV by 0", divide, 0),
    K("x87 division by 0", x87_divide, 0),
    K("SSE division by 0", sse_divide, 0),
    K("UD2", undefined, 0),
    K("UD2 with interrupts enabled", undefined_with_interrupts, 0),
    K("UD2 through a trap gate with interrupts enabled", undefined_with_interrupts, trap_gate),
    K("UD2 through a gate that is not present", undefined, undefined_gate_absent),
    K("UD2 through a gate of another type", undefined, undefined_gate_type),
    K("UD2 through a gate to what is not canonical", undefined, undefined_gate_far_away),
    K("page fault through a gate that is not present", read_page, page_fault_gate_absent),
    K("general protection through a gate that is not present", read_not_canonical, protection_gate_absent),
    K("INT n", int_82, 0),
    K("INT n through a gate that is not present", int_absent, 0),
    K("INT n through no gate", int_outside, 0),
    K("INT3", int3, 0),
    K("INT1", icebp, 0),
    K("single step", step, 0),
    K("single step of MOV SS", step_ss, 0),
    K("single step of INT n", step_int, 0),
    K("single step of a fault", step_fault, 0),
    K("single step of REP", step_rep, 0),
    K("instruction breakpoint", break_call, breakpoint_here),
    K("instruction breakpoint with RF", break_resume, breakpoint_here),
    K("DR7 with GD", read_dr7, general_detect),
    K("LOCK with a register", lock_register, 0),
    K("instruction of 16 bytes", too_long, 0),
    K("PUSH of FS", push_fs, 0),
    K("SWAPGS", gs_swap, 0),
    K("CR0 with PG but not PE", write_cr0_pg_only, 0),
    K("CR0 with NW but not CD", write_cr0_nw_only, 0),
    K("CR0 with high bits", write_cr0_high, 0),
    K("CR4 with a reserved bit", write_cr4_reserved, 0),
    K("CR4 without PAE", write_cr4_without_pae, 0),
    K("CR8", write_cr8, 0),
    K("CR8 with a reserved bit", write_cr8_reserved, 0),
    K("EFER.LME with paging", write_efer_lme, 0),
    K("EFER with a reserved bit", write_efer_reserved, 0),
    {0, 0, 0, 0},
};

void main(void) {
  struct { u16 limit; u64 base; } __attribute__((packed)) idtr = {16 * 0x90 - 1, (u64)idt};
  u64 base = (u64)tss, target = (u64)gate_target;
  *(u16 *)(tss + 102) = 104;
  gdt[6] = 0x0000890000000067ull | (base & 0xffffff) << 16;
  gdt[7] = base >> 32;
  gdt[8] = (target & 0xffff) | 0x08ull << 16 | 0xecull << 40 | (target >> 16 & 0xffff) << 48;
  gdt[9] = target >> 32;
  for (u8 *at = user_begin; at < user_end; at += 4096) set_entry(at, (u64)at | P | W | U);
  for (u8 *at = user_stack; at < user_stack_top; at += 4096) set_entry(at, (u64)at | P | W | U);
  __asm__ volatile("lidt %0; ltr %w1" : : "m"(idtr), "r"(0x30));
  run_all();
}
