import { strict as assert } from 'node:assert';
import { VirtualClock } from '../machine/clock.js';
import { NmiStatusControl } from './nmi-status-control.js';
import { Oscillator } from './oscillator.js';
import { PIT_HERTZ, Pit8254 } from './pit-8254.js';

const CONTROL = 3;
const oscillator = new Oscillator(PIT_HERTZ);

/** Channel 2 is looked at for OUT and GATE; channel 0 for edges. */
function pit() {
  const clock = new VirtualClock();
  const edges: string[] = [];
  let last: boolean | undefined;
  const chip = new Pit8254(clock, {
    channel0: (high) => {
      if (high !== last) edges.push(`${high ? '↑' : '↓'}${oscillator.ticks(clock.now())}`);
      last = high;
    },
  });
  chip.setGate2(true);
  edges.length = 0;
  const to = (tick: number) => clock.runDue(oscillator.nanoseconds(tick));
  const out = (offset: number, ...values: number[]) => values.forEach((value) => chip.write(offset, 1, value));
  const program = (channel: number, mode: number, count: number, bcd = 0) =>
    (out(CONTROL, (channel << 6) | 0x30 | (mode << 1) | bcd), out(channel, count & 0xff, count >> 8));
  const count = (channel: number) => {
    out(CONTROL, channel << 6);
    return chip.read(channel) | (chip.read(channel) << 8);
  };
  /** OUT of channel 2 at each tick of the range, H or L. */
  const wave = (from: number, length: number) =>
    Array.from({ length }, (_, i) => (to(from + i), chip.out2 ? 'H' : 'L')).join('');
  const counts = (from: number, length: number) => Array.from({ length }, (_, i) => (to(from + i), count(2)));
  return { clock, chip, edges, to, out, program, count, wave, counts };
}

describe('Oscillator', () => {
  it('is exact at the edges of every period for years', () => {
    for (const start of [0, 1, PIT_HERTZ - 1, PIT_HERTZ * 86400 * 90]) {
      for (let tick = start; tick < start + 1000; tick++) {
        const at = oscillator.nanoseconds(tick);
        assert.equal(oscillator.ticks(at), tick);
        if (at > 0) assert.equal(oscillator.ticks(at - 1), tick - 1);
      }
    }
  });
});

