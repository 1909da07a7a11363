import { strict as assert } from 'node:assert';
import { PIC_ELCR, PIC_MASTER, PIC_SLAVE, Pic8259Pair } from './pic-8259.js';

const EOI = 0x20, READ_IRR = 0x0a, READ_ISR = 0x0b;

function initialized({ icw4 = 0x01, slaveIcw4 = 0x01 } = {}) {
  const output = { raised: false };
  const pic = new Pic8259Pair((raised) => (output.raised = raised));
  const write = (offset: number, ...values: number[]) => values.forEach((value, i) => pic.write(i === 0 ? offset & ~1 : offset | 1, 1, value));
  write(PIC_MASTER, 0x11, 0x20, 0x04, icw4);
  write(PIC_SLAVE, 0x11, 0x28, 0x02, slaveIcw4);
  const command = (value: number, chip = PIC_MASTER) => pic.write(chip, 1, value);
  const mask = (value: number, chip = PIC_MASTER) => pic.write(chip + 1, 1, value);
  const status = (which: number, chip = PIC_MASTER) => { command(which, chip); return pic.read(chip); };
  const raise = (...lines: number[]) => lines.forEach((line) => pic.setLine(line, true));
  const lower = (...lines: number[]) => lines.forEach((line) => pic.setLine(line, false));
  const pulse = (...lines: number[]) => { lower(...lines); raise(...lines); };
  return { pic, output, write, command, mask, status, raise, lower, pulse };
}

