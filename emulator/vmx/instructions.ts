/** The VMX instructions. SDM Vol. 3D, "VMX Instruction Reference", "Conventions". */
import { type Abandon, Exception, leaveIf, VECTORS } from '../cpu/events.js';
import { CF, setStatusFlags, ZF } from '../cpu/flags.js';
import { S } from '../cpu/layout.js';
import type { Operations } from '../cpu/operations.js';
import { RFLAGS_VM, type Processor } from '../cpu/processor.js';
import { type Sentence, TRAP } from '../cpu/trap-events.js';
import { MAXPHYADDR } from '../paging/capabilities.js';
import { isCanonical } from '../paging/mmu.js';
import { readPhysical32 } from '../paging/access.js';
import { CR0_FIXED0, CR4_FIXED0, cr4Fixed1 } from './capabilities.js';
import { PROCESSOR_2 } from './controls.js';
import { enter } from './entry.js';
import { exitInstead } from './exit.js';
import { EXIT_REASONS } from './exit-reasons.js';
import { validEptp } from './entry-checks/control-fields.js';
import { secondaryControls } from './guest-state.js';
import {
  currentVmcs, findField, hasCurrentVmcs, regionInMemory, slot, slotOfField, type Vmcs, vmcsAt, VMCS_REVISION, widthOfField,
} from './vmcs.js';

const INSTRUCTION_ERROR = slot('VM-instruction error'), LINK = slot('VMCS link pointer');
const VM_FUNCTION_CONTROLS = slot('VM-function controls'), EPTP_LIST = slot('EPTP-list address'), EPTP = slot('EPT pointer (EPTP)'), EPTP_INDEX = slot('EPTP index');

/** VM-instruction errors. SDM Vol. 3D, "VM Instruction Error Numbers". */
export const VM_INSTRUCTION_ERRORS = {
  1: 'VMCALL executed in VMX root operation',
  2: 'VMCLEAR with invalid physical address',
  3: 'VMCLEAR with VMXON pointer',
  4: 'VMLAUNCH with non-clear VMCS',
  5: 'VMRESUME with non-launched VMCS',
  6: 'VMRESUME after VMXOFF',
  7: 'VM entry with invalid control field(s)',
  8: 'VM entry with invalid host-state field(s)',
  9: 'VMPTRLD with invalid physical address',
  10: 'VMPTRLD with VMXON pointer',
  11: 'VMPTRLD with incorrect VMCS revision identifier',
  12: 'VMREAD/VMWRITE from/to unsupported VMCS component',
  15: 'VMXON executed in VMX root operation',
  26: 'VM entry with events blocked by MOV SS',
  28: 'Invalid operand to INVEPT/INVVPID',
} as const;
type VmInstructionError = keyof typeof VM_INSTRUCTION_ERRORS;

const undefinedOpcode = (why: string): Exception => new Exception(VECTORS['#UD'], 0, 0, why);
const generalProtection = (why: string): Exception => new Exception(VECTORS['#GP'], 0, 0, why);

const succeed = (cpu: Processor): void => { setStatusFlags(cpu, 0); };
const failInvalid = (cpu: Processor): void => { setStatusFlags(cpu, CF); };
/** Returns the status flags. */
function failValid(vmcs: Vmcs, error: VmInstructionError): number {
  vmcs.report(INSTRUCTION_ERROR, error);
  return ZF;
}
/** VMfailValid if there is a current VMCS, VMfailInvalid otherwise. */
const fail = (cpu: Processor, error: VmInstructionError): void => { setStatusFlags(cpu, hasCurrentVmcs(cpu) ? failValid(currentVmcs(cpu), error) : CF); };

const modeForbids = (cpu: Processor): boolean => (cpu.low(S.rflags) & RFLAGS_VM) !== 0 || (cpu.longMode && !cpu.code64);

/** What all VMX instructions but VMXON and VMCALL check before they look at an operand: #UD, VM exit, #GP(0), in this order. */
function check(cpu: Processor, name: string): void {
  if (cpu.low(S.vmxOn) === 0) throw undefinedOpcode(`${name} outside VMX operation`);
  if (!cpu.protectedMode || modeForbids(cpu)) throw undefinedOpcode(`${name} in real-address, virtual-8086 or compatibility mode`);
  leaveIf(cpu.intercepts.instruction(cpu, name));
  if (cpu.cpl !== 0) throw generalProtection(`${name} at CPL ${cpu.cpl}`);
}

