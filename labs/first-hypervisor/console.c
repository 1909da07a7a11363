/* COM1, a 16550 at 115200 baud, and the ports by which emulators are switched off. */

#include "console.h"

#include <stdarg.h>
#include <stdbool.h>

#include "cpu.h"

enum {
  COM1 = 0x3f8,
  TRANSMIT = COM1 + 0,
  DIVISOR_LOW = COM1 + 0,
  INTERRUPT_ENABLE = COM1 + 1,
  DIVISOR_HIGH = COM1 + 1,
  FIFO_CONTROL = COM1 + 2,
  LINE_CONTROL = COM1 + 3,
  LINE_STATUS = COM1 + 5,
};

enum { DLAB = 0x80, EIGHT_BITS = 0x03, HOLDING_EMPTY = 0x20, TRANSMITTER_EMPTY = 0x40 };

enum { EXIT_PORT = 0xf4, BOCHS_SHUTDOWN_PORT = 0x8900 };

void console_init(void) {
  out8(INTERRUPT_ENABLE, 0);
  out8(LINE_CONTROL, DLAB);
  out8(DIVISOR_LOW, 1);
  out8(DIVISOR_HIGH, 0);
  out8(LINE_CONTROL, EIGHT_BITS);
  out8(FIFO_CONTROL, 0);
}

void print_character(char character) {
  while (!(in8(LINE_STATUS) & HOLDING_EMPTY)) {
  }
  out8(TRANSMIT, (uint8_t)character);
}

static void print_padded(const char *text, unsigned width, bool left) {
  unsigned length = 0;
  while (text[length]) length++;
  if (!left) {
    for (unsigned i = length; i < width; i++) print_character(' ');
  }
  for (unsigned i = 0; i < length; i++) print_character(text[i]);
  if (left) {
    for (unsigned i = length; i < width; i++) print_character(' ');
  }
}

static const char *digits_of(uint64_t number, unsigned base) {
  static char text[21];
  char *first = text + sizeof text - 1;
  do {
    *--first = "0123456789abcdef"[number % base];
    number /= base;
  } while (number);
  return first;
}

void print(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  for (const char *p = format; *p; p++) {
    if (*p != '%') {
      print_character(*p);
      continue;
    }
    p++;
    bool left = *p == '-';
    if (left) p++;
    unsigned width = 0;
    while (*p >= '0' && *p <= '9') width = 10 * width + (unsigned)(*p++ - '0');
    switch (*p) {
      case 's': print_padded(va_arg(arguments, const char *), width, left); break;
      case 'd': print_padded(digits_of(va_arg(arguments, uint64_t), 10), width, left); break;
      case 'x': print_padded(digits_of(va_arg(arguments, uint64_t), 16), width, left); break;
    }
  }
  va_end(arguments);
}

void power_off(uint8_t status) {
  while (!(in8(LINE_STATUS) & TRANSMITTER_EMPTY)) {
  }
  out8(EXIT_PORT, status);
  for (const char *p = "Shutdown"; *p; p++) out8(BOCHS_SHUTDOWN_PORT, (uint8_t)*p);
  for (;;) __asm__ volatile("cli; hlt");
}
