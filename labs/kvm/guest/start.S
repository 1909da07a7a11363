/* Where KVM enters the guest in 64-bit mode, at LONG_MODE_BASE. */

.section .start, "ax"
.globl start
start:
	call main
	hlt
