/** The areas of a process's address space: `struct vm_area_struct`, in a list up to Linux 6.0 and in a maple tree since. */
import { NotReadable, type KernelMemory, type Struct } from './kernel-memory.js';

export interface Area {
  readonly start: bigint;
  /** Exclusive. */
  readonly end: bigint;
  /** As in /proc/PID/maps: `r-xp`. */
  readonly rights: string;
  /** The name of the file that is mapped; empty for anonymous memory. */
  readonly file: string;
}

const MOST_AREAS = 65536;
const VM_READ = 1n, VM_WRITE = 2n, VM_EXEC = 4n, VM_SHARED = 8n;

export function* areasOf(memory: KernelMemory, mm: Struct): Generator<Area> {
  for (const area of mm.has('mm_mt') ? areasOfTree(memory, mm.number('mm_mt.ma_root'), 0) : areasOfList(mm)) {
    const flags = area.number('vm_flags');
    const rights = (flags & VM_READ ? 'r' : '-') + (flags & VM_WRITE ? 'w' : '-') + (flags & VM_EXEC ? 'x' : '-') + (flags & VM_SHARED ? 's' : 'p');
    yield { start: area.number('vm_start'), end: area.number('vm_end'), rights, file: fileName(memory, area) };
  }
}

function fileName(memory: KernelMemory, area: Struct): string {
  const name = area.pointed('vm_file')?.pointed('f_path.dentry')?.inner('d_name');
  return name ? memory.text(name.number('name'), Number(name.number('len'))) : '';
}

function* areasOfList(mm: Struct): Generator<Struct> {
  let count = 0;
  for (let area = mm.pointed('mmap'); area && count < MOST_AREAS; area = area.pointed('vm_next'), count++) yield area;
}

/** Linux, include/linux/maple_tree.h: nodes are aligned to 256 bytes, the bits below hold what they are. */
const NODE_MASK = 0xffn, TYPE_SHIFT = 3n, TYPE_MASK = 15n;
const LEAF = 1n, RANGE = 2n, ALLOCATION_RANGE = 3n;
const DEEPEST = 16;
const isNode = (entry: bigint): boolean => (entry & 3n) === 2n && entry > 4096n;

function* areasOfTree(memory: KernelMemory, entry: bigint, depth: number): Generator<Struct> {
  if (entry === 0n || depth > DEEPEST) return;
  if (!isNode(entry)) {
    if ((entry & 3n) === 0n) yield memory.struct('struct vm_area_struct', entry);
    return;
  }
  const kind = (entry >> TYPE_SHIFT) & TYPE_MASK, address = entry & ~NODE_MASK;
  if (kind !== LEAF && kind !== RANGE && kind !== ALLOCATION_RANGE) throw new NotReadable(`a node of a maple tree has the unknown type ${kind}`);
  const node = memory.struct(kind === ALLOCATION_RANGE ? 'struct maple_arange_64' : 'struct maple_range_64', address);
  const [pivots, slots] = [node.addressOf('pivot'), node.addressOf('slot')], count = Number((slots - pivots) / 8n) + 1;
  for (let index = 0; index < count; index++) {
    const slot = memory.unsigned(slots + BigInt(8 * index));
    if (kind !== LEAF && isNode(slot)) yield* areasOfTree(memory, slot, depth + 1);
    else if (kind === LEAF && slot > 4096n && (slot & 3n) === 0n) yield memory.struct('struct vm_area_struct', slot);
    // A pivot is the last index below its slot; none means that the slots behind it are not used.
    if (index + 1 < count && memory.unsigned(pivots + BigInt(8 * index)) === 0n) return;
  }
}
