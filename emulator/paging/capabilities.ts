/** Physical-address width: CPUID leaf 80000008H reports it, reserved bits follow from it. SDM Vol. 3, "Enumeration of Paging Features by CPUID". */
export const MAXPHYADDR = 40;
/** Bits of the upper half of an 8-byte entry above MAXPHYADDR, up to bit 51. */
export const PHYSICAL_RESERVED_HIGH = 0xfffff & ~(2 ** (MAXPHYADDR - 32) - 1);
