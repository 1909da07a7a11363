import { strict as assert } from 'node:assert';
import { acpiFiles } from './loader.js';
import { acpiWrites } from './tables.js';

/** Does what firmware does: with the tables at one place, and the root pointer at another. */
function load(at: Readonly<Record<string, number>>): Map<string, Uint8Array> {
  const files = new Map(acpiFiles(4, 0xe0000000).map(({ name, bytes }) => [name, bytes.slice()]));
  const script = files.get('etc/table-loader')!;
  for (let n = 0; n < script.length; n += 128) {
    const view = new DataView(script.buffer, n, 128), name = (from: number) => new TextDecoder().decode(script.subarray(n + from, n + from + 56)).replace(/\0.*/s, '');
    const file = files.get(name(4))!, number = view.getUint32(0, true);
    if (number === 2) {
      const base = at[name(60)]!, offset = view.getUint32(116, true), size = view.getUint8(120), target = new DataView(file.buffer);
      if (size === 8) target.setBigUint64(offset, target.getBigUint64(offset, true) + BigInt(base), true);
      else target.setUint32(offset, target.getUint32(offset, true) + base, true);
    } else if (number === 3) {
      const [offset, start, length] = [60, 64, 68].map((field) => view.getUint32(field, true)) as [number, number, number];
      assert.equal(file[offset], 0);
      file[offset] = -file.subarray(start, start + length).reduce((sum, byte) => sum + byte, 0);
    }
  }
  return files;
}

describe('the ACPI tables as files', () => {
  it('are what they are in memory, once they are loaded there', () => {
    const files = load({ 'etc/acpi/rsdp': 0xe0000, 'etc/acpi/tables': 0xe0000 }), tables = files.get('etc/acpi/tables')!;
    for (const { address, bytes } of acpiWrites(4)) {
      const loaded = address === 0xe0000 ? files.get('etc/acpi/rsdp')! : tables.subarray(address - 0xe0000, address - 0xe0000 + bytes.length);
      assert.deepEqual([...loaded], [...bytes], address.toString(16));
    }
  });
});
