/* The guest's first instructions, its page tables, and the door through which its page faults come.
   SDM Vol. 3A, "4-Level Paging and 5-Level Paging", "Exception and Interrupt Handling in 64-bit Mode". */

#include "contract.h"

#define CODE 0x08
#define DATA 0x10

        .cfi_sections .debug_frame

        .section .header, "a"
        .quad GUEST_MAGIC, guest_entry, stack_top, page_table_root

        .text
        .globl guest_entry
        .type guest_entry, @function
guest_entry:
        .cfi_startproc
        .cfi_undefined %rip
        lgdt    gdt_pointer
        pushq   $CODE
        pushq   $1f
        lretq
1:      movl    $DATA, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        xorl    %ebp, %ebp
        call    guest_main
2:      hlt
        jmp     2b
        .cfi_endproc
        .size guest_entry, . - guest_entry

/* SDM Vol. 3A, "Interrupt 14—Page-Fault Exception (#PF)". The processor has pushed SS, RSP, RFLAGS, CS, RIP and an
   error code. */
        .globl page_fault_entry
        .type page_fault_entry, @function
page_fault_entry:
        .cfi_startproc
        .cfi_signal_frame
        .cfi_def_cfa %rsp, 48
        .cfi_offset %rip, -40
        .cfi_offset %rsp, -16
        .irp register, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11
        pushq   %\register
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %\register, 0
        .endr
        movq    %cr2, %rdi
        movq    72(%rsp), %rsi
        call    page_fault
        .irp register, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax
        popq    %\register
        .cfi_adjust_cfa_offset -8
        .cfi_restore %\register
        .endr
        addq    $8, %rsp
        .cfi_adjust_cfa_offset -8
        iretq
        .cfi_endproc
        .size page_fault_entry, . - page_fault_entry

        .data
        .balign 8
gdt:    .quad 0
        .quad 0x00af9b000000ffff                /* CODE: 64-bit code */
        .quad 0x00cf93000000ffff                /* DATA */
gdt_end:
gdt_pointer:
        .word gdt_end - gdt - 1
        .quad gdt

/* Linear = guest-physical for all 16 MiB of memory, in eight pages of 2 MiB. */
        .balign 4096
        .globl page_table_root
page_table_root:
        .quad page_directory_pointers + 3
        .fill 511, 8, 0
page_directory_pointers:
        .quad page_directory + 3
        .fill 511, 8, 0
page_directory:
        .irp page, 0, 1, 2, 3, 4, 5, 6, 7
        .quad \page * 0x200000 + 0x83          /* present, writable, page size */
        .endr
        .balign 4096

        .bss
        .balign 16
stack:  .skip 4096
        .globl stack_top
stack_top:
