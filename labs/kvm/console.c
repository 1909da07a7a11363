/* Text on the console, which is the file that the kernel opens for its first program. */

#include <linux/reboot.h>
#include <stdarg.h>

#include "console.h"
#include "linux.h"

enum { CONSOLE = 1, LINE = 256 };

struct line {
  char text[LINE];
  unsigned length;
};

static void append(struct line *line, char character) {
  if (line->length < LINE) line->text[line->length++] = character;
}

static void append_number(struct line *line, uint64_t value, unsigned base) {
  char digits[20];
  unsigned count = 0;
  do digits[count++] = "0123456789abcdef"[value % base];
  while (value /= base);
  while (count > 0) append(line, digits[--count]);
}

void print(const char *format, ...) {
  struct line line = {.length = 0};
  va_list arguments;
  va_start(arguments, format);
  for (; *format; format++) {
    if (*format != '%') {
      append(&line, *format);
      continue;
    }
    switch (*++format) {
      case 's':
        for (const char *text = va_arg(arguments, const char *); *text; text++) append(&line, *text);
        break;
      case 'd': {
        int64_t value = va_arg(arguments, int64_t);
        if (value < 0) append(&line, '-');
        append_number(&line, value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
        break;
      }
      case 'x':
        append(&line, '0');
        append(&line, 'x');
        append_number(&line, va_arg(arguments, uint64_t), 16);
        break;
    }
  }
  va_end(arguments);
  CALL(write, CONSOLE, line.text, line.length);
}

_Noreturn void power_off(void) {
  CALL(reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF, 0);
  for (;;) CALL(pause);
}

long check(const char *what, long result) {
  if (result < 0) STOP("%s: error %d", what, -result);
  return result;
}
