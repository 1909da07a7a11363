import assert from 'node:assert/strict';
import { MAP } from '../../cpu/layout.js';
import { UNUSABLE } from '../../cpu/processor.js';
import { AT, CONTROLS, type Fields, HOST_CR0, LONG_EFER, pin, primary, secondary, TestProcessor, validVmcs, VM_ENTRY, VM_EXIT } from '../test-processor.js';
import { VMCS_FIELDS } from '../vmcs-fields.js';
import { slot, Vmcs } from '../vmcs.js';
import { EntryView } from './check.js';
import { allFailures, firstFailure, SECTIONS } from './entry-checks.js';

interface Wrong {
  readonly fields: Fields;
  readonly prepare?: (t: TestProcessor) => void;
  /** Fragments of rules that no state can hold while it breaks this one. */
  readonly inseparable?: readonly RegExp[];
}

const exit = (on: number, off = 0): Fields => ({ 'primary VM-exit controls': ((CONTROLS.exit & ~off) | on) >>> 0 });
const entry = (on: number, off = 0): Fields => ({ 'VM-entry controls': ((CONTROLS.entry & ~off) | on) >>> 0 });
const UNRESTRICTED = secondary('enable EPT', 'unrestricted guest');
const injection = (type: number, vector: number, errorCode = false, more = 0): Fields =>
  ({ 'VM-entry interruption-information field': (0x8000_0000 + (type << 8) + vector + (errorCode ? 0x800 : 0) + more) >>> 0 });
const POSTED: Fields = { ...pin('process posted interrupts', 'external-interrupt exiting'), ...primary('use TPR shadow'), ...secondary('virtual-interrupt delivery') };
const BEYOND = 1n << 40n, NOT_CANONICAL = 1n << 47n;

/** A 32-bit guest without PAE, and a 32-bit host, which the processor must then be. */
const GUEST_32: Fields = { ...entry(0, VM_ENTRY['IA-32e mode guest']), 'guest IA32_EFER': 0, 'guest CR4': 0x2000, 'guest CS access rights': 0xc09b };
const HOST_32: Fields = { ...GUEST_32, ...exit(0, VM_EXIT['host address-space size']), 'host IA32_EFER': 0, 'host CR4': 0x2000 };
const outsideLongMode = (t: TestProcessor): void => { t.cpu.efer = 0; };

const SIX = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS'] as const;
const VIRTUAL_8086: Fields = { ...GUEST_32, 'guest RFLAGS': 0x20002 };
for (const s of SIX) Object.assign(VIRTUAL_8086, { [`guest ${s} selector`]: 0x100, [`guest ${s} base`]: 0x1000, [`guest ${s} limit`]: 0xffff, [`guest ${s} access rights`]: 0xf3 });
const LDT: Fields = { 'guest LDTR access rights': 0x82, 'guest LDTR limit': 0x7 };
const PAE_TABLE = 0xf000;
const PAE_GUEST: Fields = { ...GUEST_32, 'guest CR4': 0x2020, 'guest CR3': PAE_TABLE };

const rights = (s: string): number => Number(({ ...validVmcs(), ...LDT } as Record<string, number>)[`guest ${s} access rights`]);
const withRights = (s: string, change: (old: number) => number): Fields => ({ ...(s === 'LDTR' ? LDT : {}), [`guest ${s} access rights`]: change(rights(s)) });

/** For each rule, by a fragment of its sentence, a state that breaks it and no other. */
const VIOLATIONS: readonly (readonly [RegExp, (m: RegExpExecArray) => Wrong])[] = [
  [/^Reserved bits in the pin-based/, () => ({ fields: { 'pin-based VM-execution controls': CONTROLS.pin | 1 << 8 } })],
  [/^Reserved bits in the primary processor-based/, () => ({ fields: primary('activate tertiary controls') })],
  [/^If the "activate secondary controls"/, () => ({ fields: secondary('enable ENCLS exiting') })],
  [/CR3-target count must not/, () => ({ fields: { 'CR3-target count': 5 } })],
  [/bits 11:0 of the (address of .*) must be 0/, (m) => ({ fields: { ...primary('use I/O bitmaps', 'use MSR bitmaps'), [m[1]!]: 0x8004 } })],
  [/bits of the (address of .*) beyond/, (m) => ({ fields: { ...primary('use I/O bitmaps', 'use MSR bitmaps'), [m[1]!]: BEYOND } })],
  [/^If the "use TPR shadow" VM-execution control is 1, bits 11:0/, () => ({ fields: { ...primary('use TPR shadow'), 'virtual-APIC address': 0x8004 } })],
  [/^If the "use TPR shadow" VM-execution control is 1, bits of/, () => ({ fields: { ...primary('use TPR shadow'), 'virtual-APIC address': BEYOND } })],
  [/bits 31:4 of the TPR threshold/, () => ({ fields: { ...primary('use TPR shadow'), 'virtual-APIC address': 0x8000, 'TPR threshold': 0x10 } })],
  [/bits 3:0 of the TPR threshold/, () => ({ fields: { ...primary('use TPR shadow'), 'virtual-APIC address': 0x8000, 'TPR threshold': 3 }, prepare: (t) => { t.put32(0x8080, 0x20); } })],
  [/bits 11:0 of the APIC-access/, () => ({ fields: { ...secondary('virtualize APIC accesses'), 'APIC-access address': 8 } })],
  [/bits of the APIC-access/, () => ({ fields: { ...secondary('virtualize APIC accesses'), 'APIC-access address': BEYOND } })],
  [/^If the "use TPR shadow" VM-execution control is 0/, () => ({ fields: secondary('APIC-register virtualization') })],
  [/^If the "virtualize x2APIC mode"/, () => ({ fields: { ...primary('use TPR shadow'), ...secondary('virtualize x2APIC mode', 'virtualize APIC accesses') } })],
  [/^If the "virtual-interrupt delivery"/, () => ({ fields: { ...primary('use TPR shadow'), ...secondary('virtual-interrupt delivery') } })],
  [/the "virtual-interrupt delivery" VM-execution control must be 1/, () => ({ fields: { ...pin('process posted interrupts', 'external-interrupt exiting'), ...exit(VM_EXIT['acknowledge interrupt on exit']) } })],
  [/the "acknowledge interrupt on exit" VM-exit control must be 1/, () => ({ fields: POSTED })],
  [/posted-interrupt notification vector/, () => ({ fields: { ...POSTED, ...exit(VM_EXIT['acknowledge interrupt on exit']), 'posted-interrupt notification vector': 0x100 } })],
  [/bits 5:0 of the posted-interrupt/, () => ({ fields: { ...POSTED, ...exit(VM_EXIT['acknowledge interrupt on exit']), 'posted-interrupt descriptor address': 0x8020 } })],
  [/the posted-interrupt descriptor address must not/, () => ({ fields: { ...POSTED, ...exit(VM_EXIT['acknowledge interrupt on exit']), 'posted-interrupt descriptor address': BEYOND } })],
  [/^If the "NMI exiting"/, () => ({ fields: pin('virtual NMIs') })],
  [/^If the "virtual NMIs" VM-execution control is 0/, () => ({ fields: primary('NMI-window exiting') })],
  [/^If the "enable VPID"/, () => ({ fields: { ...secondary('enable VPID'), 'virtual-processor identifier (VPID)': 0 } })],
  [/EPT memory type/, () => ({ fields: { ...secondary('enable EPT'), 'EPT pointer (EPTP)': AT.ept | 0x1f } })],
  [/page-walk length of 4/, () => ({ fields: { ...secondary('enable EPT'), 'EPT pointer (EPTP)': AT.ept | 0x26 } })],
  [/reserved bits 11:7 of the EPTP/, () => ({ fields: { ...secondary('enable EPT'), 'EPT pointer (EPTP)': AT.ept | 0x9e } })],
  [/^If the "unrestricted guest" VM-execution control is 1, the "enable EPT"/, () => ({ fields: secondary('unrestricted guest') })],
  [/^If the "enable PML" VM-execution control is 1, the "enable EPT"/, () => ({ fields: secondary('enable PML') })],
  [/^If the "mode-based execute control for EPT"/, () => ({ fields: secondary('mode-based execute control for EPT') })],
  [/bits 11:0 of the PML address/, () => ({ fields: { ...secondary('enable EPT', 'enable PML'), 'PML address': 8 } })],
  [/bits of the PML address/, () => ({ fields: { ...secondary('enable EPT', 'enable PML'), 'PML address': BEYOND } })],
  [/reserved bits of the VM-function controls/, () => ({ fields: { ...secondary('enable VM functions'), 'VM-function controls': 2 } })],
  [/^If the "EPTP switching" VM function is enabled, the "enable EPT"/, () => ({ fields: { ...secondary('enable VM functions'), 'VM-function controls': 1 } })],
  [/bits 11:0 of the EPTP-list/, () => ({ fields: { ...secondary('enable EPT', 'enable VM functions'), 'VM-function controls': 1, 'EPTP-list address': 8 } })],
  [/EPTP-list address must not/, () => ({ fields: { ...secondary('enable EPT', 'enable VM functions'), 'VM-function controls': 1, 'EPTP-list address': BEYOND } })],
  [/bits 11:0 of the virtualization-exception/, () => ({ fields: { ...secondary('EPT-violation #VE'), 'virtualization-exception information address': 8 } })],
  [/bits of the virtualization-exception/, () => ({ fields: { ...secondary('EPT-violation #VE'), 'virtualization-exception information address': BEYOND } })],
  [/bits 11:0 of the (VM\S+-bitmap address)/, (m) => ({ fields: { ...secondary('VMCS shadowing'), [m[1]!]: 8 } })],
  [/bits of the (VM\S+-bitmap address) beyond/, (m) => ({ fields: { ...secondary('VMCS shadowing'), [m[1]!]: BEYOND } })],
  [/^Reserved bits in the primary VM-exit/, () => ({ fields: exit(VM_EXIT['load PKRS']) })],
  [/^If the "activate VMX-preemption timer"/, () => ({ fields: exit(VM_EXIT['save VMX-preemption timer value']) })],
  [/^If the (VM-\S+ MSR-\S+) count is not 0, the lower 4 bits/, (m) => ({ fields: { [`${m[1]!} count`]: 1, [`${m[1]!} address`]: 8 } })],
  [/^If the (VM-\S+ MSR-\S+) count is not 0, the .* must not set bits/, (m) => ({ fields: { [`${m[1]!} count`]: 1, [`${m[1]!} address`]: BEYOND } })],
  [/^If the (VM-\S+ MSR-\S+) count is not 0, the last byte/, (m) => ({ fields: { [`${m[1]!} count`]: 2, [`${m[1]!} address`]: BEYOND - 16n } })],
  [/^Reserved bits in the VM-entry/, () => ({ fields: entry(VM_ENTRY['entry to SMM']) })],
  [/reserved value 1/, () => ({ fields: injection(1, 0) })],
  [/vector must be 2/, () => ({ fields: injection(2, 3) })],
  [/vector must be at most 31/, () => ({ fields: injection(3, 32) })],
  [/vector must be 0 \(pending MTF/, () => ({ fields: injection(7, 1) })],
  [/deliver-error-code bit must be 1/, () => ({ fields: injection(3, 13) })],
  [/deliver-error-code bit must be 0 unless/, () => ({ fields: injection(3, 6, true) })],
  [/reserved bits 30:12 must be 0/, () => ({ fields: injection(3, 6, false, 0x1000) })],
  [/bits 31:16 of the VM-entry exception/, () => ({ fields: { ...injection(3, 13, true), 'VM-entry exception error code': 0x10000 } })],
  [/instruction-length field/, () => ({ fields: { ...injection(4, 0x80), 'VM-entry instruction length': 16 } })],

  [/^The host CR0/, () => ({ fields: { 'host CR0': (HOST_CR0 & ~0x20) >>> 0 } })],
  [/^The host CR4/, () => ({ fields: { 'host CR4': 0x20 } })],
  [/^The (host|guest) CR3/, (m) => ({ fields: { [`${m[1]!} CR3`]: BEYOND } })],
  [/^The (\S+ IA32_SYSENTER_\S+|\S+ \S+ base) (?:field must contain|must be) (?:a )?canonical/, (m) => ({ fields: { [m[1]!]: NOT_CANONICAL } })],
  [/VM-exit control is 1, each byte of the host IA32_PAT/, () => ({ fields: { ...exit(VM_EXIT['load IA32_PAT']), 'host IA32_PAT': 2 } })],
  [/reserved in the IA32_EFER MSR must be 0 in the (\S+) IA32_EFER/, (m) => ({ fields: { [`${m[1]!} IA32_EFER`]: LONG_EFER | 2 } })],
  [/LMA and LME in the host/, () => ({ fields: { 'host IA32_EFER': 0x400 } })],
  [/^In the host (\S+) selector field, the RPL/, (m) => ({ fields: { [`host ${m[1]!} selector`]: 0x21 } })],
  [/^The host (CS|TR) selector field cannot/, (m) => ({ fields: { [`host ${m[1]!} selector`]: 0 } })],
  [/^The host SS selector field cannot/, () => ({ fields: { ...HOST_32, 'host SS selector': 0 }, prepare: outsideLongMode })],
  [/outside IA-32e mode.*"IA-32e mode guest"/, () => ({
    fields: { ...HOST_32, ...entry(0), 'guest IA32_EFER': LONG_EFER, 'guest CR4': 0x2020 }, prepare: outsideLongMode, inseparable: [/^If the "host address-space size" VM-exit control is 0, the "IA-32e/],
  })],
  [/outside IA-32e mode.*"host address-space size"/, () => ({ fields: GUEST_32, prepare: outsideLongMode })],
  [/is in IA-32e mode at the time/, () => ({ fields: HOST_32 })],
  [/^If the "host address-space size" VM-exit control is 0, the "IA-32e/, () => ({
    fields: { ...HOST_32, ...entry(0), 'guest IA32_EFER': LONG_EFER, 'guest CR4': 0x2020 }, inseparable: [/is in IA-32e mode at the time/],
  })],
  [/PCIDE\) of the host CR4/, () => ({ fields: { ...HOST_32, 'host CR4': 0x22000 }, prepare: outsideLongMode })],
  [/bits 63:32 of the host RIP/, () => ({ fields: { ...HOST_32, 'host RIP': 1n << 32n }, prepare: outsideLongMode })],
  [/PAE\) of the host CR4/, () => ({ fields: { 'host CR4': 0x2000 } })],
  [/host RIP field must contain/, () => ({ fields: { 'host RIP': NOT_CANONICAL } })],

  [/^The guest CR0 field/, () => ({ fields: { 'guest CR0': (HOST_CR0 & ~0x20) >>> 0 } })],
  [/^If bit 31 \(PG\)/, () => ({ fields: { ...UNRESTRICTED, 'guest CR0': (HOST_CR0 & ~1) >>> 0 } })],
  [/^The guest CR4/, () => ({ fields: { 'guest CR4': 0x20 } })],
  [/IA32_DEBUGCTL MSR/, () => ({ fields: { 'guest IA32_DEBUGCTL': 4 } })],
  [/control is 1, bit 31 \(PG\) of the guest CR0/, () => ({ fields: { ...UNRESTRICTED, 'guest CR0': 0x31 } })],
  [/control is 1, bit 5 \(PAE\) of the guest CR4/, () => ({ fields: { 'guest CR4': 0x2000 } })],
  [/PCIDE\) of the guest CR4/, () => ({ fields: { ...GUEST_32, 'guest CR4': 0x22000 } })],
  [/guest DR7/, () => ({ fields: { 'guest DR7': 0x1_0000_0400n } })],
  [/each byte of the guest IA32_PAT/, () => ({ fields: { ...entry(VM_ENTRY['load IA32_PAT']), 'guest IA32_PAT': 0x0300 } })],
  [/bit 10 \(LMA\) of the guest/, () => ({ fields: { 'guest IA32_EFER': 0 } })],
  [/LMA and LME of the guest/, () => ({ fields: { 'guest IA32_EFER': 0x400 } })],

  [/^In the guest TR selector/, () => ({ fields: { 'guest TR selector': 0x1c } })],
  [/LDTR is usable: in its selector/, () => ({ fields: { ...LDT, 'guest LDTR selector': 4 } })],
  [/RPL of the guest SS selector must equal/, () => ({ fields: { 'guest CS selector': 9 } })],
  [/virtual-8086: the guest (\S+) base must/, (m) => ({ fields: { ...VIRTUAL_8086, [`guest ${m[1]!} base`]: 0x1010 } })],
  [/LDTR is usable: The guest LDTR base/, () => ({ fields: { ...LDT, 'guest LDTR base': NOT_CANONICAL } })],
  [/Bits 63:32 of the guest (\S+) base/, (m) => ({ fields: { [`guest ${m[1]!} base`]: 1n << 32n } })],
  [/virtual-8086: the guest (\S+) limit/, (m) => ({ fields: { ...VIRTUAL_8086, [`guest ${m[1]!} limit`]: 0xfffe } })],
  [/virtual-8086: the guest (\S+) access rights/, (m) => ({ fields: { ...VIRTUAL_8086, [`guest ${m[1]!} access rights`]: 0x93 } })],
  [/^The guest CS type must be/, () => ({ fields: withRights('CS', (old) => old & ~1) })],
  [/SS is usable: its type must be/, () => ({ fields: withRights('SS', (old) => old & ~2) })],
  [/guest (\S+) is usable: its type must have bit 0/, (m) => ({ fields: withRights(m[1]!, (old) => old & ~1) })],
  [/guest (\S+) is usable: if its type is code/, (m) => ({ fields: withRights(m[1]!, () => 0xc099) })],
  [/Bit 4 \(S\) of the guest (\S+) access rights must be 1/, (m) => ({ fields: withRights(m[1]!, (old) => old & ~0x10) })],
  [/Bit 7 \(P\) of the guest (\S+) access rights/, (m) => ({ fields: withRights(m[1]!, (old) => old & ~0x80) })],
  [/CS type is 3 \(data\)/, () => ({ fields: { ...UNRESTRICTED, ...withRights('CS', () => 0xc0b3) } })],
  [/CS type is 9 or 11/, () => ({ fields: withRights('CS', (old) => old | 0x20) })],
  [/CS type is 13 or 15/, () => ({ fields: withRights('CS', () => 0xa0bf) })],
  [/DPL of the guest SS must equal the RPL/, () => ({ fields: { ...withRights('CS', () => 0xa09f), ...withRights('SS', (old) => old | 0x20) } })],
  [/DPL of the guest SS must be 0/, () => ({ fields: { ...UNRESTRICTED, ...withRights('CS', () => 0xc093), ...withRights('SS', (old) => old | 0x20) } })],
  [/the guest (\S+) is usable and its type is 0–11/, (m) => ({ fields: { [`guest ${m[1]!} selector`]: 0x13 } })],
  [/Reserved bits 11:8 of the guest (\S+) access/, (m) => ({ fields: withRights(m[1]!, (old) => old | 0x100) })],
  [/its D\/B bit must be 0/, () => ({ fields: withRights('CS', (old) => old | 0x4000) })],
  [/G bit of the guest (TR|LDTR) access/, (m) => ({ fields: withRights(m[1]!, (old) => old | 0x8000) })],
  [/G bit of the guest (\S+) access/, (m) => ({ fields: withRights(m[1]!, (old) => old & ~0x8000) })],
  [/Reserved bits 31:17 of the guest (\S+) access/, (m) => ({ fields: withRights(m[1]!, (old) => old | 0x20000) })],
  [/^The guest TR type/, () => ({ fields: withRights('TR', () => 0x83) })],
  [/^The guest LDTR, if usable/, () => ({ fields: withRights('LDTR', () => 0x83) })],
  [/Bit 4 \(S\) of the guest (TR|LDTR) access rights must be 0/, (m) => ({ fields: withRights(m[1]!, (old) => old | 0x10) })],
  [/unusable\) of the guest TR/, () => ({ fields: withRights('TR', (old) => old | UNUSABLE) })],
  [/^Bits 31:16 of the (guest \S+ limit)/, (m) => ({ fields: { [m[1]!]: 0x10000 } })],

  [/^Bits 63:32 of the guest RIP/, () => ({ fields: { ...withRights('CS', () => 0xc09b), 'guest RIP': 1n << 32n } })],
  [/^Bits 63:48 of the guest RIP/, () => ({ fields: { 'guest RIP': NOT_CANONICAL << 1n } })],
  [/of the guest RFLAGS field must be 0, and reserved/, () => ({ fields: { 'guest RFLAGS': 0xa } })],
  [/^The VM flag/, () => ({ fields: { ...VIRTUAL_8086, ...UNRESTRICTED, 'guest CR0': 0x30 } })],
  [/^The IF flag/, () => ({ fields: injection(0, 0x20) })],
  [/activity state must be one that/, () => ({ fields: { 'guest activity state': 4 } })],
  [/must not be HLT if/, () => ({
    fields: { 'guest activity state': 1, 'guest CS selector': 0xb, ...withRights('CS', (old) => old | 0x60), 'guest SS selector': 0x13, ...withRights('SS', (old) => old | 0x60) },
  })],
  [/must be active if/, () => ({ fields: { 'guest activity state': 1, 'guest interruptibility state': 1, 'guest RFLAGS': 0x202 } })],
  [/may be delivered in the guest activity/, () => ({ fields: { 'guest activity state': 2, ...injection(3, 13, true) } })],
  [/^Reserved bits 31:5 of the guest interruptibility/, () => ({ fields: { 'guest interruptibility state': 0x10 } })],
  [/both STI and MOV SS/, () => ({ fields: { 'guest interruptibility state': 3, 'guest RFLAGS': 0x202 } })],
  [/by STI if the IF flag/, () => ({ fields: { 'guest interruptibility state': 1 } })],
  [/or by MOV SS if an external interrupt/, () => ({ fields: { 'guest interruptibility state': 1, 'guest RFLAGS': 0x202, ...injection(0, 0x20) } })],
  [/by MOV SS if an NMI/, () => ({ fields: { 'guest interruptibility state': 2, ...injection(2, 2) } })],
  [/by SMI outside/, () => ({ fields: { 'guest interruptibility state': 4 } })],
  [/by NMI if the "virtual NMIs"/, () => ({ fields: { 'guest interruptibility state': 8, ...injection(2, 2), ...pin('NMI exiting', 'virtual NMIs') } })],
  [/of the guest pending debug exceptions must be 0\.$/, () => ({ fields: { 'guest pending debug exceptions': 0x10 } })],
  [/exceptions must be 1 if RFLAGS.TF/, () => ({ fields: { 'guest interruptibility state': 1, 'guest RFLAGS': 0x302 } })],
  [/exceptions must be 0 if RFLAGS.TF/, () => ({ fields: { 'guest interruptibility state': 1, 'guest RFLAGS': 0x202, 'guest pending debug exceptions': 0x4000 } })],
  [/link pointer is not .*, its bits 11:0/, () => ({ fields: { 'VMCS link pointer': AT.otherVmcs + 4 } })],
  [/link pointer is not .*, it must not set bits/, () => ({ fields: { 'VMCS link pointer': BEYOND } })],
  [/link pointer is not .*, the 4 bytes/, () => ({ fields: { 'VMCS link pointer': AT.otherVmcs } })],
  [/link pointer must not be the current/, () => ({ fields: { 'VMCS link pointer': AT.vmcs } })],
  [/reserved bits of PDPTE(\d)/, (m) => ({ fields: PAE_GUEST, prepare: (t) => { t.put64(PAE_TABLE + 8 * Number(m[1]), 3n); } })],
];

