import type { AccessBytes, Device } from '../memory/bus.js';
import { DELIVERY, type InterruptMessage } from './interrupt-message.js';

/** I/O APIC with 24 pins: from a pin, by its redirection entry, to a message. Intel 82093AA data sheet; Intel ICH9 data sheet, "APIC EOI Register". */

export const IO_APIC_PINS = 24;

const INDEX = 0x00, DATA = 0x10, EOI = 0x40;
const REGISTER_ID = 0, REGISTER_VERSION = 1, REGISTER_ARBITRATION = 2, FIRST_ENTRY = 0x10;
/** With the EOI register. */
const VERSION = 0x20;

/** Of the lower half of a redirection entry; bits 12 (delivery status) and 14 are read-only. */
const LOGICAL = 1 << 11, REMOTE_IRR = 1 << 14, LEVEL = 1 << 15, MASKED = 1 << 16;
const WRITABLE = 0x1afff;

const initial = () => ({
  index: 0,
  id: 0,
  /** Input pins that are asserted. */
  lines: 0,
  /** Edges that came while their pins were masked are lost; those of a level-triggered pin wait on the line. */
  low: new Array<number>(IO_APIC_PINS).fill(MASKED),
  /** Bits 63:56: the destination. */
  high: new Array<number>(IO_APIC_PINS).fill(0),
});

export type IoApicState = ReturnType<typeof initial>;

export class IoApic implements Device {
  readonly name = 'I/O APIC';
  private state = initial();

  constructor(private readonly send: (message: InterruptMessage) => void) {}

  /** An interrupt line changes; active high, whatever the entry's polarity says: a board's wiring and its tables agree. */
  setLine(pin: number, raised: boolean): void {
    const s = this.state, bit = 1 << pin, rose = raised && (s.lines & bit) === 0;
    s.lines = raised ? s.lines | bit : s.lines & ~bit;
    if ((s.low[pin]! & LEVEL) !== 0) this.deliverLevel(pin);
    else if (rose) this.deliver(pin);
  }

  line(pin: number): (raised: boolean) => void {
    return (raised) => { this.setLine(pin, raised); };
  }

  /** The EOI of a local APIC: a level-triggered pin that still asks is sent anew. */
  endOfInterrupt(vector: number): void {
    const { low } = this.state;
    for (let pin = 0; pin < IO_APIC_PINS; pin++) {
      const entry = low[pin]!;
      if ((entry & 0xff) !== vector || (entry & REMOTE_IRR) === 0) continue;
      low[pin] = entry & ~REMOTE_IRR;
      this.deliverLevel(pin);
    }
  }

  read(offset: number, bytes: AccessBytes): number {
    const value = offset === INDEX ? this.state.index : offset === DATA && bytes === 4 ? this.readRegister() : 0;
    return value >>> 0;
  }

  write(offset: number, bytes: AccessBytes, value: number): void {
    if (offset === INDEX) this.state.index = value & 0xff;
    else if (offset === EOI) this.endOfInterrupt(value & 0xff);
    else if (offset === DATA && bytes === 4) this.writeRegister(value);
  }

  reset(): void {
    // The lines belong to the devices that drive them.
    this.state = { ...initial(), lines: this.state.lines };
  }

  save(): IoApicState { return { ...this.state, low: [...this.state.low], high: [...this.state.high] }; }
  restore(state: unknown): void {
    const saved = state as IoApicState;
    this.state = { ...saved, low: [...saved.low], high: [...saved.high] };
  }

  private readRegister(): number {
    const { index, id, low, high } = this.state;
    switch (index) {
      case REGISTER_ID: case REGISTER_ARBITRATION: return id << 24;
      case REGISTER_VERSION: return VERSION | ((IO_APIC_PINS - 1) << 16);
    }
    const pin = (index - FIRST_ENTRY) >> 1;
    return (index < FIRST_ENTRY ? 0 : (index & 1) !== 0 ? high[pin] : low[pin]) ?? 0;
  }

  private writeRegister(value: number): void {
    const s = this.state, pin = (s.index - FIRST_ENTRY) >> 1;
    if (s.index === REGISTER_ID) s.id = (value >>> 24) & 15;
    if (s.index < FIRST_ENTRY || pin >= IO_APIC_PINS) return;
    if ((s.index & 1) !== 0) {
      s.high[pin] = (value & 0xff000000) >>> 0;
      return;
    }
    // An entry that becomes edge-triggered forgets that it waited for an EOI.
    const waits = (value & LEVEL) !== 0 ? s.low[pin]! & REMOTE_IRR : 0;
    s.low[pin] = (value & WRITABLE) | waits;
    if ((value & LEVEL) !== 0) this.deliverLevel(pin);
  }

  private deliverLevel(pin: number): void {
    const s = this.state, entry = s.low[pin]!;
    if ((s.lines & (1 << pin)) === 0 || (entry & (MASKED | REMOTE_IRR)) !== 0) return;
    const delivery = (entry >>> 8) & 7;
    if (delivery === DELIVERY.fixed || delivery === DELIVERY.lowestPriority) s.low[pin] = entry | REMOTE_IRR;
    this.deliver(pin);
  }

  private deliver(pin: number): void {
    const entry = this.state.low[pin]!;
    if ((entry & MASKED) !== 0) return;
    this.send({
      vector: entry & 0xff, delivery: (entry >>> 8) & 7, level: (entry & LEVEL) !== 0, logical: (entry & LOGICAL) !== 0,
      destination: this.state.high[pin]! >>> 24, wide: false,
    });
  }
}
