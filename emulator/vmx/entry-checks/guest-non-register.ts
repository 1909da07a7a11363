/** SDM Vol. 3C, "Checks on Guest Non-Register State", "Checks on Guest Page-Directory-Pointer-Table Entries". */
import { MAXPHYADDR, PHYSICAL_RESERVED_HIGH } from '../../paging/capabilities.js';
import { ACTIVITY_STATES_OFFERED } from '../capabilities.js';
import { PIN, PROCESSOR_2, VM_ENTRY } from '../controls.js';
import { SHADOW_INDICATOR, slot, VMCS_REVISION } from '../vmcs.js';
import { check, ENTRY_FIELD, PIN_FIELD, SECONDARY_FIELDS, whenever, type Check, type EntryView } from './check.js';
import { INJECTION } from './control-fields.js';

const ACTIVITY = 'guest activity state', INTERRUPTIBILITY = 'guest interruptibility state', PENDING = 'guest pending debug exceptions', LINK = 'VMCS link pointer';
const ACTIVE = 0, HLT = 1, SHUTDOWN = 2, WAIT_FOR_SIPI = 3;
const BY_STI = 1, BY_MOV_SS = 2, BY_SMI = 4, BY_NMI = 8;
const TF = 8, IF = 9, BTF = 1, BS = 14;

const activity = (v: EntryView) => v.low(ACTIVITY);
const blocked = (v: EntryView, mask: number) => (v.low(INTERRUPTIBILITY) & mask) !== 0;
const injecting = (v: EntryView) => v.bit(INJECTION, 31);
const type = (v: EntryView) => (v.low(INJECTION) >> 8) & 7;
const vector = (v: EntryView) => v.low(INJECTION) & 0xff;
const EXTERNAL_INTERRUPT = 0, NMI = 2, HARDWARE_EXCEPTION = 3, OTHER_EVENT = 7;

function wakes(v: EntryView): boolean {
  const exception = (n: number) => type(v) === HARDWARE_EXCEPTION && vector(v) === n;
  switch (activity(v)) {
    case HLT: return type(v) === EXTERNAL_INTERRUPT || type(v) === NMI || exception(1) || exception(18) || type(v) === OTHER_EVENT;
    case SHUTDOWN: return type(v) === NMI || exception(18);
    case WAIT_FOR_SIPI: return false;
    default: return true;
  }
}

/** Whether delivery of the debug exceptions of the previous instruction is held up, so that BS must agree with TF. */
const holdsDebugTraps = (v: EntryView) => blocked(v, BY_STI | BY_MOV_SS) || activity(v) === HLT;
const singleStepped = (v: EntryView) => v.bit('guest RFLAGS', TF) && !v.bit('guest IA32_DEBUGCTL', BTF);

const NON_REGISTER: readonly Check[] = [
  check('The guest activity state must be one that the processor supports: 0 (active), 1 (HLT), 2 (shutdown) or 3 (wait-for-SIPI).', [ACTIVITY],
    (v) => activity(v) === ACTIVE || (activity(v) <= 3 && ((ACTIVITY_STATES_OFFERED >> (activity(v) - 1)) & 1) !== 0)),
  check('The guest activity state must not be HLT if the DPL of the guest SS is not 0.', [ACTIVITY, 'guest SS access rights'],
    (v) => whenever(activity(v) === HLT, ((v.low('guest SS access rights') >> 5) & 3) === 0)),
  check('The guest activity state must be active if the interruptibility state indicates blocking by MOV SS or by STI.', [ACTIVITY, INTERRUPTIBILITY],
    (v) => whenever(blocked(v, BY_STI | BY_MOV_SS), activity(v) === ACTIVE)),
  check('An injected event must be one that may be delivered in the guest activity state.', [ACTIVITY, INJECTION], (v) => whenever(injecting(v), wakes(v))),
  check('Reserved bits 31:5 of the guest interruptibility state, and bit 4 without SGX, must be 0.', [INTERRUPTIBILITY], (v) => v.low(INTERRUPTIBILITY) >>> 4 === 0),
  check('The guest interruptibility state cannot indicate blocking by both STI and MOV SS.', [INTERRUPTIBILITY], (v) => !(blocked(v, BY_STI) && blocked(v, BY_MOV_SS))),
  check('The guest interruptibility state cannot indicate blocking by STI if the IF flag of the guest RFLAGS field is 0.', [INTERRUPTIBILITY, 'guest RFLAGS'],
    (v) => whenever(!v.bit('guest RFLAGS', IF), !blocked(v, BY_STI))),
  check('The guest interruptibility state cannot indicate blocking by STI or by MOV SS if an external interrupt is injected.', [INTERRUPTIBILITY, INJECTION],
    (v) => whenever(injecting(v) && type(v) === EXTERNAL_INTERRUPT, !blocked(v, BY_STI | BY_MOV_SS))),
  check('The guest interruptibility state cannot indicate blocking by MOV SS if an NMI is injected.', [INTERRUPTIBILITY, INJECTION],
    (v) => whenever(injecting(v) && type(v) === NMI, !blocked(v, BY_MOV_SS)), { qualification: 3 }),
  check('The guest interruptibility state cannot indicate blocking by SMI outside system-management mode.', [INTERRUPTIBILITY], (v) => !blocked(v, BY_SMI)),
  check('The guest interruptibility state cannot indicate blocking by NMI if the "virtual NMIs" VM-execution control is 1 and an NMI is injected.',
    [INTERRUPTIBILITY, INJECTION, PIN_FIELD],
    (v) => whenever(v.pin(PIN['virtual NMIs']) && injecting(v) && type(v) === NMI, !blocked(v, BY_NMI))),
  check('Reserved bits 11:4, 13 and 63:15 of the guest pending debug exceptions must be 0.', [PENDING], (v) => v.high(PENDING) === 0 && (v.low(PENDING) & 0xffff_aff0) === 0),
  check('With blocking by STI or MOV SS or in the HLT state, bit 14 (BS) of the guest pending debug exceptions must be 1 if RFLAGS.TF is 1 and IA32_DEBUGCTL.BTF is 0.',
    [PENDING, INTERRUPTIBILITY, ACTIVITY, 'guest RFLAGS', 'guest IA32_DEBUGCTL'], (v) => whenever(holdsDebugTraps(v) && singleStepped(v), v.bit(PENDING, BS))),
  check('With blocking by STI or MOV SS or in the HLT state, bit 14 (BS) of the guest pending debug exceptions must be 0 if RFLAGS.TF is 0 or IA32_DEBUGCTL.BTF is 1.',
    [PENDING, INTERRUPTIBILITY, ACTIVITY, 'guest RFLAGS', 'guest IA32_DEBUGCTL'], (v) => whenever(holdsDebugTraps(v) && !singleStepped(v), !v.bit(PENDING, BS))),
];

