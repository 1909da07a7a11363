/* Cases of 32-bit protected mode, and of virtual-8086 mode. */
#include "world32.h"

void gate_target16(void);

void restore_own(void) {
  call_gate(0x70, PRESENT | DPL3 | GATE32, 0x08, gate_target);
  call_gate(0x78, PRESENT | DPL3 | GATE32 | 2, 0x08, gate_parameters);
  call_gate(0x80, PRESENT | GATE32, 0x08, gate_target);
  call_gate(0x88, DPL3 | GATE32, 0x08, gate_target);
  call_gate(0x90, PRESENT | DPL3 | GATE32, 0x10, gate_target);
  call_gate(0x98, PRESENT | DPL3 | GATE32, 0x68, gate_target);
  gdt[0xa0 / 8] = (0x00009bull << 40) | (u64)((u32)code16 & 0xffffff) << 16 | 0x8f;
  wrmsr(0x176, (u32)sysenter_target);
}

PREPARE(read_only, set_entry(page, (u32)page | P | U))
PREPARE(read_only_without_wp, set_entry(page, (u32)page | P | U); set_cr0(0, WP))
PREPARE(supervisor, set_entry(page, (u32)page | P | W))
PREPARE(absent, set_entry(page, 0))
PREPARE(second_absent, set_entry(page + 4096, 0))
PREPARE(large_page, directory[2] = P | W | PS)
PREPARE(large_reserved, directory[2] = P | W | PS | 1 << 21)
PREPARE(with_ldt, __asm__ volatile("lldt %w0" : : "r"(0xa8)))
PREPARE(gate16, call_gate(0x70, PRESENT | DPL3 | GATE16, 0xa0, (void (*)(void))(gate_target16 - (void (*)(void))code16)))
PREPARE(trap_gate, set_gate(6, (void (*)(void))(stubs + 16 * 6), TRAP_GATE, 0, 0))
PREPARE(gate_absent, idt[6].b &= ~0x8000u)
PREPARE(page_fault_gate_absent, idt[14].b &= ~0x8000u; set_entry(page, 0))
PREPARE(gate_to_data, idt[6].a = (idt[6].a & 0xffff) | 0x00100000u)
PREPARE(gate_to_nothing, idt[6].a = idt[6].a & 0xffff)
PREPARE(gate_to_programs, idt[6].a = (idt[6].a & 0xffff) | 0x00180000u)
PREPARE(gate_beyond_limit, idt[6].a = (idt[6].a & 0xffff) | 0x00a00000u)
PREPARE(ports, tss[104 + 16] = 0xfe)
PREPARE(no_ports, tss[104 + 16] = 0xff)

