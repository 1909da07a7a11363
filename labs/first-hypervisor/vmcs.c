/* What a VM entry loads, what it lets the guest do, and where a VM exit goes.
   SDM Vol. 3C, "Virtual Machine Control Structures". */

#include "vmcs.h"

#include "console.h"
#include "cpu.h"
#include "entry.h"
#include "segments.h"
#include "vmcs-fields.h"
#include "vmx.h"

/* SDM Vol. 3C, "VM-Execution Control Fields". */
enum {
  HLT_EXITING = 1 << 7,
  UNCONDITIONAL_IO_EXITING = 1 << 24,
  ACTIVATE_SECONDARY_CONTROLS = 1u << 31,
};
enum { ENABLE_EPT = 1 << 1, ENABLE_VPID = 1 << 5 };
enum { HOST_ADDRESS_SPACE_SIZE = 1 << 9 };
enum { IA_32E_MODE_GUEST = 1 << 9 };

enum { TRUE_CONTROLS = 55 };
enum { EPT_WALK_OF_4 = 1 << 6, EPT_WRITE_BACK = 1 << 14 };

/* SDM Vol. 3C, "Guest Register State": the format of access rights. */
enum {
  CODE_64_BIT = 0xa09b,
  DATA = 0xc093,
  TSS_BUSY = 0x008b,
  UNUSABLE = 0x10000,
};

struct row {
  uint32_t field;
  uint64_t value;
};

#define WRITE_ALL(rows) \
  for (unsigned i = 0; i < sizeof(rows) / sizeof *(rows); i++) vmwrite((rows)[i].field, (rows)[i].value)

/* SDM Vol. 3C, "Algorithms for Determining VMX Capabilities": the low half of a capability MSR holds
   the bits that must be 1, the high half those that may be 1. */
static uint32_t controls(const char *name, uint32_t capability_msr, uint32_t wanted) {
  uint64_t capability = rdmsr(capability_msr);
  uint32_t must_be_1 = (uint32_t)capability;
  uint32_t may_be_1 = capability >> 32;
  if (wanted & ~may_be_1) STOP("this processor lacks %s controls %x", name, (uint64_t)(wanted & ~may_be_1));
  return wanted | must_be_1;
}

static void set_up_controls(uint64_t eptp) {
  uint64_t ept_capability = rdmsr(IA32_VMX_EPT_VPID_CAP);
  if (!(ept_capability & EPT_WALK_OF_4) || !(ept_capability & EPT_WRITE_BACK)) {
    STOP("this processor's EPT lacks 4-level walks or write-back tables");
  }

  bool true_controls = rdmsr(IA32_VMX_BASIC) >> TRUE_CONTROLS & 1;
#define CAPABILITY(name) (true_controls ? IA32_VMX_TRUE_##name##_CTLS : IA32_VMX_##name##_CTLS)
  const struct row rows[] = {
      {PIN_BASED_VM_EXECUTION_CONTROLS, controls("pin-based", CAPABILITY(PINBASED), 0)},
      {PRIMARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
       controls("primary processor-based", CAPABILITY(PROCBASED),
                HLT_EXITING | UNCONDITIONAL_IO_EXITING | ACTIVATE_SECONDARY_CONTROLS)},
      {SECONDARY_PROCESSOR_BASED_VM_EXECUTION_CONTROLS,
       controls("secondary processor-based", IA32_VMX_PROCBASED_CTLS2, ENABLE_EPT | ENABLE_VPID)},
      {PRIMARY_VM_EXIT_CONTROLS, controls("VM-exit", CAPABILITY(EXIT), HOST_ADDRESS_SPACE_SIZE)},
      {VM_ENTRY_CONTROLS, controls("VM-entry", CAPABILITY(ENTRY), IA_32E_MODE_GUEST)},
      {VIRTUAL_PROCESSOR_IDENTIFIER, 1},
      {EPT_POINTER, eptp},
      {EXCEPTION_BITMAP, 0},
      {PAGE_FAULT_ERROR_CODE_MASK, 0},
      {PAGE_FAULT_ERROR_CODE_MATCH, 0},
      {CR3_TARGET_COUNT, 0},
      {VM_EXIT_MSR_STORE_COUNT, 0},
      {VM_EXIT_MSR_LOAD_COUNT, 0},
      {VM_ENTRY_MSR_LOAD_COUNT, 0},
      {VM_ENTRY_INTERRUPTION_INFORMATION_FIELD, 0},
      {CR0_GUEST_HOST_MASK, 0},
      {CR0_READ_SHADOW, 0},
      /* CR4.VMXE is the hypervisor's: the guest reads 0 there, and writing 1 would exit. */
      {CR4_GUEST_HOST_MASK, CR4_VMXE},
      {CR4_READ_SHADOW, 0},
  };
  WRITE_ALL(rows);
}

