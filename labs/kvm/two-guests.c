/* Two small guests, and the board that they run on: a console port, and a device in memory. */

#include "console.h"
#include "guest/contract.h"
#include "guests.h"
#include "vm.h"

/* Their flat images (guest-images.S). */
extern const uint8_t real_mode_image[], real_mode_image_end[], long_mode_image[], long_mode_image_end[];

static uint64_t device_register;

static void serve_port(struct vm *vm) {
  const struct kvm_run *run = vm->run;
  if (run->io.direction != KVM_EXIT_IO_OUT || run->io.port != CONSOLE_PORT) STOP("the guest uses port %x", (uint64_t)run->io.port);
  const char text[] = {((const char *)run)[run->io.data_offset], 0};
  if (*text) print("%s", text);
}

/* A device of one register: what is written is added, what is read is the sum. */
static void serve_device(struct vm *vm) {
  struct kvm_run *run = vm->run;
  if (run->mmio.phys_addr != DEVICE || run->mmio.len != 8) STOP("the guest touches %x", run->mmio.phys_addr);
  if (run->mmio.is_write) device_register += *(const uint64_t *)run->mmio.data;
  else *(uint64_t *)run->mmio.data = device_register;
}

static void no_signal(struct vm *vm) {
  (void)vm;
}

static void load(struct vm *vm, uint64_t base, const uint8_t *image, const uint8_t *image_end) {
  for (unsigned i = 0; image + i < image_end; i++) vm->memory[base + i] = image[i];
}

static void run(const char *name, struct vm *vm) {
  static const struct board board = {serve_port, serve_device, no_signal};
  device_register = 0;
  print("%s guest: ", name);
  uint32_t reason = vm_run(vm, &board);
  if (reason != KVM_EXIT_HLT) STOP("exit reason %d", (uint64_t)reason);
  print("%s guest: %d port accesses, %d device accesses, %d halt; the device holds %d\n", name, vm->exits[KVM_EXIT_IO], vm->exits[KVM_EXIT_MMIO],
        vm->exits[KVM_EXIT_HLT], device_register);
  vm_destroy(vm);
}

void run_two_guests(int kvm) {
  struct vm vm;
  vm_create(&vm, kvm, GUEST_MEMORY, NO_CHIPS);
  load(&vm, REAL_MODE_BASE, real_mode_image, real_mode_image_end);
  vm_start_real_mode(&vm, REAL_MODE_BASE);
  run("real-mode", &vm);

  vm_create(&vm, kvm, GUEST_MEMORY, NO_CHIPS);
  load(&vm, LONG_MODE_BASE, long_mode_image, long_mode_image_end);
  vm_start_long_mode(&vm, LONG_MODE_BASE, 0);
  run("64-bit", &vm);
}
