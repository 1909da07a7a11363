import { strict as assert } from 'node:assert';
import { Bus } from '../memory/bus.js';
import { ExitPort } from './exit-port.js';

describe('exit port', () => {
  it('hands the byte on, also from a wide write', () => {
    const codes: number[] = [];
    const bus = new Bus('port');
    bus.attach(0xf4, 1, new ExitPort((byte) => codes.push(byte)));
    bus.write(0xf4, 1, 3);
    bus.write(0xf4, 4, 0x12345678);
    assert.deepEqual(codes, [3, 0x78]);
  });
});