CASE(nothing, "");
CASE(limit_last, LOAD(fs, 0x30) "mov %fs:0xfff, %al");
CASE(limit_beyond, LOAD(fs, 0x30) "mov %fs:0x1000, %al");
CASE(limit_word, LOAD(fs, 0x30) "mov %fs:0xfff, %ax");
CASE(limit_dword, LOAD(fs, 0x30) "mov %fs:0xffc, %eax");
CASE(limit_dword_beyond, LOAD(fs, 0x30) "mov %fs:0xffd, %eax");
CASE(limit_write_beyond, LOAD(fs, 0x30) "mov %eax, %fs:0xffd");
CASE(limit_stack, LOAD(ss, 0x30) "mov $0xffe, %esp; pop %eax");
CASE(limit_bp, LOAD(ss, 0x30) "mov $0xf00, %esp; mov $0x1000, %ebp; mov (%ebp), %al");
CASE(limit_bp_ds, LOAD(ds, 0x30) "mov $0x1000, %ebp; mov %ds:(%ebp), %al");
CASE(limit_string, LOAD(es, 0x30) "mov $0xffe, %edi; mov $4, %ecx; rep stosb");
CASE(wraps, "mov $0xfffffffe, %eax; mov (%eax), %eax");
CASE(down_first, LOAD(gs, 0x38) "mov %gs:0x1000, %al");
CASE(down_below, LOAD(gs, 0x38) "mov %gs:0xfff, %al");
CASE(down_partly, LOAD(gs, 0x38) "mov %gs:0xffd, %eax");
CASE(down_end, LOAD(gs, 0x38) "mov %gs:0xfffffffd, %eax");
CASE(down16_last, LOAD(gs, 0x40) "mov %gs:0xffff, %al");
CASE(down16_beyond, LOAD(gs, 0x40) "mov %gs:0x10000, %al");
CASE(down16_partly, LOAD(gs, 0x40) "mov %gs:0xffff, %ax");
CASE(write_read_only, LOAD(fs, 0x48) "mov %al, %fs:page");
CASE(update_read_only, LOAD(fs, 0x48) "incb %fs:page");
CASE(read_code, LOAD(fs, 0x08) "mov %fs:page, %al");
CASE(write_code, "mov %al, %cs:page");
CASE(load_execute_only, LOAD(fs, 0x50));
CASE(read_null, LOAD(fs, 0) "mov %fs:page, %al");
CASE(read_null_rpl, LOAD(fs, 3) "mov %fs, %eax; mov %eax, found; mov %fs:page, %al");
CASE(load_absent, LOAD(ds, 0x60));
CASE(load_ss_absent, LOAD(ss, 0x60));
CASE(load_ss_null, LOAD(ss, 0));
CASE(load_ss_read_only, LOAD(ss, 0x48));
CASE(load_ss_code, LOAD(ss, 0x08));
CASE(load_ss_rpl, LOAD(ss, 0x13));
CASE(load_ss_dpl, LOAD(ss, 0x23));
CASE(load_system, LOAD(fs, 0x28));
CASE(load_gate, LOAD(fs, 0x70));
CASE(load_beyond, LOAD(fs, 0x1f8));
CASE(load_no_ldt, LOAD(fs, 0xc));
CASE(load_from_ldt, LOAD(fs, 0xc) "mov %fs, %eax; mov %eax, found");
CASE(load_beyond_ldt, LOAD(fs, 0x14));
CASE(load_cs, ".byte 0x8e, 0xc8");
CASE(pop_absent, "push $0x60; pop %ds");
CASE(pop_ss_shadow, "pushf; orl $0x100, (%esp); mov %ss, %eax; push %eax; popl %eax; popf; nop");
CASE(lgs_absent, "push $0x60; push $1; lgs (%esp), %eax");
CASE(lss_null, "push $0; push $1; lss (%esp), %eax");
CASE(ltr_busy, "mov $0x28, %eax; ltr %ax");
CASE(ltr_data, "mov $0x10, %eax; ltr %ax");
CASE(lldt_gate, "mov $0x70, %eax; lldt %ax");
CASE(queries, "mov $0x30, %ecx; lar %ecx, %eax; mov %eax, found; lsl %ecx, %eax; mov %eax, found + 4; mov $0x38, %ecx; lsl %ecx, %eax; mov %eax, found + 8; mov $0x70, %ecx; lar %ecx, %eax; mov %eax, found + 12");
CASE(queries_fail, "mov $7, %edx; mov $0x70, %ecx; lsl %ecx, %eax; setz %dl; mov $0x1f8, %ecx; lar %ecx, %eax; setz %dh; mov %edx, found; incl found; mov $0x50, %ecx; verr %cx; setz found + 4; verw %cx; setz found + 5; mov $0x48, %ecx; verr %cx; setz found + 6; verw %cx; setz found + 7; mov $0x60, %ecx; verr %cx; setz found + 8");
CASE(arpl, "mov $0x10, %eax; mov $3, %ecx; arpl %cx, %ax; mov %eax, found; setz found + 4; mov $1, %ecx; arpl %cx, %ax; setz found + 5; mov %eax, found + 8");
CASE(jump_data, "ljmp $0x10, $1f\n 1:");
CASE(jump_null, "ljmp $0, $1f\n 1:");
CASE(jump_absent, "ljmp $0x68, $1f\n 1:");
CASE(jump_programs, "ljmp $0x18, $1f\n 1:");
CASE(jump_rpl, "ljmp $0xb, $1f\n 1:");
CASE(jump_conforming, "ljmp $0x5b, $1f\n 1: mov %cs, %eax; mov %eax, found; ljmp $8, $1f\n 1:");
CASE(jump_beyond, "ljmp $0xa0, $0x90");
CASE(jump_gate, "push $1f; ljmp $0x70, $0\n 1: add $4, %esp");
CASE(call_gate_same, "lcall $0x70, $0");
CASE(call_gate_16, "lcall $0x70, $0");
CASE(call_beyond, "lcall $0xa0, $0x90");
CASE(call_16, "lcall $0xa0, $0");
CASE(fall_off, "ljmp $0xa0, $code16_last - code16");
CASE(return_outer_data, "push $0x23; push $user_stack_top; push $0x23; push $page; lret");
CASE(return_inner, "push $0x8; push $1f; lret\n 1:");
CASE(iret_data, "pushf; push $0x10; push $1f; iret\n 1:");
CASE(iret_absent, "pushf; push $0x68; push $1f; iret\n 1:");
CASE(iret_beyond, "pushf; push $0xa0; push $0x90; iret");
CASE(iret_flags, "push $0x243fd7 & ~0x300; push $8; push $1f; iret\n 1: pushf; pop %eax; mov %eax, found");
CASE(iret16, "pushfw; pushw $0xa0; pushw $code16_iret - code16; iretw");
CASE(iret_bad_outer_ss, "push $0x10; push $user_stack_top; push $2; push $0x1b; push $page; iret");
CASE(iret_absent_outer_ss, "push $0x63; push $user_stack_top; push $2; push $0x1b; push $page; iret");
CASE(read_page, "mov page, %eax");
CASE(write_page, "mov %eax, page");
CASE(read_across, "mov page + 4094, %eax");
CASE(call_page, "call page");
CASE(read_large, "mov $0x800000, %eax; mov (%eax), %eax");
CASE(undefined, "ud2");
CASE(undefined_with_interrupts, "sti; ud2");
CASE(int_82, "int $0x82");
CASE(int_absent, "int $0x83");
CASE(overflow, "mov $0x7f, %al; inc %al; into");
CASE(no_overflow, "xor %eax, %eax; into");
CASE(bound_inside, "mov $5, %eax; push $9; push $1; bound %eax, (%esp); add $8, %esp");
CASE(bound_outside, "mov $10, %eax; push $9; push $1; bound %eax, (%esp)");
CASE(aam_0, ".byte 0xd4, 0");
CASE(step, "pushf; orl $0x100, (%esp); popf; nop; nop");
CASE(step_ss, "mov %ss, %ecx; pushf; orl $0x100, (%esp); popf; mov %ecx, %ss; nop; nop");
CASE(syscall_, "syscall");
CASE(mov_cr8, ".byte 0x44, 0x0f, 0x20, 0xc0; dec %esp");
CASE(enter_deep, "mov %esp, %ecx; mov %esp, %ebp; enter $8, $3; mov %ecx, %eax; sub %esp, %eax; mov %eax, found; mov %ecx, %eax; sub %ebp, %eax; mov %eax, found + 4; mov %ecx, %esp");

