/** A bus carries the processor's accesses to devices, by port number or by physical address. */

export type AccessBytes = 1 | 2 | 4;

/** A device answers at offsets of its own; where it sits, and which interrupt line it drives, is the machine's affair. */
export interface Device {
  readonly name: string;
  /** The widest access the device's data path takes; the bus splits wider and misaligned ones. Without it: 1 on a port bus, 4 on a memory bus. */
  readonly portBytes?: AccessBytes;
  read(offset: number, bytes: AccessBytes): number;
  write(offset: number, bytes: AccessBytes, value: number): void;
  reset(): void;
  /** Complete, canonical, plain data (typed arrays allowed): equal machines give equal states. Saving changes nothing. */
  save(): unknown;
  /** Takes a state back and drives no outputs: whoever listens to them restores its own side. */
  restore(state: unknown): void;
}

export interface BusRange {
  readonly base: number;
  readonly size: number;
  readonly device: Device;
}

interface Attachment {
  readonly base: number;
  readonly end: number;
  readonly firstOffset: number;
  readonly portBytes: AccessBytes;
  readonly device: Device;
}

export const PORT_COUNT = 0x10000;

export class Bus {
  /** In ascending order of address. */
  private attachments: Attachment[] = [];
  /** For ports: the index in `byNumber` of who answers; 0 is nobody. */
  private readonly table: Uint16Array | undefined;
  private readonly byNumber: (Attachment | undefined)[] = [undefined];
  private lastHit: Attachment | undefined;
  /** Another bus, behind a bridge: who answers there where nobody does here. */
  behind: ((address: number) => BusRange | undefined) | undefined;

  constructor(private readonly kind: 'port' | 'memory') {
    this.table = kind === 'port' ? new Uint16Array(PORT_COUNT) : undefined;
  }

  /** `firstOffset` is the device's offset that appears at `base`: a chip whose registers lie apart is attached once for each group. */
  attach(base: number, size: number, device: Device, firstOffset = 0): void {
    const end = base + size;
    if (!Number.isSafeInteger(base) || !Number.isSafeInteger(size) || base < 0 || size < 1 || (this.table && end > PORT_COUNT)) {
      throw new Error(`${device.name} cannot sit at ${this.kind} ${hex(base)}, size ${hex(size)}: no such range on this bus`);
    }
    const clash = this.attachments.find((a) => base < a.end && a.base < end);
    if (clash) {
      throw new Error(
        `${device.name} at ${this.kind} ${hex(base)}–${hex(end - 1)} overlaps ${clash.device.name} at ${hex(clash.base)}–${hex(clash.end - 1)}`,
      );
    }
    const attachment: Attachment = { base, end, firstOffset, portBytes: this.widest(device), device };
    this.attachments = [...this.attachments, attachment].sort((a, b) => a.base - b.base);
    this.table?.fill(this.byNumber.length, base, end);
    this.byNumber.push(attachment);
  }

  read(address: number, bytes: AccessBytes): number {
    const a = this.find(address);
    if (a === undefined) return bytes === 1 ? 0xff : this.readSplit(address, bytes);
    if (bytes === 1 || takesWhole(a, address, bytes)) return a.device.read(address - a.base + a.firstOffset, bytes);
    return this.readSplit(address, bytes);
  }

  write(address: number, bytes: AccessBytes, value: number): void {
    const a = this.find(address);
    if (a !== undefined && (bytes === 1 || takesWhole(a, address, bytes))) {
      a.device.write(address - a.base + a.firstOffset, bytes, value);
    } else if (bytes !== 1) {
      const half = bytes === 4 ? 2 : 1;
      this.write(address, half, bytes === 4 ? value & 0xffff : value & 0xff);
      this.write(address + half, half, bytes === 4 ? value >>> 16 : (value >>> 8) & 0xff);
    }
  }

  /** Who answers at this address, for the trap ledger and the panels. */
  deviceAt(address: number): Device | undefined {
    return this.find(address)?.device;
  }

  get ranges(): readonly BusRange[] {
    return this.attachments.map(({ base, end, device }) => ({ base, size: end - base, device }));
  }

  /** Lower half first, as the bus runs its cycles; where nobody answers the lines float to ones. */
  private readSplit(address: number, bytes: 2 | 4): number {
    const half = bytes === 4 ? 2 : 1;
    const low = this.read(address, half);
    const high = this.read(address + half, half);
    return low + high * (half === 2 ? 0x10000 : 0x100);
  }

  private find(address: number): Attachment | undefined {
    if (this.table) return this.byNumber[this.table[address] ?? 0] ?? this.findBehind(address);
    const last = this.lastHit;
    if (last && last.base <= address && address < last.end) return last;
    return this.search(address) ?? this.findBehind(address);
  }

  private findBehind(address: number): Attachment | undefined {
    const range = this.behind?.(address);
    return range && { base: range.base, end: range.base + range.size, firstOffset: 0, portBytes: this.widest(range.device), device: range.device };
  }

  private widest(device: Device): AccessBytes {
    return device.portBytes ?? (this.kind === 'port' ? 1 : 4);
  }

  private search(address: number): Attachment | undefined {
    let low = 0;
    let high = this.attachments.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const a = this.attachments[middle]!;
      if (address < a.base) high = middle;
      else if (address >= a.end) low = middle + 1;
      else return (this.lastHit = a);
    }
    return undefined;
  }
}

const takesWhole = (a: Attachment, address: number, bytes: AccessBytes) =>
  bytes <= a.portBytes && (address & (bytes - 1)) === 0 && address + bytes <= a.end;

const hex = (value: number) => `0x${value.toString(16)}`;
