/* Cases of task switches, debug registers, alignment checks and virtual-8086 mode extensions, in 32-bit protected mode. */
#include "world32.h"

u8 task[4096] __attribute__((aligned(4096)));
u8 task_stack[512] __attribute__((aligned(16)));
static const u32 fresh[26] = {[7] = 0, [9] = 2, [14] = 0, [18] = 0x10, 8, 0x10, 0x10, 0x10, 0x10};

enum { TSS32 = 0x89, TSS16 = 0x81, NOT_PRESENT = 0x80 };
static void descriptor(int selector, void *base, u32 limit, u32 attributes) {
  u32 at = (u32)base;
  gdt[selector / 8] = (u64)((at & 0xff000000u) | attributes << 8 | (at >> 16 & 0xff)) << 32 | at << 16 | limit;
}
static void set_task(int offset, u32 value) { *(u32 *)(task + offset) = value; }
static void task_gate(int vector, int dpl) { idt[vector] = (struct gate){0x00700000, 0x8500u | (u32)dpl << 13}; }

void restore_own(void) {
  for (int i = 0; i < 26; i++) set_task(4 * i, fresh[i]);
  set_entry(task, (u32)task | P | W | U);
  set_task(0x1c, *(u32 *)(tss + 0x1c) = (u32)directory);
  set_task(0x38, (u32)(task_stack + sizeof task_stack));
  descriptor(0x70, task, 103, TSS32);
  gdt[0x78 / 8] = 0x0000e50000700000ull;
  gdt[0x80 / 8] = 0x0000850000700000ull;
  gdt[0x88 / 8] = 0x0000650000700000ull;
  gdt[0x90 / 8] = 0x0000e50000280000ull;
  gdt[5] &= ~(2ull << 40);
  gdt[0x60 / 8] &= ~(3ull << 45);
  gdt[0x68 / 8] &= ~(3ull << 45);
  __asm__ volatile("ltr %w0; clts" : : "r"(0x28));
  idt[0x84] = idt[0x81];
  wrmsr(0x1d9, 0);
  *(u16 *)(tss + 102) = 104;
  tss[112] = 0xff;
  set_entry((void *)0x91000, 0x91000 | P | W | U);
}

/* A task of level 3: its faults are handled on its own stack of level 0. */
static void of_level_3(void) {
  for (int at = 0x48; at < 0x60; at += 4) set_task(at, 0x23);
  set_task(0x4c, 0x1b);
  set_task(4, (u32)inner_stack_top);
  set_task(8, 0x10);
}

PREPARE(to_task, task_gate(0x84, 3))
PREPARE(to_task_denied, task_gate(0x84, 0))
PREPARE(page_fault_task, task_gate(14, 0); set_entry(page, 0))
PREPARE(undefined_task, task_gate(6, 0))
PREPARE(undefined_task_busy, idt[6] = (struct gate){0x00280000, 0x8500})
PREPARE(undefined_task_bad_ss, of_level_3(); task_gate(6, 0); set_task(0x50, 0x63); gdt[0x60 / 8] |= 3ull << 45)
PREPARE(no_tss, descriptor(0x70, task, 103, TSS32 & ~NOT_PRESENT))
PREPARE(short_tss, descriptor(0x70, task, 102, TSS32))
PREPARE(no_ldt, of_level_3(); set_task(0x60, 0x1f8))
PREPARE(data_ldt, of_level_3(); set_task(0x60, 0x10))
PREPARE(local_ldt, of_level_3(); set_task(0x60, 0xac))
PREPARE(absent_ldt, of_level_3(); gdt[0xa8 / 8] &= ~(0x80ull << 40); set_task(0x60, 0xa8))
PREPARE(good_ldt, set_task(0x60, 0xa8); set_task(0x58, 0xc))
PREPARE(data_cs, of_level_3(); set_task(0x4c, 0x13))
PREPARE(null_cs, of_level_3(); set_task(0x4c, 3))
PREPARE(absent_cs, of_level_3(); set_task(0x4c, 0x6b); gdt[0x68 / 8] |= 3ull << 45)
PREPARE(inner_cs, of_level_3(); set_task(0x4c, 0xb))
PREPARE(null_ss, of_level_3(); set_task(0x50, 0))
PREPARE(absent_ss, of_level_3(); set_task(0x50, 0x63); gdt[0x60 / 8] |= 3ull << 45)
PREPARE(code_ss, of_level_3(); set_task(0x50, 0x1b))
PREPARE(rpl_ss, of_level_3(); set_task(0x50, 0x20))
PREPARE(absent_ds, of_level_3(); set_task(0x54, 0x63); gdt[0x60 / 8] |= 3ull << 45)
PREPARE(inner_es, of_level_3(); set_task(0x48, 0x10))
PREPARE(beyond_gs, of_level_3(); set_task(0x5c, 0x1f8))
PREPARE(null_fs, set_task(0x58, 3))
PREPARE(trap, task[0x64] = 1)
PREPARE(flags_task, set_task(0x24, 0x246002 | 0x10000))
PREPARE(task16, descriptor(0x70, task, 43, TSS16); for (int i = 0; i < 11; i++) ((u16 *)task)[i + 7] = 0; ((u16 *)task)[8] = 0x4002; ((u16 *)task)[17] = 0x10; ((u16 *)task)[18] = 0xa0; ((u16 *)task)[19] = 0x10; ((u16 *)task)[20] = 0x10; ((u16 *)task)[21] = 0; ((u16 *)task)[13] = 0x3f0;
        gdt[0xa0 / 8] = 0x00009b000000ffffull | (u64)((u32)code16 & 0xffffff) << 16)
