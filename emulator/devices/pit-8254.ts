import type { Device } from '../memory/bus.js';
import type { Clock, TimerEvent } from '../machine/clock.js';
import { Oscillator } from './oscillator.js';
import { PitChannel, type PitChannelState } from './pit-channel.js';

/** Intel 8254 programmable interval timer: three channels on one oscillator. Intel 82C54 data sheet. */

export const PIT_HERTZ = 1193182;

const CONTROL_WORD = 3;
const READ_BACK = 3;
const READ_BACK_NO_COUNT = 0x20, READ_BACK_NO_STATUS = 0x10;

export interface PitOutputs {
  /** OUT of channel 0, wired to the interrupt controller. */
  readonly channel0: (high: boolean) => void;
}

export class Pit8254 implements Device {
  readonly name = 'PIT 8254';
  private readonly oscillator = new Oscillator(PIT_HERTZ);
  private readonly channels = [new PitChannel(), new PitChannel(), new PitChannel()] as const;
  private readonly edge: TimerEvent = { name: 'PIT 8254 channel 0 OUT', fire: () => this.drive() };

  constructor(private readonly clock: Clock, private readonly outputs: PitOutputs) {
    clock.register(this.edge);
    this.reset();
  }

  /** The GATE input of channel 2; those of channels 0 and 1 are tied high. */
  setGate2(high: boolean): void {
    this.channels[2].setGate(high, this.tick);
  }

  get out2(): boolean {
    return this.channels[2].out(this.tick);
  }

  read(offset: number): number {
    // UNDEFINED: "No-Operation (3-State)": nobody drives the bus.
    return this.channels[offset]?.read(this.tick) ?? 0xff;
  }

  write(offset: number, _bytes: number, value: number): void {
    const tick = this.tick;
    if (offset !== CONTROL_WORD) this.channels[offset]?.write(value, tick);
    else if (value >> 6 === READ_BACK) this.readBack(value, tick);
    else this.channels[value >> 6]?.control(value, tick);
    if (offset === 0 || offset === CONTROL_WORD) this.drive();
  }

  /** UNDEFINED: the chip has no reset input; its state at power-on is undefined: ours is mode 3 without a count, OUT high. */
  reset(): void {
    for (const [number, channel] of this.channels.entries()) channel.reset(number !== 2);
    this.drive();
  }

  save(): PitChannelState[] {
    return this.channels.map((channel) => channel.save(this.tick));
  }

  restore(state: unknown): void {
    const states = state as PitChannelState[];
    for (const [number, channel] of this.channels.entries()) channel.restore(states[number]!);
  }

  private readBack(value: number, tick: number): void {
    for (const [number, channel] of this.channels.entries()) {
      if ((value & (2 << number)) === 0) continue;
      if ((value & READ_BACK_NO_COUNT) === 0) channel.latchCount(tick);
      if ((value & READ_BACK_NO_STATUS) === 0) channel.latchStatus(tick);
    }
  }

  private drive(): void {
    const [channel] = this.channels;
    const tick = this.tick;
    this.outputs.channel0(channel.out(tick));
    const next = channel.nextEdge(tick);
    if (next === Infinity) this.clock.cancel(this.edge);
    else this.clock.at(this.oscillator.nanoseconds(next), this.edge);
  }

  private get tick(): number {
    return this.oscillator.ticks(this.clock.now());
  }
}
