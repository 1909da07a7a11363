/* Where the kernel enters the program: the stack is aligned to 16 bytes, and main does not return. */

.globl _start
_start:
	xorl %ebp, %ebp
	call main
	ud2
