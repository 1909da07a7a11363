/**
 * The VMCS region in this processor's own format: revision identifier, VMX-abort indicator, launch state, which areas
 * changed since they were last checked, then eight bytes a field in the order of the table.
 * SDM Vol. 3C, "Format of the VMCS Region".
 */
import { MAP, S } from '../cpu/layout.js';
import { RFLAGS_VM, type Processor } from '../cpu/processor.js';
import { STATUS_FLAGS } from '../meaning/flags.js';
import { offered } from './controls.js';
import { describe, VMCS_FIELDS, type Field, type FieldName, type Width } from './vmcs-fields.js';

/** The 31-bit VMCS revision identifier. */
export const VMCS_REVISION = 0x5249;
export const VMCS_REGION_BYTES = 4096;
/** Bit 31 beside the revision identifier. */
export const SHADOW_INDICATOR = 1 << 31;

/** Places in the region, in 32-bit words. */
const REVISION = 0, ABORT = 1, LAUNCH_STATE = 2, DIRTY = 3, FIRST_FIELD = 4;
/** In bytes, for generated code. */
export const REVISION_OFFSET = 4 * REVISION, LAUNCH_STATE_OFFSET = 4 * LAUNCH_STATE, DIRTY_OFFSET = 4 * DIRTY;

/** Where a field is: the word of its low half. */
export type Slot = number;
const BY_NAME = new Map<FieldName, number>(VMCS_FIELDS.map((field, i) => [field.name, i]));

const indexOf = (name: FieldName): number => BY_NAME.get(name)!;
export const slot = (name: FieldName): Slot => FIRST_FIELD + 2 * indexOf(name);

/**
 * Parts of the VMCS that are checked again only when something in them has changed. Of RFLAGS the status flags do not count;
 * `VM flag` is RFLAGS.VM alone, on which the checks of segments depend; `outside` stands for memory and the processor;
 * `written` says that software, not a VM exit, changed something besides RIP and RSP. SDM Vol. 3C, "VM Entries".
 */
export const PART = {
  controls: 1, injection: 2, host: 4, 'control registers': 8, segments: 16, tables: 32, RFLAGS: 64, 'non-register': 128, 'VM flag': 256, RIP: 512, outside: 1024, written: 2048,
} as const;
const EVERY_PART = 4095;

function partOf(field: Field): number {
  const { area } = describe(field.encoding), { name } = field;
  if (area === 'VM-exit information') return 0;
  if (area === 'host state') return PART.host;
  if (area === 'control') return /^VM-entry (interruption|exception|instruction)/.test(name) ? PART.injection : PART.controls;
  if (/selector|access rights|(ES|CS|SS|DS|FS|GS|LDTR|TR) (limit|base)$/.test(name) && !/GDTR|IDTR/.test(name)) return PART.segments;
  if (/GDTR|IDTR/.test(name)) return PART.tables;
  if (name === 'guest RSP') return 0;
  if (name === 'guest RIP') return PART.RIP;
  if (name === 'guest RFLAGS') return PART.RFLAGS;
  if (/CR\d|DR7|IA32_/.test(name)) return PART['control registers'];
  return PART['non-register'];
}
const PART_OF_FIELD = Uint16Array.from(VMCS_FIELDS, partOf);
/** What a change by software marks. */
const marks = (part: number): number => (part === 0 || part === PART.RIP ? part : part | PART.written);
const MARKS_OF_FIELD = PART_OF_FIELD.map(marks);
export const marksOf = (name: FieldName): number => MARKS_OF_FIELD[indexOf(name)]!;
export const partsOf = (names: readonly FieldName[]): number => names.reduce((parts, name) => parts | PART_OF_FIELD[indexOf(name)]!, 0);

const RFLAGS_SLOT = slot('guest RFLAGS');

/** One VMCS: the words of the shared memory where it lies. Fields are read and written as halves or as numbers. */
export class Vmcs {
  private word: number;

  /** `at`: its place in the shared memory. */
  constructor(private readonly u32: Uint32Array, private readonly i32: Int32Array, public at: number) { this.word = at >>> 2; }

  /** The same object for another region. */
  moved(at: number): this {
    this.at = at;
    this.word = at >>> 2;
    return this;
  }

