/** The loaded modules of a Linux kernel: `struct module`, linked from `modules`. */
import type { KernelMemory, Struct } from './kernel-memory.js';

export interface KernelModule {
  readonly name: string;
  /** Linear, of its code. */
  readonly base: bigint;
  readonly size: number;
  /** Linear address of its struct module. */
  readonly address: bigint;
}

const MOST_MODULES = 4096;
const HEAD = 'modules';

export function* allModules(memory: KernelMemory): Generator<KernelModule> {
  if (!memory.knows(HEAD)) return;
  for (const module of memory.list(memory.address(HEAD), 'struct module', 'list', MOST_MODULES)) yield readModule(module, memory);
}

function readModule(module: Struct, memory: KernelMemory): KernelModule {
  const layout = textOf(module, memory);
  return { name: module.text('name'), address: module.address, base: layout.number('base'), size: Number(layout.number('size')) };
}

/** Since Linux 6.4 the parts are elements of `mem`, of which the first (MOD_TEXT) holds the code. */
const textOf = (module: Struct, memory: KernelMemory): Struct => (module.has('core_layout') ? module.inner('core_layout') : memory.struct('struct module_memory', module.addressOf('mem')));
