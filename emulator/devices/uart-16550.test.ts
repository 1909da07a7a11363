import { strict as assert } from 'node:assert';
import { VirtualClock } from '../machine/clock.js';
import { Uart16550 } from './uart-16550.js';

const DATA = 0, IER = 1, IIR = 2, FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6, SCR = 7;
const RTS = 0x02, OUT2 = 0x08, LOOP = 0x10;

function uart() {
  const clock = new VirtualClock();
  const sent: number[] = [];
  const line = { raised: false };
  const chip = new Uart16550({ name: 'COM1', clock, transmit: (byte) => sent.push(byte), interrupt: (raised) => (line.raised = raised) });
  const write = (offset: number, ...values: number[]) => values.forEach((value) => chip.write(offset, 1, value));
  write(LCR, 0x80);
  write(DATA, 1);
  write(LCR, 0x03);
  write(MCR, RTS | OUT2);
  const pass = (nanoseconds: number) => { clock.runDue(clock.now() + nanoseconds); };
  pass(CHARACTER);
  const receive = (text: string) => [...text].forEach((letter) => chip.receive(letter.charCodeAt(0)));
  const read = (offset: number) => chip.read(offset);
  const drain = () => { let text = ''; while ((read(LSR) & 1) !== 0) text += String.fromCharCode(read(DATA)); return text; };
  return { pass, chip, sent, line, write, read, receive, drain };
}

/** One character of 10 bits at 115,200 baud. */
const CHARACTER = Math.ceil(1e9 / 11520);

