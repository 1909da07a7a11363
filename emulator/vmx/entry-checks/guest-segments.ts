/** SDM Vol. 3C, "Checks on Guest Segment Registers". */
import { PROCESSOR_2, VM_ENTRY } from '../controls.js';
import type { FieldName } from '../vmcs-fields.js';
import { check, ENTRY_FIELD, SECONDARY_FIELDS, whenever, type Check, type EntryView } from './check.js';

type Register = 'ES' | 'CS' | 'SS' | 'DS' | 'FS' | 'GS' | 'LDTR' | 'TR';
const SIX = ['CS', 'SS', 'DS', 'ES', 'FS', 'GS'] as const;
const DATA = ['DS', 'ES', 'FS', 'GS'] as const;

const rights = <R extends Register>(r: R) => `guest ${r} access rights` as const;
const base = <R extends Register>(r: R) => `guest ${r} base` as const;
const limit = <R extends Register>(r: R) => `guest ${r} limit` as const;
const selector = <R extends Register>(r: R) => `guest ${r} selector` as const;

const virtual8086 = (v: EntryView) => v.bit('guest RFLAGS', 17);
const ia32eGuest = (v: EntryView) => v.entry(VM_ENTRY['IA-32e mode guest']);
const unrestricted = (v: EntryView) => v.secondary(PROCESSOR_2['unrestricted guest']);
const usable = (v: EntryView, r: Register) => r === 'CS' || r === 'TR' || !v.bit(rights(r), 16);
const type = (v: EntryView, r: Register) => v.low(rights(r)) & 15;
const dpl = (v: EntryView, r: Register) => (v.low(rights(r)) >> 5) & 3;
const rpl = (v: EntryView, r: Register) => v.low(selector(r)) & 3;
const ifUsable = (r: Register): string => (r === 'CS' || r === 'TR' ? '' : `If the guest ${r} is usable: `);

const V8086_RIGHTS = 0xf3;
const inV8086 = (says: string, fields: readonly FieldName[], holds: Check['holds']): Check =>
  check(`If the guest will be virtual-8086: ${says}`, [...fields, 'guest RFLAGS'], (v) => whenever(virtual8086(v), holds(v)));
const protectedMode = (says: string, fields: readonly FieldName[], holds: Check['holds']): Check =>
  check(says, [...fields, 'guest RFLAGS'], (v) => virtual8086(v) || holds(v));

const canonicalBase = (r: Register): Check => check(`${ifUsable(r)}The ${base(r)} must be canonical.`, [base(r), rights(r)], (v) => whenever(usable(v, r), v.canonical(base(r))));

const SELECTORS: readonly Check[] = [
  check('In the guest TR selector, the TI flag (bit 2) must be 0.', [selector('TR')], (v) => !v.bit(selector('TR'), 2)),
  check('If the guest LDTR is usable: in its selector, the TI flag (bit 2) must be 0.', [selector('LDTR'), rights('LDTR')],
    (v) => whenever(usable(v, 'LDTR'), !v.bit(selector('LDTR'), 2))),
  protectedMode('If the guest will not be virtual-8086 and the "unrestricted guest" VM-execution control is 0, the RPL of the guest SS selector must equal that of CS.',
    [selector('SS'), selector('CS'), ...SECONDARY_FIELDS], (v) => unrestricted(v) || rpl(v, 'SS') === rpl(v, 'CS')),
];

const BASES: readonly Check[] = [
  ...SIX.map((r) => inV8086(`the ${base(r)} must be the selector shifted left 4 bits.`, [base(r), selector(r)],
    (v) => v.low(base(r)) === v.low(selector(r)) << 4 && v.high(base(r)) === 0)),
  ...(['TR', 'FS', 'GS'] as const).map((r) => check(`The ${base(r)} must be canonical.`, [base(r)], (v) => v.canonical(base(r)))),
  canonicalBase('LDTR'),
  ...(['CS', 'SS', 'DS', 'ES'] as const).map((r) => protectedMode(`${ifUsable(r)}Bits 63:32 of the ${base(r)} must be 0.`, [base(r), rights(r)],
    (v) => whenever(usable(v, r), v.high(base(r)) === 0))),
];

