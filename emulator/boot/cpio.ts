/** Archives that become Linux's first file system. Linux, "initramfs buffer format". */
import { BadImage, hex, REBUILD } from './bad-image.js';
import { alignUp } from './placement.js';

const MAGICS = ['070701', '070702'], MAGIC_BYTES = 6;
const HEADER_BYTES = 110, FIELD_BYTES = 8, FILE_SIZE = 54, NAME_SIZE = 94;
const ALIGNMENT = 4, TRAILER = 'TRAILER!!!';

const text = (bytes: Uint8Array, at: number, length: number) => new TextDecoder('latin1').decode(bytes.subarray(at, at + length));

export const isCpio = (bytes: Uint8Array, at = 0) => MAGICS.includes(text(bytes, at, MAGIC_BYTES));

/** Looks at one archive after another, and the zeros between them; gives the place where something else begins, or the end. */
export function checkCpio(name: string, bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] === 0) at++;
    else if (at % ALIGNMENT === 0 && isCpio(bytes, at)) at = checkArchive(name, bytes, at);
    else break;
  }
  return at;
}

function checkArchive(archive: string, bytes: Uint8Array, from: number): number {
  for (let at = from; ;) {
    if (!isCpio(bytes, at)) throw new BadImage(archive, `at ${hex(at)} of its cpio archive a file should begin, or the trailer`, REBUILD);
    const nameSize = field(archive, bytes, at + NAME_SIZE), fileSize = field(archive, bytes, at + FILE_SIZE);
    const name = text(bytes, at + HEADER_BYTES, nameSize).replace(/\0.*$/s, ''), data = alignUp(at + HEADER_BYTES + nameSize, ALIGNMENT), end = data + fileSize;
    if (end > bytes.length) throw new BadImage(archive, `its cpio archive ends within ${name === '' ? 'a header' : name}`, REBUILD);
    at = Math.min(alignUp(end, ALIGNMENT), bytes.length);
    if (name === TRAILER) return at;
  }
}

function field(archive: string, bytes: Uint8Array, at: number): number {
  const digits = text(bytes, at, FIELD_BYTES);
  if (!/^[0-9a-f]{8}$/i.test(digits)) throw new BadImage(archive, `a header of its cpio archive is damaged at ${hex(at)}`, REBUILD);
  return parseInt(digits, 16);
}
