/** The machine's memory, that of its video adapter, and the ROM, one behind the other; and which of it this board has at which physical addresses. */
import type { BoardPci } from './pci.js';
import { MOST_ROM } from '../boot/firmware.js';
import { MAP } from '../cpu/layout.js';
import { MemoryMap, NOWHERE, type Window } from '../memory/memory-map.js';

export const VIDEO_BYTES = 2 ** 23;
const WASM_PAGE = 65536;
const LEGACY_VIDEO = { base: 0xa0000, end: 0xc0000 } as const;
/** The end of the ROM also answers below 1 MiB. */
const ALIAS_BYTES = 0x20000, MIB = 0x100000, FOUR_GIB = 2 ** 32;

export class Store {
  /** The shared memory: the store is its last part. */
  readonly memory: WebAssembly.Memory;
  readonly map: MemoryMap;
  private readonly video: number;
  private readonly rom: number;
  private romBytes = 0;
  private untouched = true;

  constructor(private readonly ramBytes: number) {
    this.video = ramBytes;
    this.rom = ramBytes + VIDEO_BYTES;
    const storeBytes = this.rom + MOST_ROM, pages = Math.ceil((MAP.guestMemory + storeBytes) / WASM_PAGE);
    this.memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    this.map = new MemoryMap(ramBytes, storeBytes);
  }

  /** Up to the end of the ROM. */
  get usedBytes(): number { return this.rom + this.romBytes; }

  /** Nothing is in memory any more but that ROM. */
  clear(rom: Uint8Array = new Uint8Array(0)): void {
    // What was never touched, the host need not provide.
    if (!this.untouched) this.bytes(0, this.usedBytes).fill(0);
    this.untouched = false;
    this.bytes(this.rom, rom.length).set(rom);
    this.romBytes = rom.length;
  }

  /** Room for a ROM that comes with a snapshot; false: there is not so much. */
  fitRom(bytes: number): boolean {
    if (!(bytes >= 0 && bytes <= MOST_ROM)) return false;
    this.untouched = false;
    this.romBytes = bytes;
    return true;
  }
  get usedRomBytes(): number { return this.romBytes; }

  get videoMemory(): Uint8Array { return this.bytes(this.video, VIDEO_BYTES); }
  private bytes(place: number, length: number): Uint8Array { return new Uint8Array(this.memory.buffer, MAP.guestMemory + place, length); }

  /** As the host bridge says, and the adapter's base address register; whether that is new. */
  remap({ hostBridge, bus }: BoardPci): boolean {
    const { rom, romBytes } = this, frame = bus.windowOf('video memory');
    const alias = (address: number): number => (address >= MIB - Math.min(ALIAS_BYTES, romBytes) ? rom + romBytes - (MIB - address) : NOWHERE);
    return this.map.set([
      { ...LEGACY_VIDEO, places: [NOWHERE, NOWHERE, NOWHERE] },
      ...hostBridge.attributeAreas.map(({ base, end, reads, writes }): Window => {
        const read = reads ? base : alias(base);
        return { base, end, places: [read, writes ? base : NOWHERE, read] };
      }),
      { base: FOUR_GIB - romBytes, end: FOUR_GIB, places: [rom, NOWHERE, rom] },
      // Code in video memory would not be noticed to change.
      ...(frame ? [{ base: frame.base, end: frame.base + frame.size, places: [this.video, this.video, NOWHERE] } as const] : []),
    ]);
  }
}
