/* The physical memory that the hypervisor gives away: to EPT tables and to its guest. */
#pragma once

#include <stdint.h>

enum { PAGE_SIZE = 4096 };

/* A page of zeros. The hypervisor's own mapping is linear = physical, so the address is both. */
uint64_t allocate_page(void);
