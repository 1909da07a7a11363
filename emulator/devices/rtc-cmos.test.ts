import { strict as assert } from 'node:assert';
import { VirtualClock } from '../machine/clock.js';
import { CMOS_DATA, CMOS_INDEX, RtcCmos } from './rtc-cmos.js';

const MIB = 0x100000;
const SECOND = 1e9;
/** Thursday, 31 December 2026, 23:59:50. */
const NEW_YEARS_EVE = Date.UTC(2026, 11, 31, 23, 59, 50) / 1000;
const A = 0x0a, B = 0x0b, C = 0x0c, D = 0x0d;
const SET = 0x80, PIE = 0x40, AIE = 0x20, UIE = 0x10, BINARY = 0x04, HOURS_24 = 0x02;

function rtc({ memoryBytes = 128 * MIB, epochSeconds = NEW_YEARS_EVE } = {}) {
  const clock = new VirtualClock();
  const line = { raised: false, at: [] as number[] };
  const chip = new RtcCmos({
    clock, memoryBytes, epochSeconds,
    interrupt: (raised) => { if (raised && !line.raised) line.at.push(clock.now()); line.raised = raised; },
  });
  const get = (index: number) => (chip.write(CMOS_INDEX, 1, index), chip.read(CMOS_DATA));
  const put = (index: number, value: number) => { chip.write(CMOS_INDEX, 1, index); chip.write(CMOS_DATA, 1, value); };
  /** Century, year, month, day, weekday, hours, minutes, seconds as hexadecimal text. */
  const time = () => [0x32, 9, 8, 7, 6, 4, 2, 0].map((index) => get(index).toString(16).padStart(2, '0')).join(' ');
  return { clock, chip, line, get, put, time };
}

