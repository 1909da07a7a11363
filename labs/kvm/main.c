/* The first and only program of a Linux kernel: loads KVM, and runs two guests with it. */

#include "console.h"
#include "linux.h"
#include "vm.h"

/* The guests' flat images (guest-images.S). */
extern const uint8_t real_mode_image[], real_mode_image_end[], long_mode_image[], long_mode_image_end[];

static int open(const char *file) {
  enum { READ_AND_WRITE = 2, CLOSE_ON_EXEC = 02000000 };
  return (int)check(file, CALL(open, file, READ_AND_WRITE | CLOSE_ON_EXEC));
}

static void load_module(const char *file) {
  int module = (int)check(file, CALL(open, file, 0));
  check(file, CALL(finit_module, module, "", 0));
  CALL(close, module);
}

static void run(const char *name, int kvm, uint64_t base, const uint8_t *image, const uint8_t *image_end, void (*start)(struct vm *)) {
  static struct vm vm;
  vm_create(&vm, kvm, base, image, image_end);
  start(&vm);
  print("%s guest: ", name);
  vm_run(&vm);
  print("%s guest: %d port accesses, %d device accesses, %d halt; the device holds %d\n", name, vm.exits[KVM_EXIT_IO], vm.exits[KVM_EXIT_MMIO],
        vm.exits[KVM_EXIT_HLT], vm.device_register);
  vm_destroy(&vm);
}

void main(void) {
  check("devtmpfs", CALL(mount, "none", "/dev", "devtmpfs", 0, 0));
  load_module("/irqbypass.ko");
  load_module("/kvm.ko");
  load_module("/kvm-intel.ko");

  int kvm = open("/dev/kvm");
  print("KVM API version %d\n", CALL(ioctl, kvm, KVM_GET_API_VERSION, 0));
  run("real-mode", kvm, REAL_MODE_BASE, real_mode_image, real_mode_image_end, vm_start_real_mode);
  run("64-bit", kvm, LONG_MODE_BASE, long_mode_image, long_mode_image_end, vm_start_long_mode);
  power_off();
}