const FEATURE_LOCKED = 1, FEATURE_VMXON_OUTSIDE_SMX = 4;

function checkVmxon(cpu: Processor): void {
  if (!cpu.protectedMode || modeForbids(cpu) || (cpu.cr4 & CR4_FIXED0) === 0) {
    throw undefinedOpcode((cpu.cr4 & CR4_FIXED0) === 0 ? 'VMXON with CR4.VMXE = 0' : 'VMXON in real-address, virtual-8086 or compatibility mode');
  }
  if (cpu.low(S.vmxOn) !== 0) {
    leaveIf(cpu.intercepts.instruction(cpu, 'VMXON'));
    if (cpu.cpl !== 0) throw generalProtection(`VMXON at CPL ${cpu.cpl}`);
    return;
  }
  if (cpu.cpl !== 0) throw generalProtection(`VMXON at CPL ${cpu.cpl}`);
  if ((cpu.i32[S.a20Mask >> 2]! & (1 << 20)) === 0) throw generalProtection('VMXON in A20M mode');
  if ((CR0_FIXED0 & ~cpu.cr0) !== 0) throw generalProtection('VMXON with CR0 bits that IA32_VMX_CR0_FIXED0 demands at 0');
  if ((cpu.cr4 & ~cr4Fixed1(cpu)) !== 0) throw generalProtection('VMXON with CR4 bits that IA32_VMX_CR4_FIXED1 forbids');
  const features = cpu.low(S.featureControl);
  if ((features & FEATURE_LOCKED) === 0) throw generalProtection('VMXON while the lock bit (0) of IA32_FEATURE_CONTROL is 0');
  if ((features & FEATURE_VMXON_OUTSIDE_SMX) === 0) throw generalProtection('VMXON while bit 2 of IA32_FEATURE_CONTROL (VMX outside SMX) is 0');
}

/** A 4-KByte aligned physical address within the width; -1 otherwise. */
function pointer(low: number, high: number): number {
  if ((low & 0xfff) !== 0 || high >>> (MAXPHYADDR - 32) !== 0) return -1;
  return high * 2 ** 32 + low;
}
const setCurrentVmcs = (cpu: Processor, address: number): void => {
  if (address < 0) cpu.set(S.currentVmcs, 0xffff_ffff, 0xffff_ffff);
  else cpu.setNumber(S.currentVmcs, address);
};

function vmxon(cpu: Processor): void {
  checkVmxon(cpu);
  if (cpu.low(S.vmxOn) !== 0) return fail(cpu, 15);
  const address = pointer(cpu.argumentLow(0), cpu.argumentHigh(0));
  if (address < 0 || readPhysical32(cpu, address) !== VMCS_REVISION) return failInvalid(cpu);
  setCurrentVmcs(cpu, -1);
  cpu.setNumber(S.vmxonPointer, address);
  cpu.u32[S.vmxOn >> 2] = 1;
  succeed(cpu);
}

function vmxoff(cpu: Processor): void {
  check(cpu, 'VMXOFF');
  cpu.u32[S.vmxOn >> 2] = 0;
  setCurrentVmcs(cpu, -1);
  succeed(cpu);
}

function vmclear(cpu: Processor): void {
  check(cpu, 'VMCLEAR');
  const address = pointer(cpu.argumentLow(0), cpu.argumentHigh(0));
  if (address < 0) return fail(cpu, 2);
  if (address === cpu.unsigned(S.vmxonPointer)) return fail(cpu, 3);
  if (regionInMemory(cpu, address)) vmcsAt(cpu, address).clear();
  if (address === cpu.unsigned(S.currentVmcs)) setCurrentVmcs(cpu, -1);
  succeed(cpu);
}

function vmptrld(cpu: Processor): void {
  check(cpu, 'VMPTRLD');
  const address = pointer(cpu.argumentLow(0), cpu.argumentHigh(0));
  if (address < 0) return fail(cpu, 9);
  if (address === cpu.unsigned(S.vmxonPointer)) return fail(cpu, 10);
  if (!regionInMemory(cpu, address) || vmcsAt(cpu, address).revision !== VMCS_REVISION) return fail(cpu, 11);
  setCurrentVmcs(cpu, address);
  succeed(cpu);
}

