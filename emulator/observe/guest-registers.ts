/** The guest's registers while its hypervisor runs: from the guest-state area, and for the general ones as it left them at the last VM exit. */
import { S } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import { VM_ENTRY } from '../vmx/controls.js';
import type { FieldName } from '../vmx/vmcs-fields.js';
import { findRegister } from './registers.js';
import { readVmcsField } from './vmcs.js';

const GENERAL = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'];
const CS_LONG = 1n << 13n, CS_DEFAULT = 1n << 14n;

const FIELDS: Readonly<Record<string, FieldName>> = {
  rip: 'guest RIP', rsp: 'guest RSP', rflags: 'guest RFLAGS', cr0: 'guest CR0', cr3: 'guest CR3', cr4: 'guest CR4', dr7: 'guest DR7', efer: 'guest IA32_EFER',
  es: 'guest ES selector', cs: 'guest CS selector', ss: 'guest SS selector', ds: 'guest DS selector', fs: 'guest FS selector', gs: 'guest GS selector', ldtr: 'guest LDTR selector', tr: 'guest TR selector',
  fs_base: 'guest FS base', gs_base: 'guest GS base', gdtr_base: 'guest GDTR base', idtr_base: 'guest IDTR base', 'cs.base': 'guest CS base', 'ss.base': 'guest SS base',
};

export const guestRegisterNames: readonly string[] = [...GENERAL, ...Object.keys(FIELDS).filter((name) => name !== 'rsp')];

/** Undefined when it is not known. */
export function guestRegister(cpu: Processor, name: string): bigint | undefined {
  const wanted = name === 'eip' ? 'rip' : name === 'eflags' ? 'rflags' : name.replace(/^e(?=(.[xpi]|[sd]i|[bs]p)$)/, 'r');
  const field = FIELDS[wanted];
  if (field) return readVmcsField(cpu, field);
  const number = GENERAL.indexOf(wanted);
  return number < 0 || cpu.big(S.guestVmcs) !== cpu.big(S.currentVmcs) ? undefined : cpu.big(S.guestRegisters + 8 * number);
}

/** Whether a general register holds, after a VM exit, still what the guest left in it. */
export const isGuestsOwn = (cpu: Processor, name: string): boolean => !cpu.nonRoot && guestRegister(cpu, name) === findRegister(name)?.read(cpu);

/** Operand and address size of the guest's code. */
export function guestCodeBits(cpu: Processor): 16 | 32 | 64 {
  const rights = readVmcsField(cpu, 'guest CS access rights') ?? 0n;
  const isLongMode = ((readVmcsField(cpu, 'VM-entry controls') ?? 0n) & BigInt(VM_ENTRY['IA-32e mode guest'])) !== 0n;
  return isLongMode && rights & CS_LONG ? 64 : rights & CS_DEFAULT ? 32 : 16;
}
