/* Linux as a guest, by its 64-bit boot protocol. Linux, Documentation/x86/boot.rst. */

#include <asm/bootparam.h>
#include <asm/e820.h>
#include <linux/fs.h>

#include "console.h"
#include "guests.h"
#include "linux.h"
#include "serial.h"
#include "vm.h"

enum { MEBIBYTE = 1 << 20, MEMORY = 128 * MEBIBYTE, PAGE = 4096, SECTOR = 512 };
/* Guest-physical. */
enum { BOOT_PARAMETERS = 0x10000, COMMAND_LINE = 0x20000, CONVENTIONAL_END = 0x9f000, KERNEL = 16 * MEBIBYTE, ENTRY_64 = 0x200 };
enum { SETUP_HEADER = 0x1f1, OTHER_LOADER = 0xff };

/*
 * The machine has no real-time clock, no second serial port and no PCI: nobody shall wait for them. Without tables that name it, the local APIC stays disabled;
 * KVM tells of pages that it has fetched through it (no-kvmapf), and would let no processor halt that has not been told.
 */
static const char command_line[] =
    "console=ttyS0 quiet acpi=off pci=off nokaslr reboot=triple cryptomgr.notests mitigations=off tsc=reliable no_timer_check no-kvmapf initcall_blacklist=cmos_init "
    "8250.nr_uarts=1";

static uint64_t file_size(int file) {
  return (uint64_t)check("lseek", CALL(lseek, file, 0, SEEK_END));
}

static void read_at(int file, uint64_t offset, void *to, uint64_t bytes) {
  for (uint64_t done = 0; done < bytes;) {
    long count = check("pread", CALL(pread64, file, (char *)to + done, bytes - done, offset + done));
    if (count == 0) STOP("a file ends after %d bytes", offset + done);
    done += (uint64_t)count;
  }
}

/* Returns where it lies: at the end of memory. */
static uint32_t load_initrd(struct vm *vm, int initrd, uint64_t size) {
  uint64_t at = (vm->memory_size - size) & -(uint64_t)PAGE;
  read_at(initrd, 0, vm->memory + at, size);
  return (uint32_t)at;
}

static void load(struct vm *vm, int kernel, int initrd) {
  struct boot_params *parameters = (struct boot_params *)(vm->memory + BOOT_PARAMETERS);
  struct setup_header *header = &parameters->hdr;
  read_at(kernel, SETUP_HEADER, header, sizeof *header);
  if (!(header->xloadflags & XLF_KERNEL_64)) STOP("the kernel has no 64-bit entry: loader flags %x", (uint64_t)header->xloadflags);

  uint64_t setup = (header->setup_sects + 1u) * SECTOR, initrd_size = file_size(initrd);
  read_at(kernel, setup, vm->memory + KERNEL, file_size(kernel) - setup);
  header->type_of_loader = OTHER_LOADER;
  header->ramdisk_image = load_initrd(vm, initrd, initrd_size);
  header->ramdisk_size = (uint32_t)initrd_size;
  header->cmd_line_ptr = COMMAND_LINE;
  for (unsigned i = 0; i < sizeof command_line; i++) vm->memory[COMMAND_LINE + i] = (uint8_t)command_line[i];
  parameters->e820_table[parameters->e820_entries++] = (struct boot_e820_entry){.size = CONVENTIONAL_END, .type = E820_RAM};
  parameters->e820_table[parameters->e820_entries++] = (struct boot_e820_entry){.addr = MEBIBYTE, .size = vm->memory_size - MEBIBYTE, .type = E820_RAM};
}

static void no_memory(struct vm *vm) {
  STOP("the guest touches %x", vm->run->mmio.phys_addr);
}

void run_linux(int kvm, int kernel, int initrd) {
  static const struct board board = {serial_port, no_memory, serial_signal};
  struct vm vm;
  vm_create(&vm, kvm, MEMORY, PC_CHIPS);
  load(&vm, kernel, initrd);
  vm_start_long_mode(&vm, KERNEL + ENTRY_64, BOOT_PARAMETERS);
  serial_connect(&vm);
  uint32_t reason = vm_run(&vm, &board);
  if (reason != KVM_EXIT_SHUTDOWN) STOP("exit reason %d", (uint64_t)reason);
  print("\rthe guest has reset its processor after %d port accesses\r\n", vm.exits[KVM_EXIT_IO]);
}