  get revision(): number { return this.u32[this.word + REVISION]! & ~SHADOW_INDICATOR; }
  /** Whether it is a shadow VMCS, which VM entry does not accept. */
  get isShadow(): boolean { return (this.u32[this.word + REVISION]! & SHADOW_INDICATOR) !== 0; }
  get abortIndicator(): number { return this.u32[this.word + ABORT]!; }
  set abortIndicator(value: number) { this.u32[this.word + ABORT] = value; }
  get launched(): boolean { return this.u32[this.word + LAUNCH_STATE]! !== 0; }
  set launched(value: boolean) { this.u32[this.word + LAUNCH_STATE] = value ? 1 : 0; }
  get dirty(): number { return this.u32[this.word + DIRTY]!; }
  set dirty(parts: number) { this.u32[this.word + DIRTY] = parts; }
  /** VMCLEAR: all is to be checked again. */
  clear(): void {
    this.launched = false;
    this.dirty = EVERY_PART;
  }

  low(at: Slot): number { return this.u32[this.word + at]!; }
  high(at: Slot): number { return this.u32[this.word + at + 1]!; }
  /** Signed; exact within ±2^53, as every canonical address is. */
  number(at: Slot): number { return this.i32[this.word + at + 1]! * 2 ** 32 + this.u32[this.word + at]!; }
  /** Unsigned: physical addresses. */
  unsigned(at: Slot): number { return this.u32[this.word + at + 1]! * 2 ** 32 + this.u32[this.word + at]!; }

  /** VM-exit information: nothing depends on it. */
  report(at: Slot, low: number, high = 0): void {
    this.u32[this.word + at] = low;
    this.u32[this.word + at + 1] = high;
  }
  reportNumber(at: Slot, value: number): void { this.report(at, value >>> 0, Math.floor(value / 2 ** 32)); }

  /** Any field: what depends on it is checked again if its value changed. */
  set(at: Slot, low: number, high = 0): void {
    const place = this.word + at, changed = this.u32[place]! ^ low, changedHigh = this.u32[place + 1]! ^ high;
    if ((changed | changedHigh) === 0) return;
    if (at !== RFLAGS_SLOT) this.u32[this.word + DIRTY]! |= MARKS_OF_FIELD[(at - FIRST_FIELD) >> 1]!;
    else if (((changed & ~STATUS_FLAGS) | changedHigh) !== 0) this.dirty |= PART.written | ((changed & RFLAGS_VM) !== 0 ? PART.RFLAGS | PART['VM flag'] : PART.RFLAGS);
    this.u32[place] = low;
    this.u32[place + 1] = high;
  }
  setNumber(at: Slot, value: number): void { this.set(at, value >>> 0, Math.floor(value / 2 ** 32)); }
}

/** By encoding with the access type masked off: 1 + index of the field, 0 where this processor has none. */
const BY_ENCODING = new Uint8Array(0x8000);
VMCS_FIELDS.forEach((field: Field, i) => {
  if (field.existsIf === undefined || offered(field.existsIf)) BY_ENCODING[field.encoding] = i + 1;
});

/** The field that an encoding names, by index; -1 where this processor has none, or no such half. */
export function findField(encoding: number): number {
  if (encoding >>> 15 !== 0) return -1;
  const i = BY_ENCODING[encoding & ~1]! - 1;
  if ((encoding & 1) !== 0 && i >= 0 && WIDTH_OF_FIELD[i] !== 64) return -1;
  return i;
}
const WIDTH_OF_FIELD: readonly Width[] = VMCS_FIELDS.map((field) => describe(field.encoding).width);
export const widthOfField = (index: number): Width => WIDTH_OF_FIELD[index]!;
export const slotOfField = (index: number): Slot => FIRST_FIELD + 2 * index;

/** Fields that this processor has. */
export const EXISTING_FIELDS: readonly (Field & { readonly name: FieldName })[] = VMCS_FIELDS.filter((field) => findField(field.encoding) >= 0);

/** A pointer of all ones stands for none. */
export const hasCurrentVmcs = (cpu: Processor): boolean => cpu.high(S.currentVmcs) !== 0xffff_ffff;

/** Whether a whole region at that physical address lies in memory, so that it can be a VMCS. */
export const regionInMemory = (cpu: Processor, physical: number): boolean => physical + VMCS_REGION_BYTES <= cpu.guestBytes;

export const vmcsAt = (cpu: Processor, physical: number): Vmcs => new Vmcs(cpu.u32, cpu.i32, MAP.guestMemory + physical);
/** There must be one: after VMPTRLD it always lies in memory. The answer is good until another VMCS becomes current. */
export function currentVmcs(cpu: Processor): Vmcs {
  const at = MAP.guestMemory + cpu.low(S.currentVmcs), vmcs = (cpu.vmcs ??= new Vmcs(cpu.u32, cpu.i32, at));
  return vmcs.at === at ? vmcs : vmcs.moved(at);
}