describe('8254', () => {
  it('mode 0: OUT rises N + 1 pulses after the count, and the count runs on', () => {
    const { program, wave, counts, to, count } = pit();
    program(2, 0, 4);
    assert.equal(wave(0, 8), 'LLLLLHHH');
    to(9);
    assert.equal(count(2), 0xfffc);
    program(2, 0, 4);
    assert.deepEqual(counts(10, 5), [4, 3, 2, 1, 0]);
  });

  it('mode 0: GATE low suspends; the first byte of a count stops and lowers OUT', () => {
    const { program, wave, chip, to, count, out } = pit();
    program(2, 0, 4);
    to(3);
    chip.setGate2(false);
    to(20);
    assert.equal(count(2), 2);
    chip.setGate2(true);
    assert.equal(wave(20, 4), 'LLHH');
    out(2, 3);
    assert.equal(chip.out2, false);
    assert.equal(wave(24, 20), 'L'.repeat(20));
    out(2, 0);
    assert.equal(wave(43, 6), 'LLLLHH');
  });

  it('mode 1: a retriggerable one-shot of N pulses', () => {
    const { program, wave, chip, to, out } = pit();
    chip.setGate2(false);
    program(2, 1, 3);
    assert.equal(wave(0, 4), 'HHHH');
    to(10);
    chip.setGate2(true);
    assert.equal(wave(10, 6), 'HLLLHH');
    chip.setGate2(false);
    to(20);
    chip.setGate2(true);
    to(22);
    chip.setGate2(false);
    chip.setGate2(true);
    assert.equal(wave(22, 6), 'LLLLHH');
    out(2, 5, 0);
    assert.equal(wave(28, 3), 'HHH', 'a new count waits for the trigger');
    chip.setGate2(false);
    chip.setGate2(true);
    assert.equal(wave(31, 6), 'LLLLLH');
  });

  it('mode 2: low for one pulse in N; a new count waits for the end of the period', () => {
    const { program, wave, counts, out } = pit();
    program(2, 2, 3);
    assert.equal(wave(0, 8), 'HHHLHHLH');
    assert.deepEqual(counts(8, 3), [2, 1, 3]);
    out(2, 5, 0);
    assert.deepEqual(counts(11, 8), [2, 1, 5, 4, 3, 2, 1, 5]);
  });

  it('mode 2: GATE low forces OUT high, its rise reloads', () => {
    const { program, wave, chip, to } = pit();
    program(2, 2, 3);
    to(3);
    assert.equal(chip.out2, false);
    chip.setGate2(false);
    assert.equal(wave(3, 6), 'HHHHHH');
    chip.setGate2(true);
    assert.equal(wave(8, 6), 'HHHLHH');
  });

  it('mode 3: equal halves for even N, the high one longer for odd N, counting by two', () => {
    const even = pit();
    even.program(2, 3, 4);
    assert.equal(even.wave(0, 9), 'HHHLLHHLL');
    assert.deepEqual(even.counts(9, 4), [4, 2, 4, 2]);
    const odd = pit();
    odd.program(2, 3, 5);
    assert.equal(odd.wave(0, 11), 'HHHHLLHHHLL');
    assert.deepEqual(odd.counts(11, 5), [4, 2, 0, 4, 2]);
  });

  it('mode 3: a new count comes at the end of the half period', () => {
    const { program, wave, to, out } = pit();
    program(2, 3, 8);
    to(2);
    out(2, 4, 0);
    assert.equal(wave(2, 10), 'HHHLLHHLLH');
  });

  it('mode 4: a strobe of one pulse N + 1 pulses after the count', () => {
    const { program, wave } = pit();
    program(2, 4, 3);
    assert.equal(wave(0, 8), 'HHHHLHHH');
  });

  it('mode 5: the strobe comes N + 1 pulses after the trigger', () => {
    const { program, wave, chip, to } = pit();
    chip.setGate2(false);
    program(2, 5, 3);
    to(10);
    assert.equal(chip.out2, true);
    chip.setGate2(true);
    assert.equal(wave(10, 8), 'HHHHLHHH');
  });

  it('takes modes 6 and 7 for 2 and 3', () => {
    const { program, wave } = pit();
    program(2, 6, 3);
    assert.equal(wave(0, 5), 'HHHLH');
  });

  it('counts in decades when told', () => {
    const { program, counts, count, to } = pit();
    program(2, 2, 0x1000, 1);
    assert.deepEqual(counts(1, 3), [0x1000, 0x0999, 0x0998]);
    program(2, 0, 0, 1);
    to(4);
    assert.equal(count(2), 0);
    to(5);
    assert.equal(count(2), 0x9999);
  });

  it('takes a count of 0 for 65,536', () => {
    const { program, counts, count, to } = pit();
    program(2, 2, 0);
    assert.deepEqual(counts(1, 2), [0, 0xffff]);
    to(65536);
    assert.equal(count(2), 1);
    to(65537);
    assert.equal(count(2), 0);
  });

  it('reads and writes one byte when told', () => {
    const { out, chip, to } = pit();
    out(CONTROL, 0x94);
    out(2, 0x80);
    to(0x10);
    assert.equal(chip.read(2), 0x71);
    out(CONTROL, 0xa4);
    out(2, 0x02);
    to(0x20);
    assert.equal(chip.read(2), 0x01);
    assert.equal(chip.read(CONTROL), 0xff);
  });

  it('holds a latched count until it is read, and ignores a second latch', () => {
    const { out, program, chip, to } = pit();
    program(2, 2, 1000);
    to(101);
    out(CONTROL, 0x80);
    to(201);
    out(CONTROL, 0x80);
    assert.equal(chip.read(2) | (chip.read(2) << 8), 900);
    assert.equal(chip.read(2) | (chip.read(2) << 8), 800, 'the running count again');
  });

  it('reads back status before count, with the null-count flag', () => {
    const { out, program, chip, to } = pit();
    program(2, 2, 1000);
    out(CONTROL, 0xe8);
    assert.equal(chip.read(2), 0xf4, 'OUT high, count not loaded yet, both bytes, mode 2');
    to(1);
    out(CONTROL, 0xc8);
    assert.equal(chip.read(2), 0xb4);
    assert.equal(chip.read(2) | (chip.read(2) << 8), 1000);
  });

  it('drives OUT of channel 0 at exact times', () => {
    const { program, edges, to } = pit();
    program(0, 2, 1193);
    to(1193 * 3 + 1);
    assert.deepEqual(edges, ['↓1193', '↑1194', '↓2386', '↑2387', '↓3579', '↑3580']);
    edges.length = 0;
    program(0, 0, 100);
    to(10000);
    assert.deepEqual(edges, ['↓3580', '↑3681']);
    edges.length = 0;
    program(0, 3, 1000);
    to(12000);
    assert.deepEqual(edges, ['↓10501', '↑11001', '↓11501']);
  });

  it('gives its state back in mid-count, however often it was looked at', () => {
    const one = pit();
    one.program(0, 3, 999);
    one.program(2, 2, 77);
    one.to(5000);
    one.program(2, 2, 33);
    one.to(5050);
    const seen = JSON.stringify(one.chip.save());
    const two = pit();
    two.clock.restore(one.clock.save());
    two.chip.restore(JSON.parse(seen));
    assert.equal(JSON.stringify(two.chip.save()), seen);
    for (const machine of [one, two]) { machine.edges.length = 0; machine.to(9000); }
    assert.deepEqual(two.edges.slice(-3), one.edges.slice(-3));
    assert.equal(two.count(2), one.count(2));
  });
});

describe('port 61h', () => {
  it('gates channel 2 and shows its OUT', () => {
    const { clock, chip, program, to } = pit();
    const port = new NmiStatusControl(clock, chip);
    port.write(0, 1, 0);
    program(2, 0, 100);
    to(1000);
    assert.equal(port.read() & 0x2f, 0);
    port.write(0, 1, 0x01);
    to(1099);
    assert.equal(port.read() & 0x21, 0x01);
    to(1100);
    assert.equal(port.read() & 0x21, 0x21);
  });

  it('turns the refresh bit every 15 µs', () => {
    const { clock, chip } = pit();
    const port = new NmiStatusControl(clock, chip);
    let turns = 0;
    for (let last = port.read() & 0x10, t = 0; t < 1_000_000; t += 1000) {
      clock.runDue(t);
      if ((port.read() & 0x10) !== last) turns++;
      last = port.read() & 0x10;
    }
    assert.equal(turns, 66);
  });

  it('keeps bits 3–0 only', () => {
    const { clock, chip } = pit();
    const port = new NmiStatusControl(clock, chip);
    port.write(0, 1, 0xff);
    assert.equal(port.read() & 0xcf, 0x0f);
    const state = port.save();
    port.reset();
    assert.equal(port.read() & 0x0f, 0);
    port.restore(state);
    assert.equal(port.read() & 0x0f, 0x0f);
  });
});
