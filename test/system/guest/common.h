/* What both programs share: cases, what was caught, and printing it. */
#pragma once
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned long word;

enum { KERNEL, USER };
struct test_case {
  const char *name;
  void (*run)(void);
  int level;
  void (*prepare)(void);
};

/* What the last exception pushed, and what the registers said. */
struct caught {
  word vector, error, ip, cs, flags, sp, ss, cr2, dr6;
};
extern volatile struct caught caught;
/* What a case found out, printed when it is not zero. Programs write it too. */
extern volatile word found[4];
extern u8 user_begin[], user_end[];
/* Stack pointers when the case began. */
extern volatile word kernel_sp;
extern u8 user_stack_top[];

int run_case(void (*run)(void));
int run_user_case(void (*run)(void));
void set_gate(int vector, void (*handler)(void), int type, int dpl, int ist);
void restore(void);
extern const struct test_case cases[];

static inline void outb(u16 port, u8 value) { __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
static inline u8 inb(u16 port) {
  u8 value;
  __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
  return value;
}

/* A case in assembly. It is naked: it ends by RET, or by an exception; in user mode, where it must lie among what programs may read, by DONE. */
#define CASE(name, body) \
  void name(void);       \
  __asm__(".text\n.balign 16\n" #name ":\n" body "\n  ret\n")
#define USER_CASE(name, body) \
  void name(void);            \
  __asm__(".pushsection .user, \"awx\", @progbits\n.balign 16\n" #name ":\n" body "\n" DONE ".popsection\n")
#define DONE "  int $0x81\n"