/* SDM Vol. 3C, "Host-State Area": a VM exit loads all of this, and nothing else. */
static void set_up_host(void) {
  static uint8_t tss[104];
  const struct row rows[] = {
      {HOST_CR0, read_cr0()},
      {HOST_CR3, read_cr3()},
      {HOST_CR4, read_cr4()},
      {HOST_RIP, (uint64_t)vm_exit},
      {HOST_CS_SELECTOR, CODE_SELECTOR},
      {HOST_SS_SELECTOR, DATA_SELECTOR},
      {HOST_DS_SELECTOR, DATA_SELECTOR},
      {HOST_ES_SELECTOR, DATA_SELECTOR},
      {HOST_FS_SELECTOR, 0},
      {HOST_GS_SELECTOR, 0},
      {HOST_TR_SELECTOR, TSS_SELECTOR},
      {HOST_FS_BASE, 0},
      {HOST_GS_BASE, 0},
      {HOST_TR_BASE, (uint64_t)tss},
      {HOST_GDTR_BASE, (uint64_t)gdt},
      {HOST_IDTR_BASE, 0},
      {HOST_IA32_SYSENTER_CS, 0},
      {HOST_IA32_SYSENTER_ESP, 0},
      {HOST_IA32_SYSENTER_EIP, 0},
  };
  WRITE_ALL(rows);
}

/* The eight segment registers stand in the same order in each group of fields, two apart. */
static void guest_segment(uint32_t selector_field, uint16_t selector, uint32_t limit, uint32_t access_rights) {
  uint32_t n = selector_field - GUEST_ES_SELECTOR;
  vmwrite(GUEST_ES_SELECTOR + n, selector);
  vmwrite(GUEST_ES_BASE + n, 0);
  vmwrite(GUEST_ES_LIMIT + n, limit);
  vmwrite(GUEST_ES_ACCESS_RIGHTS + n, access_rights);
}

/* SDM Vol. 3C, "Guest-State Area": 64-bit mode from the first instruction, flat segments, no GDT and no IDT yet. */
static void set_up_guest(struct guest_start start) {
  guest_segment(GUEST_CS_SELECTOR, 0x08, 0xffffffff, CODE_64_BIT);
  guest_segment(GUEST_SS_SELECTOR, 0x10, 0xffffffff, DATA);
  guest_segment(GUEST_DS_SELECTOR, 0x10, 0xffffffff, DATA);
  guest_segment(GUEST_ES_SELECTOR, 0x10, 0xffffffff, DATA);
  guest_segment(GUEST_FS_SELECTOR, 0, 0, UNUSABLE);
  guest_segment(GUEST_GS_SELECTOR, 0, 0, UNUSABLE);
  guest_segment(GUEST_LDTR_SELECTOR, 0, 0, UNUSABLE);
  guest_segment(GUEST_TR_SELECTOR, 0, 103, TSS_BUSY);

  const struct row rows[] = {
      {GUEST_RIP, start.rip},
      {GUEST_RSP, start.rsp},
      {GUEST_RFLAGS, 0x2},
      {GUEST_CR0, read_cr0()},
      {GUEST_CR3, start.cr3},
      {GUEST_CR4, read_cr4()},
      {GUEST_DR7, 0x400},
      {GUEST_GDTR_BASE, 0},
      {GUEST_GDTR_LIMIT, 0},
      {GUEST_IDTR_BASE, 0},
      {GUEST_IDTR_LIMIT, 0},
      {GUEST_IA32_DEBUGCTL, 0},
      {GUEST_IA32_SYSENTER_CS, 0},
      {GUEST_IA32_SYSENTER_ESP, 0},
      {GUEST_IA32_SYSENTER_EIP, 0},
      {GUEST_INTERRUPTIBILITY_STATE, 0},
      {GUEST_ACTIVITY_STATE, 0},
      {GUEST_PENDING_DEBUG_EXCEPTIONS, 0},
      {VMCS_LINK_POINTER, ~0ull},
  };
  WRITE_ALL(rows);
}

void vmcs_set_up(struct guest_start start, uint64_t eptp) {
  set_up_controls(eptp);
  set_up_host();
  set_up_guest(start);
}
