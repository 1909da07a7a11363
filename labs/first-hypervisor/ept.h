/* Extended page tables: from guest-physical to host-physical addresses. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* An empty set of tables; the result is the value for the VMCS field 'EPT pointer'. */
uint64_t ept_create(void);

void ept_map(uint64_t eptp, uint64_t guest_physical, uint64_t host_physical);

/* False if nothing is mapped at guest_physical. */
bool ept_translate(uint64_t eptp, uint64_t guest_physical, uint64_t *host_physical);
