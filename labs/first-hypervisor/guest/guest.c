/* A guest that gives its hypervisor something to do. */

#include <stdint.h>

#include "../cpu.h"
#include "contract.h"

enum { PAGE_SIZE = 4096, WORDS_PER_PAGE = PAGE_SIZE / sizeof(uint64_t) };

/* Guest-physical memory that nobody uses yet; the page tables map it, EPT does not. */
static uint64_t next_free_page = 0x800000;

/* Linear memory that the page tables do not map: page_fault() does, page by page. */
static volatile uint64_t *const heap = (volatile uint64_t *)0xffff800000000000;

static uint64_t hypercall(uint64_t number, uint64_t first, uint64_t second) {
  __asm__ volatile("vmcall" : "+a"(number) : "D"(first), "S"(second) : "memory");
  return number;
}

/* One VM exit for the whole text. */
static void print(const char *text) {
  uint64_t length = 0;
  while (text[length]) length++;
  hypercall(HYPERCALL_PRINT, (uint64_t)text, length);
}

/* One VM exit for each character. */
static void print_through_port(const char *text) {
  while (*text) out8(CONSOLE_PORT, (uint8_t)*text++);
}

static void print_number(const char *before, uint64_t number, const char *after) {
  char text[21];
  char *first = text + sizeof text - 1;
  *first = 0;
  do {
    *--first = (char)('0' + number % 10);
    number /= 10;
  } while (number);
  print(before);
  print(first);
  print(after);
}

/* --- The page-fault handler --- */

enum { PRESENT = 1, WRITABLE = 2 };

static const uint64_t ADDRESS_MASK = 0x000ffffffffff000;

extern uint64_t page_table_root[];
static uint64_t page_faults;

static uint64_t reserve_page(void) {
  uint64_t page = next_free_page;
  next_free_page += PAGE_SIZE;
  return page;
}

static uint64_t new_table(void) {
  uint64_t *table = (uint64_t *)reserve_page();
  for (int i = 0; i < WORDS_PER_PAGE; i++) table[i] = 0;
  return (uint64_t)table;
}

static void map(uint64_t linear, uint64_t physical) {
  uint64_t *table = page_table_root;
  for (int level = 4; level > 1; level--) {
    uint64_t *entry = &table[linear >> (12 + 9 * (level - 1)) & 0x1ff];
    if (!(*entry & PRESENT)) *entry = new_table() | PRESENT | WRITABLE;
    table = (uint64_t *)(*entry & ADDRESS_MASK);
  }
  table[linear >> 12 & 0x1ff] = physical | PRESENT | WRITABLE;
}

/* Called by page_fault_entry with CR2 and the error code. The page that it maps is one that EPT does not: the
   instruction that comes back finds its linear address mapped, and leaves for the hypervisor in the same step. */
void page_fault(uint64_t linear, uint64_t error_code) {
  if (error_code & PRESENT) {
    print("page fault that no mapping can cure\n");
    hypercall(HYPERCALL_FINISH, 1, 0);
  }
  page_faults++;
  map(linear, reserve_page());
}

/* --- The IDT --- */

enum { PAGE_FAULT_VECTOR = 14, INTERRUPT_GATE = 0x8e00, CODE = 0x08 };

struct gate {
  uint16_t offset_low, selector, type, offset_middle;
  uint32_t offset_high, reserved;
};

static struct gate idt[PAGE_FAULT_VECTOR + 1];

extern const char page_fault_entry[];

static void load_idt(void) {
  uint64_t offset = (uint64_t)page_fault_entry;
  idt[PAGE_FAULT_VECTOR] = (struct gate){
      .offset_low = (uint16_t)offset,
      .selector = CODE,
      .type = INTERRUPT_GATE,
      .offset_middle = (uint16_t)(offset >> 16),
      .offset_high = (uint32_t)(offset >> 32),
  };
  struct {
    uint16_t limit;
    uint64_t base;
  } __attribute__((packed)) pointer = {sizeof idt - 1, (uint64_t)idt};
  __asm__ volatile("lidt %0" : : "m"(pointer));
}

/* --- What it does --- */

static void meet_the_hypervisor(void) {
  union {
    uint32_t words[3];
    char text[13];
  } signature = {0};
  struct cpuid_result leaf = cpuid(HYPERVISOR_LEAF, 0);
  signature.words[0] = leaf.ebx;
  signature.words[1] = leaf.ecx;
  signature.words[2] = leaf.edx;
  print("CPUID: my hypervisor is ");
  print(signature.text);
  print("\n");
}

static void rest(int times) {
  for (int i = 0; i < times; i++) __asm__ volatile("hlt");
  print_number("HLT: rested ", (uint64_t)times, " times\n");
}

/* The page tables map this memory, so no page fault; EPT does not, so each new page is an EPT violation. */
static void touch_fresh_memory(int pages) {
  uint64_t sum = 0;
  for (int i = 0; i < pages; i++) {
    volatile uint64_t *page = (volatile uint64_t *)reserve_page();
    sum += *page;
    *page = (uint64_t)i;
    sum += *page;
  }
  print_number("EPT: fresh pages sum up to ", sum, "\n");
}

static void use_the_heap(int pages) {
  for (int i = 0; i < pages; i++) heap[i * WORDS_PER_PAGE] = (uint64_t)i * (uint64_t)i;
  uint64_t sum = 0;
  for (int i = 0; i < pages; i++) sum += heap[i * WORDS_PER_PAGE];
  print_number("#PF: squares on the heap sum up to ", sum, "");
  print_number(", after ", page_faults, " page faults\n");
}

void guest_main(void) {
  load_idt();
  if (in8(CONSOLE_PORT) == CONSOLE_PRESENT) print_through_port("OUT: hello, one exit a letter\n");
  print("VMCALL: hello, one exit for all\n");
  meet_the_hypervisor();
  rest(3);
  touch_fresh_memory(5);
  use_the_heap(4);
  if (hypercall(99, 0, 0) == HYPERCALL_REFUSED) print("VMCALL: number 99 is refused\n");
  hypercall(HYPERCALL_FINISH, 0, 0);
}
