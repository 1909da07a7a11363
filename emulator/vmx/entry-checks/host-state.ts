/** SDM Vol. 3C, "Checks on Host Control Registers, MSRs, and SSP", "… Host Segment and Descriptor-Table Registers", "Checks Related to Address-Space Size". */
import { CR0_FIXED0, CR4_FIXED0, cr4Fixed1 } from '../capabilities.js';
import { VM_ENTRY, VM_EXIT } from '../controls.js';
import { slot } from '../vmcs.js';
import type { FieldName } from '../vmcs-fields.js';
import { check, EFER_LMA, EFER_LME, ENTRY_FIELD, EXIT_FIELD, validEfer, validPat, whenever, type Check, type EntryView } from './check.js';

const hostIs64 = (v: EntryView) => v.exit(VM_EXIT['host address-space size']);
const loadsEfer = (v: EntryView) => v.exit(VM_EXIT['load IA32_EFER']);
const EXIT_SLOT = slot(EXIT_FIELD);
const PAE = 5, PCIDE = 17;

const canonical = (field: FieldName): Check => check(`The ${field} field must contain a canonical address.`, [field], (v) => v.canonical(field));
const SELECTORS = ['CS', 'SS', 'DS', 'ES', 'FS', 'GS', 'TR'] as const;

const CONTROL_REGISTERS: readonly Check[] = [
  check('The host CR0 field must not set any bit to a value not supported in VMX operation.', ['host CR0'],
    (v) => (CR0_FIXED0 & ~v.low('host CR0')) === 0 && v.high('host CR0') === 0),
  check('The host CR4 field must not set any bit to a value not supported in VMX operation.', ['host CR4'],
    (v) => (CR4_FIXED0 & ~v.low('host CR4')) === 0 && (v.low('host CR4') & ~cr4Fixed1(v.cpu)) === 0 && v.high('host CR4') === 0),
  check('The host CR3 field must not set bits beyond the processor\'s physical-address width.', ['host CR3'], (v) => v.withinPhysicalWidth('host CR3')),
  canonical('host IA32_SYSENTER_ESP'),
  canonical('host IA32_SYSENTER_EIP'),
  check('If the "load IA32_PAT" VM-exit control is 1, each byte of the host IA32_PAT field must be 0, 1, 4, 5, 6 or 7.', ['host IA32_PAT', EXIT_FIELD],
    (v) => whenever(v.exit(VM_EXIT['load IA32_PAT']), validPat(v.low('host IA32_PAT'), v.high('host IA32_PAT')))),
  check('If the "load IA32_EFER" VM-exit control is 1, bits reserved in the IA32_EFER MSR must be 0 in the host IA32_EFER field.', ['host IA32_EFER', EXIT_FIELD],
    (v) => whenever(loadsEfer(v), validEfer(v.low('host IA32_EFER'), v.high('host IA32_EFER')))),
  check('If the "load IA32_EFER" VM-exit control is 1, LMA and LME in the host IA32_EFER field must each equal the "host address-space size" VM-exit control.',
    ['host IA32_EFER', EXIT_FIELD],
    (v) => whenever(loadsEfer(v), (v.low('host IA32_EFER') & (EFER_LMA | EFER_LME)) === (hostIs64(v) ? EFER_LMA | EFER_LME : 0))),
];

const SEGMENTS_AND_TABLES: readonly Check[] = [
  ...SELECTORS.map((s) => check(`In the host ${s} selector field, the RPL (bits 1:0) and the TI flag (bit 2) must be 0.`, [`host ${s} selector`],
    (v) => (v.low(`host ${s} selector`) & 7) === 0)),
  check('The host CS selector field cannot be 0000H.', ['host CS selector'], (v) => v.low('host CS selector') !== 0),
  check('The host TR selector field cannot be 0000H.', ['host TR selector'], (v) => v.low('host TR selector') !== 0),
  check('The host SS selector field cannot be 0000H if the "host address-space size" VM-exit control is 0.', ['host SS selector', EXIT_FIELD],
    (v) => whenever(!hostIs64(v), v.low('host SS selector') !== 0)),
  ...(['FS', 'GS', 'GDTR', 'IDTR', 'TR'] as const).map((s) => canonical(`host ${s} base`)),
];

const ADDRESS_SPACE_SIZE: readonly Check[] = [
  check('If the processor is outside IA-32e mode at the time of VM entry, the "IA-32e mode guest" VM-entry control must be 0.', [ENTRY_FIELD],
    (v) => v.cpu.longMode || !v.entry(VM_ENTRY['IA-32e mode guest']), { always: true }),
  check('If the processor is outside IA-32e mode at the time of VM entry, the "host address-space size" VM-exit control must be 0.', [EXIT_FIELD],
    (v) => v.cpu.longMode || !hostIs64(v), { always: true }),
  check('If the processor is in IA-32e mode at the time of VM entry, the "host address-space size" VM-exit control must be 1.', [EXIT_FIELD],
    (v) => !v.cpu.longMode || (v.vmcs.low(EXIT_SLOT) & VM_EXIT['host address-space size']) !== 0, { always: true }),
  check('If the "host address-space size" VM-exit control is 0, the "IA-32e mode guest" VM-entry control must be 0.', [ENTRY_FIELD, EXIT_FIELD],
    (v) => whenever(!hostIs64(v), !v.entry(VM_ENTRY['IA-32e mode guest']))),
  check('If the "host address-space size" VM-exit control is 0, bit 17 (PCIDE) of the host CR4 field must be 0.', ['host CR4', EXIT_FIELD],
    (v) => whenever(!hostIs64(v), !v.bit('host CR4', PCIDE))),
  check('If the "host address-space size" VM-exit control is 0, bits 63:32 of the host RIP field must be 0.', ['host RIP', EXIT_FIELD],
    (v) => whenever(!hostIs64(v), v.high('host RIP') === 0)),
  check('If the "host address-space size" VM-exit control is 1, bit 5 (PAE) of the host CR4 field must be 1.', ['host CR4', EXIT_FIELD],
    (v) => whenever(hostIs64(v), v.bit('host CR4', PAE))),
  check('If the "host address-space size" VM-exit control is 1, the host RIP field must contain a canonical address.', ['host RIP', EXIT_FIELD],
    (v) => whenever(hostIs64(v), v.canonical('host RIP'))),
];

export const HOST_STATE_CHECKS: readonly Check[] = [...CONTROL_REGISTERS, ...SEGMENTS_AND_TABLES, ...ADDRESS_SPACE_SIZE];
