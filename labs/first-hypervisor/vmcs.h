/* The VMCS of the only virtual processor of the only guest. */
#pragma once

#include <stdint.h>

struct guest_start {
  uint64_t rip, rsp, cr3;
};

/* Fills the current VMCS: controls, host state, guest state. */
void vmcs_set_up(struct guest_start start, uint64_t eptp);
