/** The bytes at a place, and the places of the parts of a value. */
import { littleEndian, type FrameContext, type Piece, type Place } from './location-expression.js';

export type Reading = { readonly is: 'bytes'; readonly bytes: Uint8Array } | { readonly is: 'missing'; readonly why: string };

type Machine = Pick<FrameContext, 'register' | 'read'>;

export function bytesOf(place: Place, size: number, machine: Machine): Reading {
  switch (place.is) {
    case 'memory': {
      const bytes = machine.read(place.address, size);
      return bytes?.length === size ? { is: 'bytes', bytes } : missing(`not readable at 0x${place.address.toString(16)}`);
    }
    case 'register': {
      const value = machine.register(place.register);
      return value === undefined ? missing(`the register ${place.register} is not known in this frame`) : { is: 'bytes', bytes: toBytes(value, size) };
    }
    case 'value': {
      const bytes = new Uint8Array(size);
      bytes.set(place.bytes.subarray(0, size));
      return { is: 'bytes', bytes };
    }
    case 'pieces':
      return assemble(place.pieces, size, machine);
    case 'optimized out':
      return missing('optimized out');
    case 'unknown':
      return missing(place.why);
  }
}

/** The place of `size` bytes that begin `offset` bytes inside a value. */
export function partOf(place: Place, offset: number, size: number): Place {
  switch (place.is) {
    case 'memory':
      return { is: 'memory', address: place.address + BigInt(offset) };
    case 'value':
      return { is: 'value', bytes: place.bytes.subarray(offset, offset + size) };
    case 'register':
      return { is: 'pieces', pieces: [{ place, bits: 8 * size, bitOffset: 8 * offset }] };
    case 'pieces':
      return { is: 'pieces', pieces: cut(place.pieces, 8 * offset, 8 * size) };
    default:
      return place;
  }
}

function cut(pieces: readonly Piece[], from: number, count: number): Piece[] {
  const kept: Piece[] = [];
  let at = 0;
  for (const piece of pieces) {
    const start = Math.max(at, from);
    const end = Math.min(at + piece.bits, from + count);
    if (start < end) kept.push({ place: piece.place, bits: end - start, bitOffset: piece.bitOffset + start - at });
    at += piece.bits;
  }
  return kept;
}

function assemble(pieces: readonly Piece[], size: number, machine: Machine): Reading {
  let value = 0n;
  let at = 0;
  for (const { place, bits, bitOffset } of pieces) {
    if (at >= 8 * size) break;
    const reading = bytesOf(place, Math.min(size + 16, Math.ceil((bitOffset + bits) / 8)), machine);
    if (reading.is === 'missing') return pieces.length > 1 ? missing(`a part of it: ${reading.why}`) : reading;
    const part = BigInt.asUintN(bits, littleEndian(reading.bytes) >> BigInt(bitOffset));
    value |= part << BigInt(at);
    at += bits;
  }
  return { is: 'bytes', bytes: toBytes(value, size) };
}

/** A number as it lies in memory. */
export function toBytes(value: bigint, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let rest = BigInt.asUintN(8 * size, value);
  for (let index = 0; index < size && rest !== 0n; index++, rest >>= 8n) bytes[index] = Number(rest & 0xffn);
  return bytes;
}

function missing(why: string): Reading {
  return { is: 'missing', why };
}
