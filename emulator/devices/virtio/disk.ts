/** The contents of a disk: an image that is never touched, and over it what the guest has written. */

export const SECTOR_BYTES = 512;
/** What is written is kept in pieces of this size. */
const BLOCK_BYTES = 4096;

export interface Change {
  readonly address: number;
  readonly bytes: Uint8Array;
}

export class Disk {
  private readonly written = new Map<number, Uint8Array>();
  /** Pieces that changed, also back to the image, since somebody last asked. */
  private readonly unsaved = new Set<number>();

  constructor(readonly name: string, private readonly image: Uint8Array, readonly readOnly = false) {
    if (image.length === 0 || image.length % SECTOR_BYTES !== 0) throw new RangeError(`${name}: a disk has whole sectors of ${SECTOR_BYTES} bytes, and this image ${image.length} bytes`);
  }

  get bytes(): number { return this.image.length; }
  /** One with the same image, to which nothing has been written. */
  copy(): Disk { return new Disk(this.name, this.image, this.readOnly); }

  read(address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(this.image.subarray(address, address + length));
    for (let block = Math.floor(address / BLOCK_BYTES); block * BLOCK_BYTES < address + length; block++) {
      const written = this.written.get(block), start = block * BLOCK_BYTES;
      if (written) bytes.set(written.subarray(Math.max(0, address - start), Math.min(BLOCK_BYTES, address + length - start)), Math.max(0, start - address));
    }
    return bytes;
  }

  write(address: number, bytes: Uint8Array): void {
    for (let at = address; at < address + bytes.length;) {
      const block = Math.floor(at / BLOCK_BYTES), start = block * BLOCK_BYTES, end = Math.min(start + BLOCK_BYTES, address + bytes.length);
      this.blockOf(block).set(bytes.subarray(at - address, end - address), at - start);
      this.unsaved.add(block);
      at = end;
    }
  }

  /** What the guest has written, in pieces, in the order of their addresses. */
  get changes(): Change[] { return this.pieces(this.written.keys()); }

  /** What the disk holds where that changed since this was last asked for. */
  takeUnsaved(): Change[] {
    const pieces = this.pieces(this.unsaved);
    this.unsaved.clear();
    return pieces;
  }

  private pieces(blocks: Iterable<number>): Change[] {
    return [...blocks].sort((a, b) => a - b).map((block) => ({ address: block * BLOCK_BYTES, bytes: this.read(block * BLOCK_BYTES, Math.min(BLOCK_BYTES, this.image.length - block * BLOCK_BYTES)) }));
  }

  /** Back to the image. */
  reset(): void {
    for (const block of this.written.keys()) this.unsaved.add(block);
    this.written.clear();
  }
  save(): unknown { return new Map([...this.written].sort(([a], [b]) => a - b).map(([block, bytes]) => [block, bytes.slice()])); }
  restore(state: unknown): void {
    this.reset();
    for (const [block, bytes] of state as Map<number, Uint8Array>) {
      this.written.set(block, bytes.slice());
      this.unsaved.add(block);
    }
  }

  private blockOf(block: number): Uint8Array {
    let bytes = this.written.get(block);
    if (!bytes) {
      bytes = new Uint8Array(BLOCK_BYTES);
      bytes.set(this.image.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES));
      this.written.set(block, bytes);
    }
    return bytes;
  }
}
