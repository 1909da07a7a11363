/** Instructions that identify, time and halt the processor, or govern its caches, TLBs, interrupts and MSRs. SDM Vol. 3, "Summary of System Instructions". */
import { type Sentence, TRAP } from './trap-events.js';
import { cpuid } from './cpuid.js';
import { type Abandon, Exception, leaveIf, VECTORS } from './events.js';
import { AC, getRflags, IF, IOPL, setRflags, RF, VIF, VIP, VM } from './flags.js';
import { flagsFromImage } from './interrupt-return.js';
import { S } from './layout.js';
import { ACTIVITY, BLOCKING, canonical, CR0, CR4, setRflagsBits } from './modes.js';
import { MONITOR_OPERATIONS } from './monitor.js';
import { readMsr, timeStampCounter, writeMsr } from './msrs.js';
import type { Operations } from './operations.js';
import type { Processor } from './processor.js';
import { PROTECTION_KEY_OPERATIONS } from './protection-keys.js';
import { segmentNumber, unchecked } from './references.js';
import { demandLevel0 } from './system-registers.js';
import { VIRTUAL_INTERRUPT_OPERATIONS, withheld, withVif } from './virtual-interrupts.js';

const UD = VECTORS['#UD'], GP = VECTORS['#GP'];
const RAX = 0, RCX = 1, RDX = 2, RBX = 3;
const LOW = 0xffffffffn;

/** Privileged instructions that here only ask for a VM exit: there are no caches to write back. */
const privileged = (name: string) => (cpu: Processor): Abandon | undefined => {
  demandLevel0(cpu, name);
  return cpu.intercepts.instruction(cpu, name);
};

const HALT_ENABLED: Sentence = () => 'HLT with interrupts enabled.', HALT_DISABLED: Sentence = () => 'HLT with interrupts disabled.';

function halt(cpu: Processor): Abandon | undefined {
  const exited = privileged('HLT')(cpu);
  if (exited) return exited;
  cpu.u32[S.monitor >> 2] = 0;
  cpu.activity = ACTIVITY.HLT;
  cpu.observer.raise(TRAP.halt, [cpu.rip], (cpu.low(S.rflags) & IF) !== 0 ? HALT_ENABLED : HALT_DISABLED);
}

/** Only when it changes IF: then the next instruction still runs without interrupts. */
function sti(cpu: Processor): void {
  if ((cpu.low(S.rflags) & IOPL) >> 12 < cpu.cpl) throw new Exception(GP, 0, 0, 'STI: CPL is greater than IOPL');
  setRflagsBits(cpu, 0, IF);
  cpu.interruptibility |= BLOCKING.STI;
}

/** Arguments: image, operand bytes. */
function popf(cpu: Processor): void {
  const image = cpu.argumentLow(0), bytes = cpu.argumentLow(1) as 2 | 4 | 8;
  const flags = flagsFromImage(cpu, image, bytes, cpu.cpl);
  const kept = VIF | VIP | VM, old = getRflags(cpu), popped = (flags & ~kept & ~RF) | (old & (bytes === 2 || cpu.virtual8086 ? kept : VM));
  setRflags(cpu, withheld(cpu) ? withVif(popped, image) : popped);
  cpu.modeChanged();
}

function setAc(cpu: Processor, set: boolean): void {
  if (cpu.cpl !== 0) throw new Exception(UD, 0, 0, 'CLAC or STAC at a CPL other than 0');
  setRflagsBits(cpu, AC, set ? AC : 0);
  cpu.modeChanged();
}

function setEdxEax(cpu: Processor, value: bigint): void {
  cpu.setReg32(RAX, Number(value & LOW));
  cpu.setReg32(RDX, Number(value >> 32n));
}

function checkTsc(cpu: Processor, name: string): void {
  if (cpu.cr4 & CR4.TSD && cpu.protectedMode && cpu.cpl !== 0) throw new Exception(GP, 0, 0, `${name} with CR4.TSD at CPL ${cpu.cpl}`);
  leaveIf(cpu.intercepts.instruction(cpu, name));
}

