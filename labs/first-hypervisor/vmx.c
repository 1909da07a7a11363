/* SDM Vol. 3C, "Enabling and Entering VMX Operation". */

#include "vmx.h"

#include <stdbool.h>

#include "console.h"
#include "cpu.h"
#include "memory.h"

enum { CPUID_1_ECX_VMX = 1 << 5 };
enum { FEATURE_CONTROL_LOCK = 1 << 0, FEATURE_CONTROL_VMXON = 1 << 2 };

/* The three instructions take a pointer to the physical address of a region, and answer in CF and ZF. */
#define REGION_INSTRUCTION(name)                                                      \
  static void name(uint64_t region) {                                                 \
    bool failed;                                                                      \
    __asm__ volatile(#name " %1" : "=@ccbe"(failed) : "m"(region) : "memory");        \
    if (failed) STOP(#name " of the region at %x failed", region);                    \
  }

REGION_INSTRUCTION(vmxon)
REGION_INSTRUCTION(vmclear)
REGION_INSTRUCTION(vmptrld)

void vmwrite(uint64_t field, uint64_t value) {
  bool failed;
  __asm__ volatile("vmwrite %2, %1" : "=@ccbe"(failed) : "r"(field), "rm"(value));
  if (failed) STOP("VMWRITE of field %x failed", field);
}

uint64_t vmread(uint64_t field) {
  bool failed;
  uint64_t value;
  __asm__ volatile("vmread %2, %1" : "=@ccbe"(failed), "=r"(value) : "r"(field));
  if (failed) STOP("VMREAD of field %x failed", field);
  return value;
}

/* Some bits of CR0 and CR4 are fixed in VMX operation: 1 in FIXED0 means "must be 1", 0 in FIXED1 "must be 0". */
static void fix_control_registers(void) {
  write_cr0((read_cr0() | rdmsr(IA32_VMX_CR0_FIXED0)) & rdmsr(IA32_VMX_CR0_FIXED1));
  write_cr4((read_cr4() | CR4_VMXE | rdmsr(IA32_VMX_CR4_FIXED0)) & rdmsr(IA32_VMX_CR4_FIXED1));
}

static void allow_vmxon(void) {
  uint64_t control = rdmsr(IA32_FEATURE_CONTROL);
  if (!(control & FEATURE_CONTROL_LOCK)) {
    control |= FEATURE_CONTROL_VMXON | FEATURE_CONTROL_LOCK;
    wrmsr(IA32_FEATURE_CONTROL, control);
  }
  if (!(control & FEATURE_CONTROL_VMXON)) STOP("the firmware has locked VMX out (IA32_FEATURE_CONTROL)");
}

/* A VMXON region and a VMCS region alike begin with the VMCS revision identifier. */
static uint64_t new_region(void) {
  uint64_t region = allocate_page();
  *(uint32_t *)region = rdmsr(IA32_VMX_BASIC) & 0x7fffffff;
  return region;
}

void vmx_enable(void) {
  if (!(cpuid(1, 0).ecx & CPUID_1_ECX_VMX)) STOP("this processor has no VMX");
  allow_vmxon();
  fix_control_registers();
  vmxon(new_region());

  uint64_t vmcs = new_region();
  vmclear(vmcs);
  vmptrld(vmcs);
}
