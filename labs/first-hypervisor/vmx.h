/* VMX operation and the instructions that read and write the current VMCS. */
#pragma once

#include <stdint.h>

/* SDM Vol. 3D, "VMX Capability Reporting Facility". */
enum {
  IA32_FEATURE_CONTROL = 0x3a,
  IA32_VMX_BASIC = 0x480,
  IA32_VMX_PINBASED_CTLS = 0x481,
  IA32_VMX_PROCBASED_CTLS = 0x482,
  IA32_VMX_EXIT_CTLS = 0x483,
  IA32_VMX_ENTRY_CTLS = 0x484,
  IA32_VMX_CR0_FIXED0 = 0x486,
  IA32_VMX_CR0_FIXED1 = 0x487,
  IA32_VMX_CR4_FIXED0 = 0x488,
  IA32_VMX_CR4_FIXED1 = 0x489,
  IA32_VMX_PROCBASED_CTLS2 = 0x48b,
  IA32_VMX_EPT_VPID_CAP = 0x48c,
  IA32_VMX_TRUE_PINBASED_CTLS = 0x48d,
  IA32_VMX_TRUE_PROCBASED_CTLS = 0x48e,
  IA32_VMX_TRUE_EXIT_CTLS = 0x48f,
  IA32_VMX_TRUE_ENTRY_CTLS = 0x490,
};

enum { CR4_VMXE = 1 << 13 };

/* Enters VMX operation, and makes an empty VMCS current. */
void vmx_enable(void);

void vmwrite(uint64_t field, uint64_t value);
uint64_t vmread(uint64_t field);
