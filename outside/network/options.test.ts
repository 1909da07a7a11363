import assert from 'node:assert/strict';
import { ipv4 } from './addresses.js';
import { NetworkError, readNetwork } from './options.js';

describe('a network that is asked for', () => {
  it('has forwarded ports, in full and with parts left out', () => {
    const { forwards, restrict } = readNetwork('user,hostfwd=tcp:127.0.0.1:8080-10.0.2.20:80,hostfwd=tcp::2222-:22,hostfwd=::0-:7,restrict=on');
    assert.deepEqual(forwards, [
      { address: '127.0.0.1', port: 8080, guest: ipv4('10.0.2.20'), guestPort: 80 }, { address: '127.0.0.1', port: 2222, guest: undefined, guestPort: 22 }, { address: '127.0.0.1', port: 0, guest: undefined, guestPort: 7 },
    ]);
    assert.equal(restrict, true);
  });

  it('gives each card an address of its own', () => {
    assert.deepEqual([...readNetwork('user', 1).address], [0x52, 0x54, 0, 0x12, 0x34, 0x57]);
    assert.deepEqual([...readNetwork('user,mac=02:00:00:aa:BB:cc').address], [2, 0, 0, 0xaa, 0xbb, 0xcc]);
  });

  for (const [given, message] of [
    ['tap', /no network "tap"/], ['user,hostfwd=tcp:8080:80', /"hostfwd=tcp:8080:80" must be as in/], ['user,hostfwd=tcp::70000-:80', /must be as in/], ['user,hostfwd=tcp:300.1.1.1:80-:80', /must be as in/],
    ['user,hostfwd=tcp::1-:0', /must be as in/], ['user,hostfwd=udp::5-:5', /only TCP is forwarded, and this is udp/], ['user,restrict=maybe', /"restrict=maybe" is not understood/], ['user,mac=01:00:00:00:00:00', /of one card/], ['user,smb=/', /"smb=\/" is not understood/],
  ] as const) it(`refuses ${given}`, () => { assert.throws(() => readNetwork(given), (error) => error instanceof NetworkError && message.test(error.message)); });
});
