/* The selectors of the hypervisor's GDT (boot.S), for assembly and C. */
#pragma once

#define CODE_SELECTOR 0x08
#define DATA_SELECTOR 0x10
#define TSS_SELECTOR 0x18
