/* SDM Vol. 3C, "The Extended Page Table Mechanism (EPT)". */

#include "ept.h"

#include "memory.h"

enum { READ = 1, WRITE = 2, EXECUTE = 4, ALL_RIGHTS = READ | WRITE | EXECUTE };
enum { WRITE_BACK = 6 };
enum { LEVELS = 4 };

static const uint64_t ADDRESS_MASK = 0x000ffffffffff000;

uint64_t ept_create(void) {
  return allocate_page() | (LEVELS - 1) << 3 | WRITE_BACK;
}

/* Nine bits of the address choose the entry at each level; level 1 is the last. */
static uint64_t *entry_at(uint64_t table, uint64_t guest_physical, int level) {
  unsigned index = guest_physical >> (12 + 9 * (level - 1)) & 0x1ff;
  return (uint64_t *)table + index;
}

void ept_map(uint64_t eptp, uint64_t guest_physical, uint64_t host_physical) {
  uint64_t table = eptp & ADDRESS_MASK;
  for (int level = LEVELS; level > 1; level--) {
    uint64_t *entry = entry_at(table, guest_physical, level);
    if (!(*entry & ALL_RIGHTS)) *entry = allocate_page() | ALL_RIGHTS;
    table = *entry & ADDRESS_MASK;
  }
  *entry_at(table, guest_physical, 1) = host_physical | WRITE_BACK << 3 | ALL_RIGHTS;
}

bool ept_translate(uint64_t eptp, uint64_t guest_physical, uint64_t *host_physical) {
  uint64_t table = eptp & ADDRESS_MASK;
  for (int level = LEVELS; level >= 1; level--) {
    uint64_t entry = *entry_at(table, guest_physical, level);
    if (!(entry & ALL_RIGHTS)) return false;
    table = entry & ADDRESS_MASK;
  }
  *host_physical = table | (guest_physical & (PAGE_SIZE - 1));
  return true;
}