function rdmsr(cpu: Processor): void {
  demandLevel0(cpu, 'RDMSR');
  const index = cpu.reg32(RCX);
  setEdxEax(cpu, cpu.intercepts.readMsr(cpu, index) ?? readMsr(cpu, index));
}
function wrmsr(cpu: Processor): void {
  demandLevel0(cpu, 'WRMSR');
  const index = cpu.reg32(RCX), value = (BigInt(cpu.reg32(RDX)) << 32n) | BigInt(cpu.reg32(RAX));
  if (!cpu.intercepts.writeMsr(cpu, index, value)) writeMsr(cpu, index, value);
}

function identify(cpu: Processor): Abandon | undefined {
  const exited = cpu.intercepts.instruction(cpu, 'CPUID');
  if (exited) return exited;
  const { eax, ebx, ecx, edx } = cpuid(cpu, cpu.reg32(RAX), cpu.reg32(RCX));
  cpu.setReg32(RAX, eax);
  cpu.setReg32(RBX, ebx);
  cpu.setReg32(RCX, ecx);
  cpu.setReg32(RDX, edx);
}

/** No performance counters are there to be read. */
function rdpmc(cpu: Processor): void {
  if ((cpu.cr4 & CR4.PCE) === 0 && cpu.cr0 & CR0.PE && cpu.cpl !== 0) throw new Exception(GP, 0, 0, `RDPMC without CR4.PCE at CPL ${cpu.cpl}`);
  leaveIf(cpu.intercepts.instruction(cpu, 'RDPMC'));
  throw new Exception(GP, 0, 0, `there is no performance counter ${cpu.reg32(RCX)}`);
}

/** Arguments: offset, place of the segment register in the state. */
function invlpg(cpu: Processor): void {
  demandLevel0(cpu, 'INVLPG');
  const linear = unchecked(cpu, segmentNumber(cpu.argumentLow(1)), cpu.code64 ? cpu.argument(0) : cpu.argumentLow(0));
  leaveIf(cpu.intercepts.instruction(cpu, 'INVLPG', linear));
  if (!cpu.code64 || canonical(linear)) cpu.mmu.invlpg(linear);
}

/** Arguments: type, low and high quadword of the descriptor. SDM Vol. 2, "INVPCID—Invalidate Process-Context Identifier". */
function invpcid(cpu: Processor): void {
  const type = cpu.argumentLow(0), pcid = cpu.argumentLow(1), linear = cpu.argument(2);
  const wrong = (why: string): Exception => new Exception(GP, 0, 0, `INVPCID: ${why}`);
  if (cpu.argumentHigh(0) !== 0 || type > 3) throw wrong(`type ${type} does not exist`);
  if (cpu.argumentHigh(1) !== 0 || pcid > 0xfff) throw wrong('bits 63:12 of the descriptor are not 0');
  if (type < 2 && pcid !== 0 && (cpu.cr4 & CR4.PCIDE) === 0) throw wrong('a PCID other than 0 without CR4.PCIDE');
  if (type === 0 && !canonical(linear)) throw wrong('the linear address is not canonical');
  cpu.mmu.invpcid(type, pcid, linear);
}

export const PROCESSOR_CONTROL_OPERATIONS: Operations = {
  HLT: halt, STI: sti, POPF: popf, CLAC: (cpu) => setAc(cpu, false), STAC: (cpu) => setAc(cpu, true),
  INVD: privileged('INVD'), WBINVD: privileged('WBINVD'),
  ...MONITOR_OPERATIONS, ...PROTECTION_KEY_OPERATIONS, ...VIRTUAL_INTERRUPT_OPERATIONS,
  CPUID: identify, RDMSR: rdmsr, WRMSR: wrmsr, RDPMC: rdpmc, INVLPG: invlpg, INVPCID: invpcid,
  'check RDPID': (cpu) => { leaveIf(cpu.intercepts.instruction(cpu, 'RDPID')); },
  'check INVPCID': (cpu) => {
    demandLevel0(cpu, 'INVPCID');
    leaveIf(cpu.intercepts.instruction(cpu, 'INVPCID'));
  },
  RDTSC: (cpu) => {
    checkTsc(cpu, 'RDTSC');
    setEdxEax(cpu, timeStampCounter(cpu));
  },
  RDTSCP: (cpu) => {
    checkTsc(cpu, 'RDTSCP');
    setEdxEax(cpu, timeStampCounter(cpu));
    cpu.setReg32(RCX, cpu.low(S.tscAux));
  },
};
