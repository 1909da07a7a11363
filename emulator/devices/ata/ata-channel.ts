import type { AccessBytes, Device } from '../../memory/bus.js';
import type { AtaDevice, Outcome, TaskFile } from './ata-device.js';

/** One ATA cable with up to two devices, by programmed I/O. ATA/ATAPI-6, "Interface register definitions and descriptions" and "Protocol". */

/** Offsets: the command block, then the one register of the control block. */
export const ATA_CONTROL = 8;
const DATA = 0, ERROR = 1, COUNT = 2, LOW = 3, MID = 4, HIGH = 5, DEVICE = 6, COMMAND = 7;
const BUSY_READY = 0x40, SEEK_COMPLETE = 0x10, DATA_REQUEST = 0x08, FAILED = 0x01;
const DEVICE_SELECT = 0x10, NO_INTERRUPT = 0x02, SOFT_RESET = 0x04, HIGH_ORDER = 0x80;
const EXECUTE_DIAGNOSTIC = 0x90, DIAGNOSTIC_PASSED = 0x01;
/** Interrupt reason of packet commands, in the count register. */
const REASON_COMMAND = 1, REASON_TO_HOST = 2;
const FIELDS = { [ERROR]: 'features', [COUNT]: 'count', [LOW]: 'low', [MID]: 'mid', [HIGH]: 'high' } as const;

const initial = () => ({
  task: { features: 0, count: 1, low: 1, mid: 0, high: 0, device: 0, command: 0 } as TaskFile,
  control: 0,
  status: BUSY_READY | SEEK_COMPLETE,
  error: DIAGNOSTIC_PASSED,
  interrupt: false,
  /** The data of the command under way: all of it, how far the host has come, and where its block ends. */
  direction: 'none' as 'none' | 'in' | 'out',
  packet: false,
  buffer: new Uint8Array(0) as Uint8Array,
  at: 0,
  blockEnd: 0,
  blockBytes: 0,
});
type State = ReturnType<typeof initial>;

export class AtaChannel implements Device {
  readonly portBytes = 4;
  private state = initial();

  constructor(readonly name: string, private readonly devices: readonly (AtaDevice | undefined)[], private readonly interrupt: (raised: boolean) => void) {}

  private get selected(): AtaDevice | undefined { return this.devices[(this.state.task.device & DEVICE_SELECT) === 0 ? 0 : 1]; }

  read(offset: number, bytes: AccessBytes): number {
    const s = this.state;
    if (!this.devices[0] && !this.devices[1]) return 2 ** (8 * bytes) - 1;
    if (offset === DATA) return this.readData(bytes);
    // A device that is not there leaves the lines to the other, which answers with zeros.
    if (!this.selected) return 0;
    if (offset === COMMAND) {
      s.interrupt = false;
      this.drive();
    }
    if (offset === COMMAND || offset === ATA_CONTROL) return s.status;
    if (offset === DEVICE) return s.task.device | 0xa0;
    if (offset === ERROR) return s.error;
    const value = s.task[FIELDS[offset as keyof typeof FIELDS]];
    return (s.control & HIGH_ORDER) !== 0 ? value >>> 8 : value & 0xff;
  }

  write(offset: number, bytes: AccessBytes, value: number): void {
    const s = this.state;
    if (offset === DATA) return this.writeData(bytes, value);
    if (offset === ATA_CONTROL) return this.writeControl(value & 0xff);
    s.control &= ~HIGH_ORDER;
    if (offset === COMMAND) return this.command(value & 0xff);
    if (offset === DEVICE) s.task.device = value & 0xff;
    else {
      const field = FIELDS[offset as keyof typeof FIELDS];
      s.task[field] = ((s.task[field] << 8) | (value & 0xff)) & 0xffff;
    }
  }

  reset(): void {
    for (const device of this.devices) device?.reset();
    this.state = initial();
    this.sign();
    this.drive();
  }
  save(): unknown { return { channel: structuredClone(this.state), devices: this.devices.map((device) => device?.save() ?? null) }; }
  restore(state: unknown): void {
    const { channel, devices } = state as { channel: State; devices: unknown[] };
    this.state = structuredClone(channel);
    this.devices.forEach((device, n) => { device?.restore(devices[n]); });
  }

