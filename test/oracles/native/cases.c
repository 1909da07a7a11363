/* Runs one case after the other in a child process, and describes what became of each. */

#define _GNU_SOURCE
#include "cases.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <ucontext.h>

#include "trampoline.h"

enum { TF = 1 << 8, FIXED_FLAGS = 1 << 1 };
enum { BREAKPOINT_VECTOR = 3, DEBUG_VECTOR = 1 };
enum { XSTATE_BV_OFFSET = 512 };

/* CF, PF, AF, ZF, SF, DF, OF, AC, ID: what a case may choose. */
static const uint64_t CHOOSABLE_FLAGS = 0x240cd5;

static uint8_t *const data = (uint8_t *)(uintptr_t)DATA_BASE;
static uint64_t *const registers_in = (uint64_t *)REGISTERS_IN;
static const uint64_t *const registers_out = (const uint64_t *)REGISTERS_OUT;
static uint8_t *const xsave_in = (uint8_t *)XSAVE_IN;
static const uint8_t *const xsave_out = (const uint8_t *)XSAVE_OUT;

static struct {
  uint64_t rip, cs, rflags, rsp, ss;
} *const iret_frame = (void *)IRET_FRAME;

static const struct case_record *current;
static struct result_record *result;
static bool direct, interrupted;
static uint8_t before[AREA_BYTES];

static uint64_t align4(uint64_t bytes) { return (bytes + 3) & ~3ull; }

/* --- The data area --- */

static void apply_patches(const struct case_record *c) {
  const uint8_t *p = (const uint8_t *)(c + 1);
  for (unsigned i = 0; i < c->patches; i++) {
    const struct patch *patch = (const struct patch *)p;
    memcpy(data + patch->offset, patch + 1, patch->length);
    memcpy(before + patch->offset, patch + 1, patch->length);
    p += sizeof *patch + align4(patch->length);
  }
}

static void clear_patches(const struct case_record *c) {
  const uint8_t *p = (const uint8_t *)(c + 1);
  for (unsigned i = 0; i < c->patches; i++) {
    const struct patch *patch = (const struct patch *)p;
    memset(data + patch->offset, 0, patch->length);
    memset(before + patch->offset, 0, patch->length);
    p += sizeof *patch + align4(patch->length);
  }
}

/* Differences are told in whole aligned quadwords; what was written is zero again afterwards. */
static void collect_changes(void) {
  uint64_t *now = (uint64_t *)data;
  const uint64_t *then = (const uint64_t *)before;
  const unsigned words = AREA_BYTES / 8;
  uint8_t *p = (uint8_t *)(result + 1);
  result->patches = 0;
  for (unsigned i = 0; i < words; i++) {
    if (now[i] == then[i]) continue;
    unsigned end = i + 1;
    while (end < words && now[end] != then[end]) end++;
    struct patch *patch = (struct patch *)p;
    *patch = (struct patch){(uint16_t)(8 * i), (uint16_t)(8 * (end - i))};
    memcpy(patch + 1, now + i, patch->length);
    memset(now + i, 0, patch->length);
    p += sizeof *patch + patch->length;
    result->patches++;
    i = end;
  }
  result->bytes = (uint32_t)((p - (uint8_t *)result + 7) & ~7);
}

/* --- Coming back --- */

static void take_vectors(const uint8_t *xsave) {
  memcpy(result->state.fxsave, xsave, 512);
  memset(result->state.fxsave + 6, 0, 18);   /* FOP, FIP and FDP, which some processors have only while an exception is pending */
  memset(result->state.fxsave + 28, 0, 4);   /* MXCSR_MASK is no state */
  memset(result->state.fxsave + 464, 0, 48); /* software's own bytes */
  uint64_t in_use;
  memcpy(&in_use, xsave + XSTATE_BV_OFFSET, 8);
  if (in_use & 4) {
    memcpy(result->state.ymm_high, xsave + YMM_HIGH_OFFSET, sizeof result->state.ymm_high);
  } else {
    memset(result->state.ymm_high, 0, sizeof result->state.ymm_high);
  }
}

