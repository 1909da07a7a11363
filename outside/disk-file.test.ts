import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DiskFile } from './disk-file.js';

describe('the file of a disk', () => {
  let folder: string, file: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'ringside-'));
    file = path.join(folder, 'disk.img');
    await writeFile(file, new Uint8Array(5 * 1024).fill(1));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is written only when that is asked for', async () => {
    for (const [given, expected] of [[file, 1], [`${file},readonly`, 1], [`${file},write`, 7]] as const) {
      const opened = await DiskFile.open(given);
      opened.disk.write(4608, new Uint8Array(512).fill(7));
      await opened.close();
      const bytes = await readFile(file);
      assert.deepEqual([bytes.length, bytes[4607], bytes[4608], bytes[5119]], [5120, 1, expected, expected]);
    }
  });

  it('follows the disk back to where it was', async () => {
    const opened = await DiskFile.open(`${file},write`), before = opened.disk.save();
    opened.disk.write(0, new Uint8Array(512).fill(7));
    await opened.save();
    assert.equal((await readFile(file))[0], 7);
    opened.disk.restore(before);
    await opened.close();
    assert.deepEqual([(await readFile(file))[0], (await readFile(file)).length], [1, 5120]);
  });

  it('says what is wrong', async () => {
    assert.equal((await DiskFile.open(`${file},readonly`)).disk.readOnly, true);
    await assert.rejects(DiskFile.open(path.join(folder, 'none.img,write')), /none\.img: there is no such file; correct the path/);
    await writeFile(file, new Uint8Array(100));
    await assert.rejects(DiskFile.open(file), /disk\.img: a disk has whole sectors of 512 bytes, and this file 100 bytes/);
  });
});