PREPARE(v86_task, of_level_3(); set_task(0x24, 0x23002); set_task(0x48, 0x8800); set_task(0x4c, 0x9000); set_task(0x50, 0x8000); set_task(0x54, 0x8801); set_task(0x58, 0x8802); set_task(0x5c, 0x8803); set_task(0x38, 0x1000))

#define TASK(body) "movl $1f, task + 0x20; movl $0x1234567, task + 0x28; " body "; jmp 2f; 1: "
#define BACK "; 2:"
#define SHOW "str %bx; mov %ebx, found; pushf; pop %ebx; mov %ebx, found + 4; mov %cr0, %ebx; and $8, %ebx; mov %ebx, found + 8; mov gdt + 0x74, %ebx; shr $8, %ebx; shl $8, %ebx; mov gdt + 0x2d, %bl; mov %ebx, found + 12; "
CASE(jump_task, TASK("ljmp $0x70, $0") SHOW "ljmp $0x28, $0" BACK);
CASE(call_task, TASK("lcall $0x70, $0") SHOW "iret" BACK);
CASE(call_task_link, TASK("lcall $0x70, $0") "mov task, %ax; mov %eax, found; iret" BACK " mov gdt + 0x75, %al; mov %al, found + 4; mov gdt + 0x2d, %al; mov %al, found + 5; mov task + 0x24, %eax; mov %eax, found + 8; pushf; pop %eax; mov %eax, found + 12");
CASE(jump_task_gate, TASK("ljmp $0x78, $0") SHOW "ljmp $0x90, $0" BACK);
CASE(call_twice, "movl $1f, task + 0x20; mov $2, %ecx; 3: lcall $0x78, $0; jmp 2f; 1: iret; incl found; iret" BACK " loop 3b");
CASE(int_task, TASK("int $0x84") SHOW "iret" BACK);
CASE(jump_self, "ljmp $0x28, $0");
CASE(call_busy_gate, "lcall $0x90, $0");
CASE(jump_gate_absent, "ljmp $0x88, $0");
CASE(iret_available, "movw $0x70, tss; pushf; orl $0x4000, (%esp); popf; iret");
CASE(iret_data_link, "movw $0x10, tss; pushf; orl $0x4000, (%esp); popf; iret");
CASE(iret_null_link, "movw $0, tss; pushf; orl $0x4000, (%esp); popf; iret");
CASE(iret_local_link, "movw $0x74, tss; pushf; orl $0x4000, (%esp); popf; iret");
CASE(fault_task, "movl $2f, %edx; " TASK("mov page, %eax") "pop %eax; inc %eax; mov %eax, found; mov tss + 0x20, %eax; sub $fault_task, %eax; mov %eax, found + 4; mov tss + 0x24, %eax; mov %eax, found + 8; movl $2f, tss + 0x20; iret" BACK);
CASE(undefined_to_task, TASK("ud2") "mov task + 0x38, %eax; sub %esp, %eax; inc %eax; mov %eax, found; mov tss + 0x24, %eax; mov %eax, found + 4; movl $2f, tss + 0x20; iret" BACK);
CASE(undefined_plain, "ud2");
CASE(task_loads, TASK("ljmp $0x70, $0") "mov %fs, found; mov %gs, found + 4; sldt found + 8; ljmp $0x28, $0" BACK);
CASE(task_beyond, "movl $0xffff0, task + 0x20; movl $0xa0, task + 0x4c; movl $0x9b00, gdt + 0xa4; movl $0xffff, gdt + 0xa0; ljmp $0x70, $0");
CASE(task_flags, TASK("lcall $0x70, $0") "pushf; pop %eax; mov %eax, found; iret" BACK);
CASE(task_debug, "mov $0x4ff, %eax; mov %eax, %dr7; " TASK("ljmp $0x70, $0") "mov %dr7, %eax; mov %eax, found; ljmp $0x28, $0" BACK);
CASE(task_stepped, TASK("pushf; orl $0x100, (%esp); popf; ljmp $0x70, $0") "nop; nop; ljmp $0x28, $0" BACK);
CASE(to_task16, "movw $code16_task - code16, task + 0xe; ljmp $0x70, $0; mov task + 0xe, %ax; mov %ax, found + 4");
CASE(from_v86, "mov $0x90000, %edi; mov $1f, %esi; mov $2f - 1f, %ecx; cld; rep movsb; movl $0, task + 0x20; ljmp $0x70, $0\n .code16\n 1: mov %ds, %ax; mov %gs, %bx; mov %cs, %cx; mov %ss, %dx; hlt\n 2: .code32\n");
USER_CASE(user_task, TASK("lcall $0x7b, $0") "mov %cs, found; str %ax; mov %ax, found + 4; iret" BACK);
USER_CASE(user_tss, "lcall $0x73, $0");
USER_CASE(user_gate_denied, "lcall $0x83, $0");
USER_CASE(user_gate_rpl, "ljmp $0x83, $0");
USER_CASE(user_int_task, TASK("int $0x84") "mov %cs, found; iret" BACK);
USER_CASE(user_iret_nt, "pushf; orl $0x4000, (%esp); popf; iret");

