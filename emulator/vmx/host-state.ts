/** From the host-state area to the processor. SDM Vol. 3C, "Loading Host State". */
import { setDr7 } from '../cpu/debug-registers.js';
import { setRflags } from '../cpu/flags.js';
import { CS, DS, ES, FS, GS, LDTR, S, SS, TR } from '../cpu/layout.js';
import { CR4 as CR4_BITS, EFER } from '../cpu/modes.js';
import { UNUSABLE, type Processor } from '../cpu/processor.js';
import { VM_EXIT } from './controls.js';
import { transitionCr0 } from './guest-state.js';
import { slot, type Slot, type Vmcs } from './vmcs.js';
import type { FieldName } from './vmcs-fields.js';

const EXIT_CONTROLS = slot('primary VM-exit controls');
const CR0 = slot('host CR0'), CR4 = slot('host CR4'), EFER_FIELD = slot('host IA32_EFER'), PAT = slot('host IA32_PAT');

/** Access rights that every VM exit loads: accessed code and data, DPL 0, present, 4-KByte granularity; a busy TSS of 67H bytes. */
const CODE_64 = 0xa09b, CODE_32 = 0xc09b, FLAT_DATA = 0xc093, BUSY_TSS = 0x8b;
const FLAT_LIMIT = 0xffff_ffff, TSS_LIMIT = 0x67, TABLE_LIMIT = 0xffff;

/** What a VM exit makes of a segment register; without a field its selector or base is 0. A null selector makes data unusable. */
export interface HostSegment {
  readonly s: number;
  readonly selector?: FieldName;
  readonly base?: FieldName;
  readonly limit: number;
  readonly rights: number;
  /** To a host outside 64-bit mode. */
  readonly rights32?: number;
  readonly unusableIfNull?: boolean;
}
const data = (s: number, name: 'SS' | 'DS' | 'ES' | 'FS' | 'GS', base?: FieldName): HostSegment =>
  ({ s, selector: `host ${name} selector`, ...(base && { base }), limit: FLAT_LIMIT, rights: FLAT_DATA, unusableIfNull: true });
export const HOST_SEGMENTS: readonly HostSegment[] = [
  { s: CS, selector: 'host CS selector', limit: FLAT_LIMIT, rights: CODE_64, rights32: CODE_32 },
  data(SS, 'SS'), data(DS, 'DS'), data(ES, 'ES'), data(FS, 'FS', 'host FS base'), data(GS, 'GS', 'host GS base'),
  { s: TR, selector: 'host TR selector', base: 'host TR base', limit: TSS_LIMIT, rights: BUSY_TSS },
  { s: LDTR, limit: 0, rights: UNUSABLE },
];
const RFLAGS_AFTER_EXIT = 2;

const load = (cpu: Processor, vmcs: Vmcs, field: Slot, to: number): void => { cpu.set(to, vmcs.low(field), vmcs.high(field)); };

export function loadHostState(cpu: Processor, vmcs: Vmcs): void {
  const exit = vmcs.low(EXIT_CONTROLS), long = (exit & VM_EXIT['host address-space size']) !== 0;
  cpu.cr0 = transitionCr0(cpu.cr0, vmcs.low(CR0));
  cpu.stateMoves.loadHost(vmcs.at, long ? 1 : 0);
  cpu.cr4 = (long ? vmcs.low(CR4) | CR4_BITS.PAE : vmcs.low(CR4) & ~CR4_BITS.PCIDE) >>> 0;
  setDr7(cpu, 0);
  cpu.set(S.debugControl, 0, 0);
  if ((exit & VM_EXIT['load IA32_EFER']) !== 0) cpu.efer = vmcs.low(EFER_FIELD);
  else cpu.efer = long ? cpu.efer | EFER.LMA | EFER.LME : cpu.efer & ~(EFER.LMA | EFER.LME);
  if ((exit & VM_EXIT['load IA32_PAT']) !== 0) load(cpu, vmcs, PAT, S.pat);

  cpu.cpl = 0;
  cpu.u32[S.gdtrLimit >> 2] = TABLE_LIMIT;
  cpu.u32[S.idtrLimit >> 2] = TABLE_LIMIT;

  cpu.nextRip = cpu.rip;
  setRflags(cpu, RFLAGS_AFTER_EXIT);
}
