/* From the boot loader to main(): 32-bit protected mode comes in, 64-bit mode goes out.
   SDM Vol. 3A, "Initializing IA-32e Mode"; Multiboot Specification 0.6.96, "The layout of Multiboot header". */

#include "segments.h"

        .cfi_sections .debug_frame

#define MULTIBOOT_MAGIC 0x1badb002
#define MULTIBOOT_FLAGS 0x00010000        /* the header itself says where to load */

        .section .multiboot, "a"
        .balign 4
multiboot_header:
        .long MULTIBOOT_MAGIC
        .long MULTIBOOT_FLAGS
        .long -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)
        .long multiboot_header                  /* header_addr */
        .long image_start                       /* load_addr */
        .long image_load_end                    /* load_end_addr */
        .long image_end                         /* bss_end_addr */
        .long start                             /* entry_addr */

        .text
        .code32
        .globl start
        .type start, @function
start:
        cli
        cld

        /* 512 large pages of 2 MiB: the first GiB, linear = physical. */
        movl    $page_directory, %edi
        movl    $0x83, %eax                     /* present, writable, page size */
        movl    $512, %ecx
1:      movl    %eax, (%edi)
        movl    $0, 4(%edi)
        addl    $8, %edi
        addl    $0x200000, %eax
        loop    1b
        movl    $(page_directory + 3), page_directory_pointers
        movl    $(page_directory_pointers + 3), page_map

        movl    %cr4, %eax
        orl     $(1 << 5), %eax                 /* CR4.PAE */
        movl    %eax, %cr4
        movl    $page_map, %eax
        movl    %eax, %cr3
        movl    $0xc0000080, %ecx               /* IA32_EFER */
        rdmsr
        orl     $(1 << 8), %eax                 /* LME */
        wrmsr
        movl    %cr0, %eax
        orl     $((1 << 31) | 1), %eax          /* CR0.PG, CR0.PE */
        movl    %eax, %cr0

        lgdt    gdt_pointer
        ljmp    $CODE_SELECTOR, $start64
        .size start, . - start

        .code64
        .type start64, @function
start64:
        .cfi_startproc
        .cfi_undefined %rip
        movl    $DATA_SELECTOR, %eax
        movl    %eax, %ds
        movl    %eax, %es
        movl    %eax, %ss
        xorl    %eax, %eax
        movl    %eax, %fs
        movl    %eax, %gs
        leaq    stack_top(%rip), %rsp
        xorl    %ebp, %ebp
        call    main
1:      cli
        hlt
        jmp     1b
        .cfi_endproc
        .size start64, . - start64

        .section .data
        .balign 8
        .globl gdt
gdt:    .quad 0
        .quad 0x00af9b000000ffff                /* CODE_SELECTOR: 64-bit code */
        .quad 0x00cf93000000ffff                /* DATA_SELECTOR */
        .quad 0x00008b0000000067, 0             /* TSS_SELECTOR: VM exit takes TR's base from the VMCS */
gdt_end:
        .globl gdt_pointer
gdt_pointer:
        .word gdt_end - gdt - 1
        .quad gdt

        .section .bss
        .balign 4096
page_map:                .skip 4096
page_directory_pointers: .skip 4096
page_directory:          .skip 4096
stack:                   .skip 16384
        .globl stack_top
stack_top:
