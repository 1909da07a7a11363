/** The current VMCS by groups of fields, each decoded; and the guest's registers that it holds. SDM Vol. 3C, "Virtual-Machine Control Structures". */
import { CONTROL_FIELDS } from '../vmx/controls.js';
import { exitReason, VM_ENTRY_FAILURE } from '../vmx/exit-reasons.js';
import { describe, type Field, type FieldName, type Width } from '../vmx/vmcs-fields.js';
import { currentVmcs, EXISTING_FIELDS, hasCurrentVmcs, slot, type Vmcs } from '../vmx/vmcs.js';
import { S } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import { EFER_LMA, pagingState, type PagingState } from '../paging/walk.js';
import { VM_ENTRY } from '../vmx/controls.js';
import { CR0, CR4, EFER, RFLAGS, type BitNames } from './bits.js';
import { decodeQualification } from './qualification.js';

export interface FieldValue {
  readonly encoding: number;
  readonly name: FieldName;
  readonly width: Width;
  readonly bits: number;
  readonly value: bigint;
}

export interface VmcsGroup {
  readonly name: string;
  readonly fields: readonly FieldValue[];
}

const FIELDS = EXISTING_FIELDS as readonly (Field & { name: FieldName })[];
const SEGMENT_FIELD = /^guest (ES|CS|SS|DS|FS|GS|LDTR|TR|GDTR|IDTR) /;

/** In the order in which people look for them; each field belongs to the first group that wants it. */
const GROUPS: readonly { readonly name: string; wants(field: Field): boolean }[] = [
  { name: 'VM-exit information', wants: ({ encoding }) => describe(encoding).area === 'VM-exit information' },
  { name: 'Guest segments', wants: ({ name }) => SEGMENT_FIELD.test(name) },
  { name: 'Guest state', wants: ({ encoding }) => describe(encoding).area === 'guest state' },
  { name: 'Host state', wants: ({ encoding }) => describe(encoding).area === 'host state' },
  { name: 'VM-entry controls', wants: ({ name }) => name.startsWith('VM-entry') },
  { name: 'VM-exit controls', wants: ({ name }) => name.startsWith('VM-exit') || name.endsWith('VM-exit controls') },
  { name: 'VM-execution controls', wants: () => true },
];
const FIELDS_OF_GROUP = GROUPS.map(({ name }, index) => ({ name, fields: FIELDS.filter((field) => GROUPS.findIndex(({ wants }) => wants(field)) === index) }));

export const vmcsGroupNames = GROUPS.map(({ name }) => name);

const BITS_OF_WIDTH: Readonly<Record<Width, number>> = { 16: 16, 32: 32, 64: 64, natural: 64 };

export const observedVmcs = (cpu: Processor): Vmcs | undefined => (cpu.low(S.vmxOn) !== 0 && hasCurrentVmcs(cpu) ? currentVmcs(cpu) : undefined);

/** The guest of the current VMCS has run, and may run again: while its hypervisor works, both have a stack. */
export function hasGuest(cpu: Processor): boolean {
  return observedVmcs(cpu)?.launched ?? false;
}

const unsigned = (vmcs: Vmcs, name: FieldName): bigint => (BigInt(vmcs.high(slot(name))) << 32n) | BigInt(vmcs.low(slot(name)));

function valueOf(vmcs: Vmcs, { encoding, name }: (typeof FIELDS)[number]): FieldValue {
  const { width } = describe(encoding);
  return { encoding, name, width, bits: BITS_OF_WIDTH[width], value: unsigned(vmcs, name) };
}

export const readVmcsField = (cpu: Processor, name: FieldName): bigint | undefined => {
  const vmcs = observedVmcs(cpu);
  return vmcs && unsigned(vmcs, name);
};

export function writeVmcsField(cpu: Processor, { name, bits }: FieldValue, value: bigint): void {
  const cut = BigInt.asUintN(bits, value);
  observedVmcs(cpu)!.set(slot(name), Number(cut & 0xffffffffn), Number(cut >> 32n));
}

export function readVmcs(cpu: Processor): VmcsGroup[] {
  const vmcs = observedVmcs(cpu);
  if (!vmcs) return [];
  return FIELDS_OF_GROUP.map(({ name, fields }) => ({ name, fields: fields.map((field) => valueOf(vmcs, field)) }));
}

/** Letters and digits only: `GUEST_RIP`, `guest rip` and `guest RIP` are one. */
const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');
const BY_PLAIN_NAME = new Map(FIELDS.map((field) => [plain(field.name.replace(/\(.*\)|[- ]field$/g, '')), field]));
/** Names of kernels' headers that are not the manual's words. */
const ALIASES: Readonly<Record<string, FieldName>> = {
  vmexitreason: 'exit reason', vpid: 'virtual-processor identifier (VPID)', eptp: 'EPT pointer (EPTP)', eptpointer: 'EPT pointer (EPTP)',
  guestlinearaddress: 'guest-linear address', guestphysicaladdress: 'guest-physical address', vmexitinstructionlen: 'VM-exit instruction length',
};

