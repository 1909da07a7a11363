/* Text on the first serial port, and the end of the machine. */
#pragma once

#include <stdint.h>

void console_init(void);
void print_character(char character);

/* Knows %s (string), %d (unsigned decimal) and %x (hexadecimal), each with a width: %4d, %-14s. Numbers are uint64_t. */
void print(const char *format, ...);

/* Ends the machine; the emulator's exit status is 2 * status + 1. */
_Noreturn void power_off(uint8_t status);

/* Says why the lesson cannot go on, and ends the machine with status 1. */
#define STOP(...) (print("stopped: " __VA_ARGS__), print("\n"), power_off(1))