static uint64_t code_end(void) { return current->state.rip + current->code_length; }

static void on_signal(int number, siginfo_t *information, void *context) {
  (void)information;
  /* The kernel leaves AC as the case had it. */
  __asm__ volatile("push $2; popfq" : : : "cc", "memory");
  static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  const ucontext_t *u = context;
  const greg_t *r = u->uc_mcontext.gregs;
  /* Signals leave the data segments alone; CS, GS, FS and SS of the case lie in one word. */
  const uint16_t *segments = (const uint16_t *)&r[REG_CSGSFS];
  uint16_t es, ds, fs, gs;
  __asm__("movw %%es, %0; movw %%ds, %1; movw %%fs, %2; movw %%gs, %3" : "=r"(es), "=r"(ds), "=r"(fs), "=r"(gs));
  memcpy(result->state.selectors, (uint16_t[8]){es, segments[0], segments[3], ds, fs, gs}, sizeof result->state.selectors);
  __asm__("rdfsbase %0; rdgsbase %1" : "=r"(result->state.fs_base), "=r"(result->state.gs_base));
  for (int i = 0; i < 16; i++) result->state.registers[i] = (uint64_t)r[order[i]];
  result->state.rflags = (uint64_t)r[REG_EFL];
  result->state.rip = (uint64_t)r[REG_RIP];
  result->vector = (uint8_t)r[REG_TRAPNO];
  result->error_code = (uint32_t)r[REG_ERR];
  result->cr2 = result->vector == 14 ? (uint64_t)r[REG_CR2] : 0;
  result->outcome = EXCEPTION;
  interrupted = true;

  /* An instruction that clears TF, or that inhibits the trap, runs into the INT3 behind it. */
  bool into_sentinel = result->vector == BREAKPOINT_VECTOR && result->state.rip == code_end() + 1;
  if (into_sentinel) result->state.rip--;
  if (into_sentinel || (result->vector == DEBUG_VECTOR && !direct)) {
    result->outcome = COMPLETED;
    result->vector = 0;
  }
  if (number == SIGSYS) result->outcome = LOST;
  take_vectors((const uint8_t *)u->uc_mcontext.fpregs);
  leave_case();
}

static void take_direct_result(void) {
  memcpy(result->state.registers, registers_out, sizeof result->state.registers);
  result->state.rflags = *(const uint64_t *)RFLAGS_OUT;
  result->state.rip = code_end();
  memcpy(&result->state.fs_base, (const void *)BASES_OUT, 16);
  memcpy(result->state.selectors, (const void *)SELECTORS_OUT, 12);
  result->state.selectors[1] = current->bits == 32 ? CODE32_SELECTOR : CODE64_SELECTOR;
  result->outcome = COMPLETED;
  result->vector = 0;
  result->error_code = 0;
  result->cr2 = 0;
  take_vectors(xsave_out);
}

/* --- Going in --- */

/* Whether RIP may go elsewhere. Prefixes in any order and number are passed over: a case that is taken for a branch
   in error is only slower. */
static bool may_branch(const struct case_record *c) {
  unsigned i = 0;
  for (; i + 1 < c->code_length; i++) {
    uint8_t byte = c->code[i];
    bool segment_prefix = (byte & 0xe7) == 0x26 || byte == 0x64 || byte == 0x65;
    bool size_prefix = byte == 0x66 || byte == 0x67;
    bool repeat_prefix = byte == 0xf0 || byte == 0xf2 || byte == 0xf3;
    bool rex_prefix = c->bits == 64 && (byte & 0xf0) == 0x40;
    if (!segment_prefix && !size_prefix && !repeat_prefix && !rex_prefix) break;
  }
  uint8_t opcode = c->code[i];
  uint8_t next = i + 1 < c->code_length ? c->code[i + 1] : 0;
  if (opcode == 0x0f) return (next & 0xf0) == 0x80;
  if (opcode == 0xff) return (next >> 3 & 7) >= 2 && (next >> 3 & 7) <= 5;
  if (opcode == 0xc7) return next == 0xf8;
  return (opcode & 0xf0) == 0x70 || (opcode >= 0xe0 && opcode <= 0xe3) || (opcode >= 0xe8 && opcode <= 0xeb) || opcode == 0x9a ||
         opcode == 0xc2 || opcode == 0xc3 || (opcode >= 0xca && opcode <= 0xcf);
}

