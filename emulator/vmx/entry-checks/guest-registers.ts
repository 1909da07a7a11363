/** SDM Vol. 3C, "Checks on Guest Control Registers, Debug Registers, and MSRs", "… Guest Descriptor-Table Registers", "Checks on Guest RIP, RFLAGS, and SSP". */
import { BTF } from '../../cpu/debug-registers.js';
import { CR0_FIXED0, CR4_FIXED0, cr4Fixed1 } from '../capabilities.js';
import { PROCESSOR_2, VM_ENTRY } from '../controls.js';
import { slot } from '../vmcs.js';
import type { FieldName } from '../vmcs-fields.js';
import { check, EFER_LMA, EFER_LME, ENTRY_FIELD, SECONDARY_FIELDS, validEfer, validPat, whenever, type Check, type EntryView } from './check.js';
import { INJECTION } from './control-fields.js';

const PE = 1, PG = 0x8000_0000, PAE = 5, PCIDE = 17, LONG = 13;
const paged = (v: EntryView) => (v.low('guest CR0') & PG) !== 0;
const ia32eGuest = (v: EntryView) => v.entry(VM_ENTRY['IA-32e mode guest']);
const unrestricted = (v: EntryView) => v.secondary(PROCESSOR_2['unrestricted guest']);
const loadsDebugControls = (v: EntryView) => v.entry(VM_ENTRY['load debug controls']);
const loadsEfer = (v: EntryView) => v.entry(VM_ENTRY['load IA32_EFER']);

const canonical = (field: FieldName): Check => check(`The ${field} field must contain a canonical address.`, [field], (v) => v.canonical(field));

export const GUEST_CONTROL_REGISTER_CHECKS: readonly Check[] = [
  check('The guest CR0 field must not set any bit to a value not supported in VMX operation; PE and PG are not checked if the "unrestricted guest" VM-execution control is 1.',
    ['guest CR0', ...SECONDARY_FIELDS],
    (v) => ((unrestricted(v) ? CR0_FIXED0 & ~(PE | PG) : CR0_FIXED0) & ~v.low('guest CR0')) === 0 && v.high('guest CR0') === 0),
  check('If bit 31 (PG) of the guest CR0 field is 1, bit 0 (PE) must also be 1.', ['guest CR0', ...SECONDARY_FIELDS],
    (v) => whenever(unrestricted(v) && paged(v), (v.low('guest CR0') & PE) !== 0)),
  check('The guest CR4 field must not set any bit to a value not supported in VMX operation.', ['guest CR4'],
    (v) => (CR4_FIXED0 & ~v.low('guest CR4')) === 0 && (v.low('guest CR4') & ~cr4Fixed1(v.cpu)) === 0 && v.high('guest CR4') === 0),
  check('If the "load debug controls" VM-entry control is 1, bits reserved in the IA32_DEBUGCTL MSR must be 0 in the guest IA32_DEBUGCTL field.',
    ['guest IA32_DEBUGCTL', ENTRY_FIELD],
    (v) => whenever(loadsDebugControls(v), (v.low('guest IA32_DEBUGCTL') & ~BTF) === 0 && v.high('guest IA32_DEBUGCTL') === 0)),
  check('If the "IA-32e mode guest" VM-entry control is 1, bit 31 (PG) of the guest CR0 field must be 1.', ['guest CR0', ENTRY_FIELD],
    (v) => whenever(ia32eGuest(v), paged(v))),
  check('If the "IA-32e mode guest" VM-entry control is 1, bit 5 (PAE) of the guest CR4 field must be 1.', ['guest CR4', ENTRY_FIELD],
    (v) => whenever(ia32eGuest(v), v.bit('guest CR4', PAE))),
  check('If the "IA-32e mode guest" VM-entry control is 0, bit 17 (PCIDE) of the guest CR4 field must be 0.', ['guest CR4', ENTRY_FIELD],
    (v) => whenever(!ia32eGuest(v), !v.bit('guest CR4', PCIDE))),
  check('The guest CR3 field must not set bits beyond the processor\'s physical-address width.', ['guest CR3'], (v) => v.withinPhysicalWidth('guest CR3')),
  check('If the "load debug controls" VM-entry control is 1, bits 63:32 of the guest DR7 field must be 0.', ['guest DR7', ENTRY_FIELD],
    (v) => whenever(loadsDebugControls(v), v.high('guest DR7') === 0)),
  canonical('guest IA32_SYSENTER_ESP'),
  canonical('guest IA32_SYSENTER_EIP'),
  check('If the "load IA32_PAT" VM-entry control is 1, each byte of the guest IA32_PAT field must be 0, 1, 4, 5, 6 or 7.', ['guest IA32_PAT', ENTRY_FIELD],
    (v) => whenever(v.entry(VM_ENTRY['load IA32_PAT']), validPat(v.low('guest IA32_PAT'), v.high('guest IA32_PAT')))),
  check('If the "load IA32_EFER" VM-entry control is 1, bits reserved in the IA32_EFER MSR must be 0 in the guest IA32_EFER field.', ['guest IA32_EFER', ENTRY_FIELD],
    (v) => whenever(loadsEfer(v), validEfer(v.low('guest IA32_EFER'), v.high('guest IA32_EFER')))),
  check('If the "load IA32_EFER" VM-entry control is 1, bit 10 (LMA) of the guest IA32_EFER field must equal the "IA-32e mode guest" VM-entry control.',
    ['guest IA32_EFER', ENTRY_FIELD],
    (v) => whenever(loadsEfer(v), ((v.low('guest IA32_EFER') & EFER_LMA) !== 0) === ia32eGuest(v))),
  check('If the "load IA32_EFER" VM-entry control is 1 and bit 31 (PG) of the guest CR0 field is 1, LMA and LME of the guest IA32_EFER field must be equal.',
    ['guest IA32_EFER', 'guest CR0', ENTRY_FIELD],
    (v) => whenever(loadsEfer(v) && paged(v), ((v.low('guest IA32_EFER') & EFER_LMA) !== 0) === ((v.low('guest IA32_EFER') & EFER_LME) !== 0))),
];

export const GUEST_DESCRIPTOR_TABLE_CHECKS: readonly Check[] = [
  canonical('guest GDTR base'),
  canonical('guest IDTR base'),
  check('Bits 31:16 of the guest GDTR limit field must be 0.', ['guest GDTR limit'], (v) => v.low('guest GDTR limit') >>> 16 === 0),
  check('Bits 31:16 of the guest IDTR limit field must be 0.', ['guest IDTR limit'], (v) => v.low('guest IDTR limit') >>> 16 === 0),
];

/** By place: RIP differs at every entry, so these are not looked up by name. */
const RIP_SLOT = slot('guest RIP'), ENTRY_SLOT = slot(ENTRY_FIELD), CS_RIGHTS_SLOT = slot('guest CS access rights');
const code64 = ({ vmcs }: EntryView) => (vmcs.low(ENTRY_SLOT) & VM_ENTRY['IA-32e mode guest']) !== 0 && ((vmcs.low(CS_RIGHTS_SLOT) >>> LONG) & 1) !== 0;
const ripUpper = ({ vmcs }: EntryView) => vmcs.high(RIP_SLOT);
export const RFLAGS_RESERVED = 0xffc0_8028;
const VM = 17, IF = 9;
const EXTERNAL_INTERRUPT = 0;

export const GUEST_RIP_AND_RFLAGS_CHECKS: readonly Check[] = [
  check('Bits 63:32 of the guest RIP field must be 0 if the "IA-32e mode guest" VM-entry control is 0 or the L bit of the guest CS access rights is 0.',
    ['guest RIP', 'guest CS access rights', ENTRY_FIELD], (v) => code64(v) || ripUpper(v) === 0),
  check('Bits 63:48 of the guest RIP field must be identical if the "IA-32e mode guest" VM-entry control and the L bit of the guest CS access rights are both 1.',
    ['guest RIP', 'guest CS access rights', ENTRY_FIELD], (v) => !code64(v) || ripUpper(v) >>> 16 === 0 || ripUpper(v) >>> 16 === 0xffff),
  check('Reserved bits 63:22, 15, 5 and 3 of the guest RFLAGS field must be 0, and reserved bit 1 must be 1.', ['guest RFLAGS'],
    (v) => v.high('guest RFLAGS') === 0 && (v.low('guest RFLAGS') & RFLAGS_RESERVED) === 0 && v.bit('guest RFLAGS', 1)),
  check('The VM flag (bit 17) of the guest RFLAGS field must be 0 if the "IA-32e mode guest" VM-entry control is 1 or bit 0 (PE) of the guest CR0 field is 0.',
    ['guest RFLAGS', 'guest CR0', ENTRY_FIELD], (v) => whenever(ia32eGuest(v) || (v.low('guest CR0') & PE) === 0, !v.bit('guest RFLAGS', VM))),
  check('The IF flag (bit 9) of the guest RFLAGS field must be 1 if an external interrupt is injected.', ['guest RFLAGS', INJECTION],
    (v) => whenever(v.bit(INJECTION, 31) && ((v.low(INJECTION) >> 8) & 7) === EXTERNAL_INTERRUPT, v.bit('guest RFLAGS', IF))),
];
