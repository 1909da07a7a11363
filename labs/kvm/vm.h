#ifndef VM_H
#define VM_H

#include <linux/kvm.h>
#include <stdint.h>

#include "guest/contract.h"

/* A virtual machine with one virtual processor. */
struct vm {
  int file;
  int vcpu;
  uint8_t *memory;
  uint64_t base;
  struct kvm_run *run;
  unsigned long run_size;
  uint64_t exits[KVM_EXIT_MMIO + 1];
  uint64_t device_register;
};

/* Copies the image to guest-physical `base` of a new machine. */
void vm_create(struct vm *vm, int kvm, uint64_t base, const uint8_t *image, const uint8_t *image_end);
void vm_destroy(struct vm *vm);

/* The first instruction of the guest, in real-address mode or in 64-bit mode. */
void vm_start_real_mode(struct vm *vm);
void vm_start_long_mode(struct vm *vm);

/* Runs the guest from exit to exit until it halts. */
void vm_run(struct vm *vm);

#endif
