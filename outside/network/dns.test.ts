import assert from 'node:assert/strict';
import { answerDns, type Resolver } from './dns.js';

const resolver: Resolver = {
  addresses: (name, version) => name === 'broken.example' ? Promise.reject(new Error('nobody answers')) : Promise.resolve(name !== 'host.example' ? [] : version === 4 ? ['192.0.2.1', '192.0.2.2'] : ['2001:db8::1:ff', '::ffff:192.0.2.1']),
  names: (address) => Promise.resolve(address === '192.0.2.1' ? ['host.example'] : []),
};
const label = (name: string): number[] => [...name.split('.'), ''].flatMap((part) => [part.length, ...Buffer.from(part)]);
const query = (name: string, type: number): Uint8Array => Uint8Array.from([0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...label(name), 0, type, 0, 1]);
/** Its code, and the data of its answers. */
async function ask(bytes: Uint8Array) {
  const answer = Buffer.from((await answerDns(bytes, resolver))!);
  assert.deepEqual([answer.readUInt16BE(0), answer[2]! & 0x80], [0x1234, 0x80]);
  const data: string[] = [];
  for (let at = bytes.length, n = answer.readUInt16BE(6); n > 0; n--) {
    const length = answer.readUInt16BE(at + 10);
    assert.equal(answer.readUInt16BE(at), 0xc00c);
    data.push(answer.subarray(at + 12, at + 12 + length).toString('hex'));
    at += 12 + length;
  }
  return [answer[3]! & 15, ...data];
}

describe('the name server', () => {
  it('gives addresses of both versions, and names', async () => {
    assert.deepEqual(await ask(query('host.example', 1)), [0, 'c0000201', 'c0000202']);
    assert.deepEqual(await ask(query('host.example', 28)), [0, '20010db80000000000000000000100ff', '00000000000000000000ffffc0000201']);
    assert.deepEqual(await ask(query('1.2.0.192.in-addr.arpa', 12)), [0, Buffer.from(label('host.example')).toString('hex')]);
  });

  it('says what there is not, what failed, and what it cannot do', async () => {
    assert.deepEqual(await ask(query('none.example', 1)), [3]);
    assert.deepEqual(await ask(query('9.2.0.192.in-addr.arpa', 12)), [3]);
    assert.deepEqual(await ask(query('broken.example', 1)), [2]);
    assert.deepEqual(await ask(query('host.example', 15)), [4]);
  });

  it('takes no harm from what is no query', async () => {
    assert.equal(await answerDns(new Uint8Array(5), resolver), undefined);
    const cut = query('host.example', 1);
    for (let length = 12; length < cut.length; length++) assert.deepEqual(await ask(cut.subarray(0, length)), [1]);
    const response = query('host.example', 1);
    response[2] = 0x80;
    assert.equal(await answerDns(response, resolver), undefined);
  });
});