/** By place: what is evaluated at every entry is not looked up by name. */
const LINK_SLOT = slot(LINK), CR0_SLOT = slot('guest CR0'), CR4_SLOT = slot('guest CR4'), ENTRY_SLOT = slot(ENTRY_FIELD);
const linked = ({ vmcs }: EntryView) => (vmcs.low(LINK_SLOT) & vmcs.high(LINK_SLOT)) !== -1;
const LINK_QUALIFICATION = { qualification: 4 } as const;
const LINK_POINTER: readonly Check[] = [
  check('If the VMCS link pointer is not FFFFFFFF_FFFFFFFFH, its bits 11:0 must be 0.', [LINK], (v) => whenever(linked(v), v.pageAligned(LINK)), LINK_QUALIFICATION),
  check('If the VMCS link pointer is not FFFFFFFF_FFFFFFFFH, it must not set bits beyond the processor\'s physical-address width.', [LINK],
    (v) => whenever(linked(v), v.withinPhysicalWidth(LINK)), LINK_QUALIFICATION),
  check('If the VMCS link pointer is not FFFFFFFF_FFFFFFFFH, the 4 bytes in memory that it references must hold the VMCS revision identifier, and in bit 31 the setting of the "VMCS shadowing" VM-execution control.', [LINK, ...SECONDARY_FIELDS],
    (v) => !linked(v) || !v.pageAligned(LINK) || !v.withinPhysicalWidth(LINK) || v.wordAt(v.unsigned(LINK)) === (VMCS_REVISION | (v.secondary(PROCESSOR_2['VMCS shadowing']) ? SHADOW_INDICATOR : 0)) >>> 0,
    { ...LINK_QUALIFICATION, always: true }),
  check('The VMCS link pointer must not be the current-VMCS pointer.', [LINK], (v) => whenever(linked(v), v.vmcs.unsigned(LINK_SLOT) !== v.vmcsPointer), { ...LINK_QUALIFICATION, always: true }),
];

const PG = 0x8000_0000, PAE = 1 << 5;
const usesPdptes = ({ vmcs }: EntryView) =>
  (vmcs.low(ENTRY_SLOT) & VM_ENTRY['IA-32e mode guest']) === 0 && (vmcs.low(CR0_SLOT) & PG) !== 0 && (vmcs.low(CR4_SLOT) & PAE) !== 0;
const ept = (v: EntryView) => v.secondary(PROCESSOR_2['enable EPT']);
/** Bits 2:1 and 8:5, and those beyond the physical-address width, of an entry that is present. */
const validPdpte = (low: number, high: number): boolean => (low & 1) === 0 || ((low & 0x1e6) === 0 && (high & (PHYSICAL_RESERVED_HIGH | 0xfff0_0000)) === 0);
const pdpteInMemory = (v: EntryView, n: number): boolean => {
  const at = (v.high('guest CR3') & (2 ** (MAXPHYADDR - 32) - 1)) * 2 ** 32 + ((v.low('guest CR3') & ~31) >>> 0) + 8 * n;
  return validPdpte(v.wordAt(at), v.wordAt(at + 4));
};

const PDPTES: readonly Check[] = ([0, 1, 2, 3] as const).map((n) =>
  check(`With PAE paging, reserved bits of PDPTE${n} must be 0: from the VMCS if the "enable EPT" VM-execution control is 1, else from the table that CR3 references.`,
    [`guest PDPTE${n}`, 'guest CR3', 'guest CR0', 'guest CR4', ENTRY_FIELD, ...SECONDARY_FIELDS],
    (v) => !usesPdptes(v) || (ept(v) ? validPdpte(v.low(`guest PDPTE${n}`), v.high(`guest PDPTE${n}`)) : pdpteInMemory(v, n)),
    { always: true, qualification: 2 }));

/** Whether a check looks at what lies outside the VMCS: a linked region, or page-directory pointers in memory. */
export const dependsOnMemory = (v: EntryView): boolean => linked(v) || (usesPdptes(v) && !ept(v));

export const GUEST_NON_REGISTER_CHECKS: readonly Check[] = [...NON_REGISTER, ...LINK_POINTER];
export const GUEST_PDPTE_CHECKS = PDPTES;
