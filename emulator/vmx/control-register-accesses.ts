/** MOV to and from control registers, CLTS and LMSW under guest/host masks and read shadows. SDM Vol. 3C, "Changes to Instruction Behavior in VMX Non-Root Operation". */
import { Exception, VECTORS } from '../cpu/events.js';
import { gpr } from '../cpu/layout.js';
import { CR0, CR4 } from '../cpu/modes.js';
import type { Processor } from '../cpu/processor.js';
import { taskPriority } from './apic-accesses.js';
import { PROCESSOR, PROCESSOR_2 } from './controls.js';
import { EXIT_FIELDS, exitInstead } from './exit.js';
import { EXIT_REASONS } from './exit-reasons.js';
import { secondaryControls } from './guest-state.js';
import { currentVmcs, slot, type Vmcs } from './vmcs.js';

const PRIMARY_CONTROLS = slot('primary processor-based VM-execution controls');
const MASK = { 0: slot('CR0 guest/host mask'), 4: slot('CR4 guest/host mask') } as const;
const SHADOW = { 0: slot('CR0 read shadow'), 4: slot('CR4 read shadow') } as const;
const TARGET_COUNT = slot('CR3-target count');
const TARGETS = [slot('CR3-target value 0'), slot('CR3-target value 1'), slot('CR3-target value 2'), slot('CR3-target value 3')] as const;

const ACCESS = { movTo: 0, movFrom: 1 << 4, CLTS: 2 << 4, LMSW: 3 << 4 } as const;
const LMSW_MEMORY = 1 << 6;
const exit = (cpu: Processor, qualification: number, says: () => string): never =>
  exitInstead(cpu, EXIT_REASONS.CONTROL_REGISTER_ACCESSES.number, qualification, says);
const primary = (vmcs: Vmcs, mask: number): boolean => (vmcs.low(PRIMARY_CONTROLS) & mask) !== 0;
const lowestBit = (mask: number): number => 31 - Math.clz32(mask & -mask);

export function movToCr(cpu: Processor, cr: number, register: number, value: number): number {
  const vmcs = currentVmcs(cpu), qualification = cr | ACCESS.movTo | (register << 8);
  switch (cr) {
    case 0:
    case 4: return masked(cpu, vmcs, cr, value, qualification);
    case 3:
      if (primary(vmcs, PROCESSOR['CR3-load exiting']) && !isTarget(cpu, vmcs, register)) {
        exit(cpu, qualification, () => 'the "CR3-load exiting" VM-execution control is 1 and the value is none of the CR3-target values');
      }
      return value;
    case 8:
      if (primary(vmcs, PROCESSOR['CR8-load exiting'])) exit(cpu, qualification, () => 'the "CR8-load exiting" VM-execution control is 1');
      return value;
    default: return value;
  }
}

/** Bits that the host owns must equal the shadow, and stay as they are. */
function masked(cpu: Processor, vmcs: Vmcs, cr: 0 | 4, value: number, qualification: number): number {
  const mask = vmcs.low(MASK[cr]), shadow = vmcs.low(SHADOW[cr]), differs = (value ^ shadow) & mask;
  if (differs !== 0) {
    exit(cpu, qualification, () => {
      const bit = lowestBit(differs);
      return `bit ${bit} of the CR${cr} guest/host mask is 1, and bit ${bit} of the value is not that of the CR${cr} read shadow (${(shadow >>> bit) & 1})`;
    });
  }
  const real = cr === 0 ? cpu.cr0 : cpu.cr4, result = (value & ~mask) | (real & mask);
  checkFixedBits(vmcs, cr, result);
  return result >>> 0;
}

/** SDM Vol. 3C, "Restrictions on VMX Operation": what may not be cleared though the guest owns it. */
function checkFixedBits(vmcs: Vmcs, cr: 0 | 4, value: number): void {
  const unrestricted = (secondaryControls(vmcs) & PROCESSOR_2['unrestricted guest']) !== 0;
  const fixed = cr === 4 ? CR4.VMXE : unrestricted ? CR0.NE : CR0.NE | CR0.PE | CR0.PG;
  if ((fixed & ~value) !== 0) throw new Exception(VECTORS['#GP'], 0, 0, `CR${cr}: bit ${lowestBit(fixed & ~value)} must be 1 in VMX operation`);
}

function isTarget(cpu: Processor, vmcs: Vmcs, register: number): boolean {
  const low = cpu.low(gpr(register)), high = cpu.code64 ? cpu.high(gpr(register)) : 0, count = vmcs.low(TARGET_COUNT);
  for (let i = 0; i < count; i++) if (vmcs.low(TARGETS[i]!) === low && vmcs.high(TARGETS[i]!) === high) return true;
  return false;
}

export function movFromCr(cpu: Processor, cr: number, register: number): void {
  const name = cr === 3 ? 'CR3-store exiting' : 'CR8-store exiting';
  if ((cr !== 3 && cr !== 8) || !primary(currentVmcs(cpu), PROCESSOR[name])) return;
  exit(cpu, cr | ACCESS.movFrom | (register << 8), () => `the "${name}" VM-execution control is 1`);
}

export function clts(cpu: Processor): boolean {
  const vmcs = currentVmcs(cpu);
  if ((vmcs.low(MASK[0]) & CR0.TS) === 0) return true;
  if ((vmcs.low(SHADOW[0]) & CR0.TS) !== 0) exit(cpu, ACCESS.CLTS, () => 'bit 3 (TS) is 1 in both the CR0 guest/host mask and the CR0 read shadow');
  return false;
}

const LMSW_BITS = CR0.PE | CR0.MP | CR0.EM | CR0.TS;

export function lmsw(cpu: Processor, source: number, memory: number | undefined): number {
  const vmcs = currentVmcs(cpu), mask = vmcs.low(MASK[0]), shadow = vmcs.low(SHADOW[0]);
  // LMSW cannot clear PE, so a source of 0 there asks for nothing.
  const differs = (source ^ shadow) & mask & (LMSW_BITS & ~(source & CR0.PE ? 0 : CR0.PE));
  if (differs !== 0) {
    if (memory !== undefined) vmcs.reportNumber(EXIT_FIELDS.guestLinear, memory);
    exit(cpu, (ACCESS.LMSW | (memory === undefined ? 0 : LMSW_MEMORY)) + (source & 0xffff) * 2 ** 16, () =>
      `bit ${lowestBit(differs)} of the CR0 guest/host mask is 1, and that bit of the word differs from the CR0 read shadow`);
  }
  return (source & ~mask) | (cpu.cr0 & mask & LMSW_BITS);
}

/** Bits that the host owns are read from the shadow. */
export function readCr(cpu: Processor, cr: 0 | 4 | 8): number {
  if (cr === 8) return taskPriority(cpu);
  const vmcs = currentVmcs(cpu), mask = vmcs.low(MASK[cr]), real = cr === 0 ? cpu.cr0 : cpu.cr4;
  return ((real & ~mask) | (vmcs.low(SHADOW[cr]) & mask)) >>> 0;
}
