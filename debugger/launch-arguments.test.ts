import assert from 'node:assert/strict';
import { FEATURES } from '../emulator/cpu/cpuid.js';
import { readLaunchArguments } from './launch-arguments.js';
import { RequestError } from './request-error.js';

describe('launch arguments', () => {
  it('have defaults', () => {
    assert.deepEqual(readLaunchArguments({ program: 'kernel.elf', type: 'ringside', name: 'Boot' }), {
      program: 'kernel.elf', memoryBytes: undefined, cpus: 1, features: FEATURES, seed: 0, quantum: 10_000, nanosecondsPerInstruction: 1, devices: { disks: [], networks: [], shares: [] }, commandLine: '', initrd: undefined, protocol: undefined, modules: [], symbols: [], stopOnEntry: true, stopInInterrupts: false, noDebug: false,
    });
  });

  it('take a Linux kernel with its initrd', () => {
    const { program, initrd, commandLine, memoryBytes, protocol } = readLaunchArguments({ kernel: 'vmlinuz', initrd: 'initrd.gz', args: 'quiet', memory: 512, boot: 'bzimage' });
    assert.deepEqual({ program, initrd, commandLine, memoryBytes, protocol }, { program: 'vmlinuz', initrd: 'initrd.gz', commandLine: 'quiet', memoryBytes: 512 << 20, protocol: 'bzimage' });
  });

  it('take devices as the command line does', () => {
    const { devices, quantum, nanosecondsPerInstruction } = readLaunchArguments({ program: 'a', disks: ['d.img,write'], net: ['user,hostfwd=tcp::8080-:80', 'user'], share: ['/f,tag'], quantum: 500, nanoseconds: 8 });
    assert.deepEqual([devices.disks, devices.networks.map(({ forwards }) => forwards.length), devices.shares, quantum, nanosecondsPerInstruction], [['d.img,write'], [1, 0], [{ folder: '/f', tag: 'tag', writable: false }], 500, 8]);
  });

  it('read symbols of both worlds', () => {
    const { symbols } = readLaunchArguments({ program: 'a', symbols: [{ file: 'a' }, { file: 'b', world: 'guest', base: '0xFFFFFFFF80000000' }] });
    assert.deepEqual(symbols, [{ file: 'a', world: 'host', base: 0n }, { file: 'b', world: 'guest', base: 0xffffffff80000000n }]);
  });

  for (const [given, message] of [
    [undefined, 'A launch configuration must be an object with at least "program".'],
    [{}, '"program" is missing: name the file that the machine shall boot.'],
    [{ program: 'a', kernel: 'b' }, '"program" and "kernel" both name what the machine shall boot: leave one out.'],
    [{ program: 'a', boot: 'efi' }, '"boot" must be one of "multiboot1", "multiboot2", "pvh", "bzimage", "bzimage32", not "efi".'],
    [{ program: 5 }, '"program" must be text, not 5.'],
    [{ program: 'a', memory: '64M' }, '"memory" must be a whole number from 2 to 3072 (mebibytes), not "64M".'],
    [{ program: 'a', memory: 0 }, '"memory" must be a whole number from 2 to 3072 (mebibytes), not 0.'],
    [{ program: 'a', cpus: 1.5 }, '"cpus" must be a whole number from 1 to 16, not 1.5.'],
    [{ program: 'a', cpu: 'x86-64-v7' }, '"cpu": There is no processor model "x86-64-v7"; is "x86-64-v3" meant?'],
    [{ program: 'a', seed: -1 }, '"seed" must be a whole number from 0 to 4294967295, not -1.'],
    [{ program: 'a', disks: 'd.img' }, '"disks" must be a list, not "d.img".'],
    [{ program: 'a', disks: [''] }, '"disks[0]" must be the name of a file, not "".'],
    [{ program: 'a', net: ['bridge'] }, '"net[0]": there is no network "bridge": only "user" is there, as in user,hostfwd=tcp::8080-:80.'],
    [{ program: 'a', share: ['folder'] }, '"share[0]" must be a folder and a tag, as in "folder,tag" or "folder,tag,write", not "folder".'],
    [{ program: 'a', quantum: 0 }, '"quantum" must be a whole number from 1 to 1000000, not 0.'],
    [{ program: 'a', nanoseconds: 2000 }, '"nanoseconds" must be a whole number from 1 to 1000, not 2000.'],
    [{ program: 'a', args: ['x'] }, '"args" must be text, not ["x"].'],
    [{ program: 'a', modules: 'x' }, '"modules" must be a list, not "x".'],
    [{ program: 'a', modules: [null] }, '"modules[0]" must be the name of a file, not null.'],
    [{ program: 'a', symbols: {} }, '"symbols" must be a list, not {}.'],
    [{ program: 'a', symbols: ['x'] }, '"symbols[0]" must be an object such as { "file": "guest.elf", "world": "guest" }, not "x".'],
    [{ program: 'a', symbols: [{ world: 'guest' }] }, '"symbols[0].file" is missing: it must be the name of an ELF file.'],
    [{ program: 'a', symbols: [{ file: 'x', world: 'Guest' }] }, '"symbols[0].world" must be "host" or "guest", not "Guest".'],
    [{ program: 'a', symbols: [{ file: 'x', base: 4096 }] }, '"symbols[0].base" must be hexadecimal text such as "0x200000", not 4096.'],
    [{ program: 'a', symbols: [{ file: 'x', bse: '0x0' }] }, '"symbols[0]" may hold "file", "world" and "base", but not "bse".'],
    [{ program: 'a', stopOnEntry: 'yes' }, '"stopOnEntry" must be true or false, not "yes".'],
  ] as const) {
    it(`refuse ${JSON.stringify(given)}`, () => {
      assert.throws(() => readLaunchArguments(given), (error) => error instanceof RequestError && error.message === message);
    });
  }
});