  private writeControl(value: number): void {
    const s = this.state, before = s.control;
    s.control = value;
    if ((value & ~before & SOFT_RESET) !== 0) {
      this.state = { ...initial(), control: value };
      this.sign();
    }
    this.drive();
  }

  /** What the registers of the selected device hold after a reset. */
  private sign(): void {
    const { task } = this.state, [mid, high] = this.selected?.signature ?? [0, 0];
    Object.assign(task, { count: 1, low: 1, mid, high, device: task.device & DEVICE_SELECT });
  }

  private command(command: number): void {
    const s = this.state;
    s.task.command = command;
    if (command === EXECUTE_DIAGNOSTIC) {
      s.task.device &= ~DEVICE_SELECT;
      this.sign();
      s.error = DIAGNOSTIC_PASSED;
      return this.end(0);
    }
    if (!this.selected) return;
    s.error = 0;
    this.follow(this.selected.begin(s.task));
  }

  private follow(outcome: Outcome): void {
    const s = this.state;
    if (outcome.kind === 'done') return this.end(0);
    if (outcome.kind === 'error') {
      s.error = outcome.error;
      return this.end(FAILED);
    }
    s.packet = outcome.kind === 'out' ? outcome.packet === true : s.packet;
    s.direction = outcome.kind;
    s.buffer = outcome.kind === 'in' ? outcome.bytes : new Uint8Array(outcome.bytes);
    s.at = 0;
    s.blockBytes = outcome.blockBytes;
    // The host writes a command's first block without being asked.
    this.block(outcome.kind === 'in');
  }

  private block(interrupts: boolean): void {
    const s = this.state;
    s.blockEnd = Math.min(s.buffer.length, s.at + s.blockBytes);
    s.status = BUSY_READY | SEEK_COMPLETE | DATA_REQUEST;
    if (s.packet) {
      const bytes = s.blockEnd - s.at;
      s.task.count = s.direction === 'in' ? REASON_TO_HOST : REASON_COMMAND;
      if (s.direction === 'in') Object.assign(s.task, { mid: bytes & 0xff, high: bytes >> 8 });
    }
    if (interrupts) this.raise();
  }

  private end(failed: number): void {
    const s = this.state;
    if (s.packet) s.task.count = REASON_COMMAND | REASON_TO_HOST;
    Object.assign(s, { direction: 'none', packet: false, buffer: new Uint8Array(0), at: 0, blockEnd: 0, status: BUSY_READY | SEEK_COMPLETE | failed });
    this.raise();
  }

  private readData(bytes: number): number {
    const s = this.state;
    let value = 0;
    if (s.direction !== 'in') return 0;
    for (let n = 0; n < bytes && s.at < s.blockEnd; n++) value += s.buffer[s.at++]! * 2 ** (8 * n);
    if (s.at === s.blockEnd) this.blockOver();
    return value;
  }
  private writeData(bytes: number, value: number): void {
    const s = this.state;
    if (s.direction !== 'out') return;
    for (let n = 0; n < bytes && s.at < s.blockEnd; n++) s.buffer[s.at++] = value >>> (8 * n);
    if (s.at === s.blockEnd) this.blockOver();
  }

  private blockOver(): void {
    const s = this.state;
    if (s.at < s.buffer.length) return this.block(true);
    if (s.direction === 'out') return this.follow(this.selected!.finish(s.task, s.buffer));
    if (s.packet) return this.end(0);
    // The last block of a disk was its end: there is no interrupt after it.
    Object.assign(s, { direction: 'none', buffer: new Uint8Array(0), at: 0, blockEnd: 0, status: BUSY_READY | SEEK_COMPLETE });
  }

  private raise(): void {
    this.state.interrupt = true;
    this.drive();
  }
  private drive(): void { this.interrupt(this.state.interrupt && (this.state.control & NO_INTERRUPT) === 0); }
}
