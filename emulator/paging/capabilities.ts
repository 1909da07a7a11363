/** SDM Vol. 3, "Enumeration of Paging Features by CPUID": what this processor's paging offers. CPUID and the walks read it. */

/** Physical-address width in bits (at most 40, so that PSE-36 addresses and CR3 follow one rule). */
export const MAXPHYADDR = 40;
export const LINEAR_ADDRESS_BITS = 48;

/** Bits 51:MAXPHYADDR of an entry, in its upper half. */
export const PHYSICAL_RESERVED_HIGH = 0xfffff & ~(2 ** (MAXPHYADDR - 32) - 1);
/** Physical-address bits of an entry, in its upper half. */
export const PHYSICAL_HIGH = 2 ** (MAXPHYADDR - 32) - 1;

/** Whether bits 63:47 of a 64-bit address are all equal; given its upper half. */
export const isCanonical = (_low: number, high: number): boolean => {
  const sign = (high | 0) >> 15;
  return sign === 0 || sign === -1;
};