__asm__(".data\n.balign 16\n.globl code16\n.code16\ncode16: nop\ncode16_task: mov %ss, %ax; addr32 mov %ax, %ss:found; str %ax; addr32 mov %ax, %ss:found + 8; ljmp $0x28, $0\n.code32\n.text\n");

/* Debug registers. */
#define WATCH(address, control) "mov $" address ", %eax; mov %eax, %dr0; mov $" control ", %eax; mov %eax, %dr7; nop; "
CASE(write_watched, WATCH("page", "0xd0401") "mov %eax, page; nop");
CASE(read_written, WATCH("page", "0xd0401") "mov page, %eax; nop");
CASE(read_watched, WATCH("page", "0xf0402") "mov page, %eax; nop");
CASE(update_watched, WATCH("page", "0xd0402") "incb page + 3; nop");
CASE(beside_watched, WATCH("page", "0xd0401") "mov %eax, page + 4; mov %al, page - 1; nop");
CASE(overlap_watched, WATCH("page + 4", "0xd0401") "mov %eax, page + 1; nop");
CASE(byte_watched, WATCH("page + 1", "0x10401") "mov %al, page; mov %al, page + 2; mov %ax, page; nop");
CASE(word_misplaced, WATCH("page + 3", "0x50401") "mov %al, page + 2; nop");
CASE(disabled_watched, WATCH("page", "0xd0400") "mov %eax, page; nop");
CASE(push_watched, "lea -4(%esp), %ecx; mov %ecx, %dr0; mov $0xd0401, %eax; mov %eax, %dr7; push %eax; pop %eax");
CASE(repeat_watched, WATCH("page + 8", "0x10401") "mov $page, %edi; mov $4, %ecx; cld; rep stosl; nop");
CASE(two_watched, WATCH("page", "0xf0401") "mov $page + 2, %eax; mov %eax, %dr1; mov $0x7f0405, %eax; mov %eax, %dr7; mov page, %eax; nop");
CASE(fault_watched, WATCH("page", "0xf0401") "push page; mov $0x60, %eax; mov %eax, %ds");
CASE(faulting_watched, WATCH("page + 4094", "0x70401") "mov page + 4094, %eax");
CASE(shadow_watched, "mov %ss, page; " WATCH("page", "0x70401") "mov page, %ss; nop; nop");
CASE(far_watched, WATCH("gdt + 0x20", "0xf0401") "mov $0x20, %eax; mov %eax, %fs; nop");
CASE(execute_watched, WATCH("1f", "0x401") "nop; 1: nop; nop");
CASE(execute_resumed, WATCH("1f", "0x401") "pushf; orl $0x10000, (%esp); push %cs; push $1f; iret; 1: nop; mov $1f, %eax; incl found; jmp 1b");
CASE(execute_shadow, WATCH("1f", "0x401") "mov %ss, %eax; mov %eax, %ss; 1: nop; nop");
CASE(port_watched, WATCH("0x80", "0x20401") "out %al, $0x80; nop");
CASE(port_word, WATCH("0x81", "0x20401") "in $0x80, %ax; nop");
CASE(port_string, WATCH("0x80", "0x20401") "mov $0x80, %edx; mov $page, %esi; mov $3, %ecx; cld; rep outsb; nop");
CASE(general_detect, "mov $0x2400, %eax; mov %eax, %dr7; mov %dr3, %eax");
CASE(general_detect_clears, "mov $0x2400, %eax; mov %eax, %dr7; mov %eax, %dr0");
CASE(accumulates, "mov $0xffff2ff0, %eax; mov %eax, %dr6; pushf; orl $0x100, (%esp); popf; nop");
CASE(debug_values, "mov $0xffffffff, %eax; mov %eax, %dr6; mov %dr6, %eax; mov %eax, found; mov $0xdc00, %eax; mov %eax, %dr7; mov %dr7, %eax; mov %eax, found + 4; mov $0x400, %eax; mov %eax, %dr7");
CASE(dr4_aliased, "mov $0x400, %eax; mov %eax, %dr5; mov %dr4, %eax; mov %eax, found");
CASE(dr4_undefined, "mov %dr4, %eax");
CASE(step_repeat, "mov $page, %edi; mov $3, %ecx; cld; pushf; orl $0x100, (%esp); popf; rep stosb; nop");
CASE(step_pushf, "pushf; orl $0x100, (%esp); popf; pushf; nop");
CASE(step_int, "mov $0x102, %eax; push %eax; popf; int $0x84");
CASE(step_branches, "mov $0x1d9, %ecx; mov $2, %eax; xor %edx, %edx; wrmsr; pushf; orl $0x100, (%esp); popf; nop; nop; jmp 1f; nop; 1: nop");
CASE(int1_, ".byte 0xf1");
USER_CASE(user_dr, "mov %dr0, %eax");

