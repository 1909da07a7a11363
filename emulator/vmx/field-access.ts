/**
 * What VMREAD and VMWRITE in VMX root operation need to know of a field, as a table in the shared memory that generated code
 * reads: one word for each encoding of a full access. Everything unusual is left to vmx/instructions.ts.
 */
import { MAP } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import { describe } from './vmcs-fields.js';
import { EXISTING_FIELDS, marksOf, slot, VMCS_REGION_BYTES } from './vmcs.js';

/** Bits of a word: the field's place in the region in bytes, which instructions may access it without more ado, its width, and the parts of the VMCS that a change concerns. */
export const FIELD_ACCESS = { place: VMCS_REGION_BYTES - 1, readable: 1 << 12, writable: 1 << 13, bits32: 1 << 14, bits16: 1 << 15, partsShift: 16 } as const;
/** Encodings have fifteen bits; the lowest, the access type, is not part of the index. */
export const ENCODINGS = 1 << 14;

/** A change of RFLAGS concerns parts that depend on which flags changed. */
const NEEDS_THOUGHT = 'guest RFLAGS';

export function writeFieldAccess(cpu: Processor): void {
  cpu.u32.fill(0, MAP.vmcsFields >> 2, (MAP.vmcsFields >> 2) + ENCODINGS);
  for (const { encoding, name } of EXISTING_FIELDS) {
    const { width } = describe(encoding);
    const writable = name === NEEDS_THOUGHT ? 0 : FIELD_ACCESS.writable;
    const narrow = width === 16 ? FIELD_ACCESS.bits16 : width === 32 ? FIELD_ACCESS.bits32 : 0;
    cpu.u32[(MAP.vmcsFields >> 2) + (encoding >> 1)] = ((4 * slot(name)) | FIELD_ACCESS.readable | writable | narrow | (marksOf(name) << FIELD_ACCESS.partsShift)) >>> 0;
  }
}
