import assert from 'node:assert/strict';
import { HostBridge } from './bridges.js';

describe('the host bridge', () => {
  const at = (bridge: HostBridge, address: number) => bridge.attributeAreas.filter(({ base, end }) => base <= address && address < end).map(({ reads, writes }) => [reads, writes]);

  it('covers everything from 768 KiB to 1 MiB with attributes, once', () => {
    const areas = [...new HostBridge(() => undefined).attributeAreas].sort((a, b) => a.base - b.base);
    assert.deepEqual([areas.length, areas[0]!.base, areas.at(-1)!.end], [13, 0xc0000, 0x100000]);
    for (let n = 1; n < areas.length; n++) assert.equal(areas[n]!.base, areas[n - 1]!.end);
    assert.ok(areas.every(({ reads, writes }) => !reads && !writes));
  });

  it('lets reads and writes through by themselves', () => {
    let told = 0;
    const bridge = new HostBridge(() => { told++; });
    bridge.write(0x90, 1, 0x2f);
    bridge.write(0x91, 1, 0x31);
    bridge.write(0x96, 1, 0x10);
    assert.deepEqual([0xf0000, 0xc0000, 0xc4000, 0xe8000, 0xec000].map((address) => at(bridge, address)[0]), [[false, true], [true, false], [true, true], [false, false], [true, false]]);
    assert.deepEqual([bridge.read(0x90, 1), told], [0x20, 3]);
  });

  it('has configuration space where, and as long as, PCIEXBAR says', () => {
    const bridge = new HostBridge(() => undefined);
    assert.equal(bridge.configurationWindow, undefined);
    bridge.write(0x60, 4, 0xb0000003);
    assert.deepEqual(bridge.configurationWindow, { base: 0xb0000000, size: 0x8000000 });
  });
});
