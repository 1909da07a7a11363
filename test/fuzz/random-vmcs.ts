/** Random VMCSs: those of guests in every mode, with some fields made otherwise, most of them near what VM entry still accepts. */
import { CONTROL_FIELDS, capability, type ControlFieldName } from '../../emulator/vmx/controls.js';
import { AT, CONTROLS, type Fields, primary, secondary, validVmcs, VM_ENTRY, VM_EXIT } from '../../emulator/vmx/test-processor.js';
import { SECTIONS } from '../../emulator/vmx/entry-checks/entry-checks.js';
import { EXISTING_FIELDS } from '../../emulator/vmx/vmcs.js';
import { describe, type FieldName } from '../../emulator/vmx/vmcs-fields.js';
import type { Random } from './random.js';

/** Page-directory-pointer-table entries for a guest with PAE paging. */
export const PAE_TABLE = 0xf000;
const SEGMENTS = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS'] as const;
const FIELDS = EXISTING_FIELDS.filter(({ encoding }) => describe(encoding).area !== 'VM-exit information').map(({ name, encoding }) => ({ name: name as FieldName, width: describe(encoding).width }));
const WIDTHS = new Map(FIELDS.map(({ name, width }) => [name, width]));
const CHECKS = SECTIONS.flatMap(({ checks }) => checks);
const CONTROL_OF_FIELD = new Map(Object.entries(CONTROL_FIELDS).map(([name, { field }]) => [field as FieldName, name as ControlFieldName]));

const entry = (off: number): Fields => ({ 'VM-entry controls': (CONTROLS.entry & ~off) >>> 0 });
const GUEST_32: Fields = { ...entry(VM_ENTRY['IA-32e mode guest']), 'guest IA32_EFER': 0, 'guest CR4': 0x2000, 'guest CS access rights': 0xc09b };
const UNRESTRICTED = secondary('enable EPT', 'unrestricted guest');
const ofAll = (values: (segment: string) => Fields): Fields => Object.assign({}, ...SEGMENTS.map(values)) as Fields;
/** For a processor outside IA-32e mode. */
const HOST_32: Fields = { ...GUEST_32, 'primary VM-exit controls': (CONTROLS.exit & ~VM_EXIT['host address-space size']) >>> 0, 'host IA32_EFER': 0, 'host CR4': 0x2020, 'host CR3': PAE_TABLE };
const GUESTS: readonly Fields[] = [
  {}, GUEST_32,
  { ...GUEST_32, 'guest CR4': 0x2020, 'guest CR3': PAE_TABLE },
  { ...GUEST_32, 'guest RFLAGS': 0x20002, ...ofAll((s) => ({ [`guest ${s} selector`]: 0x100, [`guest ${s} base`]: 0x1000, [`guest ${s} limit`]: 0xffff, [`guest ${s} access rights`]: 0xf3 })) },
  { ...GUEST_32, ...UNRESTRICTED, 'guest CR0': 0x30, 'guest CR4': 0x2000, ...ofAll((s) => ({ [`guest ${s} selector`]: 0x100, [`guest ${s} base`]: 0x1000, [`guest ${s} limit`]: 0xffff, [`guest ${s} access rights`]: s === 'CS' ? 0x9b : 0x93 })) },
  { ...GUEST_32, ...UNRESTRICTED, 'guest CR0': 0x31 },
  { 'guest LDTR access rights': 0x82, 'guest LDTR limit': 0x7 },
  UNRESTRICTED, secondary('enable VPID'), secondary('enable EPT'),
  { 'guest CS selector': 0xb, 'guest CS access rights': 0xa0fb, 'guest SS selector': 0x13, 'guest SS access rights': 0xc0f3 },
];

const GUESTS_32 = GUESTS.filter((guest) => guest['guest IA32_EFER'] === 0);

const RIGHTS = [0xa09b, 0xc09b, 0xc093, 0xc0f3, 0xa0fb, 0xc0fb, 0x8b, 0x83, 0x82, 0x9b, 0x93, 0xf3, 0x10000, 0xc097, 0xa09f, 0xc09f, 0xb3, 0x1c093] as const;
const PLACES = Object.values(AT);

