import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { compressionOf } from './index.js';

/** Code with many calls, near and far, forwards and backwards, and something that looks like calls. */
function code(): Uint8Array {
  const bytes = new Uint8Array(200_000), view = new DataView(bytes.buffer);
  let seed = 7;
  const random = (below: number): number => (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) % below;
  for (let at = 0; at + 8 < bytes.length; at += 1 + random(9)) {
    bytes[at] = random(4) === 0 ? 0x90 : 0xe8 + random(2);
    view.setInt32(at + 1, random(3) === 0 ? random(2 ** 32) | 0 : random(400_000) - 200_000, true);
  }
  return bytes;
}

const unpack = async (packed: Uint8Array): Promise<Uint8Array> => compressionOf(packed)!.decompress!(Uint8Array.from(packed));
const has = (tool: string): boolean => spawnSync(tool, ['--version']).status === 0;
const pack = (tool: string, args: readonly string[], bytes: Uint8Array): Uint8Array => execFileSync(tool, args, { input: bytes, maxBuffer: 2 ** 26 });

const PLAIN = code();
const LARGE = Uint8Array.from({ length: 9 * 2 ** 20 }, (_, at) => PLAIN[at % PLAIN.length]! ^ (at >>> 20));

describe('compressions', () => {
  it('gzip', async () => {
    assert.deepEqual(await unpack(gzipSync(PLAIN)), PLAIN);
    await assert.rejects(unpack(gzipSync(PLAIN).subarray(0, 1000)));
  });

  const cases: [string, string, readonly string[]][] = [
    ['XZ as Linux kernels use it, with the filter for x86 code', 'xz', ['--check=crc32', '--x86', '--lzma2=dict=1MiB']],
    ['XZ in several filtered blocks', 'xz', ['--check=crc32', '--x86', '--lzma2=dict=64KiB', '--block-size=65536']],
    ['XZ with an offset and without check', 'xz', ['--check=none', '--x86', '--lzma2=preset=1']],
    ['XZ as it is by default', 'xz', []],
    ['Zstandard', 'zstd', ['-q', '-c', '-19']],
    ['LZ4', 'lz4', ['-q', '-l', '-c', '-9', '-']],
  ];
  for (const [what, tool, args] of cases) {
    it(what, async function () {
      if (!has(tool)) this.skip();
      const packed = pack(tool, tool === 'xz' ? ['-c', ...args] : args, PLAIN);
      assert.ok(packed.length < PLAIN.length);
      assert.deepEqual(await unpack(packed), PLAIN);
      for (const length of [20, packed.length >> 1, packed.length - 9]) await assert.rejects(unpack(packed.subarray(0, length)), `${length} bytes`);
    });
  }

  it('LZ4 in several blocks, with the size that Linux appends', async function () {
    if (!has('lz4')) this.skip();
    const packed = pack('lz4', ['-q', '-l', '-c', '-1', '-'], LARGE);
    assert.deepEqual(await unpack(Uint8Array.from([...packed, 0, 0, 0x90, 0])), LARGE);
  });

  it('find a damaged XZ block by its check', async function () {
    if (!has('xz')) this.skip();
    const packed = Uint8Array.from(pack('xz', ['-c', '--check=crc32', '--x86', '--lzma2=preset=0'], PLAIN));
    packed[packed.length >> 1]! ^= 1;
    await assert.rejects(unpack(packed));
  });

  it('are known by name even if they cannot be undone', () => {
    assert.equal(compressionOf(Uint8Array.of(0x42, 0x5a, 0x68, 0x39))!.name, 'bzip2');
    assert.equal(compressionOf(Uint8Array.of(0x42, 0x5a, 0x68, 0x39))!.decompress, undefined);
    assert.equal(compressionOf(Uint8Array.of(1, 2, 3, 4)), undefined);
  });
});
