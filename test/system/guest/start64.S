/* Multiboot 1 to 64-bit mode; the first 4 MiB are mapped by pages of 4 KiB, for the supervisor; and the way back from exceptions. */
        .section .multiboot, "a"
        .balign 4
        .long   0x1badb002, 3, -(0x1badb002 + 3)

        .text
        .code32
        .globl  start
start:  cli
        movl    $stack_top, %esp
        movl    $page_table, %edi
        movl    $3, %eax
1:      movl    %eax, (%edi)
        addl    $8, %edi
        addl    $4096, %eax
        cmpl    $(4 << 20), %eax
        jb      1b
        movl    $(page_table + 7), directory
        movl    $(page_table + 4096 + 7), directory + 8
        movl    $(directory + 7), pointers
        movl    $(pointers + 7), pml4
        movl    $pml4, %eax
        movl    %eax, %cr3
        movl    $0x6a0, %eax                   /* OSXMMEXCPT, OSFXSR, PGE, PAE */
        movl    %eax, %cr4
        movl    $0xc0000080, %ecx
        rdmsr
        orl     $0x901, %eax                   /* NXE, LME, SCE */
        wrmsr
        movl    $0x80010033, %eax              /* PG, WP, NE, ET, MP, PE */
        movl    %eax, %cr0
        lgdt    gdt_register
        ljmp    $0x08, $1f
        .code64
1:      movl    $0x10, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    %eax, %fs
        movl    %eax, %gs
        fninit
        call    main
        hlt

/* int run_case(void (*run)(void)): 1 when an exception ended it. */
        .globl  run_case, run_user_case
run_case:
        pushq   %rbx
        pushq   %rbp
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, kernel_sp
        call    *%rdi
        pushq   $2
        popfq
        xorl    %eax, %eax
        jmp     back
run_user_case:
        pushq   %rbx
        pushq   %rbp
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, kernel_sp
        movl    $0x23, %eax
        movl    %eax, %ds
        movl    %eax, %es
        pushq   $0x23
        pushq   $user_stack_top
        pushq   $2
        pushq   $0x2b
        pushq   %rdi
        iretq
back:   popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbp
        popq    %rbx
        ret

        .macro  stub vector, has_error
        .balign 16
        .ifeq   \has_error
        pushq   $0
        .endif
        pushq   $\vector
        jmp     thrown
        .endm
        .globl  stubs
        .balign 16
stubs:
        .irp    vector, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21
        .if     \vector == 8 || (\vector >= 10 && \vector <= 14) || \vector == 17 || \vector == 21
        stub    \vector, 1
        .else
        stub    \vector, 0
        .endif
        .endr
        .globl  stub_returned
stub_returned:
        stub    0x81, 0

thrown: popq    caught
        popq    caught + 8
        popq    caught + 16
        popq    caught + 24
        popq    caught + 32
        popq    caught + 40
        popq    caught + 48
        movq    %cr2, %rax
        movq    %rax, caught + 56
        movq    %dr6, %rax
        movq    %rax, caught + 64
        movl    $0x10, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movq    kernel_sp, %rsp
        pushq   $2
        popfq
        movl    $1, %eax
        jmp     back

        .data
        .balign 16
        .globl  gdt
gdt:    .quad   0
        .quad   0x00af9b000000ffff             /* 08 code */
        .quad   0x00cf93000000ffff             /* 10 data */
        .quad   0x00cffb000000ffff             /* 18 code of programs, 32 bits */
        .quad   0x00cff3000000ffff             /* 20 data of programs */
        .quad   0x00affb000000ffff             /* 28 code of programs, 64 bits */
        .quad   0, 0                           /* 30 TSS */
        .quad   0, 0                           /* 40 call gate */
        .quad   0x00af9f000000ffff             /* 50 conforming code */
        .quad   0x00cf13000000ffff             /* 58 data that is not present */
        .quad   0x00ef9b000000ffff             /* 60 code with L and D */
gdt_end:
gdt_register:
        .word   gdt_end - gdt - 1
        .quad   gdt

        .bss
        .balign 4096
        .globl  pml4, pointers, directory, page_table, user_stack_top, fault_stack_top
pml4:   .skip   4096
pointers: .skip 4096
directory: .skip 4096
page_table: .skip 2 * 4096
stack:  .skip   16384
stack_top:
        .globl  user_stack
        .balign 4096
user_stack:
        .skip   8192
user_stack_top:
        .skip   8192
fault_stack_top:
