import type { AccessBytes, Device } from '../memory/bus.js';
import type { DirectMemory } from '../memory/direct-memory.js';

/** What the machine tells firmware and test programs about itself, by ports and by DMA. QEMU, "QEMU Firmware Configuration (fw_cfg) Device". */

const SELECTOR = 0, DATA = 1, DMA_HIGH = 4, DMA_LOW = 8;
const KEY = { signature: 0x00, id: 0x01, memoryBytes: 0x03, processors: 0x05, mostProcessors: 0x0f, files: 0x19, firstFile: 0x20 } as const;
const FEATURE_PORTS = 1, FEATURE_DMA = 2;
const DMA = { error: 1, read: 2, skip: 4, select: 8, write: 16 } as const;
/** What the address register of the DMA interface reads as: "QEMU CFG". */
const DMA_SIGNATURE = [0x51454d55, 0x20434647] as const;

const text = (value: string): number[] => Array.from(value, (character) => character.charCodeAt(0));
const little = (value: number, bytes: number): Uint8Array => Uint8Array.from({ length: bytes }, (_, n) => Math.floor(value / 256 ** n) & 0xff);
const bigEndian = (bytes: Uint8Array, at: number): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
const swapped = (value: number): number => (((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;

/** What firmware finds by a name of at most 55 characters; `contents` is asked when it is read, and always has that many bytes. */
export interface FwCfgFile {
  readonly name: string;
  readonly bytes: number;
  contents(): Uint8Array;
}

const NAME_BYTES = 56, ENTRY_BYTES = 8 + NAME_BYTES;

/** The directory: a count, then size, key and name of each file, big-endian. */
function directory(files: readonly FwCfgFile[]): Uint8Array {
  const bytes = new Uint8Array(4 + ENTRY_BYTES * files.length), view = new DataView(bytes.buffer);
  view.setUint32(0, files.length);
  files.forEach((file, n) => {
    const at = 4 + ENTRY_BYTES * n;
    view.setUint32(at, file.bytes);
    view.setUint16(at + 4, KEY.firstFile + n);
    bytes.set(text(file.name).slice(0, NAME_BYTES - 1), at + 8);
  });
  return bytes;
}

export class FwCfg implements Device {
  readonly name = 'fw_cfg';
  readonly portBytes = 4;
  /** Of the machine, by name. */
  files: readonly FwCfgFile[] = [];
  private readonly items: ReadonlyMap<number, Uint8Array>;
  private state = { key: 0, offset: 0, dmaHigh: 0 };

  constructor(private readonly memoryBytes: number, processors: number, private readonly memory: DirectMemory) {
    this.items = new Map<number, Uint8Array>([
      [KEY.signature, Uint8Array.from(text('QEMU'))],
      [KEY.id, little(FEATURE_PORTS | FEATURE_DMA, 4)],
      [KEY.memoryBytes, little(memoryBytes, 8)],
      [KEY.processors, little(processors, 2)],
      [KEY.mostProcessors, little(processors, 2)],
    ]);
  }

  read(offset: number, bytes: AccessBytes): number {
    if (offset === DATA && bytes === 1) return this.next();
    if (bytes === 4 && (offset === DMA_HIGH || offset === DMA_LOW)) return swapped(DMA_SIGNATURE[offset === DMA_HIGH ? 0 : 1]);
    return 0;
  }

  write(offset: number, bytes: AccessBytes, value: number): void {
    if (offset === SELECTOR && bytes === 2) this.select(value);
    else if (offset === DMA_HIGH && bytes === 4) this.state.dmaHigh = swapped(value);
    else if (offset === DMA_LOW && bytes === 4) {
      const address = this.state.dmaHigh * 2 ** 32 + swapped(value);
      this.state.dmaHigh = 0;
      this.transfer(address);
    }
  }

  reset(): void {
    this.state = { key: 0, offset: 0, dmaHigh: 0 };
    this.item = undefined;
  }
  save(): unknown { return { ...this.state }; }
  restore(state: unknown): void {
    this.state = { ...(state as FwCfg['state']) };
    this.item = undefined;
  }

  private select(key: number): void {
    this.state.key = key;
    this.state.offset = 0;
    this.item = undefined;
  }

  /** What is selected. */
  private item: Uint8Array | undefined;
  private contents(): Uint8Array {
    const { key } = this.state;
    return (this.item ??= key === KEY.files ? directory(this.files) : this.files[key - KEY.firstFile]?.contents() ?? this.items.get(key) ?? new Uint8Array(0));
  }

  /** Behind its end an item reads as zeros. */
  private next(): number { return this.contents()[this.state.offset++] ?? 0; }
  private take(length: number): Uint8Array {
    const bytes = new Uint8Array(length), { offset } = this.state;
    bytes.set(this.contents().subarray(offset, offset + length));
    this.state.offset += length;
    return bytes;
  }

  /** A command in memory: control, length, address, all big-endian. Items cannot be written. */
  private transfer(at: number): void {
    const command = this.memory.read(at, 16), control = bigEndian(command, 0), length = bigEndian(command, 4), address = bigEndian(command, 8) * 2 ** 32 + bigEndian(command, 12);
    if (control & DMA.select) this.select(control >>> 16);
    if (control & DMA.read) this.memory.write(address, this.take(Math.min(length, this.memoryBytes)));
    else if (control & DMA.skip) this.state.offset += length;
    this.memory.write(at, Uint8Array.of(0, 0, 0, control & DMA.write ? DMA.error : 0));
  }
}
