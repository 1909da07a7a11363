import type { Device } from '../memory/bus.js';
import type { Clock, TimerEvent } from '../machine/clock.js';

/** Serial port with FIFOs. National Semiconductor PC16550D data sheet, "Registers".
 *  DEPARTURE: a byte leaves the transmitter at once, and a byte from outside arrives as soon as there is room and the program
 *  listens; only the first after it began to listen, and the character timeout, follow the programmed rate. So nothing is ever
 *  overrun, except by the loopback, and what is sent before a driver is there is not lost when that sets up the FIFO. */

const RBR_THR = 0, IER = 1, IIR_FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6, SCR = 7;

const IER_RECEIVED = 0x01, IER_THR_EMPTY = 0x02, IER_LINE_STATUS = 0x04, IER_MODEM_STATUS = 0x08, IER_BITS = 0x0f;
const IIR_NONE = 0x01, IIR_LINE_STATUS = 0x06, IIR_RECEIVED = 0x04, IIR_TIMEOUT = 0x0c, IIR_THR_EMPTY = 0x02, IIR_MODEM_STATUS = 0x00, IIR_FIFOS_ENABLED = 0xc0;
const FCR_ENABLE = 0x01, FCR_CLEAR_RECEIVER = 0x02;
const LCR_STOP = 0x04, LCR_PARITY = 0x08, LCR_BREAK = 0x40, LCR_DLAB = 0x80;
const MCR_DTR = 0x01, MCR_RTS = 0x02, MCR_OUT1 = 0x04, MCR_OUT2 = 0x08, MCR_LOOP = 0x10, MCR_BITS = 0x1f;
const LSR_DATA_READY = 0x01, LSR_OVERRUN = 0x02, LSR_PARITY = 0x04, LSR_FRAMING = 0x08, LSR_BREAK = 0x10, LSR_THR_EMPTY = 0x20, LSR_EMPTY = 0x40, LSR_ERROR_IN_FIFO = 0x80;
const LSR_CHARACTER_ERRORS = LSR_PARITY | LSR_FRAMING | LSR_BREAK;
const MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_RI = 0x40, MSR_DCD = 0x80, MSR_TRAILING_RI = 0x04;

const FIFO_BYTES = 16;
const TRIGGER_LEVELS = [1, 4, 8, 14] as const;
const BAUD_INPUT_HERTZ = 1843200;
const CLOCKS_PER_BIT = 16;
const TIMEOUT_CHARACTERS = 4;

/** So often in a row the status is read by a program that waits for a character, but not by one that waits to send. */
const WAITING_LOOKS = 16;

/** A terminal that is there and ready. */
const CONNECTED = MSR_CTS | MSR_DSR | MSR_DCD;

const initial = () => ({
  interruptEnable: 0,
  fifoControl: 0,
  lineControl: 0,
  modemControl: 0,
  overrun: false,
  /** The errors of the character on top have been read. */
  errorsRead: false,
  modemDelta: 0,
  scratch: 0,
  divisor: 0,
  /** What the program can read: character | its LSR error bits << 8. */
  receiver: [] as number[],
  /** How often LSR was read without anything else in between. */
  looks: 0,
  /** What came from outside and found no room yet. */
  outside: [] as number[],
  /** The program listens, and the other end has seen it. */
  listening: false,
  attended: false,
  thrEmptyPending: false,
  timeoutPending: false,
});

type State = ReturnType<typeof initial>;

export interface UartOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly transmit: (byte: number) => void;
  /** INTR as a PC wires it: through the gate that OUT2 opens. */
  readonly interrupt: (raised: boolean) => void;
}

export class Uart16550 implements Device {
  readonly name: string;
  private state = initial();
  private readonly timeout: TimerEvent;
  private readonly attention: TimerEvent;

  constructor(private readonly options: UartOptions) {
    this.name = `UART 16550 ${options.name}`;
    this.timeout = { name: `${this.name} character timeout`, fire: () => this.timedOut() };
    this.attention = { name: `${this.name} first character`, fire: () => this.attend() };
    options.clock.register(this.timeout);
    options.clock.register(this.attention);
  }

  /** A byte from the other end of the line. */
  receive(byte: number): void {
    this.state.outside.push(byte & 0xff);
    this.refill();
    this.drive();
  }

  receiveBreak(): void {
    this.state.outside.push((LSR_BREAK | LSR_FRAMING) << 8);
    this.refill();
    this.drive();
  }

  read(offset: number): number {
    const s = this.state;
    this.look(offset);
    const dlab = (s.lineControl & LCR_DLAB) !== 0;
    switch (offset) {
      case RBR_THR:
        return dlab ? s.divisor & 0xff : this.readReceiver();
      case IER:
        return dlab ? s.divisor >> 8 : s.interruptEnable;
      case IIR_FCR: {
        const identification = this.interruptIdentification;
        if (identification === IIR_THR_EMPTY) s.thrEmptyPending = false;
        this.drive();
        return identification | (this.fifosEnabled ? IIR_FIFOS_ENABLED : 0);
      }
      case LCR:
        return s.lineControl;
      case MCR:
        return s.modemControl;
      case LSR: {
        const status = this.lineStatus;
        s.overrun = false;
        s.errorsRead = true;
        this.drive();
        return status;
      }
      case MSR: {
        const status = this.modemLines | s.modemDelta;
        s.modemDelta = 0;
        this.drive();
        return status;
      }
      default:
        return s.scratch;
    }
  }

  write(offset: number, _bytes: number, value: number): void {
    const s = this.state;
    s.looks = 0;
    const dlab = (s.lineControl & LCR_DLAB) !== 0;
    switch (offset) {
      case RBR_THR:
        if (dlab) s.divisor = (s.divisor & 0xff00) | value;
        else this.send(value);
        break;
      case IER:
        if (dlab) s.divisor = (s.divisor & 0xff) | (value << 8);
        else this.writeInterruptEnable(value & IER_BITS);
        this.listen();
        break;
      case IIR_FCR:
        this.writeFifoControl(value);
        break;
      case LCR:
        this.writeLineControl(value);
        break;
      case MCR:
        this.writeModemControl(value & MCR_BITS);
        break;
      case SCR:
        s.scratch = value;
        break;
      // LSR: "intended for read operations only"; MSR: the delta bits of a factory test.
    }
    this.drive();
  }

  reset(): void {
    this.options.clock.cancel(this.timeout);
    this.options.clock.cancel(this.attention);
    this.state = { ...initial(), outside: this.state.outside };
    this.drive();
  }

  save(): State {
    const { receiver, outside, ...registers } = this.state;
    return { ...registers, receiver: [...receiver], outside: [...outside] };
  }

  restore(state: unknown): void {
    const { receiver, outside, ...registers } = state as State;
    this.state = { ...registers, receiver: [...receiver], outside: [...outside] };
  }

  private get fifosEnabled(): boolean {
    return (this.state.fifoControl & FCR_ENABLE) !== 0;
  }

  private get capacity(): number {
    return this.fifosEnabled ? FIFO_BYTES : 1;
  }

  private get loopback(): boolean {
    return (this.state.modemControl & MCR_LOOP) !== 0;
  }

  private get lineStatus(): number {
    const s = this.state;
    const top = s.receiver[0];
    const errors = top === undefined || s.errorsRead ? 0 : top >> 8;
    const unread = s.errorsRead ? 1 : 0;
    const inFifo = this.fifosEnabled && s.receiver.some((character, place) => place >= unread && ((character >> 8) & LSR_CHARACTER_ERRORS) !== 0);
    return (
      LSR_THR_EMPTY | LSR_EMPTY | (top === undefined ? 0 : LSR_DATA_READY) | (s.overrun ? LSR_OVERRUN : 0) | errors | (inFifo ? LSR_ERROR_IN_FIFO : 0)
    );
  }

  /** In the loopback the four outputs are the four inputs. */
  private get modemLines(): number {
    if (!this.loopback) return CONNECTED;
    const { modemControl } = this.state;
    return (
      ((modemControl & MCR_RTS) !== 0 ? MSR_CTS : 0) |
      ((modemControl & MCR_DTR) !== 0 ? MSR_DSR : 0) |
      ((modemControl & MCR_OUT1) !== 0 ? MSR_RI : 0) |
      ((modemControl & MCR_OUT2) !== 0 ? MSR_DCD : 0)
    );
  }

  /** "Table IV. Interrupt Control Functions", highest priority first. */
  private get interruptIdentification(): number {
    const s = this.state;
    const enabled = (bit: number) => (s.interruptEnable & bit) !== 0;
    if (enabled(IER_LINE_STATUS) && (this.lineStatus & (LSR_OVERRUN | LSR_CHARACTER_ERRORS)) !== 0) return IIR_LINE_STATUS;
    if (enabled(IER_RECEIVED) && s.receiver.length >= this.triggerLevel) return IIR_RECEIVED;
    if (enabled(IER_RECEIVED) && s.timeoutPending) return IIR_TIMEOUT;
    if (enabled(IER_THR_EMPTY) && s.thrEmptyPending) return IIR_THR_EMPTY;
    if (enabled(IER_MODEM_STATUS) && s.modemDelta !== 0) return IIR_MODEM_STATUS;
    return IIR_NONE;
  }

  private get triggerLevel(): number {
    return this.fifosEnabled ? TRIGGER_LEVELS[this.state.fifoControl >> 6]! : 1;
  }

  private get characterMask(): number {
    return 0xff >> (3 - (this.state.lineControl & 3));
  }

  private readReceiver(): number {
    const s = this.state;
    const character = s.receiver.shift() ?? 0;
    s.timeoutPending = false;
    s.errorsRead = false;
    this.refill();
    this.restartTimeout();
    this.drive();
    return character & 0xff;
  }

  private send(value: number): void {
    const s = this.state;
    const byte = value & this.characterMask;
    s.thrEmptyPending = true;
    if (!this.loopback) this.options.transmit(byte);
    else if ((s.lineControl & LCR_BREAK) === 0) this.arrive(byte);
  }

  private writeInterruptEnable(value: number): void {
    const s = this.state;
    if ((value & ~s.interruptEnable & IER_THR_EMPTY) !== 0) s.thrEmptyPending = true;
    s.interruptEnable = value;
  }

  private writeFifoControl(value: number): void {
    const s = this.state;
    const toggled = ((value ^ s.fifoControl) & FCR_ENABLE) !== 0;
    const enabled = (value & FCR_ENABLE) !== 0;
    // "must be a 1 when other FCR bits are written to or they will not be programmed"
    s.fifoControl = enabled ? value & 0xc1 : 0;
    if (toggled || (enabled && (value & FCR_CLEAR_RECEIVER) !== 0)) {
      s.receiver.length = 0;
      s.timeoutPending = false;
      this.options.clock.cancel(this.timeout);
      this.refill();
    }
  }

  private writeLineControl(value: number): void {
    const s = this.state;
    const breaks = (value & ~s.lineControl & LCR_BREAK) !== 0;
    s.lineControl = value;
    if (breaks && this.loopback) this.arrive((LSR_BREAK | LSR_FRAMING) << 8);
  }

  private writeModemControl(value: number): void {
    const s = this.state;
    const before = this.modemLines;
    s.modemControl = value;
    const after = this.modemLines;
    const changed = before ^ after;
    s.modemDelta |= ((changed & (MSR_CTS | MSR_DSR | MSR_DCD)) >> 4) | ((before & ~after & MSR_RI) !== 0 ? MSR_TRAILING_RI : 0);
    this.listen();
  }

  /** The terminal keeps to the handshake by RTS, but also sends to programs that leave RTS alone. */
  private get ready(): boolean { return (this.state.modemControl & MCR_RTS) !== 0 || this.awaitsInput; }

  /** A byte from outside would interrupt. */
  get awaitsInput(): boolean { return (this.state.modemControl & MCR_OUT2) !== 0 && (this.state.interruptEnable & IER_RECEIVED) !== 0; }

  /** A character's time passes before the first arrives: a driver turns the FIFOs on, which empties them, behind its interrupts. */
  private listen(): void {
    const { clock } = this.options, s = this.state, { ready } = this;
    if (ready !== s.listening) {
      s.listening = ready;
      s.attended = false;
      if (ready) clock.at(clock.now() + this.characterNanoseconds, this.attention);
      else clock.cancel(this.attention);
    }
    this.refill();
  }

  private attend(): void {
    this.state.attended = true;
    this.refill();
    this.drive();
  }

  private look(offset: number): void {
    const s = this.state;
    if (offset !== LSR) s.looks = 0;
    else if (s.looks < WAITING_LOOKS && ++s.looks === WAITING_LOOKS) this.refill();
  }

  private refill(): void {
    const s = this.state;
    const listens = s.attended || s.looks >= WAITING_LOOKS, free = this.loopback || !listens ? 0 : this.capacity - s.receiver.length;
    if (free <= 0 || s.outside.length === 0) return;
    for (const character of s.outside.splice(0, free)) this.arrive(character & (~0xff | this.characterMask));
  }

  /** When full, the FIFO keeps what it has and loses the new character; the single register is overwritten. */
  private arrive(character: number): void {
    const s = this.state;
    const full = s.receiver.length >= this.capacity;
    if (full) s.overrun = true;
    if (full && this.fifosEnabled) return;
    if (full || s.receiver.length === 0) s.errorsRead = false;
    if (full) s.receiver[0] = character;
    else s.receiver.push(character);
    this.restartTimeout();
  }

  private restartTimeout(): void {
    const { clock } = this.options;
    if (this.fifosEnabled && this.state.receiver.length > 0) clock.at(clock.now() + TIMEOUT_CHARACTERS * this.characterNanoseconds, this.timeout);
    else clock.cancel(this.timeout);
  }

  private get characterNanoseconds(): number {
    const { lineControl, divisor } = this.state;
    const bits = 1 + 5 + (lineControl & 3) + ((lineControl & LCR_PARITY) !== 0 ? 1 : 0) + ((lineControl & LCR_STOP) !== 0 ? 2 : 1);
    return Math.ceil((bits * CLOCKS_PER_BIT * (divisor || 0x10000) * 1e9) / BAUD_INPUT_HERTZ);
  }

  private timedOut(): void {
    this.state.timeoutPending = true;
    this.drive();
  }

  private drive(): void {
    const gateOpen = (this.state.modemControl & (MCR_OUT2 | MCR_LOOP)) === MCR_OUT2;
    this.options.interrupt(gateOpen && this.interruptIdentification !== IIR_NONE);
  }
}