USER_CASE(user_nothing, "");
USER_CASE(user_read, "mov page, %eax");
USER_CASE(user_write, "mov %eax, page");
USER_CASE(user_gate, "lcall $0x73, $0");
USER_CASE(user_gate_parameters, "push $0x1111; push $0x2222; lcall $0x7b, $0; mov %esp, %eax; sub $user_stack_top, %eax; neg %eax; inc %eax; mov %eax, found + 12");
USER_CASE(user_gate_denied, "lcall $0x83, $0");
USER_CASE(user_gate_absent, "lcall $0x8b, $0");
USER_CASE(user_gate_data, "lcall $0x93, $0");
USER_CASE(user_gate_absent_code, "lcall $0x9b, $0");
USER_CASE(user_jump_gate, "ljmp $0x73, $0");
USER_CASE(user_jump_kernel, "ljmp $0x8, $0");
USER_CASE(user_conforming, "lcall $0x5b, $1f; jmp 2f\n 1: mov %cs, %eax; mov %eax, found; lret\n 2:");
USER_CASE(user_return_inner, "push $8; push $0; lret");
USER_CASE(user_load_kernel, LOAD(fs, 0x10));
USER_CASE(user_load_conforming, LOAD(fs, 0x58) "mov %fs, %eax; mov %eax, found");
USER_CASE(user_load_rpl, LOAD(fs, 0x20) "mov %fs, %eax; mov %eax, found");
USER_CASE(user_load_ss, LOAD(ss, 0x20));
USER_CASE(user_int_82, "int $0x82");
USER_CASE(user_port, "in $0x80, %al");
USER_CASE(user_port_word, "in $0x80, %ax");
USER_CASE(user_sti, "sti");
USER_CASE(user_popf, "push $0x3302 & ~0x100; popf; pushf; pop %eax; mov %eax, found");
USER_CASE(user_sysenter, "sysenter");
USER_CASE(user_sysexit, "sysexit");
USER_CASE(user_lar, "mov $0x10, %ecx; lar %ecx, %eax; setz found; mov $0x58, %ecx; lar %ecx, %eax; setz found + 1; mov $0x20, %ecx; verw %cx; setz found + 2; mov $0x13, %ecx; verr %cx; setz found + 3");
USER_CASE(user_iret_kernel, "pushf; push $8; push $0; iret");
USER_CASE(user_wbinvd, "wbinvd");

