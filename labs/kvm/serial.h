#ifndef SERIAL_H
#define SERIAL_H

#include "vm.h"

/* The ports of a PC with one serial port: an 8250 whose line is the console of the program. No other port answers. */
void serial_port(struct vm *vm);

/* From now on, input of the console interrupts KVM_RUN with a signal, and is given to the guest. */
void serial_connect(struct vm *vm);
void serial_signal(struct vm *vm);

#endif
