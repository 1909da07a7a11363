/* Multiboot hands over in protected mode: map 64 MBytes with large pages and enter 64-bit mode. */
.code32
.section .multiboot, "a"
.long 0x1badb002, 0, -0x1badb002

.text
.globl start
start:
    mov $stack + 8192, %esp
    movl $pdpt + 7, pml4
    movl $directory + 7, pdpt
    mov $directory, %edi
    mov $0x87, %eax
    mov $32, %ecx
1:  mov %eax, (%edi)
    add $8, %edi
    add $0x200000, %eax
    loop 1b
    mov $pml4, %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $0x20, %eax
    mov %eax, %cr4
    mov $0xc0000080, %ecx
    rdmsr
    or $0x100, %eax
    wrmsr
    mov %cr0, %eax
    or $0x80000001, %eax
    mov %eax, %cr0
    lgdt gdtr_of_start
    ljmp $8, $2f
.code64
2:  mov $16, %eax
    mov %eax, %ss
    call run

.align 8
gdt_of_start: .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdtr_of_start: .word 23
    .quad gdt_of_start

.bss
.align 4096
pml4: .skip 4096
pdpt: .skip 4096
directory: .skip 4096
stack: .skip 8192
