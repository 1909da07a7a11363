/** The drives on this board's ATA cables. */
import { NotImplemented } from '../cpu/events.js';
import type { AtaDevice } from '../devices/ata/ata-device.js';
import { AtaDisk } from '../devices/ata/ata-disk.js';
import { CdDrive } from '../devices/ata/cd-drive.js';
import type { MachineOptions } from './contract.js';

/** Two on each cable; the CD drive is the first on the second. Without any, there are no cables. */
export function ataDrives({ ataDisks = [], cd }: MachineOptions): readonly (AtaDevice | undefined)[] {
  if (ataDisks.length > 3) throw new NotImplemented(`${ataDisks.length} ATA disks; at most 3`);
  const [first, second, third] = ataDisks.map((disk) => new AtaDisk(disk));
  return cd || first ? [first, second, cd && new CdDrive(cd), third] : [];
}
