/* Pages from 16 MiB up to 32 MiB of host-physical memory, handed out one after the other and never taken back. */

#include "memory.h"

#include "console.h"

static const uint64_t pool_end = 32 << 20;
static uint64_t next_page = 16 << 20;

uint64_t allocate_page(void) {
  if (next_page == pool_end) STOP("no memory left");
  uint64_t page = next_page;
  next_page += PAGE_SIZE;
  uint64_t *words = (uint64_t *)page;
  for (unsigned i = 0; i < PAGE_SIZE / sizeof *words; i++) words[i] = 0;
  return page;
}
