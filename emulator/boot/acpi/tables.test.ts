import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { acpiTables, acpiWrites, rootPointer } from './tables.js';

const sum = (bytes: Iterable<number>) => [...bytes].reduce((total, byte) => (total + byte) & 0xff, 0);

describe('ACPI tables', () => {
  it('have sums of zero and their lengths, and do not overlap', () => {
    const tables = acpiTables(8);
    for (const { signature, bytes } of tables) {
      assert.equal(new DataView(Uint8Array.from(bytes).buffer).getUint32(4, true), bytes.length, signature);
      if (signature !== 'FACS') assert.equal(sum(bytes), 0, signature);
    }
    const root = rootPointer();
    assert.deepEqual([sum(root.subarray(0, 20)), sum(root)], [0, 0]);
    const writes = acpiWrites(8).sort((a, b) => a.address - b.address);
    for (const [n, { address, bytes }] of writes.entries()) assert.ok(address + bytes.length <= (writes[n + 1]?.address ?? 0x100000));
  });

  it('are understood by the reference disassembler and compile again', function () {
    try { execFileSync('iasl', ['-v'], { stdio: 'ignore' }); }
    catch { this.skip(); }
    const folder = mkdtempSync(path.join(tmpdir(), 'acpi-'));
    try {
      for (const { signature, bytes } of acpiTables(4)) {
        if (signature === 'FACS') continue;
        writeFileSync(path.join(folder, `${signature}.aml`), Uint8Array.from(bytes));
        const said = execFileSync('iasl', ['-d', `${signature}.aml`], { cwd: folder, encoding: 'utf8', stdio: 'pipe' });
        assert.doesNotMatch(said, /error|warning|invalid|fail/i, signature);
      }
      assert.match(execFileSync('iasl', ['-tc', 'DSDT.dsl'], { cwd: folder, encoding: 'utf8', stdio: 'pipe' }), / 0 Errors, 0 Warnings/);
    } finally { rmSync(folder, { recursive: true }); }
  });
});
