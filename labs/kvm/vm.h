#ifndef VM_H
#define VM_H

#include <linux/kvm.h>
#include <stdint.h>

/* A virtual machine with one virtual processor. */
struct vm {
  int file;
  int vcpu;
  uint8_t *memory;
  uint64_t memory_size;
  struct kvm_run *run;
  unsigned long run_size;
  uint64_t exits[KVM_EXIT_SHUTDOWN + 1];
};

/* What surrounds the processor of a machine: who serves the exits that KVM leaves to the program. */
struct board {
  /* run->io */
  void (*port)(struct vm *vm);
  /* run->mmio */
  void (*memory)(struct vm *vm);
  /* A signal has arrived for the program. */
  void (*signal)(struct vm *vm);
};

enum chips { NO_CHIPS, PC_CHIPS };

/* With PC_CHIPS, KVM emulates the interrupt controllers and the timers of a PC. */
void vm_create(struct vm *vm, int kvm, uint64_t memory_size, enum chips chips);
void vm_destroy(struct vm *vm);

/* The first instruction of the guest, in real-address mode or in 64-bit mode; there RSI is `argument`. */
void vm_start_real_mode(struct vm *vm, uint64_t entry);
void vm_start_long_mode(struct vm *vm, uint64_t entry, uint64_t argument);

/* Raises or lowers an interrupt line of the machine's chips. */
void vm_set_line(struct vm *vm, unsigned line, int level);

/* Runs the guest from exit to exit, until one that the board does not serve: its reason. */
uint32_t vm_run(struct vm *vm, const struct board *board);

#endif
