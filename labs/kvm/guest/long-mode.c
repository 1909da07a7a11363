/* A guest in 64-bit mode: 100,000 exits in 10,000,000 instructions. */

#include <stdint.h>

#include "contract.h"

enum { ROUNDS = 25000, STEPS = 100 };
/* Hypercalls of Linux: the number goes to RAX. This one does nothing. Linux, include/uapi/linux/kvm_para.h. */
enum { KVM_HC_VAPIC_POLL_IRQ = 1 };

static volatile uint64_t *const device = (volatile uint64_t *)DEVICE;

static void out(uint8_t character) {
  __asm__ volatile("outb %0, %1" : : "a"(character), "i"(CONSOLE_PORT));
}

static void print(const char *text) {
  while (*text) out((uint8_t)*text++);
}

static long hypercall(long number) {
  __asm__ volatile("vmcall" : "+a"(number) : : "rbx", "rcx", "rdx", "rsi", "memory");
  return number;
}

static uint32_t processor_signature(void) {
  uint32_t eax = 1;
  __asm__ volatile("cpuid" : "+a"(eax) : : "ebx", "ecx", "edx");
  return eax;
}

/* Two exits that the kernel serves, and two that go on to the program. */
static void exit_four_times(void) {
  processor_signature();
  hypercall(KVM_HC_VAPIC_POLL_IRQ);
  out(0);
  *device = 1;
}

static uint64_t compute(uint64_t seed) {
  for (int i = 0; i < STEPS; i++) seed = seed * 6364136223846793005 + 1442695040888963407;
  return seed;
}

void main(void) {
  uint64_t result = 1;
  print("here are 64 bits\n");
  for (int round = 0; round < ROUNDS; round++) {
    exit_four_times();
    result = compute(result);
  }
  if (*device != ROUNDS) print("the device has lost something\n");
  *device = result & 0xff;
}