/* Alignment. */
#define ALIGN "pushf; orl $0x40000, (%esp); popf; "
USER_CASE(word_odd, ALIGN "mov page + 1, %ax");
USER_CASE(long_even, ALIGN "mov page + 2, %eax");
USER_CASE(long_write, ALIGN "mov %eax, page + 2");
USER_CASE(long_aligned, ALIGN "mov page + 4, %eax; movb $1, page + 1");
USER_CASE(push_odd, ALIGN "dec %esp; push %eax");
USER_CASE(call_odd, ALIGN "dec %esp; call 1f; 1:");
USER_CASE(far_pointer, "movl $0, page + 2; " ALIGN "lfs page + 2, %eax");
USER_CASE(far_pointer_16, "movw $0, page + 4; " ALIGN "lfsw page + 2, %ax");
USER_CASE(segment_odd, ALIGN "mov %ds, page + 1");
USER_CASE(x87_long, ALIGN "fldl page + 4");
USER_CASE(x87_extended, ALIGN "fldt page + 8; fldt page + 4");
USER_CASE(x87_save, ALIGN "fnsave page + 4; fnstenv page + 2");
USER_CASE(string_odd, ALIGN "mov $page + 1, %edi; mov $2, %ecx; cld; rep stosl");
USER_CASE(long_absent, ALIGN "mov page + 1, %eax");
USER_CASE(bound_odd, ALIGN "mov $1, %eax; bound %eax, page + 2");
USER_CASE(bits_odd, ALIGN "xor %ecx, %ecx; bt %ecx, page + 2");
USER_CASE(exchange_8, ALIGN "cmpxchg8b page + 4");
CASE(kernel_odd, ALIGN "mov page + 1, %eax");
PREPARE(aligned, set_cr0(AM, 0))
PREPARE(aligned_absent, set_cr0(AM, 0); set_entry(page, 0))
PREPARE(extensions, set_cr4(DE, 0))

