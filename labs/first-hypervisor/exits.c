/* A table of handlers by exit reason. SDM Vol. 3D, "VMX Basic Exit Reasons". */

#include "exits.h"

#include "console.h"
#include "cpu.h"
#include "ept.h"
#include "guest/contract.h"
#include "memory.h"
#include "vmcs-fields.h"
#include "vmx.h"

/* The guest's instruction has been done for it: go on behind it. */
static void skip_instruction(void) {
  vmwrite(GUEST_RIP, vmread(GUEST_RIP) + vmread(VM_EXIT_INSTRUCTION_LENGTH));
}

/* What the guest writes comes out line by line, each marked as the guest's. */
static void print_guest_character(char character) {
  static bool within_line;
  if (!within_line) print("guest| ");
  print_character(character);
  within_line = character != '\n';
}

static void handle_cpuid(struct vm *vm) {
  struct registers *r = &vm->registers;
  struct cpuid_result result;
  if ((uint32_t)r->rax == HYPERVISOR_LEAF) {
    result = (struct cpuid_result){HYPERVISOR_LEAF, SIGNATURE_EBX, SIGNATURE_ECX, SIGNATURE_EDX};
  } else {
    result = cpuid((uint32_t)r->rax, (uint32_t)r->rcx);
  }
  r->rax = result.eax;
  r->rbx = result.ebx;
  r->rcx = result.ecx;
  r->rdx = result.edx;
  skip_instruction();
}

/* A hypervisor with several guests would run another one now; this one has nothing better to do than to go on. */
static void handle_hlt(struct vm *vm) {
  (void)vm;
  skip_instruction();
}

/* The guest passes a guest-physical address: each page of the text may lie anywhere in host-physical memory. */
static bool print_guest_text(struct vm *vm, uint64_t guest_physical, uint64_t length) {
  for (uint64_t i = 0; i < length; i++) {
    uint64_t host_physical;
    if (!ept_translate(vm->eptp, guest_physical + i, &host_physical)) return false;
    print_guest_character(*(const char *)host_physical);
  }
  return true;
}

static void handle_vmcall(struct vm *vm) {
  struct registers *r = &vm->registers;
  switch (r->rax) {
    case HYPERCALL_PRINT:
      r->rax = print_guest_text(vm, r->rdi, r->rsi) ? HYPERCALL_DONE : HYPERCALL_REFUSED;
      break;
    case HYPERCALL_FINISH:
      vm->finished = true;
      vm->status = r->rdi;
      r->rax = HYPERCALL_DONE;
      break;
    default:
      r->rax = HYPERCALL_REFUSED;
  }
  skip_instruction();
}

/* SDM Vol. 3C, "Exit Qualification for I/O Instructions". */
static void handle_io_instruction(struct vm *vm) {
  uint64_t qualification = vmread(EXIT_QUALIFICATION);
  unsigned bytes = (qualification & 7) + 1;
  bool in = qualification >> 3 & 1;
  bool string = qualification >> 4 & 1;
  uint16_t port = qualification >> 16 & 0xffff;

  if (port != CONSOLE_PORT || bytes != 1 || string) {
    STOP("the guest used port %x in a way that this hypervisor does not know", (uint64_t)port);
  }
  if (in) {
    vm->registers.rax = (vm->registers.rax & ~0xffull) | CONSOLE_PRESENT;
  } else {
    print_guest_character((char)vm->registers.rax);
  }
  skip_instruction();
}

/* The guest has RAM_SIZE bytes of memory, but a page gets a place only when it is first used. The faulting
   instruction is not skipped: it runs again, and this time finds its page. */
static void handle_ept_violation(struct vm *vm) {
  uint64_t guest_physical = vmread(GUEST_PHYSICAL_ADDRESS);
  if (guest_physical >= RAM_SIZE) {
    STOP("the guest touched guest-physical %x, outside of its memory", guest_physical);
  }
  ept_map(vm->eptp, guest_physical & ~(PAGE_SIZE - 1ull), allocate_page());
}

static void handle_triple_fault(struct vm *vm) {
  (void)vm;
  STOP("triple fault in the guest at RIP %x", vmread(GUEST_RIP));
}

static const struct {
  const char *name;
  void (*handle)(struct vm *vm);
} reasons[EXIT_REASONS] = {
    [EXIT_TRIPLE_FAULT] = {"Triple fault", handle_triple_fault},
    [EXIT_CPUID] = {"CPUID", handle_cpuid},
    [EXIT_HLT] = {"HLT", handle_hlt},
    [EXIT_VMCALL] = {"VMCALL", handle_vmcall},
    [EXIT_IO_INSTRUCTION] = {"I/O instruction", handle_io_instruction},
    [EXIT_EPT_VIOLATION] = {"EPT violation", handle_ept_violation},
};

void handle_exit(struct vm *vm) {
  uint64_t exit_reason = vmread(EXIT_REASON);
  uint64_t basic_reason = exit_reason & 0xffff;
  if (exit_reason >> 31 & 1) STOP("VM entry failed after the guest's state was checked: reason %d", basic_reason);
  if (basic_reason >= EXIT_REASONS || !reasons[basic_reason].handle) {
    STOP("no handler for exit reason %d (qualification %x, guest RIP %x)", basic_reason, vmread(EXIT_QUALIFICATION),
         vmread(GUEST_RIP));
  }
  vm->exits[basic_reason]++;
  reasons[basic_reason].handle(vm);
}

void print_exits(const struct vm *vm) {
  uint64_t total = 0;
  print("\nreason  %-16s exits\n", "name");
  for (uint64_t reason = 0; reason < EXIT_REASONS; reason++) {
    if (!vm->exits[reason]) continue;
    print("%6d  %-16s %5d\n", reason, reasons[reason].name, vm->exits[reason]);
    total += vm->exits[reason];
  }
  print("        %-16s %5d\n", "all", total);
}
