import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { BadImage } from '../emulator/boot/index.js';
import { bytesOf, bzImage, cpio, elf, note } from '../emulator/boot/test-images.js';
import { planBoot, type BootFiles } from './boot-files.js';

const CODE = Uint8Array.of(0xf4, 0xeb, 0xfd);
const ENTRY = note('Xen', 18, Uint8Array.of(0, 0, 0, 1));
const vmlinux = (notes: Uint8Array) => elf({ bits: 64, entry: 0x1000000n, segments: [{ virtual: 0x1000000n, bytes: CODE, memorySize: 0x1000n }, { type: 4, virtual: 0n, bytes: notes }] });
const ARCHIVE = cpio({ init: CODE });

const files: Record<string, Uint8Array> = {
  vmlinuz: bzImage({ payload: gzipSync(vmlinux(ENTRY)) }),
  'without-pvh': bzImage({ payload: gzipSync(vmlinux(note('Xen', 5, CODE))) }),
  bzip2: bzImage({ payload: bytesOf([0x42, 0x5a, 0x68, 0x39], new Uint8Array(40)) }),
  unknown: bzImage({ payload: bytesOf([1, 2, 3, 4], new Uint8Array(40)) }),
  damaged: bzImage({ payload: gzipSync(vmlinux(ENTRY)).fill(0xff, 30, 40) }),
  memtest: bzImage(),
  initrd: ARCHIVE,
  'initrd.gz': gzipSync(ARCHIVE),
  microcode: bytesOf(cpio({ 'kernel/x86': CODE }), gzipSync(ARCHIVE)),
  ext2: bytesOf(new Uint8Array(0x438), [0x53, 0xef], new Uint8Array(100)),
  cut: gzipSync(ARCHIVE).subarray(0, 60),
  short: ARCHIVE.subarray(0, 118),
  text: new TextEncoder().encode('no archive'),
  'text.gz': gzipSync('no archive'),
  'hello world': CODE,
};
const host = {
  readFile: (name: string) => (files[name] ? Promise.resolve(files[name]) : Promise.reject(new Error(`${name}: no such file`))),
  exists: (name: string) => Promise.resolve(name in files),
};
const plan = (program: string, more: Partial<BootFiles> = {}) => planBoot({ program, memoryBytes: undefined, commandLine: '', initrd: undefined, modules: [], protocol: undefined, ...more }, host);

describe('booting files', () => {
  it('unpacks a Linux kernel and enters it by PVH, with memory for it', async () => {
    const { plan: { kind, entry, notes }, memoryBytes, bytes } = await plan('vmlinuz');
    assert.deepEqual([kind, entry.rip, notes, memoryBytes], ['PVH', 0x1000000n, [], 256 * 2 ** 20]);
    assert.deepEqual(bytes, vmlinux(ENTRY), 'the kernel itself has the symbols');
  });

  it('lets it unpack itself if it is asked to, or has to', async () => {
    assert.equal((await plan('vmlinuz', { protocol: 'bzimage' })).plan.kind, 'Linux bzImage, 64-bit');
    assert.equal((await plan('vmlinuz', { protocol: 'bzimage32' })).plan.kind, 'Linux bzImage, 32-bit');
    for (const name of ['without-pvh', 'memtest']) assert.deepEqual((({ plan: { kind, notes } }) => [kind, notes])(await plan(name)), ['Linux bzImage, 64-bit', []]);
    assert.deepEqual((await plan('bzip2')).plan.notes, ['not implemented: bzip2; the kernel unpacks itself, which takes longer']);
  });

  it('says which kernel cannot be unpacked, and why', async () => {
    await assert.rejects(plan('unknown'), { name: 'BadImage', message: 'unknown: the kernel in it is packed in a way that is not known (it begins with 0x1 0x2 0x3 0x4); let it unpack itself, by --boot bzimage.' });
    await assert.rejects(plan('damaged'), /^BadImage: damaged: the kernel in it, packed by gzip, cannot be unpacked \(.*\); the file is truncated or corrupt/);
  });

  it('takes what Linux takes for an initrd', async () => {
    for (const initrd of ['initrd', 'initrd.gz', 'microcode', 'ext2']) assert.equal((await plan('vmlinuz', { initrd })).plan.kind, 'PVH', initrd);
  });

  it('refuses an initrd that Linux would complain of', async () => {
    const cases: [string, RegExp][] = [
      ['cut', /^cut: the archive, packed by gzip, cannot be unpacked/], ['short', /^short: its cpio archive ends within/], ['text', /^text: it is neither a cpio archive, plain or compressed, nor a file system/],
      ['text.gz', /^text\.gz: what gzip has packed in it is no cpio archive/],
    ];
    for (const [initrd, message] of cases) await assert.rejects(plan('vmlinuz', { initrd }), (error) => error instanceof BadImage && message.test(error.message));
  });

  it('finds the command line behind the name of a module', async () => {
    await assert.rejects(plan('memtest', { modules: ['initrd with words', 'hello world'] }), /takes one initrd, but hello world comes after it/);
    await assert.rejects(plan('memtest', { modules: ['nothing here'] }), /^Error: nothing: no such file/);
  });
});
