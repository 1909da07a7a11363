import { ABORTED, type AtaDevice, identification, namedAs, type Outcome, type TaskFile } from './ata-device.js';

/** A CD drive on an ATA cable, with a disc of one track in it. ATA/ATAPI-6, "PACKET"; SCSI Primary Commands 3 and Multimedia Commands 4, "Command descriptions". */

export const CD_SECTOR_BYTES = 2048;
const PACKET_BYTES = 12, IDENTIFY_BYTES = 512;
const COMMAND = { deviceReset: 0x08, packet: 0xa0, identifyPacket: 0xa1, features: 0xef, checkPower: 0xe5, standby: 0xe0 } as const;
const PACKET = {
  testReady: 0x00, requestSense: 0x03, inquiry: 0x12, startStop: 0x1b, preventRemoval: 0x1e, capacity: 0x25, read10: 0x28, seek: 0x2b, readToc: 0x43, configuration: 0x46, events: 0x4a,
  modeSense10: 0x5a, read12: 0xa8,
} as const;
const NO_SENSE = [0, 0] as const, ILLEGAL_REQUEST = 5, INVALID_OPCODE = [ILLEGAL_REQUEST, 0x20] as const, OUT_OF_RANGE = [ILLEGAL_REQUEST, 0x21] as const, INVALID_FIELD = [ILLEGAL_REQUEST, 0x24] as const;
const CD_ROM = 5, REMOVABLE = 0x80, PROFILE_CD_ROM = 8;
const LEAD_OUT = 0xaa, DATA_TRACK = 0x14;
const DONE: Outcome = { kind: 'done' };

/** Sense key and additional sense code. */
type Sense = readonly [key: number, code: number];
const bigEndian = (value: number, bytes: number): number[] => Array.from({ length: bytes }, (_, n) => Math.floor(value / 256 ** (bytes - 1 - n)) & 0xff);
const text = (value: string, length: number): number[] => Array.from(value.padEnd(length), (letter) => letter.charCodeAt(0));

export class CdDrive implements AtaDevice {
  readonly signature = [0x14, 0xeb] as const;
  private sense: Sense = NO_SENSE;

  constructor(private readonly image: Uint8Array) {}

  private get sectors(): number { return Math.floor(this.image.length / CD_SECTOR_BYTES); }

  begin(task: TaskFile): Outcome {
    switch (task.command) {
      case COMMAND.packet: return { kind: 'out', bytes: PACKET_BYTES, blockBytes: PACKET_BYTES, packet: true };
      case COMMAND.identifyPacket: return { kind: 'in', bytes: this.identify(), blockBytes: IDENTIFY_BYTES };
      case COMMAND.features: case COMMAND.checkPower: case COMMAND.standby: return DONE;
      // IDENTIFY DEVICE among others: whoever asks finds the signature.
      default: [task.mid, task.high] = this.signature;
    }
    return task.command === COMMAND.deviceReset ? DONE : { kind: 'error', error: ABORTED };
  }

  /** A packet has come: its answer goes in blocks as long as the host has said. */
  finish({ mid, high }: TaskFile, packet: Uint8Array): Outcome {
    const result = this.perform(packet), limit = (mid & 0xff) | ((high & 0xff) << 8);
    if (!(result instanceof Uint8Array)) {
      this.sense = result;
      return { kind: 'error', error: (result[0] << 4) | ABORTED };
    }
    if (packet[0] !== PACKET.requestSense) this.sense = NO_SENSE;
    return result.length === 0 ? DONE : { kind: 'in', bytes: result, blockBytes: limit === 0 || limit === 0xffff ? 0xfffe : Math.max(2, limit & ~1) };
  }

  reset(): void { this.sense = NO_SENSE; }
  save(): unknown { return { sense: [...this.sense] }; }
  restore(state: unknown): void { this.sense = (state as { sense: Sense }).sense; }

  private perform(packet: Uint8Array): Uint8Array | Sense {
    const view = new DataView(packet.buffer, packet.byteOffset), allocated = (bytes: readonly number[], length: number): Uint8Array => Uint8Array.from(bytes.slice(0, length));
    switch (packet[0]) {
      case PACKET.testReady: case PACKET.startStop: case PACKET.preventRemoval: case PACKET.seek: return new Uint8Array(0);
      case PACKET.requestSense: {
        const [key, code] = this.sense;
        this.sense = NO_SENSE;
        return allocated([0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, code, 0, 0, 0, 0, 0], packet[4]!);
      }
      case PACKET.inquiry: return allocated([CD_ROM, REMOVABLE, 0, 0x21, 31, 0, 0, 0, ...text('RINGSIDE', 8), ...text('CD-ROM', 16), ...text('1', 4)], view.getUint16(3));
      case PACKET.capacity: return Uint8Array.from([...bigEndian(this.sectors - 1, 4), ...bigEndian(CD_SECTOR_BYTES, 4)]);
      case PACKET.read10: return this.read(view.getUint32(2), view.getUint16(7));
      case PACKET.read12: return this.read(view.getUint32(2), view.getUint32(6));
      case PACKET.readToc: return this.tableOfContents(packet, view.getUint16(7));
      case PACKET.configuration: return allocated([...bigEndian(4, 4), 0, 0, ...bigEndian(PROFILE_CD_ROM, 2)], view.getUint16(7));
      // No event of any class has happened.
      case PACKET.events: return allocated([0, 2, 0x80, 0], view.getUint16(7));
      case PACKET.modeSense10: return allocated([0, 6, 0x01, 0, 0, 0, 0, 0], view.getUint16(7));
      default: return INVALID_OPCODE;
    }
  }

  private read(first: number, count: number): Uint8Array | Sense {
    if (first + count > this.sectors) return OUT_OF_RANGE;
    return this.image.slice(first * CD_SECTOR_BYTES, (first + count) * CD_SECTOR_BYTES);
  }

  private tableOfContents(packet: Uint8Array, length: number): Uint8Array | Sense {
    const minutes = (packet[1]! & 2) !== 0, format = packet[2]! & 15;
    const place = (sector: number): number[] => (minutes ? [0, Math.floor((sector + 150) / 4500), Math.floor((sector + 150) / 75) % 60, (sector + 150) % 75] : bigEndian(sector, 4));
    const track = (number: number, sector: number): number[] => [0, DATA_TRACK, number, 0, ...place(sector)];
    const body = format === 0 ? [1, 1, ...(packet[6]! <= 1 ? track(1, 0) : []), ...track(LEAD_OUT, this.sectors)] : format === 1 ? [1, 1, ...track(1, 0)] : undefined;
    return body ? Uint8Array.from([...bigEndian(body.length, 2), ...body].slice(0, length)) : INVALID_FIELD;
  }

  private identify(): Uint8Array {
    // A CD drive, removable, that is ready for its packet of 12 bytes within 50 µs.
    return identification({ 0: 0x85c0, 49: 1 << 9, 53: 1, 80: 0x7e }, namedAs('Ringside CD-ROM'));
  }
}
