import { strict as assert } from 'node:assert';
import { FwCfg } from './fw-cfg.js';

function board() {
  const bytes = new Uint8Array(4096);
  const memory = { read: (address: number, count: number) => bytes.slice(address, address + count), write: (address: number, written: Uint8Array) => { bytes.set(written, address); } };
  return { bytes, view: new DataView(bytes.buffer), fwCfg: new FwCfg(64 << 20, 4, memory) };
}
const read = (fwCfg: FwCfg, key: number, count: number): number[] => {
  fwCfg.write(0, 2, key);
  return Array.from({ length: count }, () => fwCfg.read(1, 1));
};

describe('FwCfg', () => {
  it('says what it is, how much memory and how many processors there are', () => {
    const { fwCfg } = board();
    assert.equal(String.fromCharCode(...read(fwCfg, 0, 4)), 'QEMU');
    assert.deepEqual(read(fwCfg, 1, 5), [3, 0, 0, 0, 0]);
    assert.deepEqual(read(fwCfg, 3, 8), [0, 0, 0, 4, 0, 0, 0, 0]);
    assert.deepEqual(read(fwCfg, 5, 2), [4, 0]);
    assert.deepEqual(read(fwCfg, 0x8888, 2), [0, 0]);
  });

  it('transfers by DMA, and says when it cannot', () => {
    const { fwCfg, bytes, view } = board();
    assert.equal(fwCfg.read(4, 4), 0x554d4551);
    view.setUint32(0x100, 0x0005_000a);
    view.setUint32(0x104, 4);
    view.setUint32(0x10c, 0x200);
    fwCfg.write(4, 4, 0);
    fwCfg.write(8, 4, 0x00010000);
    assert.deepEqual([...bytes.subarray(0x200, 0x204)], [4, 0, 0, 0]);
    assert.equal(view.getUint32(0x100), 0);
    view.setUint32(0x100, 0x10);
    fwCfg.write(8, 4, 0x00010000);
    assert.equal(view.getUint32(0x100), 1);
  });
});
