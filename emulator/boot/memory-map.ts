/** Where a PC has memory, as firmware reports it by INT 15h, AX=E820h. Advanced Configuration and Power Interface Specification, "System Address Map Interfaces". */

export const MIB = 0x100000;
const GIB = 1024 * MIB;
const PAGE = 0x1000;

const CONVENTIONAL_END = 640 * 1024;
const EXTENDED_BASE = MIB;
/** Above lies the hole for devices; memory above 4 GiB is not implemented. */
export const MOST_MEMORY = 3 * GIB;
const LEAST_MEMORY = 2 * MIB;

export type MemoryType = 'usable' | 'reserved';
export const MEMORY_TYPE_NUMBERS = { usable: 1, reserved: 2 } as const satisfies Record<MemoryType, number>;

export interface MemoryRange {
  readonly base: number;
  readonly length: number;
  readonly type: MemoryType;
}

export function memoryMap(memoryBytes: number): MemoryRange[] {
  if (memoryBytes > MOST_MEMORY) {
    throw new RangeError(`${inMib(memoryBytes)} of guest memory: not implemented: memory above 4 GiB; ask for ${inMib(MOST_MEMORY)} or less`);
  }
  if (!(memoryBytes >= LEAST_MEMORY) || memoryBytes % PAGE !== 0) {
    throw new RangeError(`${memoryBytes} bytes of guest memory: ask for ${inMib(LEAST_MEMORY)} or more, in whole pages of 4 KiB`);
  }
  return [
    { base: 0, length: CONVENTIONAL_END, type: 'usable' },
    { base: CONVENTIONAL_END, length: EXTENDED_BASE - CONVENTIONAL_END, type: 'reserved' },
    { base: EXTENDED_BASE, length: memoryBytes - EXTENDED_BASE, type: 'usable' },
  ];
}

export const usable = (map: readonly MemoryRange[]) => map.filter((range) => range.type === 'usable');

export const inMib = (bytes: number) => `${Number((bytes / MIB).toFixed(1))} MiB`;