describe('8259A pair', () => {
  it('interrupts nobody before initialization', () => {
    let raised = false;
    const pic = new Pic8259Pair((high) => (raised = high));
    pic.setLine(0, true);
    assert.equal(raised, false);
  });

  it('starts with all lines enabled and the mask readable', () => {
    const { pic, mask } = initialized();
    assert.equal(pic.read(PIC_MASTER + 1), 0);
    mask(0xfb);
    assert.equal(pic.read(PIC_MASTER + 1), 0xfb);
  });

  it('serves the lowest number first and nests higher priorities', () => {
    const { pic, output, command, status, raise } = initialized();
    raise(5, 3);
    assert.equal(pic.acknowledge(), 0x23);
    assert.equal(output.raised, false, 'IRQ 5 waits for the end of IRQ 3');
    raise(1);
    assert.equal(output.raised, true);
    assert.equal(pic.acknowledge(), 0x21);
    assert.equal(status(READ_ISR), 0x0a);
    assert.equal(status(READ_IRR), 0x20);
    command(EOI);
    assert.equal(status(READ_ISR), 0x08, 'a non-specific EOI ends the highest in service');
    command(EOI);
    assert.equal(pic.acknowledge(), 0x25);
  });

  it('masks without forgetting', () => {
    const { output, mask, raise } = initialized();
    mask(0x10);
    raise(4);
    assert.equal(output.raised, false);
    mask(0);
    assert.equal(output.raised, true);
  });

  it('cascades the second chip through IR2', () => {
    const { pic, output, command, status, raise } = initialized();
    raise(12, 8);
    assert.equal(pic.acknowledge(), 0x28);
    assert.equal(status(READ_ISR), 0x04);
    assert.equal(status(READ_ISR, PIC_SLAVE), 0x01);
    command(EOI, PIC_SLAVE);
    assert.equal(output.raised, false, 'the master still serves IR2');
    command(EOI);
    assert.equal(pic.acknowledge(), 0x2c);
  });

  it('ranks the slave between IRQ 1 and IRQ 3', () => {
    const { pic, raise } = initialized();
    raise(3, 15, 1);
    assert.deepEqual([pic.acknowledge()], [0x21]);
    pic.write(PIC_MASTER, 1, EOI);
    assert.equal(pic.acknowledge(), 0x2f);
  });

  it('locks a busy slave out, unless the master is in special fully nested mode', () => {
    const plain = initialized();
    plain.raise(12);
    plain.pic.acknowledge();
    plain.raise(9);
    assert.equal(plain.output.raised, false);
    const nested = initialized({ icw4: 0x11 });
    nested.raise(12);
    nested.pic.acknowledge();
    nested.raise(3);
    assert.equal(nested.output.raised, false, 'lower priorities stay out');
    nested.raise(9);
    assert.equal(nested.pic.acknowledge(), 0x29);
  });

  it('gives IRQ 7 when the request is gone by the time of INTA, and serves nothing', () => {
    const { pic, status, raise, lower } = initialized();
    raise(4);
    lower(4);
    assert.equal(pic.acknowledge(), 0x27);
    assert.equal(status(READ_ISR), 0);
  });

  it('drops the cascade with the slave\'s request', () => {
    const { pic, output, command, status, raise } = initialized();
    raise(9);
    command(0x0c, PIC_SLAVE);
    assert.equal(pic.read(PIC_SLAVE), 0x81, 'the poll takes the request');
    command(0x61, PIC_SLAVE);
    assert.equal(output.raised, false);
    assert.equal(pic.acknowledge(), 0x27);
    assert.equal(status(READ_ISR) | status(READ_ISR, PIC_SLAVE), 0);
  });

  it('wants a new edge for a second interrupt', () => {
    const { pic, output, command, raise, pulse } = initialized();
    raise(4);
    pic.acknowledge();
    command(EOI);
    raise(4);
    assert.equal(output.raised, false);
    pulse(4);
    assert.equal(output.raised, true);
  });

  it('repeats while a level-triggered line is high', () => {
    const { pic, output, command, raise, lower } = initialized();
    pic.write(PIC_ELCR + 1, 1, 0xff);
    assert.equal(pic.read(PIC_ELCR + 1), 0xde, 'IRQ 8 and 13 stay edge-triggered');
    pic.write(PIC_ELCR, 1, 0xff);
    assert.equal(pic.read(PIC_ELCR), 0xf8, 'IRQ 0, 1 and 2 stay edge-triggered');
    raise(11);
    for (let i = 0; i < 2; i++) {
      assert.equal(pic.acknowledge(), 0x2b);
      command(EOI, PIC_SLAVE);
      command(EOI);
    }
    lower(11);
    assert.equal(output.raised, false);
  });

  it('forgets edges at ICW1 but not levels', () => {
    const { pic, output, write, raise } = initialized();
    pic.write(PIC_ELCR, 1, 0x20);
    raise(3, 5);
    write(PIC_MASTER, 0x11, 0x40, 0x04, 0x01);
    assert.equal(output.raised, true);
    assert.equal(pic.acknowledge(), 0x45);
  });

  it('does without ICW3 and ICW4 when ICW1 says so', () => {
    const { pic, write, mask, raise } = initialized();
    write(PIC_MASTER, 0x12, 0x60);
    mask(0x01);
    assert.equal(pic.read(PIC_MASTER + 1), 0x01);
    raise(6);
    assert.equal(pic.acknowledge(), 0x66);
  });

  it('ends a level by specific EOI', () => {
    const { pic, command, status, raise } = initialized();
    raise(4);
    pic.acknowledge();
    raise(2 + 1);
    pic.acknowledge();
    command(0x64);
    assert.equal(status(READ_ISR), 0x08);
  });

  it('rotates on non-specific EOI, on specific EOI and by the set-priority command', () => {
    const { pic, command, raise, pulse, lower } = initialized();
    raise(3);
    pic.acknowledge();
    command(0xa0);
    pulse(3, 4);
    assert.equal(pic.acknowledge(), 0x24, 'IRQ 3 is lowest now');
    command(0xe4);
    pulse(3, 4);
    assert.equal(pic.acknowledge(), 0x23);
    command(EOI);
    lower(3, 4);
    command(0xc5);
    raise(5, 6);
    assert.equal(pic.acknowledge(), 0x26);
  });

  it('ends by itself in AEOI mode, rotating when told', () => {
    const { pic, command, status, raise, pulse } = initialized({ icw4: 0x03 });
    raise(1);
    assert.equal(pic.acknowledge(), 0x21);
    assert.equal(status(READ_ISR), 0);
    command(0x80);
    pulse(1);
    pic.acknowledge();
    pulse(1, 6);
    assert.equal(pic.acknowledge(), 0x26, 'IRQ 1 has become the lowest');
    command(0x00);
    pic.acknowledge();
    pulse(1, 6);
    assert.equal(pic.acknowledge(), 0x21, 'rotation off: IRQ 6 did not become the lowest, IRQ 1 did not move');
  });

  it('keeps a second slave request in the slave\'s AEOI mode', () => {
    const { pic, command, raise } = initialized({ slaveIcw4: 0x03 });
    raise(9, 10);
    assert.equal(pic.acknowledge(), 0x29);
    command(EOI);
    assert.equal(pic.acknowledge(), 0x2a);
  });

  it('lets lower priorities through a masked level in special mask mode', () => {
    const { pic, output, command, mask, status, raise } = initialized();
    raise(3);
    pic.acknowledge();
    raise(6);
    mask(0x08);
    assert.equal(output.raised, false);
    command(0x68);
    assert.equal(output.raised, true);
    assert.equal(pic.acknowledge(), 0x26);
    command(EOI);
    assert.equal(status(READ_ISR), 0x08, 'a masked level is not ended by a non-specific EOI');
    command(0x48);
    command(EOI);
    assert.equal(status(READ_ISR), 0);
  });

  it('answers a poll with the level and serves it', () => {
    const { pic, command, status, raise } = initialized();
    command(0x0c);
    assert.equal(pic.read(PIC_MASTER), 0);
    raise(5);
    command(0x0c);
    assert.equal(pic.read(PIC_MASTER), 0x85);
    assert.equal(status(READ_ISR), 0x20);
  });

  it('gives its state back', () => {
    const one = initialized();
    one.raise(3, 12);
    one.pic.acknowledge();
    one.command(READ_ISR);
    const state = JSON.parse(JSON.stringify(one.pic.save())) as unknown;
    const two = initialized();
    two.pic.restore(state);
    assert.deepEqual(two.pic.save(), one.pic.save());
    assert.deepEqual([two.pic.acknowledge(), two.pic.read(PIC_MASTER)], [one.pic.acknowledge(), one.pic.read(PIC_MASTER)]);
  });
});