const broken = (wrong: Wrong): TestProcessor => {
  const t = new TestProcessor().enterVmx();
  wrong.prepare?.(t);
  t.write(wrong.fields);
  return t;
};

describe('checks of VM entry', () => {
  it('all hold for the VMCS of the tests, and its variants', () => {
    for (const [fields, prepare] of [[{}, undefined], [GUEST_32, undefined], [HOST_32, outsideLongMode], [VIRTUAL_8086, undefined], [PAE_GUEST, undefined], [LDT, undefined], [UNRESTRICTED, undefined]] as const) {
      const t = broken({ fields, ...(prepare ? { prepare } : {}) });
      assert.deepEqual(allFailures(t.cpu).map(({ check }) => check.says), []);
    }
  });

  for (const section of SECTIONS) {
    describe(section.title, () => {
      for (const row of section.checks) {
        it(row.says, () => {
          const cases = VIOLATIONS.flatMap(([pattern, make]) => { const m = pattern.exec(row.says); return m ? [make(m)] : []; });
          assert.ok(cases.length >= 1, 'no state in the table breaks this rule');
          const wrong = cases[0]!, t = broken(wrong);
          const failing = allFailures(t.cpu).filter(({ check }) => !wrong.inseparable?.some((other) => other.test(check.says)));
          assert.deepEqual(failing.map(({ check }) => check.says), [row.says]);
          assert.equal(firstFailure(t.cpu, t.vmcs)?.section.outcome, section.outcome);
        });
      }
    });
  }

  const violationsOf = (says: string): Wrong[] => VIOLATIONS.flatMap(([pattern, make]) => { const m = pattern.exec(says); return m ? [make(m)] : []; });
  const rows = SECTIONS.flatMap(({ checks }) => checks);

  it('a rule is met again after its fields changed, and only then', () => {
    const t = new TestProcessor().enterVmx();
    const valid: Fields = { ...Object.fromEntries(VMCS_FIELDS.map(({ name }) => [name, 0])), ...validVmcs() };
    for (const row of rows) {
      const wrong = violationsOf(row.says)[0]!;
      if (wrong.prepare) continue;
      t.write(valid);
      assert.equal(firstFailure(t.cpu, t.vmcs), undefined);
      assert.equal(t.vmcs.dirty, 0);
      t.write(wrong.fields);
      const expected = allFailures(t.cpu)[0]!.check.says;
      assert.equal(firstFailure(t.cpu, t.vmcs)?.check.says, expected);
    }
  });

  it('rules read no field that they do not name', () => {
    const read = new Set<number>(), t = new TestProcessor().enterVmx();
    class Recording extends Vmcs {
      override low(at: number): number { read.add(at); return super.low(at); }
      override high(at: number): number { read.add(at); return super.high(at); }
      override unsigned(at: number): number { read.add(at); return super.unsigned(at); }
    }
    const view = new EntryView(t.cpu, new Recording(t.cpu.u32, t.cpu.i32, MAP.guestMemory + AT.vmcs), AT.vmcs);
    const states: Fields[] = [{}, GUEST_32, VIRTUAL_8086, PAE_GUEST, UNRESTRICTED, LDT, ...rows.flatMap(({ says }) => violationsOf(says).map(({ fields }) => fields))];
    for (const fields of states) {
      t.write({ ...validVmcs(), ...fields });
      for (const row of rows) {
        read.clear();
        row.holds(view);
        const named = new Set<number>(row.fields.map(slot));
        for (const at of read) assert.ok(named.has(at), `"${row.says}" reads slot ${at} without naming it`);
      }
    }
  });
});
