#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdint.h>

/* %s text, %d decimal, %x hexadecimal with 0x, of 64 bits each. */
void print(const char *format, ...);

/* Says what failed, with the error that the kernel returned, and switches the machine off. */
#define STOP(format, ...) (print("\nstopped: " format "\n", ##__VA_ARGS__), power_off())

_Noreturn void power_off(void);

/* What a system call returns, or the end. */
long check(const char *what, long result);

#endif