/** A field by its name in any spelling, or by its encoding. */
export function findVmcsField(cpu: Processor, name: string): FieldValue | undefined {
  const vmcs = observedVmcs(cpu);
  if (!vmcs) return undefined;
  const wanted = plain(name);
  const alias = ALIASES[wanted];
  const field = alias ? FIELDS.find((each) => each.name === alias) : (BY_PLAIN_NAME.get(wanted) ?? (/^0x[0-9a-f]+$/i.test(name) ? FIELDS.find(({ encoding }) => encoding === Number(name)) : undefined));
  return field && valueOf(vmcs, field);
}
/** As identifiers. */
export const vmcsFieldNames = FIELDS.map(({ name }) => name.replace(/ \(.*\)/, '').replace(/[^A-Za-z0-9]+/g, '_').toLowerCase());

const INTERRUPTION: BitNames = [['vector', 0, 8], ['type', 8, 3], ['error code', 11], ['NMI unblocking due to IRET', 12], ['valid', 31]];
const ACCESS_RIGHTS: BitNames = [['type', 0, 4], ['S', 4], ['DPL', 5, 2], ['P', 7], ['AVL', 12], ['L', 13], ['D/B', 14], ['G', 15], ['unusable', 16]];
const EXIT_REASON: BitNames = [['basic exit reason', 0, 16], ['enclave interruption', 27], ['pending MTF VM exit', 28], ['exit from VMX root operation', 29], ['VM-entry failure', 31]];
const EPTP: BitNames = [['memory type', 0, 3], ['page-walk length - 1', 3, 3], ['accessed and dirty flags', 6]];
const INTERRUPTIBILITY: BitNames = [['blocking by STI', 0], ['blocking by MOV SS', 1], ['blocking by SMI', 2], ['blocking by NMI', 3], ['enclave interruption', 4]];
const PENDING_DEBUG: BitNames = [['B0', 0], ['B1', 1], ['B2', 2], ['B3', 3], ['enabled breakpoint', 12], ['BS', 14], ['RTM', 16]];

const BITS: readonly (readonly [RegExp, BitNames])[] = [
  [/CR0$|^CR0 /, CR0], [/CR4$|^CR4 /, CR4], [/IA32_EFER$/, EFER], [/RFLAGS$/, RFLAGS], [/access rights$/, ACCESS_RIGHTS], [/^exit reason$/, EXIT_REASON], [/EPTP\)$/, EPTP],
  [/interruption information|interruption-information|IDT-vectoring information/, INTERRUPTION], [/interruptibility state$/, INTERRUPTIBILITY], [/pending debug exceptions$/, PENDING_DEBUG],
];

/** The bits of a field by name; none for a field that is one number. */
export function bitsOfField(name: FieldName): BitNames {
  const controls = Object.values(CONTROL_FIELDS).find(({ field }) => field === name)?.controls;
  if (controls) return Object.entries(controls).map(([control, { bit }]) => [control, bit] as const);
  return BITS.find(([pattern]) => pattern.test(name))?.[1] ?? [];
}

/** What a value means beyond its bits. */
export function meaningOfField(cpu: Processor, name: FieldName, value: bigint): string | undefined {
  if (name === 'exit qualification') return decodeQualification(Number(readVmcsField(cpu, 'exit reason') ?? 0n), value);
  if (name !== 'exit reason') return undefined;
  const text = exitReason(Number(value & 0xffffn))?.name;
  return value & BigInt(VM_ENTRY_FAILURE) ? `VM-entry failure: ${text}` : text;
}

/** The registers on which the guest's address translation depends, as the VMCS holds them while the hypervisor runs. */
export function guestPagingState(cpu: Processor): PagingState | undefined {
  const vmcs = observedVmcs(cpu);
  if (!vmcs) return undefined;
  const state = pagingState();
  state.cr0 = vmcs.low(slot('guest CR0'));
  state.cr3 = vmcs.unsigned(slot('guest CR3'));
  state.cr4 = vmcs.low(slot('guest CR4'));
  const longMode = (vmcs.low(slot('VM-entry controls')) & VM_ENTRY['IA-32e mode guest']) !== 0;
  const efer = vmcs.low(slot('guest IA32_EFER')) || cpu.efer;
  state.efer = longMode ? efer | EFER_LMA : efer & ~EFER_LMA;
  state.eptp = cpu.mmu.vmcs.eptp();
  state.modeBased = cpu.mmu.vmcs.modeBased();
  state.apicAccessPage = cpu.mmu.vmcs.apicAccessPage();
  (['guest PDPTE0', 'guest PDPTE1', 'guest PDPTE2', 'guest PDPTE3'] as const).forEach((name, index) => {
    state.pdptes[2 * index] = vmcs.low(slot(name));
    state.pdptes[2 * index + 1] = vmcs.high(slot(name));
  });
  return state;
}
