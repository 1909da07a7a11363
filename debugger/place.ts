/** Where a processor stands: which world, which mode, which instruction, which stack. */
import { CS, S, SS } from '../emulator/cpu/layout.js';
import type { Processor } from '../emulator/cpu/processor.js';
import type { World } from './launch-arguments.js';

const CS_DEFAULT_BIT = 1 << 14;

export const worldOf = (cpu: Processor): World => (cpu.nonRoot ? 'guest' : 'host');

export const linearRip = (cpu: Processor): number => (cpu.code64 ? cpu.rip : (cpu.base(CS) + cpu.rip) % 2 ** 32);

export function linearStackPointer(cpu: Processor): number {
  if (cpu.code64) return cpu.regNumber(4);
  const wide = (cpu.attributes(SS) & CS_DEFAULT_BIT) !== 0;
  return (cpu.base(SS) + (wide ? cpu.reg32(4) : cpu.reg32(4) & 0xffff)) % 2 ** 32;
}

/** Operand and address size of the code being run. */
export const codeBits = (cpu: Processor): 16 | 32 | 64 => (cpu.code64 ? 64 : (cpu.attributes(CS) & CS_DEFAULT_BIT) !== 0 ? 32 : 16);

function mode(cpu: Processor): string {
  if (!cpu.protectedMode) return '16-bit real mode';
  if (cpu.virtual8086) return 'virtual-8086 mode';
  const bits = codeBits(cpu);
  return cpu.longMode && bits !== 64 ? `${bits}-bit compatibility mode` : `${bits}-bit`;
}

/** The name of the thread that stands for a processor. */
export function describeProcessor(cpu: Processor): string {
  const vmx = cpu.u32[S.vmxOn >> 2] === 0 ? [] : [cpu.nonRoot ? 'VMX non-root' : 'VMX root'];
  const ring = cpu.protectedMode ? [`ring ${cpu.cpl}`] : [];
  return [`CPU ${cpu.id}`, mode(cpu), ...ring, ...vmx].join(' · ');
}

/** What tells one activation of a function from another: a step knows its own by it. */
export interface Place {
  readonly cpu: number;
  readonly world: World;
  /** Physical address of the current VMCS: which guest it is. */
  readonly vmcs: bigint;
  readonly rip: number;
  readonly stack: number;
}

export const placeOf = (cpu: Processor): Place => ({ cpu: cpu.id, world: worldOf(cpu), vmcs: cpu.big(S.currentVmcs), rip: linearRip(cpu), stack: linearStackPointer(cpu) });

/** Both on stacks of the same world: the guest's stack says nothing about the hypervisor's. */
export const sameWorld = (one: Place, other: Place): boolean => one.cpu === other.cpu && one.world === other.world && (one.world === 'host' || one.vmcs === other.vmcs);
