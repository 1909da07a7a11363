import type { Device } from '../memory/bus.js';

/** Two 8259A interrupt controllers, the second cascaded into IR2 of the first, and their edge/level registers.
 *  Intel 8259A data sheet; Intel 82371SB (PIIX3) data sheet, "Edge/Level Control Register" for ELCR. */

/** Offsets of the pair: each group sits at a base of its own. */
export const PIC_MASTER = 0;
export const PIC_SLAVE = 2;
export const PIC_ELCR = 4;

const CASCADE_LINE = 2;
const SPURIOUS_LEVEL = 7;

const ICW1_SELECT = 0x10, ICW1_SINGLE = 0x02, ICW1_NEEDS_ICW4 = 0x01;
const ICW4_SPECIAL_FULLY_NESTED = 0x10, ICW4_AUTO_EOI = 0x02;
const OCW3_SELECT = 0x08, OCW3_POLL = 0x04, OCW3_SPECIAL_MASK_WRITE = 0x40, OCW3_SPECIAL_MASK = 0x20, OCW3_READ_WRITE = 0x02, OCW3_READ_IN_SERVICE = 0x01;
const OCW2_ROTATE = 0x80, OCW2_SPECIFIC = 0x40, OCW2_EOI = 0x20;
const POLL_INTERRUPT = 0x80;

/** IRQ 0, 1, 2, 8 and 13 are edge-triggered on every PC. */
const ELCR_WRITABLE = [0xf8, 0xde] as const;

const initialChip = () => ({
  lines: 0,
  interruptRequest: 0,
  inService: 0,
  interruptMask: 0,
  levelTriggered: 0,
  vectorBase: 0,
  /** The initialization command word expected next; 0 when initialized, 1 from power-on: such a chip interrupts nobody. */
  expectedIcw: 1,
  icw1: 0,
  lowestPriority: 7,
  autoEoi: false,
  rotateOnAutoEoi: false,
  specialFullyNested: false,
  specialMask: false,
  poll: false,
  readInService: false,
});

export type PicChipState = ReturnType<typeof initialChip>;

class Pic8259 {
  state = initialChip();

  constructor(private readonly cascadeLines: number) {}

  setLine(level: number, raised: boolean): void {
    const s = this.state;
    const bit = 1 << level;
    const rose = raised && (s.lines & bit) === 0;
    s.lines = raised ? s.lines | bit : s.lines & ~bit;
    // "the IR inputs must remain high until after the falling edge of the first INTA": a request that falls earlier is lost.
    if (!raised) s.interruptRequest &= ~bit;
    else if (rose || (s.levelTriggered & bit) !== 0) s.interruptRequest |= bit;
  }

  setLevelTriggered(mask: number): void {
    const s = this.state;
    s.levelTriggered = mask;
    s.interruptRequest |= s.lines & mask;
  }

  /** The level that deserves service now, or -1. This is the INT output and what INTA will choose. */
  get requestedLevel(): number {
    const s = this.state;
    if (s.expectedIcw !== 0) return -1;
    const level = this.highest(s.interruptRequest & ~s.interruptMask);
    if (level < 0) return -1;
    const inhibiting = this.highest(s.specialMask ? s.inService & ~s.interruptMask : s.inService);
    if (inhibiting < 0 || this.rank(level) < this.rank(inhibiting)) return level;
    const sameSlave = level === inhibiting && s.specialFullyNested && (this.cascadeLines & (1 << level)) !== 0;
    return sameSlave ? level : -1;
  }

  /** The INTA sequence. Answers the level, 7 when the request has gone. */
  acknowledge(): number {
    const s = this.state;
    const level = this.requestedLevel;
    if (level < 0) return SPURIOUS_LEVEL;
    const bit = 1 << level;
    if ((s.levelTriggered & bit) === 0) s.interruptRequest &= ~bit;
    if (!s.autoEoi) s.inService |= bit;
    else if (s.rotateOnAutoEoi) s.lowestPriority = level;
    return level;
  }

  vector(level: number): number {
    return this.state.vectorBase | level;
  }

  read(odd: boolean): number {
    const s = this.state;
    if (s.poll) {
      s.poll = false;
      const interrupting = this.requestedLevel >= 0;
      return interrupting ? POLL_INTERRUPT | this.acknowledge() : 0;
    }
    if (odd) return s.interruptMask;
    return s.readInService ? s.inService : s.interruptRequest;
  }

  write(odd: boolean, value: number): void {
    if (odd) this.writeOdd(value);
    else if ((value & ICW1_SELECT) !== 0) this.writeIcw1(value);
    else if ((value & OCW3_SELECT) !== 0) this.writeOcw3(value);
    else this.writeOcw2(value);
  }

  private writeIcw1(value: number): void {
    const { lines, levelTriggered, vectorBase } = this.state;
    // The edge sense circuit is reset: only level-triggered lines still request. LTIM gives way to ELCR, as in every chip set with one.
    const interruptRequest = lines & levelTriggered;
    this.state = { ...initialChip(), lines, levelTriggered, interruptRequest, vectorBase, icw1: value, expectedIcw: 2 };
  }

