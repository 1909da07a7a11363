/** The programs of guest/: compiled on first use, run, and what they print. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadImage } from '../../emulator/boot/index.js';
import { start } from '../machine/guests.js';

/** By the files with their cases: protected mode and virtual-8086 mode, 64-bit mode, and what systems seldom use. */
export const PROGRAMS = ['cases32', 'cases64', 'modes32'] as const;
export type Program = (typeof PROGRAMS)[number];
type Bits = 32 | 64;
export const bitsOf = (program: Program): Bits => (program.endsWith('64') ? 64 : 32);

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, 'guest'), cache = join(here, '..', '..', '.cache', 'system');
const FLAGS = ['-O1', '-ffreestanding', '-fno-pic', '-fno-pie', '-fno-stack-protector', '-fno-asynchronous-unwind-tables', '-nostdlib', '-static', '-fcf-protection=none', '-mgeneral-regs-only', '-Wall', '-Wextra',
  '-Wl,--build-id=none', '-Wl,-z,max-page-size=4096', '-Wl,--no-warn-rwx-segments', '-Wl,-z,noexecstack', `-Wl,-T,${join(source, 'link.ld')}`];
const WIDTH: Readonly<Record<Bits, readonly string[]>> = { 32: ['-m32'], 64: ['-m64', '-mno-red-zone', '-mcmodel=small'] };
const MEMORY_BYTES = 32 << 20, MOST_INSTRUCTIONS = 20_000_000;

function run(program: string, args: readonly string[], packages: string): void {
  const done = spawnSync(program, args, { encoding: 'utf8' });
  if (done.error !== undefined) throw new Error(`${program} is needed; install Debian's package ${packages}`, { cause: done.error });
  if (done.status !== 0) throw new Error(`${program} failed:\n${done.stderr}`);
}

/** Its multiboot image. */
export function program(name: Program): string {
  const bits = bitsOf(name), elf = join(cache, `${name}.elf`), files = readdirSync(source).map((file) => join(source, file));
  const built = statSync(elf, { throwIfNoEntry: false });
  if (built !== undefined && built.mtimeMs >= Math.max(...files.map((file) => statSync(file).mtimeMs))) return elf;
  mkdirSync(cache, { recursive: true });
  const parts = [`start${bits}.S`, 'print.c', ...(bits === 32 ? ['world32.c'] : []), `${name}.c`].map((file) => join(source, file));
  run('gcc', [...FLAGS, ...WIDTH[bits], ...parts, '-o', `${elf}.native`], 'gcc');
  run('objcopy', ['-O', 'elf32-i386', `${elf}.native`, elf], 'binutils');
  return elf;
}

/** What our machine prints for it, a line for each case. */
export function onRingside(name: Program): string[] {
  const elf = program(name);
  const plan = loadImage({ name: elf, bytes: readFileSync(elf), memoryBytes: MEMORY_BYTES, args: '', modules: [] });
  const { machine, output } = start({ name: elf, memoryBytes: MEMORY_BYTES, plan });
  const stop = machine.run(MOST_INSTRUCTIONS);
  if (stop.kind !== 'exit') throw new Error(`the program ended with ${JSON.stringify(stop)} after:\n${output()}`);
  return output().split('\n').filter(Boolean);
}

/** What a case came to does not depend on where the linker puts things: addresses of the program are left out. */
export const withoutAddresses = (line: string): string => line.replace(/ cr2 \S+$/, '').replace(/ ip -?[0-9a-f]{4,}/, ' ip elsewhere').replace(/ sp -?[0-9a-f]{5,}/, ' sp elsewhere');

export const expectedLines = (name: Program): string[] => readFileSync(join(here, 'expected', `${name}.txt`), 'utf8').split('\n').filter(Boolean);