describe('16550 UART', () => {
  it('transmits each byte and is always ready for the next', () => {
    const { write, read, sent } = uart();
    assert.equal(read(LSR), 0x60);
    write(DATA, 0x48, 0x69);
    assert.deepEqual(sent, [0x48, 0x69]);
    assert.equal(read(LSR), 0x60);
  });

  it('sends only the bits of the word length', () => {
    const { write, sent } = uart();
    write(LCR, 0x00);
    write(DATA, 0xff);
    assert.deepEqual(sent, [0x1f]);
  });

  it('shows the divisor behind DLAB, and nothing is sent there', () => {
    const { write, read, sent } = uart();
    write(IER, 0x05);
    write(LCR, 0x83);
    write(DATA, 0x34);
    write(IER, 0x12);
    assert.deepEqual([read(DATA), read(IER)], [0x34, 0x12]);
    write(LCR, 0x03);
    assert.deepEqual([read(IER), sent], [0x05, []]);
  });

  it('keeps the scratch register and the bits that exist', () => {
    const { write, read } = uart();
    write(SCR, 0xa5);
    write(IER, 0xff);
    write(MCR, 0xff);
    assert.deepEqual([read(SCR), read(IER), read(MCR)], [0xa5, 0x0f, 0x1f]);
  });

  it('says in IIR whether FIFOs are on', () => {
    const { write, read } = uart();
    assert.equal(read(IIR), 0x01);
    write(FCR, 0x01);
    assert.equal(read(IIR), 0xc1);
    write(FCR, 0xc0);
    assert.equal(read(IIR), 0x01);
  });

  it('delivers what comes from outside in order, without limit and without loss', () => {
    for (const fcr of [0, 1]) {
      const { write, receive, drain, read } = uart();
      write(FCR, fcr);
      const text = 'the quick brown fox jumps over the lazy dog'.repeat(20);
      receive(text);
      assert.equal(drain(), text);
      assert.equal(read(LSR), 0x60);
    }
  });

  it('identifies interrupts by priority and withdraws each by its own remedy', () => {
    const { pass, chip, write, read, line } = uart();
    write(FCR, 0x01);
    write(MCR, LOOP | OUT2 | 0x02);
    write(MCR, OUT2);
    chip.receiveBreak();
    write(IER, 0x0f);
    pass(CHARACTER);
    assert.equal(line.raised, true);
    assert.equal(read(IIR), 0xc6, 'receiver line status');
    assert.equal(read(LSR) & 0x99, 0x99);
    assert.equal(read(IIR), 0xc4, 'received data');
    read(DATA);
    assert.equal(read(IIR), 0xc2, 'transmitter empty, withdrawn by this read');
    assert.equal(read(IIR), 0xc0, 'modem status');
    assert.equal(line.raised, true);
    read(MSR);
    assert.equal(read(IIR), 0xc1);
    assert.equal(line.raised, false);
  });

  it('interrupts when the transmitter interrupt is enabled, and after each byte', () => {
    const { write, read, line } = uart();
    write(IER, 0x02);
    assert.equal(line.raised, true);
    assert.equal(read(IIR), 0x02);
    assert.equal(line.raised, false);
    write(IER, 0x02);
    assert.equal(line.raised, false, 'it was enabled already');
    write(DATA, 0x41);
    assert.equal(line.raised, true);
  });

  it('reaches the interrupt line only through OUT2', () => {
    const { write, line } = uart();
    write(MCR, 0);
    write(IER, 0x02);
    assert.equal(line.raised, false);
    write(MCR, OUT2);
    assert.equal(line.raised, true);
  });

  it('waits for the trigger level, or for four character times of silence', () => {
    for (const [bits, level] of [[0x01, 1], [0x41, 4], [0x81, 8], [0xc1, 14]] as const) {
      const { pass, write, read, receive, line } = uart();
      write(FCR, bits);
      write(IER, 0x01);
      receive('x'.repeat(level - 1));
      assert.equal(line.raised, false);
      if (level > 1) {
        pass(4 * CHARACTER - 10);
        assert.equal(read(IIR), 0xc1);
        pass(20);
        assert.equal(read(IIR), 0xcc, 'character timeout');
        read(DATA);
        assert.equal(line.raised, false);
        receive('x');
      }
      receive('x');
      assert.equal(read(IIR), 0xc4);
    }
  });

  it('starts the timeout anew with each character', () => {
    const { pass, write, receive, line } = uart();
    write(FCR, 0x81);
    write(IER, 0x01);
    receive('a');
    pass(3 * CHARACTER);
    receive('b');
    pass(3 * CHARACTER);
    assert.equal(line.raised, false);
    pass(CHARACTER);
    assert.equal(line.raised, true);
  });

  it('loops back data, breaks and modem lines, and cuts the outside off', () => {
    const { pass, write, read, sent, receive, drain, line } = uart();
    write(MCR, LOOP);
    assert.equal(read(MSR), 0x0b, 'CTS, DSR and DCD have fallen');
    write(MCR, LOOP | 0x0f);
    assert.equal(read(MSR), 0xfb);
    write(MCR, LOOP | 0x0b);
    assert.equal(read(MSR), 0xb4, 'the trailing edge of RI');
    write(IER, 0x02);
    assert.equal(line.raised, false, 'OUT2 is inactive outside');
    receive('later');
    write(DATA, 0x55);
    assert.deepEqual([read(LSR), read(DATA), sent], [0x61, 0x55, []]);
    write(LCR, 0x43);
    assert.equal(read(LSR), 0x79);
    assert.equal(read(LSR), 0x61);
    assert.equal(read(DATA), 0);
    write(LCR, 0x03);
    write(MCR, RTS | OUT2);
    pass(CHARACTER);
    assert.equal(drain(), 'later');
  });

  it('overruns in the loopback: the register is overwritten, the FIFO keeps what it has', () => {
    const single = uart();
    single.write(MCR, LOOP);
    single.write(DATA, 0x41, 0x42);
    assert.deepEqual([single.read(LSR), single.read(LSR), single.read(DATA)], [0x63, 0x61, 0x42]);
    const fifo = uart();
    fifo.write(MCR, LOOP);
    fifo.write(FCR, 0x01);
    for (let i = 0; i < 17; i++) fifo.write(DATA, 0x41 + i);
    assert.equal(fifo.read(LSR), 0x63);
    assert.equal(fifo.drain(), 'ABCDEFGHIJKLMNOP');
  });

  it('keeps what is sent before a driver is there: clearing the FIFO loses nothing', () => {
    const { pass, write, read, receive, drain, line } = uart();
    write(MCR, OUT2);
    receive('early');
    write(IER, 0x01);
    for (const enable of [0x07, 0x00, 0x07]) write(FCR, enable);
    assert.deepEqual([read(LSR), read(DATA), line.raised], [0x60, 0, false]);
    pass(CHARACTER - 1);
    write(MCR, RTS | OUT2);
    assert.equal(line.raised, false);
    pass(1);
    assert.equal(drain(), 'early');
  });

  it('sends to who enables the interrupt, or looks again and again, without RTS as well', () => {
    const interrupts = uart(), polls = uart();
    for (const { write, receive } of [interrupts, polls]) {
      write(MCR, OUT2);
      receive('x');
    }
    interrupts.write(IER, 0x01);
    interrupts.pass(CHARACTER);
    assert.deepEqual([interrupts.line.raised, interrupts.drain()], [true, 'x']);
    let looks = 1;
    while ((polls.read(LSR) & 1) === 0) looks++;
    assert.deepEqual([looks, polls.read(DATA)], [16, 0x78]);
  });

  it('clears the receiver on command', () => {
    const { write, read } = uart();
    write(MCR, LOOP);
    write(FCR, 0x01);
    write(DATA, 0x41, 0x42);
    write(FCR, 0x03);
    assert.equal(read(LSR), 0x60);
  });

  it('gives its state back', () => {
    const one = uart();
    one.write(FCR, 0x81);
    one.write(IER, 0x03);
    one.receive('a long line that does not fit into the FIFO');
    const two = uart();
    two.chip.restore(JSON.parse(JSON.stringify(one.chip.save())));
    assert.deepEqual(two.chip.save(), one.chip.save());
    assert.equal(two.drain(), one.drain());
  });
});