/** An encoding that VMREAD and VMWRITE accept: the index of the field, or -1. */
const fieldOf = (cpu: Processor): number => (cpu.argumentHigh(0) !== 0 ? -1 : findField(cpu.argumentLow(0)));

/** The VMCS that VMREAD and VMWRITE access: the current one, in VMX non-root operation that of the VMCS link pointer; undefined when there is none. */
function workingVmcs(cpu: Processor): Vmcs | undefined {
  if (!hasCurrentVmcs(cpu)) return undefined;
  const vmcs = currentVmcs(cpu);
  if (!cpu.nonRoot) return vmcs;
  return (vmcs.low(LINK) & vmcs.high(LINK)) === -1 ? undefined : vmcsAt(cpu, vmcs.unsigned(LINK));
}

/** Results: the status flags, then the value if they are 0. */
function vmread(cpu: Processor): void {
  check(cpu, 'VMREAD');
  const vmcs = workingVmcs(cpu);
  if (!vmcs) return cpu.result(0, CF);
  const index = fieldOf(cpu);
  if (index < 0) return cpu.result(0, failValid(vmcs, 12));
  const at = slotOfField(index), highHalf = (cpu.argumentLow(0) & 1) !== 0;
  cpu.result(0, 0);
  cpu.result(1, highHalf ? vmcs.high(at) : vmcs.low(at), highHalf ? 0 : vmcs.high(at));
}

const WIDTH_MASKS = { 16: 0xffff, 32: 0xffff_ffff, 64: 0xffff_ffff, natural: 0xffff_ffff } as const;

function vmwrite(cpu: Processor): void {
  check(cpu, 'VMWRITE');
  const vmcs = workingVmcs(cpu);
  if (!vmcs) return failInvalid(cpu);
  const index = fieldOf(cpu);
  if (index < 0) return setStatusFlags(cpu, failValid(vmcs, 12));
  const at = slotOfField(index), width = widthOfField(index);
  const low = (cpu.argumentLow(1) & WIDTH_MASKS[width]) >>> 0;
  if ((cpu.argumentLow(0) & 1) !== 0) vmcs.set(at, vmcs.low(at), low);
  else vmcs.set(at, low, width === 64 || width === 'natural' ? cpu.argumentHigh(1) : 0);
  succeed(cpu);
}

function launchOrResume(cpu: Processor, name: 'VMLAUNCH' | 'VMRESUME'): void {
  check(cpu, name);
  if (!hasCurrentVmcs(cpu) || currentVmcs(cpu).isShadow) return failInvalid(cpu);
  const error = enter(cpu, name === 'VMLAUNCH');
  if (error !== 0) fail(cpu, error as VmInstructionError);
}

function vmcall(cpu: Processor): Abandon | undefined {
  if (cpu.low(S.vmxOn) === 0) throw undefinedOpcode('VMCALL outside VMX operation');
  if (cpu.nonRoot) raiseHypercall(cpu);
  const exited = cpu.intercepts.instruction(cpu, 'VMCALL');
  if (exited) return exited;
  if (modeForbids(cpu)) throw undefinedOpcode('VMCALL in virtual-8086 or compatibility mode');
  if (cpu.cpl !== 0) throw generalProtection(`VMCALL at CPL ${cpu.cpl}`);
  fail(cpu, 1);
  return undefined;
}

const RAX = 0, RCX = 1, RDX = 2, RBX = 3, RSI = 6, RDI = 7;
/** What a hypercall tells of the registers, its number first. */
export const HYPERCALL_REGISTERS = [RAX, RBX, RCX, RDX, RSI, RDI] as const;

export const HYPERCALL_SAYS: Sentence = ({ fields }) => `VMCALL with RAX = 0x${BigInt.asUintN(64, BigInt(fields['nr']!)).toString(16)}.`;

function raiseHypercall(cpu: Processor): void {
  cpu.observer.raise(TRAP.hypercall, [...HYPERCALL_REGISTERS.map((n) => cpu.regNumber(n)), EXIT_REASONS.VMCALL.number], HYPERCALL_SAYS);
}