export class RandomVmcs {
  constructor(private readonly random: Random) {}

  /** `host32`: for a processor outside IA-32e mode. */
  next(host32: boolean): Fields {
    const { random: r } = this, fields: Fields = { ...validVmcs(), ...(r.chance(16) !== host32 ? HOST_32 : {}), ...r.pick(host32 ? GUESTS_32 : GUESTS) };
    for (let changes = r.pick([0, 1, 1, 2, 2, 3, 5, 8, 20]); changes > 0; changes--) {
      const named = r.chance(2) ? [r.pick(FIELDS).name] : r.pick(CHECKS).fields;
      for (const name of named) if (name === named[0] || r.chance(2)) fields[name] = this.other(name, WIDTHS.get(name)!, BigInt(fields[name] ?? 0));
    }
    if (r.chance(3)) this.inject(fields);
    if (r.chance(4)) Object.assign(fields, r.pick([primary('use I/O bitmaps', 'use MSR bitmaps'), primary('monitor trap flag'), { 'guest interruptibility state': r.below(16) }, { 'guest activity state': r.below(4) }]));
    return fields;
  }

  private inject(fields: Fields): void {
    const { random: r } = this, vector = r.pick([2, r.below(32), 13, 14, r.below(256)]);
    fields['VM-entry interruption-information field'] = (0x8000_0000 | (r.pick([0, 2, 3, 3, 4, 5, 6, 7, r.below(8)]) << 8) | vector | (r.chance(2) ? 0x800 : 0) | (r.chance(16) ? 1 << (12 + r.below(19)) : 0)) >>> 0;
    fields['VM-entry exception error code'] = r.chance(8) ? r.u32() : r.below(0x8000);
    fields['VM-entry instruction length'] = r.below(r.chance(8) ? 20 : 16);
    if (r.chance(2)) fields['guest RFLAGS'] = BigInt(fields['guest RFLAGS'] ?? 2) | 0x200n;
  }

  private other(name: FieldName, width: number | 'natural', now: bigint): bigint {
    const { random: r } = this, bits = width === 'natural' ? 64 : width, control = CONTROL_OF_FIELD.get(name);
    if (control) return this.control(control, now);
    if (/access rights$/.test(name)) return r.chance(2) ? BigInt(r.pick(RIGHTS)) : now ^ (1n << BigInt(r.below(r.chance(4) ? 32 : 18)));
    if (/selector$/.test(name) && !r.chance(3)) return BigInt(8 * r.below(5) + r.pick([0, 0, 0, 1, 2, 3, 4, 7]));
    if (/limit$/.test(name) && !r.chance(3)) return BigInt(r.pick([0xffff_ffff, 0xffff, 0x67, 0xfff, 0xfffff, 0]));
    if (/ count$/.test(name)) return BigInt(r.below(6));
    const changed = r.pick([
      () => now ^ (1n << BigInt(r.below(bits))), () => now ^ (1n << BigInt(r.below(16))), () => r.value(), () => BigInt(r.pick(PLACES)), () => BigInt(r.pick(PLACES)) | BigInt(r.below(4096)),
      () => (1n << BigInt(r.pick([39, 40, 46, 47, 48, 52]))) - BigInt(r.pick([0, 0, 16])), () => BigInt.asUintN(64, -(1n << BigInt(r.pick([46, 47, 48])))), () => 0n, () => BigInt(r.below(32)),
    ])();
    return BigInt.asUintN(bits, changed);
  }
  /** What the capability MSRs allow, and now and then a bit that they do not. */
  private control(name: ControlFieldName, now: bigint): bigint {
    const { random: r } = this, { allowed0, allowed1 } = capability(name);
    const wanted = r.chance(2) ? Number(now) ^ (1 << r.below(32)) : r.u32() & (r.chance(2) ? 0xffff_ffff : r.u32());
    return BigInt((r.chance(4) ? wanted : (wanted & allowed1) | allowed0) >>> 0);
  }
}
