/** A disk as it is asked for: the file of its image, and after a comma what may become of that. */
import { access, constants, open, type FileHandle } from 'node:fs/promises';
import { BadImage } from '../emulator/boot/index.js';
import { CD_SECTOR_BYTES } from '../emulator/devices/ata/cd-drive.js';
import { Disk, SECTOR_BYTES } from '../emulator/devices/virtio/disk.js';
import { readFileOrSay } from './files.js';

export class DiskFile {
  private constructor(readonly disk: Disk, private readonly file: FileHandle | undefined) {}

  /** `given`: FILE, FILE,write or FILE,readonly. */
  static async open(given: string): Promise<DiskFile> {
    const [, name, mode] = /^(.*?)(?:,(write|readonly))?$/s.exec(given)!, file = name!, image = await readFileOrSay(file);
    if (image.length === 0 || image.length % SECTOR_BYTES !== 0) throw new BadImage(file, `a disk has whole sectors of ${SECTOR_BYTES} bytes, and this file ${image.length} bytes`, 'fill it up, for instance by truncate -s %512');
    return new DiskFile(new Disk(file, image, mode === 'readonly'), mode === 'write' ? await writable(file) : undefined);
  }

  /** Writes what the guest has written since the last time, if that was asked for. */
  async save(): Promise<void> {
    if (!this.file) return;
    for (const { address, bytes } of this.disk.takeUnsaved()) await this.file.write(bytes, 0, bytes.length, address);
  }
  async close(): Promise<void> {
    await this.save();
    await this.file?.close();
  }
}

async function writable(file: string): Promise<FileHandle> {
  try {
    await access(file, constants.W_OK);
    return await open(file, 'r+');
  } catch {
    throw new BadImage(file, 'it may not be written', 'leave out “,write”: then what the guest writes stays in memory');
  }
}

/** An image as it is burnt: whole sectors of a CD. */
export async function readDisc(file: string): Promise<Uint8Array> {
  const image = await readFileOrSay(file);
  if (image.length === 0 || image.length % CD_SECTOR_BYTES !== 0) throw new BadImage(file, `a disc has whole sectors of ${CD_SECTOR_BYTES} bytes, and this file ${image.length} bytes`, 'give an ISO image, or fill it up, for instance by truncate -s %2048');
  return image;
}
