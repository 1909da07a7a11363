/** From the host-state area to the processor. SDM Vol. 3C, "Loading Host State". */
import { dr, DR7_FIXED } from '../cpu/debug-registers.js';
import { setRflags } from '../cpu/flags.js';
import { CS, DS, ES, FS, GS, gpr, LDTR, S, SEGMENT, segment, SS, TR } from '../cpu/layout.js';
import { CR4 as CR4_BITS, EFER } from '../cpu/modes.js';
import { UNUSABLE, type Processor } from '../cpu/processor.js';
import { setSegment } from '../cpu/segments.js';
import { VM_EXIT } from './controls.js';
import { transitionCr0 } from './guest-state.js';
import { slot, type Slot, type Vmcs } from './vmcs.js';

const EXIT_CONTROLS = slot('primary VM-exit controls');
const CR0 = slot('host CR0'), CR3 = slot('host CR3'), CR4 = slot('host CR4'), EFER_FIELD = slot('host IA32_EFER'), PAT = slot('host IA32_PAT');
const SYSENTER_CS = slot('host IA32_SYSENTER_CS'), SYSENTER_ESP = slot('host IA32_SYSENTER_ESP'), SYSENTER_EIP = slot('host IA32_SYSENTER_EIP');
const TR_SELECTOR = slot('host TR selector'), TR_BASE = slot('host TR base'), CS_SELECTOR = slot('host CS selector');
const GDTR_BASE = slot('host GDTR base'), IDTR_BASE = slot('host IDTR base'), RSP = slot('host RSP'), RIP = slot('host RIP');

const DATA: readonly { readonly s: number; readonly selector: Slot; readonly base?: Slot }[] = [
  { s: SS, selector: slot('host SS selector') },
  { s: DS, selector: slot('host DS selector') },
  { s: ES, selector: slot('host ES selector') },
  { s: FS, selector: slot('host FS selector'), base: slot('host FS base') },
  { s: GS, selector: slot('host GS selector'), base: slot('host GS base') },
];
/** Access rights that every VM exit loads: accessed code and data, DPL 0, present, 4-KByte granularity; a busy TSS of 67H bytes. */
const CODE_64 = 0xa09b, CODE_32 = 0xc09b, FLAT_DATA = 0xc093, BUSY_TSS = 0x8b;
const FLAT_LIMIT = 0xffff_ffff, TSS_LIMIT = 0x67, TABLE_LIMIT = 0xffff;
const RFLAGS_AFTER_EXIT = 2, RSP_REGISTER = 4;

const load = (cpu: Processor, vmcs: Vmcs, field: Slot, to: number): void => { cpu.set(to, vmcs.low(field), vmcs.high(field)); };

export function loadHostState(cpu: Processor, vmcs: Vmcs): void {
  const exit = vmcs.low(EXIT_CONTROLS), long = (exit & VM_EXIT['host address-space size']) !== 0;
  cpu.cr0 = transitionCr0(cpu.cr0, vmcs.low(CR0));
  load(cpu, vmcs, CR3, S.cr3);
  cpu.cr4 = (long ? vmcs.low(CR4) | CR4_BITS.PAE : vmcs.low(CR4) & ~CR4_BITS.PCIDE) >>> 0;
  cpu.set(dr(7), DR7_FIXED, 0);
  cpu.set(S.debugControl, 0, 0);
  load(cpu, vmcs, SYSENTER_CS, S.sysenterCs);
  load(cpu, vmcs, SYSENTER_ESP, S.sysenterEsp);
  load(cpu, vmcs, SYSENTER_EIP, S.sysenterEip);
  if ((exit & VM_EXIT['load IA32_EFER']) !== 0) cpu.efer = vmcs.low(EFER_FIELD);
  else cpu.efer = long ? cpu.efer | EFER.LMA | EFER.LME : cpu.efer & ~(EFER.LMA | EFER.LME);
  if ((exit & VM_EXIT['load IA32_PAT']) !== 0) load(cpu, vmcs, PAT, S.pat);

  loadSegment(cpu, CS, vmcs.low(CS_SELECTOR), 0, FLAT_LIMIT, long ? CODE_64 : CODE_32);
  for (const { s, selector, base } of DATA) {
    const value = vmcs.low(selector);
    loadSegment(cpu, s, value, base === undefined ? 0 : vmcs.number(base), FLAT_LIMIT, value === 0 ? FLAT_DATA | UNUSABLE : FLAT_DATA);
  }
  loadSegment(cpu, TR, vmcs.low(TR_SELECTOR), vmcs.number(TR_BASE), TSS_LIMIT, BUSY_TSS);
  loadSegment(cpu, LDTR, 0, 0, 0, UNUSABLE);
  cpu.cpl = 0;
  load(cpu, vmcs, GDTR_BASE, S.gdtrBase);
  load(cpu, vmcs, IDTR_BASE, S.idtrBase);
  cpu.u32[S.gdtrLimit >> 2] = TABLE_LIMIT;
  cpu.u32[S.idtrLimit >> 2] = TABLE_LIMIT;

  load(cpu, vmcs, RSP, gpr(RSP_REGISTER));
  cpu.rip = vmcs.number(RIP);
  cpu.nextRip = cpu.rip;
  setRflags(cpu, RFLAGS_AFTER_EXIT);
}

function loadSegment(cpu: Processor, s: number, selector: number, base: number, limit: number, rights: number): void {
  const at = segment(s);
  const same = cpu.u32[(at + SEGMENT.selector) >> 2] === selector && cpu.u32[(at + SEGMENT.limit) >> 2] === limit && cpu.u32[(at + SEGMENT.attributes) >> 2] === rights;
  if (same) cpu.setNumber(at + SEGMENT.base, base);
  else setSegment(cpu, s, selector, base, limit, rights);
}
