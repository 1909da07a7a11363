/* The life of a hypervisor: enter VMX operation, prepare a guest, run it from exit to exit. */

#include "console.h"
#include "entry.h"
#include "ept.h"
#include "exits.h"
#include "guest/contract.h"
#include "memory.h"
#include "vmcs-fields.h"
#include "vmcs.h"
#include "vmx.h"

/* The guest's flat image (guest-image.S). */
extern const uint8_t guest_image[], guest_image_end[];

static struct vm vm;

/* Copies the image page by page to where the guest will find it at guest-physical GUEST_BASE. */
static struct guest_start load_guest(uint64_t eptp) {
  const struct guest_header *header = (const struct guest_header *)guest_image;
  if (header->magic != GUEST_MAGIC) STOP("the guest image has no header");

  uint64_t size = (uint64_t)(guest_image_end - guest_image);
  for (uint64_t offset = 0; offset < size; offset += PAGE_SIZE) {
    uint8_t *page = (uint8_t *)allocate_page();
    for (uint64_t i = 0; i < PAGE_SIZE && offset + i < size; i++) page[i] = guest_image[offset + i];
    ept_map(eptp, GUEST_BASE + offset, (uint64_t)page);
  }
  return (struct guest_start){.rip = header->entry, .rsp = header->stack_top, .cr3 = header->page_table_root};
}

static void run_guest(void) {
  while (!vm.finished) {
    if (!vm_enter(&vm.registers, vm.launched)) STOP("VM entry failed: error %d", vmread(VM_INSTRUCTION_ERROR));
    vm.launched = true;
    handle_exit(&vm);
  }
}

void main(void) {
  console_init();
  print("First hypervisor\n");

  vmx_enable();
  print("VMX operation: on\n");

  vm.eptp = ept_create();
  struct guest_start start = load_guest(vm.eptp);
  vmcs_set_up(start, vm.eptp);
  print("guest: starts at %x with page tables at %x\n\n", start.rip, start.cr3);

  run_guest();

  print("\nguest finished with status %d\n", vm.status);
  print_exits(&vm);
  power_off((uint8_t)vm.status);
}
