/** Values out of memory: loading, members, elements. */
import { bitField } from '../symbols/value.js';
import { bytesOf } from '../symbols/place-bytes.js';
import type { Place } from '../symbols/location-expression.js';
import { bare, isScalar, isSigned, memberNames, memberOf, sizeOf, typeName, type Member, type Type } from '../symbols/types.js';
import { numberOf } from '../symbols/value-format.js';
import { nearest } from '../nearest.js';
import { NoValue, type MemoryPlace, type Scope, type Value } from './scope.js';

type Memory = Pick<Scope, 'read'>;

export function pointerTo(target: Type, size: number): Type {
  return { is: 'pointer', symbol: '*', size, target };
}

/** The number as its type holds it. */
export function wrap(type: Type, value: bigint): bigint {
  const bits = 8 * (sizeOf(type) ?? 8);
  return isSigned(type) ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}

export function inMemory(place: MemoryPlace | Uint8Array): MemoryPlace | undefined {
  return place instanceof Uint8Array ? undefined : place;
}

/** The value of that type at a place; what is no number is not read before somebody needs its parts. */
export function fromMemory(type: Type, place: MemoryPlace, memory: Memory): Value {
  if (!isScalar(type)) return { is: 'aggregate', type, place };
  return { is: 'number', type, value: loadNumber(type, place, memory), place };
}

/** The same for bytes that are known already. */
export function fromBytes(type: Type, bytes: Uint8Array): Value {
  return isScalar(type) ? { is: 'number', type, value: numberOf(type, bytes) } : { is: 'aggregate', type, place: bytes };
}

export function fieldOf(value: Value, name: string, memory: Memory): Value {
  const record = recordOf(value);
  const inner = record && bare(record.type);
  if (!record || inner?.is !== 'record') throw new NoValue(`'.${name}' wants a struct, but this is ${describe(value)}`);
  const member = memberOf(inner, name);
  if (!member) {
    const guess = nearest(name, memberNames(inner));
    const why = inner.incomplete ? 'its members are not known' : `it has no '${name}'${guess === undefined ? '' : `; did you mean '${guess}'?`}`;
    throw new NoValue(`${typeName(record.type)}: ${why}`);
  }
  if (member.bits) return { is: 'number', type: member.type, value: loadBits(member, record.place, memory) };
  return part(record.place, member.type, BigInt(member.offset), memory);
}

/** Element of an array, or of what a pointer points to. */
export function elementAt(value: Value, index: bigint, memory: Memory): Value {
  const inner = value.is === 'number' || value.is === 'aggregate' ? bare(value.type) : undefined;
  if (value.is === 'number' && inner?.is === 'pointer') {
    const size = index === 0n ? 0 : sizeOf(inner.target);
    if (bare(inner.target).is === 'void') throw new NoValue(`what ${typeName(value.type)} points to has no type: cast it first, such as (u8*)p`);
    if (size === undefined) throw new NoValue(`the size of ${typeName(inner.target)} is not known`);
    const address = BigInt.asUintN(8 * inner.size, value.value + index * BigInt(size));
    return fromMemory(inner.target, { space: 'linear', address }, memory);
  }
  if (value.is === 'aggregate' && inner?.is === 'array') {
    const size = sizeOf(inner.element);
    if (size === undefined) throw new NoValue(`the size of ${typeName(inner.element)} is not known`);
    return part(value.place, inner.element, index * BigInt(size), memory);
  }
  if (value.is === 'aggregate' && inner?.is === 'function' && index === 0n) return value;
  throw new NoValue(`expected an array or a pointer, but this is ${describe(value)}; memory is read with u8[…], u16[…], u32[…], u64[…]`);
}

/** A struct, or the struct that a pointer points to. */
function recordOf(value: Value): { type: Type; place: MemoryPlace | Uint8Array } | undefined {
  if (value.is === 'aggregate') return value;
  const inner = value.is === 'number' ? bare(value.type) : undefined;
  return value.is === 'number' && inner?.is === 'pointer' ? { type: inner.target, place: { space: 'linear', address: value.value } } : undefined;
}

function part(place: MemoryPlace | Uint8Array, type: Type, offset: bigint, memory: Memory): Value {
  const inside = inMemory(place);
  if (inside) return fromMemory(type, { space: inside.space, address: BigInt.asUintN(64, inside.address + offset) }, memory);
  const size = sizeOf(type) ?? 0;
  const bytes = place as Uint8Array;
  if (offset < 0n || offset + BigInt(size) > bytes.length) throw new NoValue('the element lies outside the value, which is in registers');
  return fromBytes(type, bytes.subarray(Number(offset), Number(offset) + size));
}

function loadNumber(type: Type, place: MemoryPlace, memory: Memory): bigint {
  const reading = bytesOf(...located(place, memory, sizeOf(type) ?? 0));
  if (reading.is === 'missing') throw new NoValue(`memory is ${reading.why}${place.space === 'linear' ? '' : ` (${place.space})`}`);
  return numberOf(type, reading.bytes);
}

function loadBits(member: Member, place: MemoryPlace | Uint8Array, memory: Memory): bigint {
  const inside = inMemory(place);
  const [from, , machine] = inside ? located(inside, memory, 0) : ([{ is: 'value', bytes: place as Uint8Array }, 0, NO_MACHINE] as const);
  const bits = bitField(member, from, machine);
  if (typeof bits === 'string') throw new NoValue(bits);
  return bits;
}

type Machine = Parameters<typeof bytesOf>[2];
const NO_MACHINE: Machine = { register: () => undefined, read: () => undefined };

function located({ space, address }: MemoryPlace, memory: Memory, size: number): [Place, number, Machine] {
  return [{ is: 'memory', address }, size, { register: () => undefined, read: (at, bytes) => memory.read(space, at, bytes) }];
}

function describe(value: Value): string {
  switch (value.is) {
    case 'text':
      return `the text "${value.text}"`;
    case 'object':
      return value.name;
    case 'number':
      return `a number (${typeName(value.type)})`;
    case 'aggregate':
      return `a ${typeName(value.type)}`;
  }
}
