/* What the hypervisor does about each VM exit. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "entry.h"

/* SDM Vol. 3D, "VMX Basic Exit Reasons". */
enum exit_reason {
  EXIT_TRIPLE_FAULT = 2,
  EXIT_CPUID = 10,
  EXIT_HLT = 12,
  EXIT_VMCALL = 18,
  EXIT_IO_INSTRUCTION = 30,
  EXIT_EPT_VIOLATION = 48,
  EXIT_REASONS = 64,
};

struct vm {
  struct registers registers;
  uint64_t eptp;
  bool launched;
  bool finished;
  uint64_t status;
  uint64_t exits[EXIT_REASONS];
};

/* Acts on the VM exit that the current VMCS describes. */
void handle_exit(struct vm *vm);

/* How often each reason came. */
void print_exits(const struct vm *vm);
