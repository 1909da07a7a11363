/* The first and only program of a Linux kernel: loads KVM, and runs guests with it. */

#include <asm/fcntl.h>

#include "console.h"
#include "guests.h"
#include "linux.h"
#include <linux/kvm.h>

static int open(const char *file, int flags) {
  return (int)check(file, CALL(open, file, flags | O_CLOEXEC));
}

static void load_module(const char *file) {
  int module = open(file, O_RDONLY);
  check(file, CALL(finit_module, module, "", 0));
  CALL(close, module);
}

void main(void) {
  check("devtmpfs", CALL(mount, "none", "/dev", "devtmpfs", 0, 0));
  load_module("/irqbypass.ko");
  load_module("/kvm.ko");
  load_module("/kvm-intel.ko");

  int kvm = open("/dev/kvm", O_RDWR);
  print("KVM API version %d\n", CALL(ioctl, kvm, KVM_GET_API_VERSION, 0));
  int is_linux = CALL(access, "/guest/vmlinuz", 0) == 0;
  if (is_linux) run_linux(kvm, open("/guest/vmlinuz", O_RDONLY), open("/guest/initrd.gz", O_RDONLY));
  else run_two_guests(kvm);
  power_off();
}
