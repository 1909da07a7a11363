/** What the processor reads in the TSS without a task switch. SDM Vol. 3, "Task-State Segment (TSS)". */
import { read16, read32, read8, readNumber } from '../paging/access.js';
import { selectorFault, TYPE } from './descriptors.js';
import { Exception, VECTORS } from './events.js';
import { TR } from './layout.js';
import { canonical, systemLinear } from './modes.js';
import type { Processor } from './processor.js';

const TS = VECTORS['#TS'];
const IO_MAP_BASE = 0x66, REDIRECTION_BYTES = 32;

/** Whether TR holds a 16-bit TSS. */
export const tss16 = (cpu: Processor): boolean => (cpu.attributes(TR) & 15 & ~2) === TYPE.TSS16;

function field(cpu: Processor, offset: number, bytes: number, external: number, what: string): number {
  if (offset + bytes - 1 > cpu.limit(TR)) throw selectorFault(TS, cpu.selector(TR), external, `${what} lies outside the TSS`);
  return systemLinear(cpu, cpu.base(TR), offset);
}

/** Stack segment selector and pointer of a privilege level. */
export function innerStack(cpu: Processor, level: number, external: number): { selector: number; pointer: number } {
  if (tss16(cpu)) {
    const at = field(cpu, 4 * level + 2, 4, external, `the stack of level ${level}`);
    return { pointer: read16(cpu, at, true), selector: read16(cpu, at + 2, true) };
  }
  const at = field(cpu, 8 * level + 4, 6, external, `the stack of level ${level}`);
  return { pointer: read32(cpu, at, true), selector: read16(cpu, at + 4, true) };
}

/** RSPn, or an IST entry (1–7), of the 64-bit TSS. */
export function innerStack64(cpu: Processor, level: number, ist: number, external: number): number {
  const what = ist ? `IST${ist}` : `RSP${level}`;
  const pointer = readNumber(cpu, field(cpu, ist ? 28 + 8 * ist : 4 + 8 * level, 8, external, what), true);
  if (!canonical(pointer)) throw new Exception(VECTORS['#SS'], external, 0, `${what} in the TSS is not canonical`);
  return pointer;
}

/** The I/O permission bit map: whether all bits of these ports are 0. SDM Vol. 1, "I/O Permission Bit Map". */
export function portsPermitted(cpu: Processor, port: number, bytes: number): boolean {
  const limit = cpu.limit(TR), base = cpu.base(TR);
  if (tss16(cpu) || IO_MAP_BASE + 1 > limit) return false;
  const at = read16(cpu, systemLinear(cpu, base, IO_MAP_BASE), true) + (port >>> 3);
  if (at + 1 > limit) return false;
  const bits = read16(cpu, systemLinear(cpu, base, at), true) >>> (port & 7);
  return (bits & ((1 << bytes) - 1)) === 0;
}

/** The bit of a vector in the software interrupt redirection bit map, which ends where the I/O permission bit map begins. SDM Vol. 3, "Software Interrupt Redirection Bit Map". */
export function redirectionBit(cpu: Processor, vector: number): boolean {
  const limit = cpu.limit(TR), base = cpu.base(TR), outside = (): Exception => new Exception(VECTORS['#GP'], 0, 0, 'the software interrupt redirection bit map lies outside the TSS');
  if (tss16(cpu) || IO_MAP_BASE + 1 > limit) throw outside();
  const at = read16(cpu, systemLinear(cpu, base, IO_MAP_BASE), true) - REDIRECTION_BYTES + (vector >>> 3);
  if (at < 0 || at > limit) throw outside();
  return (read8(cpu, systemLinear(cpu, base, at), true) >>> (vector & 7) & 1) !== 0;
}
