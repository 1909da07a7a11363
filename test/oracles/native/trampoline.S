/* Into a case and out of it. IRETQ loads RIP, RFLAGS and RSP at once, so that TF traps right behind the first instruction. */

#include "machine.h"
#include "trampoline.h"

        .macro each_register base, store
        .set number, 0
        .irp register, rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
        .ifeq \store
        .ifnc \register, rsp
        movq    \base + 8 * number, %\register
        .endif
        .else
        movq    %\register, \base + 8 * number
        .endif
        .set number, number + 1
        .endr
        .endm

        .text
        .globl enter_case
        .type enter_case, @function
enter_case:
        pushq   %rbx
        pushq   %rbp
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        rdfsbase %rax
        pushq   %rax
        movq    %rsp, HOST_RSP
        movl    $DATA_SELECTOR, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %fs
        movl    %eax, %gs
        movq    BASES_IN, %rax
        wrfsbase %rax
        movq    BASES_IN + 8, %rax
        wrgsbase %rax
        movl    $XSAVE_COMPONENTS, %eax
        xorl    %edx, %edx
        xrstor64 XSAVE_IN
        movl    $IRET_FRAME, %esp
        each_register REGISTERS_IN, 0
        iretq

        .globl direct_exit
direct_exit:
        each_register REGISTERS_OUT, 1
        movl    $SCRATCH_STACK_TOP, %esp
        pushfq
        popq    RFLAGS_OUT
        pushq   $2
        popfq
        rdfsbase %rax
        movq    %rax, BASES_OUT
        rdgsbase %rax
        movq    %rax, BASES_OUT + 8
        .set number, 0
        .irp register, es, cs, ss, ds, fs, gs
        movw    %\register, SELECTORS_OUT + 2 * number
        .set number, number + 1
        .endr
        movl    $XSAVE_COMPONENTS, %eax
        xorl    %edx, %edx
        xsave64 XSAVE_OUT

        .globl leave_case
leave_case:
        movq    HOST_RSP, %rsp
        popq    %rax
        wrfsbase %rax
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbp
        popq    %rbx
        ret

        .section .note.GNU-stack, "", @progbits
