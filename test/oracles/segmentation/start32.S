/* Multiboot hands over in protected mode: take a stack and go on. */
.section .multiboot, "a"
.long 0x1badb002, 0, -0x1badb002

.text
.globl start
start:
    mov $stack + 8192, %esp
    call run

.bss
.align 16
stack: .skip 8192
