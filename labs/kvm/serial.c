/* The 8250 as Linux uses it, between a guest and the console. */

#include "serial.h"

#include <asm/fcntl.h>
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <asm/termbits.h>

#include "console.h"
#include "linux.h"

enum { COM1 = 0x3f8, PORTS = 8, LINE = 4 };
enum { DATA, INTERRUPT_ENABLE, INTERRUPT_IDENTIFICATION, LINE_CONTROL, MODEM_CONTROL, LINE_STATUS, MODEM_STATUS, SCRATCH };
enum { RECEIVED = 1, TRANSMITTED = 2 };
enum { NO_INTERRUPT = 1, IS_TRANSMITTED = 2, IS_RECEIVED = 4 };
enum { DIVISOR_LATCH = 0x80 };
enum { DTR = 1, RTS = 2, OUT1 = 4, OUT2 = 8, LOOP = 0x10 };
enum { DATA_READY = 1, TRANSMITTER_EMPTY = 0x60 };
enum { CTS = 0x10, DSR = 0x20, RING = 0x40, CARRIER = 0x80 };
enum { BUFFERED = 64 };

static struct {
  uint8_t registers[PORTS], divisor[2];
  int transmitted, level;
  uint8_t input[BUFFERED];
  unsigned first, count;
  int console;
} serial;

static void fill(void) {
  if (serial.first < serial.count) return;
  long count = CALL(read, serial.console, serial.input, BUFFERED);
  serial.first = 0;
  serial.count = count > 0 ? (unsigned)count : 0;
}

static int received(void) {
  return serial.first < serial.count;
}

static int latched(void) {
  return (serial.registers[LINE_CONTROL] & DIVISOR_LATCH) != 0;
}

/* What asks for an interrupt; of several, the first. */
static uint8_t identification(void) {
  uint8_t enabled = serial.registers[INTERRUPT_ENABLE];
  if ((enabled & RECEIVED) && received()) return IS_RECEIVED;
  return (enabled & TRANSMITTED) && serial.transmitted ? IS_TRANSMITTED : NO_INTERRUPT;
}

static void update_line(struct vm *vm) {
  int level = identification() != NO_INTERRUPT && (serial.registers[MODEM_CONTROL] & OUT2);
  if (level != serial.level) vm_set_line(vm, LINE, serial.level = level);
}

static uint8_t modem_status(void) {
  uint8_t control = serial.registers[MODEM_CONTROL];
  if (!(control & LOOP)) return CTS | DSR | CARRIER;
  return (control & RTS ? CTS : 0) | (control & DTR ? DSR : 0) | (control & OUT1 ? RING : 0) | (control & OUT2 ? CARRIER : 0);
}

static uint8_t take_input(void) {
  uint8_t byte = received() ? serial.input[serial.first++] : 0;
  fill();
  return byte;
}

static uint8_t identify(void) {
  uint8_t found = identification();
  if (found == IS_TRANSMITTED) serial.transmitted = 0;
  return found;
}

static uint8_t read_register(unsigned number) {
  switch (number) {
    case DATA: return latched() ? serial.divisor[0] : take_input();
    case INTERRUPT_ENABLE: return latched() ? serial.divisor[1] : serial.registers[number];
    case INTERRUPT_IDENTIFICATION: return identify();
    case LINE_STATUS: return TRANSMITTER_EMPTY | (received() ? DATA_READY : 0);
    case MODEM_STATUS: return modem_status();
    default: return serial.registers[number];
  }
}

static void transmit(uint8_t byte) {
  if (serial.registers[MODEM_CONTROL] & LOOP) return;
  CALL(write, serial.console, &byte, 1);
  serial.transmitted = 1;
}

static void write_register(unsigned number, uint8_t value) {
  if (latched() && number <= INTERRUPT_ENABLE) {
    serial.divisor[number] = value;
    return;
  }
  if (number == DATA) {
    transmit(value);
    return;
  }
  if (number == INTERRUPT_ENABLE && (value & ~serial.registers[number] & TRANSMITTED)) serial.transmitted = 1;
  if (number != INTERRUPT_IDENTIFICATION && number != LINE_STATUS && number != MODEM_STATUS) serial.registers[number] = value;
}

void serial_port(struct vm *vm) {
  struct kvm_run *run = vm->run;
  uint8_t *data = (uint8_t *)run + run->io.data_offset;
  unsigned number = run->io.port - COM1;
  int is_serial = number < PORTS && run->io.size == 1, is_input = run->io.direction == KVM_EXIT_IO_IN;
  for (unsigned i = 0; i < run->io.count * run->io.size; i++) {
    if (is_serial && is_input) data[i] = read_register(number);
    else if (is_serial) write_register(number, data[i]);
    else if (is_input) data[i] = 0xff;
  }
  if (is_serial) update_line(vm);
}

typedef uint64_t signals;
static const signals input_signal = 1 << (SIGIO - 1);

/* The signal is blocked outside of KVM_RUN, which it ends. */
void serial_connect(struct vm *vm) {
  serial.console = (int)check("/dev/console", CALL(open, "/dev/console", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  struct termios raw;
  check("TCGETS", CALL(ioctl, serial.console, TCGETS, &raw));
  raw.c_iflag = raw.c_oflag = raw.c_lflag = 0;
  check("TCSETS", CALL(ioctl, serial.console, TCSETS, &raw));

  check("rt_sigprocmask", CALL(rt_sigprocmask, SIG_BLOCK, &input_signal, 0, sizeof input_signal));
  struct {
    struct kvm_signal_mask header;
    signals none;
  } mask = {{.len = sizeof(signals)}, 0};
  check("KVM_SET_SIGNAL_MASK", CALL(ioctl, vm->vcpu, KVM_SET_SIGNAL_MASK, &mask));
  long process = CALL(getpid);
  check("F_SETOWN", CALL(fcntl, serial.console, F_SETOWN, process));
  check("F_SETFL", CALL(fcntl, serial.console, F_SETFL, O_RDWR | O_NONBLOCK | FASYNC));
}

void serial_signal(struct vm *vm) {
  static const struct { long seconds, nanoseconds; } at_once;
  CALL(rt_sigtimedwait, &input_signal, 0, &at_once, sizeof input_signal);
  fill();
  update_line(vm);
}