/*
 * Virtual interrupts. Programs in virtual-8086 mode lie at 9000:0, see `found` at 9000:1000 + BP, begin with the flags that IRET gives them, and end by HLT,
 * which is #GP. INT 40H may be redirected to `handler`.
 */
#define VIRTUAL(name, flags, body, handler)                                                                                                         \
  CASE(name, "mov $0x90000, %edi; mov $1f, %esi; mov $2f - 1f, %ecx; cld; rep movsb; movl $3f - 1f + 0x90000000, 0x100; mov $found, %ebp; and $0xfff, %ebp;"  \
             "push $0; push $0; push $0; push $0; push $0x8000; push $0x1000; push $" #flags "; push $0x9000; push $0; iret\n .code16\n 1: " body     \
             "\n hlt\n 3: " handler "\n hlt\n 2: .code32\n")
#define FIRST(register) "mov %" #register ", %cs:0x1000(%bp);"
#define SECOND(register) "mov %" #register ", %cs:0x1004(%bp);"
#define THIRD(register) "mov %" #register ", %cs:0x1008(%bp);"
#define REDIRECTED "pop %ax; " FIRST(ax) "pop %ax; " SECOND(ax) "pop %ax; " THIRD(ax)
PREPARE(no_vme, set_entry((void *)0x91000, ((u32)found & ~0xfffu) | P | W | U))
PREPARE(vme, no_vme(); set_cr4(VME, 0); *(u16 *)(tss + 102) = 136; tss[112] = 0xfe)
PREPARE(vme_all_bits, vme(); tss[112] = 0xff)
PREPARE(vme_no_bitmap, vme(); *(u16 *)(tss + 102) = 0x200)
PREPARE(vme_before_tss, vme(); *(u16 *)(tss + 102) = 8)
VIRTUAL(virtual_pushf, 0x20002, "pushf; pop %ax; " FIRST(ax), "");
VIRTUAL(virtual_pushf_vif, 0xa0002, "pushf; pop %ax; " FIRST(ax), "");
VIRTUAL(virtual_pushf_iopl_3, 0xa3202, "pushf; pop %ax; " FIRST(ax) "cli; pushf; pop %ax; " SECOND(ax), "");
VIRTUAL(virtual_pushfd, 0x20002, "pushfl", "");
VIRTUAL(virtual_popf, 0x20002, "pushw $0x4ed7; popf", "");
VIRTUAL(virtual_popf_clear, 0xa0ad7, "pushw $2; popf", "");
VIRTUAL(virtual_popf_same, 0xa0002, "pushw $0x0002; popf; pushw $0x0202; popf", "");
VIRTUAL(virtual_popf_iopl, 0x20002, "pushw $0x3002; popf", "");
VIRTUAL(virtual_popf_tf, 0x20002, "pushw $0x0102; popf", "");
VIRTUAL(virtual_popf_vip, 0x120002, "pushw $0x0202; popf", "");
VIRTUAL(virtual_popf_vip_clear, 0x120002, "pushw $0x0002; popf", "");
VIRTUAL(virtual_popf_iopl_3, 0x123002, "pushw $0x0202; popf", "");
VIRTUAL(virtual_popfd, 0x20002, "pushl $2; popfl", "");
VIRTUAL(virtual_popfd_iopl_3, 0x1a3002, "pushl $2; popfl", "");
VIRTUAL(virtual_both, 0x1a0002, "nop", "");
VIRTUAL(virtual_cli, 0xa0002, "cli", "");
VIRTUAL(virtual_cli_iopl_3, 0xa3202, "cli", "");
VIRTUAL(virtual_sti, 0x20002, "sti", "");
VIRTUAL(virtual_sti_vip, 0x120002, "sti", "");
VIRTUAL(virtual_sti_iopl_3, 0x123002, "sti; nop", "");
VIRTUAL(virtual_iret, 0x20002, "pushw $0x4ed7; push %cs; pushw $4f - 1b; iret; hlt; 4: nop", "");
VIRTUAL(virtual_iret_clear, 0xa0002, "pushw $0x0002; push %cs; pushw $4f - 1b; iret; hlt; 4: nop", "");
VIRTUAL(virtual_iret_tf, 0x20002, "pushw $0x0102; push %cs; pushw $4f - 1b; iret; hlt; 4: nop", "");
VIRTUAL(virtual_iret_vip, 0x120002, "pushw $0x0202; push %cs; pushw $4f - 1b; iret; hlt; 4: nop", "");
VIRTUAL(virtual_iret_iopl_3, 0x123202, "pushw $0x0002; push %cs; pushw $4f - 1b; iret; hlt; 4: nop", "");
VIRTUAL(virtual_iretd, 0x20002, "pushl $2; pushl $0x9000; pushl $4f - 1b; iretl; hlt; 4: nop", "");
VIRTUAL(virtual_int, 0x20002, "int $0x40", REDIRECTED);
VIRTUAL(virtual_int_vif, 0xa48d7, "int $0x40", REDIRECTED);
VIRTUAL(virtual_int_iopl_3, 0xa3202, "int $0x40", REDIRECTED);
VIRTUAL(virtual_int_back, 0xa0002, "int $0x40; nop", "iret");
VIRTUAL(virtual_int_stack, 0x20002, "mov $1, %sp; int $0x40", "");
VIRTUAL(virtual_int3, 0x20002, "int3", "");
VIRTUAL(virtual_into, 0x20802, "into", "");
#define PROTECTED(name, flags, code) CASE(name, "movl $" #code ", page; push $0x23; push $user_stack_top; push $" #flags "; push $0x1b; push $page; iret")
PREPARE(pvi, set_cr4(PVI, 0))
PROTECTED(protected_sti, 0x2, 0xf4fb);
PROTECTED(protected_sti_vip, 0x100002, 0xf4fb);
PROTECTED(protected_cli, 0x80002, 0xf4fa);
PROTECTED(protected_both, 0x180002, 0xf490);
PROTECTED(protected_cli_iopl_3, 0x83202, 0xf4fa);
PROTECTED(protected_popf, 0x80202, 0xf49d9c);

