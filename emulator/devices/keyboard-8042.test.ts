import { strict as assert } from 'node:assert';
import { KEYBOARD_COMMAND, KEYBOARD_DATA, Keyboard8042 } from './keyboard-8042.js';

function keyboard() {
  const lines = { keyboard: false, auxiliary: false, a20: true, resets: 0 };
  const chip = new Keyboard8042({
    keyboardInterrupt: (raised) => (lines.keyboard = raised),
    auxiliaryInterrupt: (raised) => (lines.auxiliary = raised),
    a20: (enabled) => (lines.a20 = enabled),
    reset: () => lines.resets++,
  });
  const command = (value: number, data?: number) => {
    chip.write(KEYBOARD_COMMAND, 1, value);
    if (data !== undefined) chip.write(KEYBOARD_DATA, 1, data);
  };
  const ask = (value: number) => (command(value), chip.read(KEYBOARD_DATA));
  const status = () => chip.read(KEYBOARD_COMMAND);
  return { chip, lines, command, ask, status };
}

describe('8042 keyboard controller', () => {
  it('passes its self test and the test of its lines', () => {
    const { ask, status } = keyboard();
    assert.equal(status(), 0x10);
    assert.equal(ask(0xaa), 0x55);
    assert.equal(status(), 0x1c, 'system flag, last write a command');
    assert.equal(ask(0xab), 0x00);
  });

  it('says by status bit 0 that an answer waits', () => {
    const { chip, command, status } = keyboard();
    command(0xaa);
    assert.equal(status() & 1, 1);
    chip.read(KEYBOARD_DATA);
    assert.equal(status() & 1, 0);
  });

  it('keeps the command byte and its memory', () => {
    const { ask, command } = keyboard();
    command(0x60, 0x47);
    assert.equal(ask(0x20), 0x47);
    command(0xad);
    assert.equal(ask(0x20), 0x57);
    command(0xae);
    assert.equal(ask(0x20), 0x47);
    command(0x65, 0xaa);
    assert.equal(ask(0x25), 0xaa);
  });

  it('gates A20 by the output port', () => {
    const { ask, command, lines, chip } = keyboard();
    assert.equal(ask(0xd0) & 0x03, 0x03);
    command(0xd1, 0xdd);
    assert.deepEqual([lines.a20, chip.a20, ask(0xd0) & 2], [false, false, 0]);
    command(0xdf);
    assert.equal(lines.a20, true);
    command(0xdd);
    assert.equal(lines.a20, false);
    assert.equal(lines.resets, 0);
  });

  it('resets the processor by pulse FEh or by the output port', () => {
    const { command, lines } = keyboard();
    command(0xff);
    assert.equal(lines.resets, 0);
    command(0xfe);
    assert.equal(lines.resets, 1);
    command(0xd1, 0xde);
    assert.equal(lines.resets, 2);
  });

  it('interrupts when an answer waits and the command byte says so', () => {
    const { chip, command, lines } = keyboard();
    command(0xd2, 0x1c);
    assert.equal(lines.keyboard, false);
    command(0x60, 0x03);
    assert.equal(lines.keyboard, true);
    assert.equal(chip.read(KEYBOARD_DATA), 0x1c);
    assert.equal(lines.keyboard, false);
    command(0xd3, 0x55);
    assert.deepEqual([lines.keyboard, lines.auxiliary], [false, true]);
  });

  it('reports a timeout for what is sent to a keyboard or mouse, as none is there', () => {
    const { chip, command, status } = keyboard();
    chip.write(KEYBOARD_DATA, 1, 0xff);
    assert.equal(status() & 0x61, 0x41);
    assert.equal(chip.read(KEYBOARD_DATA), 0xfe);
    command(0xd4, 0xff);
    assert.equal(status() & 0x61, 0x61);
  });

  it('gives its state back', () => {
    const one = keyboard();
    one.command(0x60, 0x47);
    one.command(0xd1);
    const two = keyboard();
    two.chip.restore(JSON.parse(JSON.stringify(one.chip.save())));
    two.chip.write(KEYBOARD_DATA, 1, 0xcd);
    assert.equal(two.lines.a20, false);
    assert.equal(two.ask(0x20), 0x47);
  });
});