/* Where a direct case leaves its code. JMP changes no flags; 32-bit code goes far, back to 64-bit code. */
static unsigned write_exit(uint8_t *p, unsigned bits) {
  uint32_t target = (uint32_t)(uintptr_t)direct_exit;
  if (bits == 32) {
    p[0] = 0xea;
    memcpy(p + 1, &target, 4);
    p[5] = CODE64_SELECTOR;
    p[6] = 0;
    return 7;
  }
  int32_t displacement = (int32_t)(target - ((uint32_t)(uintptr_t)p + 5));
  p[0] = 0xe9;
  memcpy(p + 1, &displacement, 4);
  return 5;
}

/* What does not fit into the code area is cut off: the processor meets the unmapped page instead. */
static void write_code(const struct case_record *c) {
  uint8_t bytes[MAX_CODE + 8];
  memcpy(bytes, c->code, c->code_length);
  uint8_t *place = (uint8_t *)c->state.rip;
  unsigned length = c->code_length;
  if (!direct) bytes[length++] = 0xcc;
  uint64_t room = CODE_BASE + AREA_BYTES - c->state.rip;
  memcpy(place, bytes, length < room ? length : room);
  if (direct) write_exit(place + length, c->bits);
}

static void load_state(const struct case_record *c) {
  memcpy(registers_in, c->state.registers, sizeof c->state.registers);
  memcpy((void *)BASES_IN, &c->state.fs_base, 16);
  memcpy(xsave_in, c->state.fxsave, sizeof c->state.fxsave);
  memcpy(xsave_in + YMM_HIGH_OFFSET, c->state.ymm_high, sizeof c->state.ymm_high);

  /* XRSTOR refuses what MXCSR_MASK does not have. */
  uint32_t *mxcsr = (uint32_t *)(xsave_in + 24);
  *mxcsr &= 0xffff;

  iret_frame->rip = c->state.rip;
  iret_frame->cs = c->bits == 32 ? CODE32_SELECTOR : CODE64_SELECTOR;
  iret_frame->rflags = (c->state.rflags & CHOOSABLE_FLAGS) | FIXED_FLAGS | (direct ? 0 : TF);
  iret_frame->rsp = c->state.registers[4];
  iret_frame->ss = DATA_SELECTOR;
}

struct result_record *run_case(const struct case_record *c, struct result_record *r) {
  current = c;
  result = r;
  direct = c->mode == DIRECT || (c->mode == AUTOMATIC && !may_branch(c));
  *r = (struct result_record){.outcome = LOST};
  apply_patches(c);
  write_code(c);
  load_state(c);
  interrupted = false;
  enter_case();
  if (!interrupted) take_direct_result();
  r->state.rflags &= CHOOSABLE_FLAGS | FIXED_FLAGS;
  collect_changes();
  clear_patches(c);
  return (struct result_record *)((uint8_t *)r + r->bytes);
}

void prepare_cases(void) {
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  uint64_t components = low & XSAVE_COMPONENTS;
  memcpy(xsave_in + XSTATE_BV_OFFSET, &components, sizeof components);

  static uint8_t signal_stack[1 << 16];
  sigaltstack(&(stack_t){.ss_sp = signal_stack, .ss_size = sizeof signal_stack}, NULL);
  struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) sigaction(signals[i], &action, NULL);
}
