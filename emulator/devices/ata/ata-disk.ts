import { type Disk, SECTOR_BYTES } from '../virtio/disk.js';
import { ABORTED, type AtaDevice, identification, namedAs, type Outcome, type TaskFile } from './ata-device.js';

/** A disk on an ATA cable, by sector numbers of 28 or 48 bits, or by cylinder, head and sector. ATA/ATAPI-6, "Command descriptions". */

const HEADS = 16, SECTORS = 63, MOST_CYLINDERS = 16383;
const MOST_MULTIPLE = 16;
const NOT_FOUND = 0x10, LBA = 0x40;
const DONE: Outcome = { kind: 'done' }, REFUSED: Outcome = { kind: 'error', error: ABORTED };

const READ = [0x20, 0x21, 0x24, 0xc4, 0x29], WRITE = [0x30, 0x31, 0x34, 0xc5, 0x39], VERIFY = [0x40, 0x41, 0x42];
/** Those with 48-bit addresses, and those with several sectors to a block. */
const EXTENDED = [0x24, 0x29, 0x34, 0x39, 0x42], MULTIPLE = [0xc4, 0x29, 0xc5, 0x39];
const IDENTIFY = 0xec, SET_MULTIPLE = 0xc6;
/** NOP is none of them: it always fails. Recalibrate, parameters, power, caches, features. */
const WITHOUT_EFFECT = [0x10, 0x91, 0xe0, 0xe1, 0xe2, 0xe3, 0xe7, 0xea, 0xef];

export class AtaDisk implements AtaDevice {
  readonly signature = [0, 0] as const;
  /** Sectors in a block of READ MULTIPLE and WRITE MULTIPLE; 0 before they may be used. */
  private multiple = 0;

  constructor(private readonly disk: Disk) {}

  private get sectors(): number { return this.disk.bytes / SECTOR_BYTES; }

  begin(task: TaskFile): Outcome {
    const { command } = task;
    if (command === IDENTIFY) return { kind: 'in', bytes: this.identify(), blockBytes: SECTOR_BYTES };
    if (command === SET_MULTIPLE) {
      const count = task.count & 0xff;
      if (count > MOST_MULTIPLE || (count & (count - 1)) !== 0) return REFUSED;
      this.multiple = count;
      return DONE;
    }
    if (WITHOUT_EFFECT.includes(command)) return DONE;
    const reads = READ.includes(command), writes = WRITE.includes(command);
    if (!reads && !writes && !VERIFY.includes(command)) return REFUSED;
    if ((MULTIPLE.includes(command) && this.multiple === 0) || (writes && this.disk.readOnly)) return REFUSED;
    const { first, count } = this.extent(task);
    if (first < 0 || first + count > this.sectors) return { kind: 'error', error: NOT_FOUND };
    const bytes = count * SECTOR_BYTES, blockBytes = SECTOR_BYTES * (MULTIPLE.includes(command) ? this.multiple : 1);
    if (reads) return { kind: 'in', bytes: this.disk.read(first * SECTOR_BYTES, bytes), blockBytes };
    return writes ? { kind: 'out', bytes, blockBytes } : DONE;
  }

  finish(task: TaskFile, bytes: Uint8Array): Outcome {
    this.disk.write(this.extent(task).first * SECTOR_BYTES, bytes);
    return DONE;
  }

  reset(): void { this.multiple = 0; }
  save(): unknown { return { multiple: this.multiple, disk: this.disk.save() }; }
  restore(state: unknown): void {
    const { multiple, disk } = state as { multiple: number; disk: unknown };
    this.multiple = multiple;
    this.disk.restore(disk);
  }

  private extent({ command, count, low, mid, high, device }: TaskFile): { first: number; count: number } {
    const byte = (value: number): number => value & 0xff, sum = byte(low) + byte(mid) * 2 ** 8 + byte(high) * 2 ** 16;
    if (EXTENDED.includes(command)) {
      return { first: sum + ((low >> 8) + (mid >> 8) * 2 ** 8 + (high >> 8) * 2 ** 16) * 2 ** 24, count: count || 0x10000 };
    }
    const sectors = byte(count) || 0x100;
    if ((device & LBA) !== 0) return { first: sum + (device & 15) * 2 ** 24, count: sectors };
    return { first: ((byte(mid) + byte(high) * 0x100) * HEADS + (device & 15)) * SECTORS + byte(low) - 1, count: sectors };
  }

  private identify(): Uint8Array {
    const { sectors } = this, cylinders = Math.min(MOST_CYLINDERS, Math.floor(sectors / (HEADS * SECTORS))), short = Math.min(sectors, 0xfffffff);
    return identification({
      0: 0x40, 1: cylinders, 3: HEADS, 6: SECTORS, 47: 0x8000 | MOST_MULTIPLE, 49: 1 << 9, 53: 1, 54: cylinders, 55: HEADS, 56: SECTORS,
      57: (cylinders * HEADS * SECTORS) & 0xffff, 58: (cylinders * HEADS * SECTORS) >>> 16, 59: this.multiple === 0 ? 0 : 0x100 | this.multiple, 60: short & 0xffff, 61: short >>> 16,
      80: 0x7e, 83: 0x7400, 84: 0x4000, 86: 0x3400, 87: 0x4000, 100: sectors % 2 ** 16, 101: Math.floor(sectors / 2 ** 16) % 2 ** 16, 102: Math.floor(sectors / 2 ** 32),
    }, namedAs('Ringside disk'));
  }
}
