/** Memory references: an address with its space. Clients treat them as opaque and compare them as text, so each address has one spelling. */
import type { MemorySpace } from '../emulator/observe/memory.js';
import { RequestError } from './request-error.js';

export interface MemoryReference {
  readonly space: MemorySpace;
  readonly address: bigint;
}

const PREFIXES: Readonly<Record<MemorySpace, string>> = { linear: '', 'guest linear': 'gva:', 'guest-physical': 'gpa:', 'host-physical': 'hpa:' };
const FORM = /^(gva:|gpa:|hpa:)?(0x[0-9a-f]{1,16}|\d{1,20})$/i;

export const hex = (value: bigint | number, bits = 64): string => `0x${BigInt.asUintN(bits, BigInt(value)).toString(16)}`;

export const writeMemoryReference = ({ space, address }: MemoryReference): string => PREFIXES[space] + hex(address);

export function readMemoryReference(text: string): MemoryReference {
  const match = FORM.exec(text.trim());
  const address = match && BigInt(match[2]!);
  if (!match || address! >= 1n << 64n) {
    throw new RequestError(`"${text}" is not a memory reference: write 0x1234 for a linear, gpa:0x1234 for a guest-physical, hpa:0x1234 for a host-physical address, or gva:0x1234 for a linear address of the guest.`);
  }
  const prefix = match[1]?.toLowerCase() ?? '';
  const space = (Object.keys(PREFIXES) as MemorySpace[]).find((each) => PREFIXES[each] === prefix)!;
  return { space, address: address! };
}

/** Moves within 64 bits. */
export const moved = ({ space, address }: MemoryReference, by: number): MemoryReference => ({ space, address: BigInt.asUintN(64, address + BigInt(by)) });