const LIMITS: readonly Check[] = SIX.map((r) => inV8086(`the ${limit(r)} must be 0000FFFFH.`, [limit(r)], (v) => v.low(limit(r)) === 0xffff));

/** Bits 11:0 of the limit not all ones demand bytes; any of bits 31:20 demands pages. */
function granular(v: EntryView, r: Register): boolean {
  const l = v.low(limit(r)), g = v.bit(rights(r), 15);
  return whenever((l & 0xfff) !== 0xfff, !g) && whenever(l >>> 20 !== 0, g);
}
const RESERVED_11_8 = 0xf00;

const CODE_ACCESSED = new Set([9, 11, 13, 15]);
const CS_TYPES: readonly Check[] = [
  protectedMode('The guest CS type must be 9, 11, 13 or 15 (accessed code), or 3 (accessed writable data) if the "unrestricted guest" VM-execution control is 1.',
    [rights('CS'), ...SECONDARY_FIELDS], (v) => CODE_ACCESSED.has(type(v, 'CS')) || (type(v, 'CS') === 3 && unrestricted(v))),
];
const DATA_TYPES: readonly Check[] = [
  protectedMode('If the guest SS is usable: its type must be 3 or 7 (accessed writable data).', [rights('SS')],
    (v) => whenever(usable(v, 'SS'), type(v, 'SS') === 3 || type(v, 'SS') === 7)),
  ...DATA.map((r) => protectedMode(`If the guest ${r} is usable: its type must have bit 0 (accessed) set.`, [rights(r)], (v) => whenever(usable(v, r), (type(v, r) & 1) !== 0))),
  ...DATA.map((r) => protectedMode(`If the guest ${r} is usable: if its type is code (bit 3), it must be readable (bit 1).`, [rights(r)],
    (v) => whenever(usable(v, r) && (type(v, r) & 8) !== 0, (type(v, r) & 2) !== 0))),
];

const DPLS: readonly Check[] = [
  protectedMode('If the guest CS type is 3 (data), its DPL must be 0.', [rights('CS')], (v) => whenever(type(v, 'CS') === 3, dpl(v, 'CS') === 0)),
  protectedMode('If the guest CS type is 9 or 11 (nonconforming code), its DPL must equal the DPL of SS.', [rights('CS'), rights('SS')],
    (v) => whenever(type(v, 'CS') === 9 || type(v, 'CS') === 11, dpl(v, 'CS') === dpl(v, 'SS'))),
  protectedMode('If the guest CS type is 13 or 15 (conforming code), its DPL cannot be greater than the DPL of SS.', [rights('CS'), rights('SS')],
    (v) => whenever(type(v, 'CS') === 13 || type(v, 'CS') === 15, dpl(v, 'CS') <= dpl(v, 'SS'))),
  protectedMode('If the "unrestricted guest" VM-execution control is 0, the DPL of the guest SS must equal the RPL of its selector.', [rights('SS'), selector('SS'), ...SECONDARY_FIELDS],
    (v) => unrestricted(v) || dpl(v, 'SS') === rpl(v, 'SS')),
  protectedMode('The DPL of the guest SS must be 0 if the CS type is 3 or bit 0 (PE) of the guest CR0 field is 0.', [rights('SS'), rights('CS'), 'guest CR0'],
    (v) => whenever(type(v, 'CS') === 3 || !v.bit('guest CR0', 0), dpl(v, 'SS') === 0)),
  ...DATA.map((r) => protectedMode(
    `If the "unrestricted guest" VM-execution control is 0, the guest ${r} is usable and its type is 0–11 (data or nonconforming code): its DPL cannot be less than the RPL of its selector.`,
    [rights(r), selector(r), ...SECONDARY_FIELDS], (v) => whenever(!unrestricted(v) && usable(v, r) && type(v, r) <= 11, dpl(v, r) >= rpl(v, r)))),
];

const bitIs = (r: Register, n: number, wanted: 0 | 1, what: string): Check =>
  protectedMode(`${ifUsable(r)}Bit ${n} (${what}) of the ${rights(r)} must be ${wanted}.`, [rights(r)], (v) => whenever(usable(v, r), v.bit(rights(r), n) === (wanted === 1)));

