import type { Device } from '../memory/bus.js';

/** Keyboard controller of the PC/AT: status, command byte, A20 and the reset pulse. IBM PC AT Technical Reference, "Keyboard Controller (8042)".
 *  DEPARTURE: no keyboard and no mouse are connected, so no scan code ever comes; what is sent to them times out, as on a PC without them. */

/** Offsets: the chip decodes address line A2. */
export const KEYBOARD_DATA = 0;
export const KEYBOARD_COMMAND = 4;

const STATUS_OUTPUT_FULL = 0x01, STATUS_SYSTEM = 0x04, STATUS_COMMAND = 0x08, STATUS_NOT_INHIBITED = 0x10, STATUS_AUXILIARY = 0x20, STATUS_TIMEOUT = 0x40;
const COMMAND_BYTE_INTERRUPT = 0x01, COMMAND_BYTE_AUXILIARY_INTERRUPT = 0x02, COMMAND_BYTE_SYSTEM = 0x04, COMMAND_BYTE_KEYBOARD_DISABLED = 0x10, COMMAND_BYTE_AUXILIARY_DISABLED = 0x20;
const OUTPUT_PORT_NOT_RESET = 0x01, OUTPUT_PORT_A20 = 0x02;
const SELF_TEST_PASSED = 0x55, INTERFACE_TEST_PASSED = 0x00, AUXILIARY_CLOCK_LOW = 0x01, RESEND = 0xfe;
const INPUT_PORT_UNLOCKED = 0x80;

const initial = () => ({
  output: 0,
  outputFull: false,
  outputAuxiliary: false,
  timeout: false,
  lastWasCommand: false,
  /** The command that waits for its data byte, or 0. */
  awaiting: 0,
  outputPort: 0xcc | OUTPUT_PORT_NOT_RESET | OUTPUT_PORT_A20,
  /** Thirty-two bytes of the chip's memory; the first is the command byte. */
  memory: [COMMAND_BYTE_KEYBOARD_DISABLED | COMMAND_BYTE_AUXILIARY_DISABLED, ...new Array<number>(31).fill(0)],
});

type State = ReturnType<typeof initial>;

export interface KeyboardOutputs {
  readonly keyboardInterrupt: (raised: boolean) => void;
  readonly auxiliaryInterrupt: (raised: boolean) => void;
  readonly a20: (enabled: boolean) => void;
  /** The pulse that resets the processor. */
  readonly reset: () => void;
}

export class Keyboard8042 implements Device {
  readonly name = 'keyboard controller 8042';
  private state = initial();

  constructor(private readonly outputs: KeyboardOutputs) {}

  get a20(): boolean {
    return (this.state.outputPort & OUTPUT_PORT_A20) !== 0;
  }

  read(offset: number): number {
    const s = this.state;
    if (offset === KEYBOARD_COMMAND) {
      return (
        STATUS_NOT_INHIBITED |
        (s.outputFull ? STATUS_OUTPUT_FULL : 0) |
        (s.outputFull && s.outputAuxiliary ? STATUS_AUXILIARY : 0) |
        ((s.memory[0]! & COMMAND_BYTE_SYSTEM) !== 0 ? STATUS_SYSTEM : 0) |
        (s.lastWasCommand ? STATUS_COMMAND : 0) |
        (s.timeout ? STATUS_TIMEOUT : 0)
      );
    }
    s.outputFull = false;
    s.timeout = false;
    this.drive();
    return s.output;
  }

  write(offset: number, _bytes: number, value: number): void {
    this.state.lastWasCommand = offset === KEYBOARD_COMMAND;
    if (offset === KEYBOARD_COMMAND) this.command(value);
    else this.data(value);
    this.drive();
  }

  reset(): void {
    this.state = initial();
    this.outputs.a20(this.a20);
    this.drive();
  }

  save(): State {
    return { ...this.state, memory: [...this.state.memory] };
  }

  restore(state: unknown): void {
    const saved = state as State;
    this.state = { ...saved, memory: [...saved.memory] };
  }

  private command(value: number): void {
    const s = this.state;
    s.awaiting = 0;
    if (value >= 0x20 && value <= 0x3f) return this.answer(s.memory[value & 0x1f]!);
    if (value >= 0x60 && value <= 0x7f) return this.await(value);
    if (value >= 0xf0) return this.pulse(value & 0x0f);
    switch (value) {
      case 0xa7: return this.setCommandByte(s.memory[0]! | COMMAND_BYTE_AUXILIARY_DISABLED);
      case 0xa8: return this.setCommandByte(s.memory[0]! & ~COMMAND_BYTE_AUXILIARY_DISABLED);
      case 0xa9: return this.answer(AUXILIARY_CLOCK_LOW);
      case 0xaa:
        this.setCommandByte(s.memory[0]! | COMMAND_BYTE_SYSTEM);
        return this.answer(SELF_TEST_PASSED);
      case 0xab: return this.answer(INTERFACE_TEST_PASSED);
      case 0xad: return this.setCommandByte(s.memory[0]! | COMMAND_BYTE_KEYBOARD_DISABLED);
      case 0xae: return this.setCommandByte(s.memory[0]! & ~COMMAND_BYTE_KEYBOARD_DISABLED);
      case 0xc0: return this.answer(INPUT_PORT_UNLOCKED);
      case 0xd0: return this.answer(s.outputPort);
      case 0xdd: return this.setOutputPort(s.outputPort & ~OUTPUT_PORT_A20);
      case 0xdf: return this.setOutputPort(s.outputPort | OUTPUT_PORT_A20);
      case 0xd1: case 0xd2: case 0xd3: case 0xd4: return this.await(value);
      // UNDEFINED: the chip ignores commands it does not know.
    }
  }

  private data(value: number): void {
    const s = this.state;
    const { awaiting } = s;
    s.awaiting = 0;
    if (awaiting === 0) {
      this.setCommandByte(s.memory[0]! & ~COMMAND_BYTE_KEYBOARD_DISABLED);
      this.noAnswer(false);
    } else if (awaiting === 0xd1) this.setOutputPort(value);
    else if (awaiting === 0xd2) this.answer(value);
    else if (awaiting === 0xd3) this.answer(value, true);
    else if (awaiting === 0xd4) this.noAnswer(true);
    else s.memory[awaiting & 0x1f] = value;
  }

  private await(command: number): void {
    this.state.awaiting = command;
  }

  private answer(value: number, auxiliary = false): void {
    Object.assign(this.state, { output: value, outputFull: true, outputAuxiliary: auxiliary, timeout: false });
  }

  private noAnswer(auxiliary: boolean): void {
    this.answer(RESEND, auxiliary);
    this.state.timeout = true;
  }

  private setCommandByte(value: number): void {
    this.state.memory[0] = value;
  }

  private setOutputPort(value: number): void {
    this.state.outputPort = value | OUTPUT_PORT_NOT_RESET;
    this.outputs.a20(this.a20);
    if ((value & OUTPUT_PORT_NOT_RESET) === 0) this.outputs.reset();
  }

  /** Bits that are 0 pulse their output low for some 6 µs; only bit 0 leads anywhere. */
  private pulse(keptHigh: number): void {
    if ((keptHigh & OUTPUT_PORT_NOT_RESET) === 0) this.outputs.reset();
  }

  private drive(): void {
    const s = this.state;
    const raised = (enable: number, auxiliary: boolean) => s.outputFull && s.outputAuxiliary === auxiliary && (s.memory[0]! & enable) !== 0;
    this.outputs.keyboardInterrupt(raised(COMMAND_BYTE_INTERRUPT, false));
    this.outputs.auxiliaryInterrupt(raised(COMMAND_BYTE_AUXILIARY_INTERRUPT, true));
  }
}
