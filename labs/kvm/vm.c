/* A virtual machine through /dev/kvm: the part that QEMU plays elsewhere. Linux, Documentation/virt/kvm/api.rst. */

#include "vm.h"

#include <linux/mman.h>

#include "console.h"
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

void vm_create(struct vm *vm, int kvm, uint64_t base, const uint8_t *image, const uint8_t *image_end) {
  *vm = (struct vm){.file = (int)IOCTL(kvm, KVM_CREATE_VM, 0), .base = base};

  vm->memory = map(GUEST_MEMORY, MAP_SHARED | MAP_ANONYMOUS, -1);
  for (unsigned i = 0; image + i < image_end; i++) vm->memory[base + i] = image[i];
  struct kvm_userspace_memory_region region = {.memory_size = GUEST_MEMORY, .userspace_addr = (uint64_t)vm->memory};
  IOCTL(vm->file, KVM_SET_USER_MEMORY_REGION, &region);

  vm->vcpu = (int)IOCTL(vm->file, KVM_CREATE_VCPU, 0);
  vm->run_size = (unsigned long)IOCTL(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
  vm->run = map(vm->run_size, MAP_SHARED, vm->vcpu);
  cpuid.header.nent = sizeof cpuid.entries / sizeof *cpuid.entries;
  IOCTL(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid);
  IOCTL(vm->vcpu, KVM_SET_CPUID2, &cpuid);
}

void vm_destroy(struct vm *vm) {
  CALL(munmap, vm->run, vm->run_size);
  CALL(munmap, vm->memory, GUEST_MEMORY);
  CALL(close, vm->vcpu);
  CALL(close, vm->file);
}

static void start(struct vm *vm, const struct kvm_sregs *sregs) {
  IOCTL(vm->vcpu, KVM_SET_SREGS, sregs);
  struct kvm_regs regs = {.rip = vm->base, .rsp = GUEST_STACK, .rflags = 2};
  IOCTL(vm->vcpu, KVM_SET_REGS, &regs);
}

void vm_start_real_mode(struct vm *vm) {
  struct kvm_sregs sregs = {0};
  IOCTL(vm->vcpu, KVM_GET_SREGS, &sregs);
  sregs.cs.selector = 0;
  sregs.cs.base = 0;
  start(vm, &sregs);
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

void vm_start_long_mode(struct vm *vm) {
  struct kvm_sregs sregs = {0};
  IOCTL(vm->vcpu, KVM_GET_SREGS, &sregs);
  sregs.cr3 = write_page_tables(vm->memory);
  sregs.cr4 = CR4_PAE;
  sregs.cr0 = CR0_PE | CR0_NE | CR0_WP | CR0_PG;
  sregs.efer = EFER_LME | EFER_LMA;
  sregs.cs = (struct kvm_segment){.limit = 0xffffffff, .selector = 8, .type = 11, .present = 1, .s = 1, .l = 1, .g = 1};
  struct kvm_segment data = {.limit = 0xffffffff, .selector = 16, .type = 3, .present = 1, .s = 1, .db = 1, .g = 1};
  sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
  start(vm, &sregs);
}

static void serve_port(const struct kvm_run *run) {
  if (run->io.direction != KVM_EXIT_IO_OUT || run->io.port != CONSOLE_PORT) STOP("the guest uses port %x", (uint64_t)run->io.port);
  const char text[] = {((const char *)run)[run->io.data_offset], 0};
  if (*text) print("%s", text);
}

/* A device of one register: what is written is added, what is read is the sum. */
static void serve_device(struct vm *vm) {
  struct kvm_run *run = vm->run;
  if (run->mmio.phys_addr != DEVICE || run->mmio.len != 8) STOP("the guest touches %x", run->mmio.phys_addr);
  if (run->mmio.is_write) vm->device_register += *(const uint64_t *)run->mmio.data;
  else *(uint64_t *)run->mmio.data = vm->device_register;
}

void vm_run(struct vm *vm) {
  for (;;) {
    check("KVM_RUN", CALL(ioctl, vm->vcpu, KVM_RUN, 0));
    if (vm->run->exit_reason > KVM_EXIT_MMIO) STOP("exit reason %d", (int64_t)vm->run->exit_reason);
    vm->exits[vm->run->exit_reason]++;
    switch (vm->run->exit_reason) {
      case KVM_EXIT_HLT: return;
      case KVM_EXIT_IO: serve_port(vm->run); break;
      case KVM_EXIT_MMIO: serve_device(vm); break;
      default: STOP("exit reason %d", (int64_t)vm->run->exit_reason);
    }
  }
}
