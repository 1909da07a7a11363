/** Numbers that are encodings of VMCS fields. SDM Vol. 3D, "Field Encoding in VMCS". */
import { describe, VMCS_FIELDS } from '../emulator/vmx/vmcs-fields.js';

const HIGH_HALF = 1;
const NAMES: ReadonlyMap<number, string> = new Map(VMCS_FIELDS.map(({ encoding, name }) => [encoding, name]));

/** `guest RIP`, with what the encoding says of it; undefined for a number that is no encoding. */
export function describeVmcsEncoding(encoding: number): { readonly name: string; readonly text: string } | undefined {
  const name = NAMES.get(encoding) ?? (encoding & HIGH_HALF ? NAMES.get(encoding & ~HIGH_HALF) : undefined);
  if (name === undefined) return undefined;
  const { area, width, highHalf } = describe(encoding);
  if (highHalf && width !== 64) return undefined;
  const half = highHalf ? ', high half' : '';
  return { name: name + half, text: `**${name}**${half}: field of the VMCS, ${area}, ${width === 'natural' ? 'natural width' : `${width} bits`}` };
}
