import assert from 'node:assert/strict';
import { SerialOutput } from './serial-output.js';

describe('serial output', () => {
  const make = () => {
    const written: string[] = [];
    const clock = { now: 0 };
    const serial = new SerialOutput((text) => written.push(text), () => clock.now);
    const send = (text: string): void => { for (const byte of new TextEncoder().encode(text)) serial.byte(byte); };
    return { serial, send, written, clock };
  };

  it('comes in whole lines, without carriage returns', () => {
    const { send, written } = make();
    send('one\r\ntwo\nthr');
    assert.deepEqual(written, ['one\n', 'two\n']);
  });

  it('shows a prompt that nothing follows', () => {
    const { serial, send, written, clock } = make();
    send('login: ');
    clock.now = 100;
    serial.serve();
    assert.deepEqual(written, []);
    clock.now = 200;
    serial.serve();
    assert.deepEqual(written, ['login: ']);
  });

  it('shows everything when the machine stops, and knows characters of several bytes', () => {
    const { serial, send, written } = make();
    send('für');
    serial.flush();
    assert.deepEqual(written, ['für']);
  });
});
