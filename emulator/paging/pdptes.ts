/** The four page-directory-pointer-table entries that PAE paging keeps in the processor. SDM Vol. 3, "PAE Paging". */
import { S } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import { PHYSICAL_RESERVED_HIGH } from './capabilities.js';
import { load32 } from './physical-memory.js';

const PRESENT = 1;
/** Bits 2:1 and 8:5 of a PDPTE, and those from MAXPHYADDR up. */
const RESERVED_LOW = 0x1e6, RESERVED_HIGH = PHYSICAL_RESERVED_HIGH | 0xfff00000;

/** Loads them from a table in physical memory. False, and nothing loaded, when a present one sets a reserved bit. */
export function loadPdptes(cpu: Processor, physical: number): boolean {
  const loaded = Uint32Array.from({ length: 8 }, (_, n) => load32(cpu, physical + 4 * n));
  for (let n = 0; n < 8; n += 2) {
    const low = loaded[n]!, high = loaded[n + 1]!;
    if ((low & PRESENT) !== 0 && ((low & RESERVED_LOW) !== 0 || (high & RESERVED_HIGH) !== 0)) return false;
  }
  cpu.u32.set(loaded, S.pdpte >> 2);
  return true;
}
