/* Multiboot 1 to 32-bit protected mode with paging; the first 4 MiB are mapped for the supervisor; and the way back from exceptions. */
        .section .multiboot, "a"
        .balign 4
        .long   0x1badb002, 3, -(0x1badb002 + 3)

        .text
        .globl  start
start:  cli
        movl    $stack_top, %esp
        lgdt    gdt_register
        ljmp    $0x08, $1f
1:      movl    $0x10, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        movl    %eax, %fs
        movl    %eax, %gs
        movl    $page_table, %edi
        movl    $3, %eax
1:      movl    %eax, (%edi)
        addl    $4, %edi
        addl    $4096, %eax
        cmpl    $(4 << 20), %eax
        jb      1b
        movl    $(page_table + 7), directory
        movl    $directory, %eax
        movl    %eax, %cr3
        movl    $0x610, %eax                   /* OSXMMEXCPT, OSFXSR, PSE */
        movl    %eax, %cr4
        movl    $0x80010033, %eax              /* PG, WP, NE, ET, MP, PE */
        movl    %eax, %cr0
        fninit
        call    main
        hlt

/* int run_case(void (*run)(void)): 1 when an exception ended it. */
        .globl  run_case, run_user_case
run_case:
        movl    4(%esp), %eax
        pushl   %ebx
        pushl   %ebp
        pushl   %esi
        pushl   %edi
        movl    %esp, kernel_sp
        call    *%eax
        pushl   $2
        popfl
        xorl    %eax, %eax
        jmp     back
run_user_case:
        movl    4(%esp), %ecx
        pushl   %ebx
        pushl   %ebp
        pushl   %esi
        pushl   %edi
        movl    %esp, kernel_sp
        movl    $0x23, %eax
        movl    %eax, %ds
        movl    %eax, %es
        pushl   $0x23
        pushl   $user_stack_top
        pushl   $2
        pushl   $0x1b
        pushl   %ecx
        iret
back:   popl    %edi
        popl    %esi
        popl    %ebp
        popl    %ebx
        ret

        .macro  stub vector, has_error
        .balign 16
        .ifeq   \has_error
        pushl   $0
        .endif
        pushl   $\vector
        jmp     thrown
        .endm
        .globl  stubs, stub_returned
        .balign 16
stubs:
        .irp    vector, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21
        .if     \vector == 8 || (\vector >= 10 && \vector <= 14) || \vector == 17 || \vector == 21
        stub    \vector, 1
        .else
        stub    \vector, 0
        .endif
        .endr
stub_returned:
        stub    0x81, 0

thrown: movl    $0x10, %eax
        movl    %eax, %ds
        movl    %eax, %es
        popl    caught
        popl    caught + 4
        popl    caught + 8
        popl    caught + 12
        popl    caught + 16
        movl    %esp, caught + 20
        movl    $0, caught + 24
        testl   $0x20000, caught + 16
        jnz     1f
        testl   $3, caught + 12
        jz      2f
1:      popl    caught + 20
        popl    caught + 24
2:      movl    %cr2, %eax
        movl    %eax, caught + 28
        movl    %dr6, %eax
        movl    %eax, caught + 32
        movl    $0x10, %eax
        movl    %eax, %ss
        movl    %eax, %fs
        movl    %eax, %gs
        movl    kernel_sp, %esp
        pushl   $2
        popfl
        movl    $1, %eax
        jmp     back

        .data
        .balign 16
        .globl  gdt
gdt:    .quad   0
        .quad   0x00cf9b000000ffff             /* 08 code */
        .quad   0x00cf93000000ffff             /* 10 data */
        .quad   0x00cffb000000ffff             /* 18 code of programs */
        .quad   0x00cff3000000ffff             /* 20 data of programs */
        .quad   0                              /* 28 TSS */
        .quad   0x0040933000000fff             /* 30 data at 3 MiB with limit fff */
        .quad   0x0040973000000fff             /* 38 the same, expand-down */
        .quad   0x0000973000000fff             /* 40 the same, of 16 bits */
        .quad   0x00cf91000000ffff             /* 48 read-only data */
        .quad   0x00cf99000000ffff             /* 50 execute-only code */
        .quad   0x00cf9f000000ffff             /* 58 conforming code */
        .quad   0x00cf13000000ffff             /* 60 data that is not present */
        .quad   0x00cf1b000000ffff             /* 68 code that is not present */
        .quad   0, 0, 0, 0, 0, 0               /* 70 to 98: call gates */
        .quad   0x00000b0000000000 + 0x8f      /* a0 code of 16 bits with limit 8f, filled in */
        .quad   0                              /* a8 LDT */
        .quad   0x00cff3000000ffff             /* b0 data of DPL 3 */
gdt_end:
gdt_register:
        .word   gdt_end - gdt - 1
        .long   gdt

        .bss
        .balign 4096
        .globl  directory, page_table, user_stack, user_stack_top, inner_stack_top
directory: .skip 4096
page_table: .skip 4096
stack:  .skip   16384
stack_top:
        .balign 4096
user_stack:
        .skip   8192
user_stack_top:
        .skip   8192
inner_stack_top:
