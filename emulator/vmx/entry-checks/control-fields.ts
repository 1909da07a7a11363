/** SDM Vol. 3C, "Checks on VMX Controls". */
import { hasErrorCode } from '../../cpu/events.js';
import { MAXPHYADDR } from '../../paging/capabilities.js';
import { MAX_CR3_TARGETS, WRITE_BACK } from '../capabilities.js';
import { capability, PIN, PROCESSOR, PROCESSOR_2, VM_EXIT, VM_FUNCTION, VM_FUNCTIONS_OFFERED, type ControlFieldName } from '../controls.js';
import type { FieldName } from '../vmcs-fields.js';
import {
  check, EXIT_FIELD, PIN_FIELD, PRIMARY_FIELD, SECONDARY_FIELD, SECONDARY_FIELDS, ENTRY_FIELD, whenever, type Check, type EntryView,
} from './check.js';

const CAPABILITIES = { pin: capability('pin'), primary: capability('primary'), secondary: capability('secondary'), exit: capability('exit'), entry: capability('entry') };
const allowed = (name: ControlFieldName, value: number): boolean => {
  const { allowed0, allowed1 } = CAPABILITIES[name];
  return (allowed0 & ~value) === 0 && (value & ~allowed1) === 0;
};
const reserved = (says: string, name: ControlFieldName, field: FieldName): Check =>
  check(`Reserved bits in the ${says} must be set properly.`, [field], (v) => allowed(name, v.low(field)));

function pageAddress(control: string, field: FieldName, applies: (v: EntryView) => boolean, reads: readonly FieldName[]): Check[] {
  const when = control === '' ? 'Bits' : `If the "${control}" VM-execution control is 1, bits`;
  return [
    check(`${when} 11:0 of the ${field} must be 0.`, [field, ...reads], (v) => whenever(applies(v), v.pageAligned(field))),
    check(`${when} of the ${field} beyond the processor's physical-address width must be 0.`, [field, ...reads],
      (v) => whenever(applies(v), v.withinPhysicalWidth(field))),
  ];
}

const MSR_ENTRY_BYTES = 16, PHYSICAL_END = 2 ** MAXPHYADDR;
function msrArea(count: FieldName, address: FieldName): Check[] {
  const applies = (v: EntryView) => v.low(count) !== 0;
  return [
    check(`If the ${count} is not 0, the lower 4 bits of the ${address} must be 0.`, [address, count], (v) => whenever(applies(v), (v.low(address) & 15) === 0)),
    check(`If the ${count} is not 0, the ${address} must not set bits beyond the processor's physical-address width.`, [address, count],
      (v) => whenever(applies(v), v.withinPhysicalWidth(address))),
    check(`If the ${count} is not 0, the last byte of the area at the ${address} must not lie beyond the processor's physical-address width.`, [count, address],
      (v) => whenever(applies(v) && v.withinPhysicalWidth(address), lastByteWithin(v.unsigned(address), v.low(count)))),
  ];
}
const lastByteWithin = (address: number, count: number): boolean => address + count * MSR_ENTRY_BYTES - 1 < PHYSICAL_END;

const ioBitmaps = (v: EntryView) => v.primary(PROCESSOR['use I/O bitmaps']);
const msrBitmaps = (v: EntryView) => v.primary(PROCESSOR['use MSR bitmaps']);
const tprShadow = (v: EntryView) => v.primary(PROCESSOR['use TPR shadow']);
const apicAccesses = (v: EntryView) => v.secondary(PROCESSOR_2['virtualize APIC accesses']);
const x2apic = (v: EntryView) => v.secondary(PROCESSOR_2['virtualize x2APIC mode']);
const delivery = (v: EntryView) => v.secondary(PROCESSOR_2['virtual-interrupt delivery']);
const posted = (v: EntryView) => v.pin(PIN['process posted interrupts']);
/** Bits 7:4 of VTPR. */
const virtualTaskPriority = (v: EntryView): number => (v.wordAt(v.unsigned('virtual-APIC address') + 0x80) >>> 4) & 0xf;
/** Whether the TPR threshold is compared with VTPR, which lies in memory. */
export const comparesTaskPriority = (v: EntryView): boolean => tprShadow(v) && !apicAccesses(v) && !delivery(v);
const exceptions = (v: EntryView) => v.secondary(PROCESSOR_2['EPT-violation #VE']);
const shadowing = (v: EntryView) => v.secondary(PROCESSOR_2['VMCS shadowing']);
const pml = (v: EntryView) => v.secondary(PROCESSOR_2['enable PML']);
const functions = (v: EntryView) => v.secondary(PROCESSOR_2['enable VM functions']);
const switching = (v: EntryView) => functions(v) && (v.low('VM-function controls') & VM_FUNCTION['EPTP switching']) !== 0;
const ept = (v: EntryView) => v.secondary(PROCESSOR_2['enable EPT']);

const EPTP_RULES: readonly { readonly says: string; holds(low: number, high: number): boolean }[] = [
  { says: 'the EPT memory type (bits 2:0 of the EPTP) must be uncacheable (0) or write-back (6).', holds: (low) => (low & 7) === 0 || (low & 7) === WRITE_BACK },
  { says: 'bits 5:3 of the EPTP must be 3: an EPT page-walk length of 4.', holds: (low) => ((low >> 3) & 7) === 3 },
  {
    says: 'the reserved bits 11:7 of the EPTP and those beyond the processor\'s physical-address width must be 0.',
    holds: (low, high) => (low & 0xf80) === 0 && high >>> (MAXPHYADDR - 32) === 0,
  },
];
/** Whether VM entry would accept it: INVEPT asks. */
export const validEptp = (low: number, high: number): boolean => EPTP_RULES.every((rule) => rule.holds(low, high));

export const VM_EXECUTION_CONTROL_CHECKS: readonly Check[] = [
  reserved(PIN_FIELD, 'pin', PIN_FIELD),
  reserved(PRIMARY_FIELD, 'primary', PRIMARY_FIELD),
  check('If the "activate secondary controls" primary processor-based VM-execution control is 1, reserved bits in the secondary processor-based VM-execution controls must be cleared.',
    [SECONDARY_FIELD, PRIMARY_FIELD],
    (v) => whenever(v.primary(PROCESSOR['activate secondary controls']), allowed('secondary', v.low(SECONDARY_FIELD)))),
  check('The CR3-target count must not be greater than 4.', ['CR3-target count'], (v) => v.low('CR3-target count') <= MAX_CR3_TARGETS),
  ...pageAddress('use I/O bitmaps', 'address of I/O bitmap A', ioBitmaps, [PRIMARY_FIELD]),
  ...pageAddress('use I/O bitmaps', 'address of I/O bitmap B', ioBitmaps, [PRIMARY_FIELD]),
  ...pageAddress('use MSR bitmaps', 'address of MSR bitmaps', msrBitmaps, [PRIMARY_FIELD]),
  ...pageAddress('use TPR shadow', 'virtual-APIC address', tprShadow, [PRIMARY_FIELD]),
  check('If the "use TPR shadow" VM-execution control is 1 and the "virtual-interrupt delivery" VM-execution control is 0, bits 31:4 of the TPR threshold must be 0.',
    ['TPR threshold', ...SECONDARY_FIELDS], (v) => whenever(tprShadow(v) && !delivery(v), v.low('TPR threshold') >>> 4 === 0)),
  check('If the "use TPR shadow" VM-execution control is 1 and the "virtualize APIC accesses" and "virtual-interrupt delivery" VM-execution controls are 0, bits 3:0 of the TPR threshold must not be greater than bits 7:4 of VTPR.',
    ['TPR threshold', 'virtual-APIC address', ...SECONDARY_FIELDS], (v) => whenever(comparesTaskPriority(v),
      (v.low('TPR threshold') & 0xf) <= virtualTaskPriority(v)), { always: true }),
  check('If the "NMI exiting" VM-execution control is 0, the "virtual NMIs" VM-execution control must be 0.', [PIN_FIELD],
    (v) => whenever(!v.pin(PIN['NMI exiting']), !v.pin(PIN['virtual NMIs']))),
  check('If the "virtual NMIs" VM-execution control is 0, the "NMI-window exiting" VM-execution control must be 0.', [PRIMARY_FIELD, PIN_FIELD],
    (v) => whenever(!v.pin(PIN['virtual NMIs']), !v.primary(PROCESSOR['NMI-window exiting']))),
  ...pageAddress('virtualize APIC accesses', 'APIC-access address', apicAccesses, SECONDARY_FIELDS),
  check('If the "use TPR shadow" VM-execution control is 0, the "virtualize x2APIC mode", "APIC-register virtualization" and "virtual-interrupt delivery" VM-execution controls must be 0.', SECONDARY_FIELDS,
    (v) => whenever(!tprShadow(v), !x2apic(v) && !v.secondary(PROCESSOR_2['APIC-register virtualization']) && !delivery(v))),
  check('If the "virtualize x2APIC mode" VM-execution control is 1, the "virtualize APIC accesses" VM-execution control must be 0.', SECONDARY_FIELDS, (v) => whenever(x2apic(v), !apicAccesses(v))),
  check('If the "virtual-interrupt delivery" VM-execution control is 1, the "external-interrupt exiting" VM-execution control must be 1.', [PIN_FIELD, ...SECONDARY_FIELDS],
    (v) => whenever(delivery(v), v.pin(PIN['external-interrupt exiting']))),
  check('If the "process posted interrupts" VM-execution control is 1, the "virtual-interrupt delivery" VM-execution control must be 1.', [PIN_FIELD, ...SECONDARY_FIELDS], (v) => whenever(posted(v), delivery(v))),
  check('If the "process posted interrupts" VM-execution control is 1, the "acknowledge interrupt on exit" VM-exit control must be 1.', [EXIT_FIELD, PIN_FIELD],
    (v) => whenever(posted(v), v.exit(VM_EXIT['acknowledge interrupt on exit']))),
  check('If the "process posted interrupts" VM-execution control is 1, bits 15:8 of the posted-interrupt notification vector must be 0.', ['posted-interrupt notification vector', PIN_FIELD],
    (v) => whenever(posted(v), v.low('posted-interrupt notification vector') <= 0xff)),
  check('If the "process posted interrupts" VM-execution control is 1, bits 5:0 of the posted-interrupt descriptor address must be 0.', ['posted-interrupt descriptor address', PIN_FIELD],
    (v) => whenever(posted(v), (v.low('posted-interrupt descriptor address') & 0x3f) === 0)),
  check('If the "process posted interrupts" VM-execution control is 1, the posted-interrupt descriptor address must not set bits beyond the processor\'s physical-address width.', ['posted-interrupt descriptor address', PIN_FIELD],
    (v) => whenever(posted(v), v.withinPhysicalWidth('posted-interrupt descriptor address'))),
  check('If the "enable VPID" VM-execution control is 1, the value of the VPID VM-execution control field must not be 0000H.',
    ['virtual-processor identifier (VPID)', ...SECONDARY_FIELDS],
    (v) => whenever(v.secondary(PROCESSOR_2['enable VPID']), v.low('virtual-processor identifier (VPID)') !== 0)),
  ...EPTP_RULES.map(({ says, holds }) => check(`If the "enable EPT" VM-execution control is 1, ${says}`, ['EPT pointer (EPTP)', ...SECONDARY_FIELDS],
    (v) => whenever(ept(v), holds(v.low('EPT pointer (EPTP)'), v.high('EPT pointer (EPTP)'))))),
  check('If the "unrestricted guest" VM-execution control is 1, the "enable EPT" VM-execution control must also be 1.', SECONDARY_FIELDS,
    (v) => whenever(v.secondary(PROCESSOR_2['unrestricted guest']), ept(v))),
  check('If the "enable PML" VM-execution control is 1, the "enable EPT" VM-execution control must also be 1.', SECONDARY_FIELDS, (v) => whenever(pml(v), ept(v))),
  ...pageAddress('enable PML', 'PML address', pml, SECONDARY_FIELDS),
  check('If the "mode-based execute control for EPT" VM-execution control is 1, the "enable EPT" VM-execution control must also be 1.', SECONDARY_FIELDS,
    (v) => whenever(v.secondary(PROCESSOR_2['mode-based execute control for EPT']), ept(v))),
  check('If the "enable VM functions" VM-execution control is 1, reserved bits of the VM-function controls must be 0.', ['VM-function controls', ...SECONDARY_FIELDS],
    (v) => whenever(functions(v), (v.low('VM-function controls') & ~VM_FUNCTIONS_OFFERED) === 0 && v.high('VM-function controls') === 0)),
  check('If the "EPTP switching" VM function is enabled, the "enable EPT" VM-execution control must be 1.', ['VM-function controls', ...SECONDARY_FIELDS], (v) => whenever(switching(v), ept(v))),
  check('If the "EPTP switching" VM function is enabled, bits 11:0 of the EPTP-list address must be 0.', ['EPTP-list address', 'VM-function controls', ...SECONDARY_FIELDS],
    (v) => whenever(switching(v), v.pageAligned('EPTP-list address'))),
  check('If the "EPTP switching" VM function is enabled, the EPTP-list address must not set bits beyond the processor\'s physical-address width.', ['EPTP-list address', 'VM-function controls', ...SECONDARY_FIELDS],
    (v) => whenever(switching(v), v.withinPhysicalWidth('EPTP-list address'))),
  ...pageAddress('EPT-violation #VE', 'virtualization-exception information address', exceptions, SECONDARY_FIELDS),
  ...pageAddress('VMCS shadowing', 'VMREAD-bitmap address', shadowing, SECONDARY_FIELDS),
  ...pageAddress('VMCS shadowing', 'VMWRITE-bitmap address', shadowing, SECONDARY_FIELDS),
];

export const VM_EXIT_CONTROL_CHECKS: readonly Check[] = [
  reserved(EXIT_FIELD, 'exit', EXIT_FIELD),
  check('If the "activate VMX-preemption timer" VM-execution control is 0, the "save VMX-preemption timer value" VM-exit control must also be 0.',
    [EXIT_FIELD, PIN_FIELD],
    (v) => whenever(!v.pin(PIN['activate VMX-preemption timer']), !v.exit(VM_EXIT['save VMX-preemption timer value']))),
  ...msrArea('VM-exit MSR-store count', 'VM-exit MSR-store address'),
  ...msrArea('VM-exit MSR-load count', 'VM-exit MSR-load address'),
];

export const INJECTION = 'VM-entry interruption-information field';
const valid = (v: EntryView) => v.bit(INJECTION, 31);
const vector = (v: EntryView) => v.low(INJECTION) & 0xff;
const type = (v: EntryView) => (v.low(INJECTION) >> 8) & 7;
const withErrorCode = (v: EntryView) => v.bit(INJECTION, 11);
const NMI = 2, HARDWARE_EXCEPTION = 3, OTHER_EVENT = 7;
const isSoftware = (v: EntryView) => type(v) >= 4 && type(v) <= 6;
const injecting = (rule: string) => `If the valid bit of the VM-entry interruption-information field is 1, ${rule}`;
/** #CP has an error code only where control-flow enforcement exists. */
const pushesErrorCode = (n: number): boolean => hasErrorCode(n) && n !== 21;

export const VM_ENTRY_CONTROL_CHECKS: readonly Check[] = [
  reserved(ENTRY_FIELD, 'entry', ENTRY_FIELD),
  check(injecting('its interruption type must not be the reserved value 1.'), [INJECTION], (v) => whenever(valid(v), type(v) !== 1)),
  check(injecting('the vector must be 2 if the interruption type is non-maskable interrupt.'), [INJECTION], (v) => whenever(valid(v) && type(v) === NMI, vector(v) === 2)),
  check(injecting('the vector must be at most 31 if the interruption type is hardware exception.'), [INJECTION],
    (v) => whenever(valid(v) && type(v) === HARDWARE_EXCEPTION, vector(v) <= 31)),
  check(injecting('the vector must be 0 (pending MTF VM exit) if the interruption type is other event.'), [INJECTION],
    (v) => whenever(valid(v) && type(v) === OTHER_EVENT, vector(v) === 0)),
  check(injecting('the deliver-error-code bit must be 1 for a hardware exception that has an error code and a guest with CR0.PE = 1.'), [INJECTION, 'guest CR0'],
    (v) => whenever(valid(v) && type(v) === HARDWARE_EXCEPTION && v.bit('guest CR0', 0) && pushesErrorCode(vector(v)), withErrorCode(v))),
  check(injecting('the deliver-error-code bit must be 0 unless it is a hardware exception that has an error code and the guest has CR0.PE = 1.'), [INJECTION, 'guest CR0'],
    (v) => whenever(valid(v) && withErrorCode(v),
      // A vector above 31 breaks the rule of vectors, not this one.
      type(v) === HARDWARE_EXCEPTION && v.bit('guest CR0', 0) && (pushesErrorCode(vector(v)) || vector(v) > 31))),
  check(injecting('its reserved bits 30:12 must be 0.'), [INJECTION], (v) => whenever(valid(v), (v.low(INJECTION) & 0x7fff_f000) === 0)),
  check(injecting('bits 31:16 of the VM-entry exception error-code field must be 0 if the deliver-error-code bit is 1.'), ['VM-entry exception error code', INJECTION],
    (v) => whenever(valid(v) && withErrorCode(v), v.low('VM-entry exception error code') >>> 16 === 0)),
  check(injecting('the VM-entry instruction-length field must be in the range 0–15 for a software interrupt or exception.'), ['VM-entry instruction length', INJECTION],
    (v) => whenever(valid(v) && isSoftware(v), v.low('VM-entry instruction length') <= 15)),
  ...msrArea('VM-entry MSR-load count', 'VM-entry MSR-load address'),
];
