/* Runs the cases and prints what came of each. */
#include "common.h"

volatile struct caught caught;
__attribute__((section(".user"))) volatile word found[4] = {0};
volatile word kernel_sp;

enum { FLAGS_SHOWN = 0x1d7700, RETURNED = 0x81 };

static void put(char c) {
  while (!(inb(0x3fd) & 0x20)) {
  }
  outb(0x3f8, (u8)c);
}
static void print(const char *text) {
  while (*text) put(*text++);
}
static void hex(word value) {
  int digits = 1;
  while (digits < (int)(2 * sizeof value) && value >> (4 * digits)) digits++;
  while (digits-- > 0) put("0123456789abcdef"[value >> (4 * digits) & 15]);
}
static void field(const char *name, word value) {
  print(name);
  if ((long)value < 0) {
    put('-');
    value = -value;
  }
  hex(value);
}

static void describe(const struct test_case *c, int level) {
  print(" #");
  hex(caught.vector);
  field(" error ", caught.error);
  int virtual_8086 = (caught.flags & 0x20000) != 0;
  field(" ip ", virtual_8086 ? caught.ip : caught.ip - (word)c->run);
  field(" cs ", caught.cs);
  field(" flags ", caught.flags & FLAGS_SHOWN);
  if (virtual_8086) field(" sp ", caught.sp);
  else if (caught.cs & 3) field(" sp ", caught.sp - (word)user_stack_top);
  else if (level == KERNEL) field(" sp ", caught.sp - kernel_sp);
  if (caught.cs & 3) field(" ss ", caught.ss);
  if (caught.vector == 14) field(" cr2 ", caught.cr2);
  if (caught.vector == 1) field(" dr6 ", caught.dr6);
}

void run_all(void) {
  outb(0x21, 0xff);
  outb(0xa1, 0xff);
  outb(0x3f9, 0);
  outb(0x3fb, 3);
  for (const struct test_case *c = cases; c->name; c++) {
    restore();
    for (int i = 0; i < 4; i++) found[i] = 0;
    if (c->prepare) c->prepare();
    int thrown = c->level == USER ? run_user_case(c->run) : run_case(c->run);
    restore();
    print(c->name);
    put(':');
    if (thrown && caught.vector != RETURNED) describe(c, c->level);
    else print(" done");
    for (int i = 0; i < 4; i++)
      if (found[i]) field(i == 0 ? " found " : " ", found[i]);
    put('\n');
  }
  print("end\n");
  while (!(inb(0x3fd) & 0x40)) {
  }
  for (const char *s = "Shutdown"; *s; s++) outb(0x8900, (u8)*s);
  outb(0xf4, 0);
  for (;;) __asm__ volatile("cli; hlt");
}