const struct test_case cases[] = {
#define K(name, run, ...) {name, run, KERNEL, __VA_ARGS__}
#define U(name, run, ...) {name, run, USER, __VA_ARGS__}
    K("jump to a task", jump_task, 0),
    K("call of a task", call_task, 0),
    K("call of a task: link and flags", call_task_link, 0),
    K("jump through task gates", jump_task_gate, 0),
    K("calls of a task that goes on behind its IRET", call_twice, 0),
    K("INT n through a task gate", int_task, to_task),
    K("jump to the present task", jump_self, 0),
    K("call of a busy task through a gate", call_busy_gate, 0),
    K("jump through a task gate not present", jump_gate_absent, 0),
    K("jump to a TSS not present", jump_task, no_tss),
    K("jump to a TSS too short", jump_task, short_tss),
    K("call of a TSS not present through a gate", call_twice, no_tss),
    K("IRET with NT to an available task", iret_available, 0),
    K("IRET with NT to data", iret_data_link, 0),
    K("IRET with NT to null", iret_null_link, 0),
    K("IRET with NT to the LDT", iret_local_link, 0),
    K("page fault to a task", fault_task, page_fault_task),
    K("UD2 to a task", undefined_to_task, undefined_task),
    K("UD2 to a busy task", undefined_plain, undefined_task_busy),
    K("UD2 to a task with SS not present", undefined_to_task, undefined_task_bad_ss),
    K("task with an LDT beyond the GDT", jump_task, no_ldt),
    K("task with data for LDT", jump_task, data_ldt),
    K("task with an LDT in the LDT", jump_task, local_ldt),
    K("task with an LDT not present", jump_task, absent_ldt),
    K("task with an LDT", task_loads, good_ldt),
    K("task with data in CS", jump_task, data_cs),
    K("task with CS null", jump_task, null_cs),
    K("task with CS not present", jump_task, absent_cs),
    K("task with CS of DPL 0", jump_task, inner_cs),
    K("task with SS null", jump_task, null_ss),
    K("task with SS not present", jump_task, absent_ss),
    K("task with code in SS", jump_task, code_ss),
    K("task with SS of RPL 0", jump_task, rpl_ss),
    K("task with DS not present", jump_task, absent_ds),
    K("task with ES of DPL 0", jump_task, inner_es),
    K("task with GS beyond the GDT", jump_task, beyond_gs),
    K("task with FS null", task_loads, null_fs),
    K("task beyond the limit of CS", task_beyond, 0),
    K("task with its T flag", jump_task, trap),
    K("flags of a task", task_flags, flags_task),
    K("DR7 in a new task", task_debug, 0),
    K("single step into a task", task_stepped, 0),
    K("task of 16 bits", to_task16, task16),
    K("task in virtual-8086 mode", from_v86, v86_task),
    U("user calls a task through a gate", user_task, 0),
    U("user calls a TSS of DPL 0", user_tss, 0),
    U("user calls a task gate of DPL 0", user_gate_denied, 0),
    U("user jumps to a task gate of DPL 0", user_gate_rpl, 0),
    U("user INT n through a task gate", user_int_task, to_task),
    U("user INT n through a task gate of DPL 0", user_int_task, to_task_denied),
    U("user IRET with NT", user_iret_nt, 0),
    K("write breakpoint: write", write_watched, 0),
    K("write breakpoint: read", read_written, 0),
    K("access breakpoint: read", read_watched, 0),
    K("write breakpoint: update of a byte", update_watched, 0),
    K("write breakpoint: beside", beside_watched, 0),
    K("write breakpoint: overlap", overlap_watched, 0),
    K("byte breakpoint", byte_watched, 0),
    K("word breakpoint at an odd address", word_misplaced, 0),
    K("breakpoint not enabled", disabled_watched, 0),
    K("write breakpoint: push", push_watched, 0),
    K("write breakpoint: REP STOS", repeat_watched, 0),
    K("two breakpoints at once", two_watched, 0),
    K("breakpoint, then a fault", fault_watched, 0),
    K("breakpoint at a word partly absent", faulting_watched, 0),
    K("breakpoint of MOV SS", shadow_watched, 0),
    K("breakpoint on a descriptor", far_watched, 0),
    K("instruction breakpoint", execute_watched, 0),
    K("instruction breakpoint with RF", execute_resumed, 0),
    K("instruction breakpoint behind MOV SS", execute_shadow, 0),
    K("port breakpoint", port_watched, extensions),
    K("port breakpoint without CR4.DE", port_watched, 0),
    K("port breakpoint: second byte", port_word, extensions),
    K("port breakpoint: REP OUTS", port_string, extensions),
    K("general detect", general_detect, 0),
    K("general detect of a write", general_detect_clears, 0),
    K("DR6 accumulates", accumulates, 0),
    K("DR6 and DR7 as written", debug_values, 0),
    K("DR4 and DR5", dr4_aliased, 0),
    K("DR4 with CR4.DE", dr4_undefined, extensions),
    K("single step of REP STOS", step_repeat, 0),
    K("single step of PUSHF", step_pushf, 0),
    K("single step of INT n", step_int, 0),
    K("single step of branches", step_branches, 0),
    K("INT1", int1_, 0),
    U("user reads DR0", user_dr, 0),
    U("word at an odd address", word_odd, aligned),
    U("the same without CR0.AM", word_odd, 0),
    U("doubleword at an even address", long_even, aligned),
    U("write of a doubleword at an even address", long_write, aligned),
    U("doubleword that is aligned", long_aligned, aligned),
    U("push not aligned", push_odd, aligned),
    U("call not aligned", call_odd, aligned),
    U("far pointer of 48 bits", far_pointer, aligned),
    U("far pointer of 32 bits", far_pointer_16, aligned),
    U("segment register at an odd address", segment_odd, aligned),
    U("x87 double not aligned", x87_long, aligned),
    U("x87 extended not aligned", x87_extended, aligned),
    U("x87 environment not aligned", x87_save, aligned),
    U("REP STOS not aligned", string_odd, aligned),
    U("not aligned and not present", long_absent, aligned_absent),
    U("BOUND not aligned", bound_odd, aligned),
    U("BT not aligned", bits_odd, aligned),
    U("CMPXCHG8B not aligned", exchange_8, aligned),
    K("supervisor not aligned", kernel_odd, aligned),
    K("VME: PUSHF", virtual_pushf, vme),
    K("VME: PUSHF with VIF", virtual_pushf_vif, vme),
    K("VME: PUSHF with IOPL 3", virtual_pushf_iopl_3, vme),
    K("VME: PUSHFD", virtual_pushfd, vme),
    K("VME: POPF", virtual_popf, vme),
    K("VME: POPF clears VIF", virtual_popf_clear, vme),
    K("VME: POPF twice", virtual_popf_same, vme),
    K("VME: POPF of IOPL", virtual_popf_iopl, vme),
    K("VME: POPF of TF", virtual_popf_tf, vme),
    K("VME: POPF of IF with VIP", virtual_popf_vip, vme),
    K("VME: POPF without IF with VIP", virtual_popf_vip_clear, vme),
    K("VME: POPF with IOPL 3 and VIP", virtual_popf_iopl_3, vme),
    K("VME: POPFD", virtual_popfd, vme),
    K("VME: POPFD with IOPL 3", virtual_popfd_iopl_3, vme),
    K("VME: CLI", virtual_cli, vme),
    K("VME: CLI with IOPL 3", virtual_cli_iopl_3, vme),
    K("VME: STI", virtual_sti, vme),
    K("VME: STI with VIP", virtual_sti_vip, vme),
    K("VME: STI with IOPL 3 and VIP", virtual_sti_iopl_3, vme),
    K("VME: IRET", virtual_iret, vme),
    K("VME: IRET clears VIF", virtual_iret_clear, vme),
    K("VME: IRET of TF", virtual_iret_tf, vme),
    K("VME: IRET of IF with VIP", virtual_iret_vip, vme),
    K("VME: IRET with IOPL 3", virtual_iret_iopl_3, vme),
    K("VME: IRETD", virtual_iretd, vme),
    K("VME: INT n", virtual_int, vme),
    K("VME: INT n with VIF", virtual_int_vif, vme),
    K("VME: INT n with IOPL 3", virtual_int_iopl_3, vme),
    K("VME: INT n and back", virtual_int_back, vme),
    K("VME: INT n without stack", virtual_int_stack, vme),
    K("VME: INT3", virtual_int3, vme),
    K("VME: INTO", virtual_into, vme),
    K("without VME: PUSHF", virtual_pushf, no_vme),
    K("without VME: POPF", virtual_popf, no_vme),
    K("without VME: STI", virtual_sti, no_vme),
    K("without VME: IRET", virtual_iret, no_vme),
    K("without VME: INT n", virtual_int, no_vme),
    K("VME: INT n that is not redirected", virtual_int, vme_all_bits),
    K("VME: INT n that is not redirected, IOPL 3", virtual_int_iopl_3, vme_all_bits),
    K("VME: INT n without a bit map", virtual_int, vme_no_bitmap),
    K("VME: INT n with a bit map before the TSS", virtual_int, vme_before_tss),
    K("PVI: STI", protected_sti, pvi),
    K("PVI: STI with VIP", protected_sti_vip, pvi),
    K("PVI: CLI", protected_cli, pvi),
    K("PVI: CLI with IOPL 3", protected_cli_iopl_3, pvi),
    K("PVI: POPF", protected_popf, pvi),
    K("PVI: VIF and VIP", protected_both, pvi),
    K("VME: VIF and VIP", virtual_both, vme),
    K("without PVI: VIF and VIP", protected_both, 0),
    K("without PVI: STI", protected_sti, 0),
    {0, 0, 0, 0},
};
