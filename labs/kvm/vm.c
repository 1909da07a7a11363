/* A virtual machine through /dev/kvm: the part that QEMU plays elsewhere. Linux, Documentation/virt/kvm/api.rst. */

#include "vm.h"

#include <asm/errno.h>
#include <linux/mman.h>

#include "console.h"
#include "guest/contract.h"
#include "linux.h"

enum { READ_WRITE = 3 };

static long vm_ioctl(int file, const char *name, unsigned long request, const void *argument) {
  return check(name, CALL(ioctl, file, request, argument));
}
#define IOCTL(file, request, argument) vm_ioctl(file, #request, request, (const void *)(argument))

static void *map(unsigned long bytes, int flags, int file) {
  return (void *)check("mmap", CALL(mmap, 0, bytes, READ_WRITE, flags, file, 0));
}

/* Where CPUID of the guest comes from: what KVM can show on this processor. */
static struct {
  struct kvm_cpuid2 header;
  struct kvm_cpuid_entry2 entries[128];
} cpuid;

/* Bits that KVM reports only when asked in other ways: with its own chips, it has this timer; and this processor is virtual. */
enum { CPUID_1_ECX_TSC_DEADLINE = 1 << 24, CPUID_1_ECX_HYPERVISOR = 1 << 31 };

static void set_cpuid(struct vm *vm, int kvm, enum chips chips) {
  cpuid.header.nent = sizeof cpuid.entries / sizeof *cpuid.entries;
  IOCTL(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid);
  for (unsigned i = 0; i < cpuid.header.nent; i++)
    if (chips == PC_CHIPS && cpuid.entries[i].function == 1) cpuid.entries[i].ecx |= CPUID_1_ECX_TSC_DEADLINE | CPUID_1_ECX_HYPERVISOR;
  IOCTL(vm->vcpu, KVM_SET_CPUID2, &cpuid);
}

void vm_create(struct vm *vm, int kvm, uint64_t memory_size, enum chips chips) {
  *vm = (struct vm){.file = (int)IOCTL(kvm, KVM_CREATE_VM, 0), .memory_size = memory_size};
  if (chips == PC_CHIPS) {
    IOCTL(vm->file, KVM_CREATE_IRQCHIP, 0);
    IOCTL(vm->file, KVM_CREATE_PIT2, &(struct kvm_pit_config){0});
  }

  vm->memory = map(memory_size, MAP_SHARED | MAP_ANONYMOUS, -1);
  struct kvm_userspace_memory_region region = {.memory_size = memory_size, .userspace_addr = (uint64_t)vm->memory};
  IOCTL(vm->file, KVM_SET_USER_MEMORY_REGION, &region);

  vm->vcpu = (int)IOCTL(vm->file, KVM_CREATE_VCPU, 0);
  vm->run_size = (unsigned long)IOCTL(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
  vm->run = map(vm->run_size, MAP_SHARED, vm->vcpu);
  set_cpuid(vm, kvm, chips);
}

void vm_destroy(struct vm *vm) {
  CALL(munmap, vm->run, vm->run_size);
  CALL(munmap, vm->memory, vm->memory_size);
  CALL(close, vm->vcpu);
  CALL(close, vm->file);
}

static void start(struct vm *vm, const struct kvm_sregs *sregs, uint64_t entry, uint64_t argument) {
  IOCTL(vm->vcpu, KVM_SET_SREGS, sregs);
  struct kvm_regs regs = {.rip = entry, .rsi = argument, .rsp = GUEST_STACK, .rflags = 2};
  IOCTL(vm->vcpu, KVM_SET_REGS, &regs);
}

void vm_start_real_mode(struct vm *vm, uint64_t entry) {
  struct kvm_sregs sregs = {0};
  IOCTL(vm->vcpu, KVM_GET_SREGS, &sregs);
  sregs.cs.selector = 0;
  sregs.cs.base = 0;
  start(vm, &sregs, entry, 0);
}

enum { PRESENT = 1, WRITABLE = 2, LARGE = 0x80 };
enum { CR0_PE = 1, CR0_NE = 0x20, CR0_WP = 0x10000, CR0_PG = 0x80000000, CR4_PAE = 0x20, EFER_LME = 0x100, EFER_LMA = 0x400 };

/* The first 1 GiB at itself, in pages of 2 MiB. */
static uint64_t write_page_tables(uint8_t *memory) {
  uint64_t *pml4 = (uint64_t *)(memory + GUEST_PAGE_TABLES), *pdpt = pml4 + 512, *directory = pdpt + 512;
  pml4[0] = (GUEST_PAGE_TABLES + 0x1000) | PRESENT | WRITABLE;
  pdpt[0] = (GUEST_PAGE_TABLES + 0x2000) | PRESENT | WRITABLE;
  for (uint64_t i = 0; i < 512; i++) directory[i] = i << 21 | PRESENT | WRITABLE | LARGE;
  return GUEST_PAGE_TABLES;
}

void vm_start_long_mode(struct vm *vm, uint64_t entry, uint64_t argument) {
  struct kvm_sregs sregs = {0};
  IOCTL(vm->vcpu, KVM_GET_SREGS, &sregs);
  sregs.cr3 = write_page_tables(vm->memory);
  sregs.cr4 = CR4_PAE;
  sregs.cr0 = CR0_PE | CR0_NE | CR0_WP | CR0_PG;
  sregs.efer = EFER_LME | EFER_LMA;
  sregs.cs = (struct kvm_segment){.limit = 0xffffffff, .selector = 8, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1};
  struct kvm_segment data = {.limit = 0xffffffff, .selector = 16, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1};
  sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
  start(vm, &sregs, entry, argument);
}

void vm_set_line(struct vm *vm, unsigned line, int level) {
  IOCTL(vm->file, KVM_IRQ_LINE, (&(struct kvm_irq_level){.irq = line, .level = (uint32_t)level}));
}

uint32_t vm_run(struct vm *vm, const struct board *board) {
  for (;;) {
    long result = CALL(ioctl, vm->vcpu, KVM_RUN, 0);
    if (result == -EINTR) {
      board->signal(vm);
      continue;
    }
    check("KVM_RUN", result);
    if (vm->run->exit_reason > KVM_EXIT_SHUTDOWN) return vm->run->exit_reason;
    vm->exits[vm->run->exit_reason]++;
    switch (vm->run->exit_reason) {
      case KVM_EXIT_IO: board->port(vm); break;
      case KVM_EXIT_MMIO: board->memory(vm); break;
      default: return vm->run->exit_reason;
    }
  }
}
