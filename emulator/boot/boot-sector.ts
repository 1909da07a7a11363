/** The first sector of a disk, started as a PC's firmware does: at 0000:7C00 in real mode, DL naming the first hard disk. No firmware stays behind it. */
import { BadImage } from './bad-image.js';
import { realEntry } from './entry-state.js';
import { Placement } from './placement.js';
import type { BootPlan, ImageRequest } from './plan.js';

const SECTOR_BYTES = 512;
const SIGNATURE_AT = 510;
const LOAD_ADDRESS = 0x7c00;
const FIRST_HARD_DISK = 0x80n;

export const isBootSector = (bytes: Uint8Array) => bytes[SIGNATURE_AT] === 0x55 && bytes[SIGNATURE_AT + 1] === 0xaa;

export function loadBootSector({ name, bytes, memoryBytes, args }: ImageRequest): BootPlan {
  if (args !== '') throw new BadImage(name, 'a boot sector takes no command line', 'leave the arguments out');
  const placement = new Placement(name, memoryBytes);
  placement.claim('the boot sector', BigInt(LOAD_ADDRESS), bytes.subarray(0, SECTOR_BYTES), BigInt(SECTOR_BYTES));
  const notes = ['not implemented: firmware services (INT 10h, INT 13h …); every interrupt vector is 0000:0000'];
  if (bytes.length > SECTOR_BYTES) notes.push('not implemented: disks; only the first sector of the file is in memory');
  return {
    kind: 'boot sector',
    writes: placement.writes,
    entry: realEntry(0, LOAD_ADDRESS, { rdx: FIRST_HARD_DISK, rsp: BigInt(LOAD_ADDRESS) }),
    notes,
  };
}