/** Arguments: type, then the halves of the descriptor. */
function invept(cpu: Processor): void {
  check(cpu, 'INVEPT');
  const type = cpu.argumentHigh(0) === 0 ? cpu.argumentLow(0) : -1;
  const low = cpu.argumentLow(1), high = cpu.argumentHigh(1), reserved = (cpu.argumentLow(2) | cpu.argumentHigh(2)) !== 0;
  if ((type !== 1 && type !== 2) || reserved || (type === 1 && !validEptp(low, high))) return fail(cpu, 28);
  cpu.mmu.invept(type, high * 2 ** 32 + low);
  succeed(cpu);
}

const INDIVIDUAL_ADDRESS = 0, ALL_CONTEXTS = 2, LAST_TYPE = 3;

function invvpid(cpu: Processor): void {
  check(cpu, 'INVVPID');
  const type = cpu.argumentHigh(0) === 0 ? cpu.argumentLow(0) : -1;
  const vpid = cpu.argumentLow(1) & 0xffff, reserved = cpu.argumentLow(1) >>> 16 !== 0 || cpu.argumentHigh(1) !== 0;
  const wrongAddress = type === INDIVIDUAL_ADDRESS && !isCanonical(cpu.argumentLow(2), cpu.argumentHigh(2));
  if (type < 0 || type > LAST_TYPE || reserved || wrongAddress || (type !== ALL_CONTEXTS && vpid === 0)) return fail(cpu, 28);
  cpu.mmu.invvpid(type, vpid, cpu.argument(2));
  succeed(cpu);
}

const MOST_EPTPS = 512;

/** SDM Vol. 3C, "VM Functions". At any CPL; what is wrong exits. */
function vmfunc(cpu: Processor): void {
  const vmcs = currentVmcs(cpu);
  if (!cpu.nonRoot || (secondaryControls(vmcs) & PROCESSOR_2['enable VM functions']) === 0) throw undefinedOpcode('VMFUNC outside VMX non-root operation, or the "enable VM functions" VM-execution control is 0');
  const number = cpu.reg32(RAX), index = cpu.reg32(RCX);
  const exit: (why: string) => never = (why) => exitInstead(cpu, EXIT_REASONS.VMFUNC.number, 0, () => why);
  if (number > 31 || ((vmcs.low(VM_FUNCTION_CONTROLS) >>> number) & 1) === 0) exit(`bit ${number} of the VM-function controls is not 1`);
  if (index >= MOST_EPTPS) exit(`EPTP switching to entry ${index}: the list has ${MOST_EPTPS}`);
  const at = vmcs.unsigned(EPTP_LIST) + 8 * index, low = readPhysical32(cpu, at), high = readPhysical32(cpu, at + 4);
  if (!validEptp(low, high)) exit(`EPTP switching to entry ${index}: VM entry would not accept the EPT pointer 0x${(high * 2 ** 32 + low).toString(16)}`);
  vmcs.set(EPTP, low, high);
  if ((secondaryControls(vmcs) & PROCESSOR_2['EPT-violation #VE']) !== 0) vmcs.set(EPTP_INDEX, index);
  cpu.mmu.eptpSwitched();
}

/** Instructions that read a memory operand only after these checks. */
export const OPERAND_CHECKS = ['VMCLEAR', 'VMPTRLD', 'VMPTRST', 'VMWRITE', 'INVEPT', 'INVVPID'] as const;

export const VMX_OPERATIONS: Operations = {
  'check VMXON': checkVmxon,
  ...Object.fromEntries(OPERAND_CHECKS.map((name) => [`check ${name}`, (cpu: Processor) => { check(cpu, name); }])),
  VMXON: vmxon,
  VMXOFF: vmxoff,
  VMCLEAR: vmclear,
  VMPTRLD: vmptrld,
  /** Result: the current-VMCS pointer. */
  VMPTRST(cpu) {
    check(cpu, 'VMPTRST');
    cpu.result(0, cpu.low(S.currentVmcs), cpu.high(S.currentVmcs));
  },
  VMREAD: vmread,
  VMWRITE: vmwrite,
  VMLAUNCH: (cpu) => { launchOrResume(cpu, 'VMLAUNCH'); },
  VMRESUME: (cpu) => { launchOrResume(cpu, 'VMRESUME'); },
  VMCALL: vmcall,
  INVEPT: invept,
  INVVPID: invvpid,
  VMFUNC: vmfunc,
};
