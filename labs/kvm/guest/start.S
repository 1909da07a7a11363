/* Where KVM enters the guest in 64-bit mode, at GUEST_BASE. */

.section .start, "ax"
.globl start
start:
	call main
	hlt
