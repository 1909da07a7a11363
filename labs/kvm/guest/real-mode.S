/* A guest in real-address mode: writes a line, character by character. */

#include "contract.h"

.code16
.globl start
start:
	movw $text, %si
next:
	lodsb
	testb %al, %al
	jz done
	outb %al, $CONSOLE_PORT
	jmp next
done:
	hlt

text:
	.asciz "here are segments of 64 KiB\n"
