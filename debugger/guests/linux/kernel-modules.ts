/** The loaded modules of a Linux kernel: `struct module`, linked from `modules`. */
import type { KernelMemory, Struct } from './kernel-memory.js';
import type { CodeRange } from './kernel-program.js';

export interface KernelModule {
  readonly name: string;
  /** Linear, of its code. */
  readonly base: bigint;
  readonly size: number;
  /** Linear address of its struct module. */
  readonly address: bigint;
  /** All its parts; that for initialization goes when it is done. */
  readonly ranges: readonly CodeRange[];
}

const MOST_MODULES = 4096;
const HEAD = 'modules';
/** Parts of `mem` since Linux 6.4: MOD_TEXT, MOD_DATA, MOD_RODATA, MOD_RO_AFTER_INIT, MOD_INIT_TEXT, … */
const PARTS = 7, CODE_PARTS: readonly number[] = [0, 4];

export function* allModules(memory: KernelMemory): Generator<KernelModule> {
  if (!memory.knows(HEAD)) return;
  for (const module of memory.list(memory.address(HEAD), 'struct module', 'list', MOST_MODULES)) yield readModule(module, memory);
}

function readModule(module: Struct, memory: KernelMemory): KernelModule {
  const parts = module.has('core_layout') ? oldParts(module) : newParts(module, memory);
  const ranges = parts.filter(({ start, end }) => end > start), first = ranges[0];
  return { name: module.text('name'), address: module.address, base: first?.start ?? 0n, size: Number(ranges.reduce((sum, { start, end }) => sum + end - start, 0n)), ranges };
}

function oldParts(module: Struct): CodeRange[] {
  return ['core_layout', 'init_layout'].flatMap((name) => {
    const layout = module.inner(name), start = layout.number('base'), text = start + layout.number('text_size');
    return [{ start, end: text, isCode: true }, { start: text, end: start + layout.number('size'), isCode: false }];
  });
}

function newParts(module: Struct, memory: KernelMemory): CodeRange[] {
  const { size } = memory.record('struct module_memory');
  return Array.from({ length: PARTS }, (_, index) => {
    const part = memory.struct('struct module_memory', module.addressOf('mem') + BigInt(size * index)), start = part.number('base');
    return { start, end: start + part.number('size'), isCode: CODE_PARTS.includes(index) };
  });
}