/* Virtual-8086 mode: programs at 9000:0, which IRET enters with an IOPL. */
#define V86(name, iopl, body)                                                                                                                  \
  CASE(name, "mov $0x90000, %edi; mov $1f, %esi; mov $2f - 1f, %ecx; cld; rep movsb; push $0x1234; push $0x2345; push $0x3456; push $0x4567;"      \
             "push $0x8000; push $0x1000; push $0x20002 + " #iopl "; push $0x9000; push $0; iret\n .code16\n 1: " body "\n int $0x81\n 2: .code32\n")
V86(v86_nothing, 0x3000, "");
V86(v86_segments, 0x3000, "mov %ds, %ax; mov %ax, %gs; push %fs; pop %es; mov %ss, %bx; mov %bx, %ss; pop %cx");
V86(v86_int_iopl_0, 0, "");
V86(v86_int_denied, 0x3000, "int $0x82");
V86(v86_hlt, 0x3000, "hlt");
V86(v86_cli_iopl_0, 0, "cli");
V86(v86_pushf_iopl_0, 0, "pushf");
V86(v86_popf_iopl_0, 0, "popf");
V86(v86_iret_iopl_0, 0, "iret");
V86(v86_in, 0x3000, "in $0x90, %al");
V86(v86_mov_cr, 0x3000, "mov %cr0, %eax");
V86(v86_lldt, 0x3000, "lldt %ax");
V86(v86_limit, 0x3000, "mov $0xffff, %bx; mov (%bx), %ax");
V86(v86_stack, 0x3000, "mov $1, %sp; push %ax");
V86(v86_page, 0x3000, "mov $0xf000, %ax; mov %ax, %ds; mov (0x1000), %al");

__asm__(
    ".text\n"
    "gate_target: mov %cs, %eax; mov %eax, found; mov %ss, %eax; mov %eax, found + 4; mov 4(%esp), %eax; mov %eax, found + 8; lret\n"
    "gate_parameters: mov %ss, %eax; mov %eax, found; mov 8(%esp), %eax; shl $16, %eax; mov 12(%esp), %ax; mov %eax, found + 4; mov 20(%esp), %eax; mov %eax, found + 8; lret $8\n"
    "sysenter_target: mov %cs, %eax; mov %eax, found; mov %ss, %eax; mov %eax, found + 4; mov %esp, %eax; sub $inner_stack_top, %eax; inc %eax; mov %eax, found + 8; mov kernel_sp, %esp; int $0x81\n"
    ".data\n.balign 16\n.code16\n"
    "code16: mov $0x1234, %ax; addr32 mov %ax, %ss:found; .byte 0x66; lret\n"
    "gate_target16: mov $0x77, %ax; addr32 mov %ax, %ss:found; ljmpl $8, $after_gate16\n"
    "code16_iret: mov $0x88, %ax; addr32 mov %ax, %ss:found; ljmpl $8, $after_iret16\n"
    ".org code16 + 0x8e\n"
    "code16_last: nop; nop; nop\n"
    ".code32\n.text\n"
    "after_gate16: add $4, %esp\n"
    "after_iret16: ret\n");

const struct test_case cases[] = {
#define K(name, run, ...) {name, run, KERNEL, __VA_ARGS__}
#define U(name, run, ...) {name, run, USER, __VA_ARGS__}
    K("nothing", nothing, 0),
    K("limit: last byte", limit_last, 0),
    K("limit: beyond", limit_beyond, 0),
    K("limit: word partly beyond", limit_word, 0),
    K("limit: last doubleword", limit_dword, 0),
    K("limit: doubleword partly beyond", limit_dword_beyond, 0),
    K("limit: write partly beyond", limit_write_beyond, 0),
    K("limit: pop beyond", limit_stack, 0),
    K("limit: by EBP", limit_bp, 0),
    K("limit: by EBP in DS", limit_bp_ds, 0),
    K("limit: REP STOSB", limit_string, 0),
    K("flat: across 4 GiB", wraps, 0),
    K("expand-down: first byte", down_first, 0),
    K("expand-down: below", down_below, 0),
    K("expand-down: partly below", down_partly, 0),
    K("expand-down: across 4 GiB", down_end, 0),
    K("expand-down of 16 bits: last byte", down16_last, 0),
    K("expand-down of 16 bits: beyond", down16_beyond, 0),
    K("expand-down of 16 bits: partly beyond", down16_partly, 0),
    K("write to read-only data", write_read_only, 0),
    K("update of read-only data", update_read_only, 0),
    K("read of code", read_code, 0),
    K("write to code", write_code, 0),
    K("load of execute-only code", load_execute_only, 0),
    K("read by a null selector", read_null, 0),
    K("read by a null selector of RPL 3", read_null_rpl, 0),
    K("DS not present", load_absent, 0),
    K("SS not present", load_ss_absent, 0),
    K("SS null", load_ss_null, 0),
    K("SS read-only", load_ss_read_only, 0),
    K("SS code", load_ss_code, 0),
    K("SS of RPL 3", load_ss_rpl, 0),
    K("SS of DPL 3", load_ss_dpl, 0),
    K("TSS in FS", load_system, 0),
    K("call gate in FS", load_gate, 0),
    K("FS beyond the GDT", load_beyond, 0),
    K("FS of no LDT", load_no_ldt, 0),
    K("FS of the LDT", load_from_ldt, with_ldt),
    K("FS beyond the LDT", load_beyond_ldt, with_ldt),
    K("MOV to CS", load_cs, 0),
    K("POP DS not present", pop_absent, 0),
    K("single step behind POPF", pop_ss_shadow, 0),
    K("LGS not present", lgs_absent, 0),
    K("LSS null", lss_null, 0),
    K("LTR of a busy TSS", ltr_busy, 0),
    K("LTR of data", ltr_data, 0),
    K("LLDT of a gate", lldt_gate, 0),
    K("LAR and LSL", queries, 0),
    K("LAR, LSL, VERR, VERW that fail", queries_fail, 0),
    K("ARPL", arpl, 0),
    K("far jump to data", jump_data, 0),
    K("far jump to null", jump_null, 0),
    K("far jump to code not present", jump_absent, 0),
    K("far jump to code of DPL 3", jump_programs, 0),
    K("far jump with RPL 3", jump_rpl, 0),
    K("far jump to conforming code", jump_conforming, 0),
    K("far jump beyond the limit", jump_beyond, 0),
    K("far call through a gate", call_gate_same, 0),
    K("far call through a gate of 16 bits", call_gate_16, gate16),
    K("far call beyond the limit", call_beyond, 0),
    K("far call to 16-bit code", call_16, 0),
    K("falling off the end of code", fall_off, 0),
    K("far return with a bad SS", return_outer_data, 0),
    K("far return", return_inner, 0),
    K("IRET to data", iret_data, 0),
    K("IRET to code not present", iret_absent, 0),
    K("IRET beyond the limit", iret_beyond, 0),
    K("IRET of flags", iret_flags, 0),
    K("IRET of 16 bits", iret16, 0),
    K("IRET outwards with SS of DPL 0", iret_bad_outer_ss, 0),
    K("IRET outwards with SS not present", iret_absent_outer_ss, 0),
    K("supervisor reads a page not present", read_page, absent),
    K("supervisor writes a page not present", write_page, absent),
    K("supervisor executes a page not present", call_page, absent),
    K("supervisor writes a read-only page", write_page, read_only),
    K("supervisor writes a read-only page with CR0.WP 0", write_page, read_only_without_wp),
    K("read across into a page not present", read_across, second_absent),
    K("read of a page of 4 MiB", read_large, large_page),
    K("read of a page of 4 MiB with a reserved bit", read_large, large_reserved),
    U("nothing in user mode", user_nothing, 0),
    U("user reads a supervisor page", user_read, supervisor),
    U("user writes a read-only page", user_write, read_only),
    U("user reads a page not present", user_read, absent),
    U("call gate", user_gate, 0),
    U("call gate with parameters", user_gate_parameters, 0),
    U("call gate of DPL 0", user_gate_denied, 0),
    U("call gate not present", user_gate_absent, 0),
    U("call gate to data", user_gate_data, 0),
    U("call gate to code not present", user_gate_absent_code, 0),
    U("jump through a call gate to DPL 0", user_jump_gate, 0),
    U("far jump to DPL 0", user_jump_kernel, 0),
    U("conforming code", user_conforming, 0),
    U("far return to DPL 0", user_return_inner, 0),
    U("FS of DPL 0", user_load_kernel, 0),
    U("FS of conforming code", user_load_conforming, 0),
    U("FS of RPL 0", user_load_rpl, 0),
    U("SS of RPL 0", user_load_ss, 0),
    U("INT through a gate of DPL 0", user_int_82, 0),
    U("IN allowed by the bit map", user_port, ports),
    U("IN of two ports, one allowed", user_port_word, ports),
    U("IN denied by the bit map", user_port, no_ports),
    U("STI", user_sti, 0),
    U("POPF", user_popf, 0),
    U("SYSENTER", user_sysenter, 0),
    U("SYSEXIT", user_sysexit, 0),
    U("LAR, VERR, VERW by privilege", user_lar, 0),
    U("IRET to DPL 0", user_iret_kernel, 0),
    U("WBINVD", user_wbinvd, 0),
    K("UD2", undefined, 0),
    K("UD2 through a trap gate with interrupts enabled", undefined_with_interrupts, trap_gate),
    K("UD2 through a gate not present", undefined, gate_absent),
    K("UD2 through a gate to data", undefined, gate_to_data),
    K("UD2 through a gate with a null selector", undefined, gate_to_nothing),
    K("UD2 through a gate to code of DPL 3", undefined, gate_to_programs),
    K("UD2 through a gate beyond a limit", undefined, gate_beyond_limit),
    K("page fault through a gate not present", read_page, page_fault_gate_absent),
    K("INT n", int_82, 0),
    K("INT n through a gate not present", int_absent, 0),
    K("INTO", overflow, 0),
    K("INTO without OF", no_overflow, 0),
    K("BOUND inside", bound_inside, 0),
    K("BOUND outside", bound_outside, 0),
    K("AAM by 0", aam_0, 0),
    K("single step", step, 0),
    K("single step of MOV SS", step_ss, 0),
    K("SYSCALL", syscall_, 0),
    K("ENTER of three levels", enter_deep, 0),
    K("virtual-8086 mode", v86_nothing, 0),
    K("virtual-8086: segments", v86_segments, 0),
    K("virtual-8086: INT n with IOPL 0", v86_int_iopl_0, 0),
    K("virtual-8086: INT n through a gate of DPL 0", v86_int_denied, 0),
    K("virtual-8086: HLT", v86_hlt, 0),
    K("virtual-8086: CLI with IOPL 0", v86_cli_iopl_0, 0),
    K("virtual-8086: PUSHF with IOPL 0", v86_pushf_iopl_0, 0),
    K("virtual-8086: POPF with IOPL 0", v86_popf_iopl_0, 0),
    K("virtual-8086: IRET with IOPL 0", v86_iret_iopl_0, 0),
    K("virtual-8086: IN", v86_in, 0),
    K("virtual-8086: MOV from CR0", v86_mov_cr, 0),
    K("virtual-8086: LLDT", v86_lldt, 0),
    K("virtual-8086: word beyond the segment", v86_limit, 0),
    K("virtual-8086: push beyond the segment", v86_stack, 0),
    K("virtual-8086: supervisor page", v86_page, 0),
    {0, 0, 0, 0},
};