  /** DEPARTURE: 8086 mode is assumed whatever ICW4 says; a PC has no use for the CALL of MCS-80/85 mode. */
  private writeOdd(value: number): void {
    const s = this.state;
    const afterLast = (s.icw1 & ICW1_NEEDS_ICW4) !== 0 ? 4 : 0;
    switch (s.expectedIcw) {
      case 2:
        s.vectorBase = value & 0xf8;
        s.expectedIcw = (s.icw1 & ICW1_SINGLE) !== 0 ? afterLast : 3;
        break;
      case 3:
        // The cascade is soldered: IR2 of the first chip, whatever ICW3 says.
        s.expectedIcw = afterLast;
        break;
      case 4:
        s.specialFullyNested = (value & ICW4_SPECIAL_FULLY_NESTED) !== 0;
        s.autoEoi = (value & ICW4_AUTO_EOI) !== 0;
        s.expectedIcw = 0;
        break;
      default:
        s.interruptMask = value;
    }
  }

  private writeOcw2(value: number): void {
    const s = this.state;
    const specific = (value & OCW2_SPECIFIC) !== 0;
    const rotate = (value & OCW2_ROTATE) !== 0;
    if ((value & OCW2_EOI) === 0) {
      if (!specific) s.rotateOnAutoEoi = rotate;
      else if (rotate) s.lowestPriority = value & 7;
      return;
    }
    // "an IS bit that is masked by an IMR bit will not be cleared by a non-specific EOI if the 8259A is in the Special Mask Mode"
    const level = specific ? value & 7 : this.highest(s.specialMask ? s.inService & ~s.interruptMask : s.inService);
    if (level < 0) return;
    s.inService &= ~(1 << level);
    if (rotate) s.lowestPriority = level;
  }

  private writeOcw3(value: number): void {
    const s = this.state;
    if ((value & OCW3_SPECIAL_MASK_WRITE) !== 0) s.specialMask = (value & OCW3_SPECIAL_MASK) !== 0;
    if ((value & OCW3_POLL) !== 0) s.poll = true;
    else if ((value & OCW3_READ_WRITE) !== 0) s.readInService = (value & OCW3_READ_IN_SERVICE) !== 0;
  }

  /** 0 is the highest priority. */
  private rank(level: number): number {
    return (level - this.state.lowestPriority - 1) & 7;
  }

  private highest(levels: number): number {
    for (let rank = 0; rank < 8 && levels !== 0; rank++) {
      const level = (this.state.lowestPriority + 1 + rank) & 7;
      if ((levels & (1 << level)) !== 0) return level;
    }
    return -1;
  }
}

export class Pic8259Pair implements Device {
  readonly name = 'PIC 8259A pair';
  private readonly master = new Pic8259(1 << CASCADE_LINE);
  private readonly slave = new Pic8259(0);

  /** `interrupt` is the first chip's INT output, wired to the processor's INTR. */
  constructor(private readonly interrupt: (raised: boolean) => void) {}

  get interruptRequested(): boolean {
    return this.master.requestedLevel >= 0;
  }

  /** Raises or lowers one of the sixteen interrupt lines; line 2 is taken by the cascade. */
  setLine(line: number, raised: boolean): void {
    if (line >= 8) this.slave.setLine(line - 8, raised);
    else if (line !== CASCADE_LINE) this.master.setLine(line, raised);
    this.settle();
  }

  line(line: number): (raised: boolean) => void {
    return (raised) => this.setLine(line, raised);
  }

  /** Both INTA cycles: answers the vector. */
  acknowledge(): number {
    const cascaded = this.master.requestedLevel === CASCADE_LINE;
    const level = this.master.acknowledge();
    if (!cascaded) {
      this.settle();
      return this.master.vector(level);
    }
    const vector = this.slave.vector(this.slave.acknowledge());
    // INTA ends the slave's INT pulse, so that its next request is a new edge.
    this.master.setLine(CASCADE_LINE, false);
    this.settle();
    return vector;
  }

  read(offset: number): number {
    if (offset >= PIC_ELCR) return this.chip(offset - PIC_ELCR).state.levelTriggered;
    const value = this.chip(offset >> 1).read((offset & 1) !== 0);
    this.settle();
    return value;
  }

  write(offset: number, _bytes: number, value: number): void {
    if (offset >= PIC_ELCR) {
      const number = offset - PIC_ELCR;
      this.chip(number).setLevelTriggered(value & (ELCR_WRITABLE[number] ?? 0));
    } else {
      this.chip(offset >> 1).write((offset & 1) !== 0, value);
    }
    this.settle();
  }

  reset(): void {
    for (const chip of [this.master, this.slave]) {
      // The lines belong to the devices that drive them.
      chip.state = { ...initialChip(), lines: chip.state.lines };
    }
    this.settle();
  }

  save(): { master: PicChipState; slave: PicChipState } {
    return { master: { ...this.master.state }, slave: { ...this.slave.state } };
  }

  restore(state: unknown): void {
    const { master, slave } = state as ReturnType<Pic8259Pair['save']>;
    this.master.state = { ...master };
    this.slave.state = { ...slave };
  }

  private chip(number: number): Pic8259 {
    return number === 0 ? this.master : this.slave;
  }

  private settle(): void {
    this.master.setLine(CASCADE_LINE, this.slave.requestedLevel >= 0);
    this.interrupt(this.interruptRequested);
  }
}