describe('RTC and CMOS', () => {
  it('starts at the epoch it is given, in BCD and 24 hours, and runs with virtual time', () => {
    const { clock, time } = rtc();
    assert.equal(time(), '20 26 12 31 05 23 59 50');
    clock.runDue(10 * SECOND - 1);
    assert.equal(time(), '20 26 12 31 05 23 59 59');
    clock.runDue(10 * SECOND);
    assert.equal(time(), '20 27 01 01 06 00 00 00');
  });

  it('shows binary and 12 hours when set so', () => {
    const { put, time } = rtc({ epochSeconds: 0 });
    put(B, SET | BINARY);
    for (const [index, value] of [[0, 59], [2, 30], [4, 0x80 | 12], [6, 1], [7, 28], [8, 2], [9, 99]] as const) put(index, value);
    put(B, BINARY);
    assert.equal(time(), '19 63 02 1c 01 8c 1e 3b');
    put(B, SET | BINARY);
    put(4, 0x80 | 11);
    put(B, BINARY);
    assert.equal(time(), '19 63 02 1c 01 8b 1e 3b');
  });

  it('goes from 11 PM to 12 AM, through midnight of a leap day', () => {
    const { clock, put, time } = rtc({ epochSeconds: Date.UTC(2028, 1, 28, 23, 59, 59) / 1000 });
    put(B, SET);
    put(4, 0x91);
    put(B, 0);
    assert.equal(time(), '20 28 02 28 02 91 59 59');
    clock.runDue(SECOND);
    assert.equal(time(), '20 28 02 29 03 12 00 00');
  });

  it('stands still while SET, and takes the bytes written meanwhile', () => {
    const { clock, put, time } = rtc();
    put(B, SET | HOURS_24);
    put(0, 0x07);
    put(6, 0x03);
    clock.runDue(30 * SECOND);
    assert.equal(time(), '20 26 12 31 03 23 59 07');
    put(B, HOURS_24);
    clock.runDue(31 * SECOND);
    assert.equal(time(), '20 26 12 31 03 23 59 08');
  });

  it('begins half a second after the divider is released', () => {
    const { clock, put, get } = rtc();
    put(A, 0x76);
    clock.runDue(5.25 * SECOND);
    put(A, 0x26);
    clock.runDue(5.74 * SECOND);
    assert.equal(get(0), 0x50);
    clock.runDue(5.76 * SECOND);
    assert.equal(get(0), 0x51);
  });

  it('warns of an update 244 µs before it', () => {
    const { clock, get } = rtc();
    clock.runDue(SECOND - 2_300_000);
    assert.equal(get(A), 0x26);
    clock.runDue(SECOND - 2_200_000);
    assert.equal(get(A), 0xa6);
    clock.runDue(SECOND);
    assert.equal(get(A), 0x26);
  });

  it('sets flags whether or not their interrupt is enabled, and a read of C clears them', () => {
    const { clock, get, line } = rtc();
    get(C);
    clock.runDue(SECOND);
    assert.equal(get(C), 0x50);
    assert.equal(get(C), 0);
    assert.equal(line.raised, false);
  });

  it('interrupts periodically at the rate of register A, once per read of C', () => {
    for (const [rate, hertz] of [[1, 256], [2, 128], [3, 8192], [6, 1024], [15, 2]] as const) {
      const { clock, get, put, line } = rtc();
      put(A, 0x20 | rate);
      put(B, PIE | HOURS_24);
      for (let n = 1; n <= 3; n++) {
        clock.runDue(Math.ceil((n * SECOND) / hertz));
        assert.equal(line.raised, true);
        assert.equal(get(C) & 0xc0, 0xc0);
        assert.equal(line.raised, false);
      }
      assert.deepEqual(line.at, [1, 2, 3].map((n) => Math.ceil((n * SECOND) / hertz)));
      clock.runDue(10 * SECOND);
      assert.equal(line.at.length, 4, 'no further interrupt before C is read');
    }
  });

  it('interrupts at the end of each update', () => {
    const { clock, get, put, line } = rtc();
    put(B, UIE | HOURS_24);
    for (const second of [1, 2]) {
      clock.runDue(second * SECOND);
      assert.equal(get(C) & 0x90, 0x90);
    }
    assert.deepEqual(line.at, [SECOND, 2 * SECOND]);
    put(B, SET | UIE | HOURS_24);
    assert.equal(get(B), SET | HOURS_24, 'SET clears the enable');
  });

  it('interrupts at the alarm, where C0h and above match anything', () => {
    const { clock, get, put, line } = rtc();
    put(1, 0x02);
    put(3, 0x00);
    put(5, 0xff);
    put(B, AIE | HOURS_24);
    clock.runDue(7200 * SECOND);
    assert.deepEqual(line.at, [12 * SECOND]);
    assert.equal(get(C) & 0xa0, 0xa0);
    clock.runDue(7300 * SECOND);
    assert.equal(line.at.length, 2);
  });

  it('finds an alarm in time that passed unwatched', () => {
    const { clock, get, put } = rtc();
    put(1, 0x00);
    put(3, 0x00);
    put(5, 0x12);
    get(C);
    clock.runDue(3600 * 12 * SECOND);
    assert.equal(get(C) & 0x20, 0);
    clock.runDue(3600 * 13 * SECOND);
    assert.equal(get(C) & 0x20, 0x20);
  });

  it('tells the memory size as firmware does', () => {
    const { get } = rtc({ memoryBytes: 96 * MIB });
    const word = (index: number) => get(index) | (get(index + 1) << 8);
    assert.equal(word(0x15), 640);
    assert.equal(word(0x17), 0xffff);
    assert.equal(word(0x30), 0xffff);
    assert.equal(word(0x34), 80 * 16);
    const small = rtc({ memoryBytes: 8 * MIB });
    assert.deepEqual([small.get(0x30) | (small.get(0x31) << 8), small.get(0x34)], [7 * 1024, 0]);
  });

  it('keeps memory and time through reset, but not interrupts', () => {
    const { clock, chip, put, get, time, line } = rtc();
    put(0x40, 0x99);
    put(B, UIE | HOURS_24);
    clock.runDue(SECOND);
    chip.reset();
    assert.equal(line.raised, false);
    assert.deepEqual([get(0x40), get(B), get(D), time()], [0x99, HOURS_24, 0x80, '20 26 12 31 05 23 59 51']);
  });

  it('keeps NMI out by bit 7 of the index port, which cannot be read', () => {
    const { chip } = rtc();
    chip.write(CMOS_INDEX, 1, 0x8d);
    assert.deepEqual([chip.nmiMasked, chip.read(CMOS_DATA), chip.read(CMOS_INDEX)], [true, 0x80, 0xff]);
    chip.write(CMOS_INDEX, 1, 0x0d);
    assert.equal(chip.nmiMasked, false);
  });

  it('survives nonsense in every register', () => {
    const { clock, put, get } = rtc();
    for (let value = 0; value < 256; value++) {
      for (let index = 0; index < 128; index++) put(index, value);
      clock.runDue(clock.now() + 1_234_567_890);
      for (let index = 0; index < 128; index++) assert.ok(get(index) >= 0 && get(index) <= 255);
    }
  });

  it('gives its state back, however often it was looked at', () => {
    const one = rtc();
    const two = rtc();
    for (const machine of [one, two]) { machine.put(A, 0x26); machine.put(B, PIE | HOURS_24); }
    for (let ms = 1; ms < 3000; ms += 7) { one.clock.runDue(ms * 1e6); one.chip.save(); }
    one.clock.runDue(3 * SECOND);
    two.clock.runDue(3 * SECOND);
    assert.deepEqual(one.chip.save(), two.chip.save());
    const three = rtc();
    three.clock.restore(two.clock.save());
    three.chip.restore(two.chip.save());
    assert.equal(three.time(), two.time());
  });
});
