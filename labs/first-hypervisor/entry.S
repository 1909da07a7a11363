/* VM entry and VM exit. For C, vm_enter() is a function that takes a while: it returns at the next VM exit.
   SDM Vol. 3C, "VMX Instruction Reference"; "Loading Host State". */

#include "vmcs-fields.h"

#define RAX 0
#define RCX 8
#define RDX 16
#define RBX 24
#define RBP 32
#define RSI 40
#define RDI 48
#define R8 56
#define R9 64
#define R10 72
#define R11 80
#define R12 88
#define R13 96
#define R14 104
#define R15 112

        .cfi_sections .debug_frame

        .macro save register
        pushq   %\register
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %\register, 0
        .endm

        .macro restore register
        popq    %\register
        .cfi_adjust_cfa_offset -8
        .cfi_restore %\register
        .endm

        .text

/* bool vm_enter(struct registers *registers, bool launched) */
        .globl vm_enter
        .type vm_enter, @function
vm_enter:
        .cfi_startproc
        save    rbp
        save    rbx
        save    r12
        save    r13
        save    r14
        save    r15
        pushq   %rdi
        .cfi_adjust_cfa_offset 8

        /* The next VM exit finds the stack as it is now. */
        movl    $HOST_RSP, %eax
        vmwrite %rsp, %rax

        testl   %esi, %esi
        movq    RAX(%rdi), %rax
        movq    RCX(%rdi), %rcx
        movq    RDX(%rdi), %rdx
        movq    RBX(%rdi), %rbx
        movq    RBP(%rdi), %rbp
        movq    RSI(%rdi), %rsi
        movq    R8(%rdi), %r8
        movq    R9(%rdi), %r9
        movq    R10(%rdi), %r10
        movq    R11(%rdi), %r11
        movq    R12(%rdi), %r12
        movq    R13(%rdi), %r13
        movq    R14(%rdi), %r14
        movq    R15(%rdi), %r15
        movq    RDI(%rdi), %rdi
        jnz     1f
        vmlaunch
        jmp     2f
1:      vmresume

        /* Here only if the entry failed: a successful one goes on in the guest. */
2:      xorl    %eax, %eax
        jmp     3f

        .globl vm_exit
vm_exit:
        pushq   %rdi
        .cfi_adjust_cfa_offset 8
        movq    8(%rsp), %rdi
        movq    %rax, RAX(%rdi)
        movq    %rcx, RCX(%rdi)
        movq    %rdx, RDX(%rdi)
        movq    %rbx, RBX(%rdi)
        movq    %rbp, RBP(%rdi)
        movq    %rsi, RSI(%rdi)
        movq    %r8, R8(%rdi)
        movq    %r9, R9(%rdi)
        movq    %r10, R10(%rdi)
        movq    %r11, R11(%rdi)
        movq    %r12, R12(%rdi)
        movq    %r13, R13(%rdi)
        movq    %r14, R14(%rdi)
        movq    %r15, R15(%rdi)
        popq    %rax
        .cfi_adjust_cfa_offset -8
        movq    %rax, RDI(%rdi)
        movl    $1, %eax

3:      popq    %rdi
        .cfi_adjust_cfa_offset -8
        restore r15
        restore r14
        restore r13
        restore r12
        restore rbx
        restore rbp
        ret
        .cfi_endproc
        .size vm_enter, . - vm_enter