const ACCESS_RIGHTS: readonly Check[] = [
  ...SIX.map((r) => inV8086(`the ${rights(r)} must be F3H.`, [rights(r)], (v) => v.low(rights(r)) === V8086_RIGHTS)),
  ...CS_TYPES,
  ...DATA_TYPES,
  ...SIX.map((r) => bitIs(r, 4, 1, 'S')),
  ...DPLS,
  ...SIX.map((r) => bitIs(r, 7, 1, 'P')),
  ...SIX.map((r) => protectedMode(`${ifUsable(r)}Reserved bits 11:8 of the ${rights(r)} must be 0.`, [rights(r)], (v) => whenever(usable(v, r), (v.low(rights(r)) & RESERVED_11_8) === 0))),
  protectedMode('If the "IA-32e mode guest" VM-entry control is 1 and the L bit of the guest CS access rights is 1, its D/B bit must be 0.', [rights('CS'), ENTRY_FIELD],
    (v) => whenever(ia32eGuest(v) && v.bit(rights('CS'), 13), !v.bit(rights('CS'), 14))),
  ...SIX.map((r) => protectedMode(`${ifUsable(r)}The G bit of the ${rights(r)} must agree with its limit: 0 if bits 11:0 are not all 1, 1 if any of bits 31:20 is 1.`,
    [rights(r), limit(r)], (v) => whenever(usable(v, r), granular(v, r)))),
  protectedMode('Reserved bits 31:17 of the guest CS access rights must be 0.', [rights('CS')], (v) => v.low(rights('CS')) >>> 17 === 0),
  ...(['SS', ...DATA] as const).map((r) => protectedMode(`${ifUsable(r)}Reserved bits 31:17 of the ${rights(r)} must be 0.`, [rights(r)],
    (v) => whenever(usable(v, r), v.low(rights(r)) >>> 17 === 0))),
];

const TSS_16_BUSY = 3, TSS_BUSY = 11, LDT = 2;
const SYSTEM_SEGMENTS: readonly Check[] = [
  check('The guest TR type must be 11 (busy TSS), or 3 (busy 16-bit TSS) if the "IA-32e mode guest" VM-entry control is 0.', [rights('TR'), ENTRY_FIELD],
    (v) => type(v, 'TR') === TSS_BUSY || (type(v, 'TR') === TSS_16_BUSY && !ia32eGuest(v))),
  check('The guest LDTR, if usable, must have type 2 (LDT).', [rights('LDTR')], (v) => whenever(usable(v, 'LDTR'), type(v, 'LDTR') === LDT)),
  ...(['TR', 'LDTR'] as const).flatMap((r) => [
    check(`${ifUsable(r)}Bit 4 (S) of the ${rights(r)} must be 0.`, [rights(r)], (v) => whenever(usable(v, r), !v.bit(rights(r), 4))),
    check(`${ifUsable(r)}Bit 7 (P) of the ${rights(r)} must be 1.`, [rights(r)], (v) => whenever(usable(v, r), v.bit(rights(r), 7))),
    check(`${ifUsable(r)}Reserved bits 11:8 of the ${rights(r)} must be 0.`, [rights(r)], (v) => whenever(usable(v, r), (v.low(rights(r)) & RESERVED_11_8) === 0)),
    check(`${ifUsable(r)}The G bit of the ${rights(r)} must agree with its limit: 0 if bits 11:0 are not all 1, 1 if any of bits 31:20 is 1.`, [rights(r), limit(r)],
      (v) => whenever(usable(v, r), granular(v, r))),
    check(`${ifUsable(r)}Reserved bits 31:17 of the ${rights(r)} must be 0.`, [rights(r)], (v) => whenever(usable(v, r), v.low(rights(r)) >>> 17 === 0)),
  ]),
  check('Bit 16 (unusable) of the guest TR access rights must be 0.', [rights('TR')], (v) => !v.bit(rights('TR'), 16)),
];

export const GUEST_SEGMENT_CHECKS: readonly Check[] = [...SELECTORS, ...BASES, ...LIMITS, ...ACCESS_RIGHTS, ...SYSTEM_SEGMENTS];
