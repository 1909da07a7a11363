/** Values for people: text, children that are read when somebody opens them, and what to evaluate to get each again. */
import { littleEndian, type FrameContext, type Place } from './location-expression.js';
import { bytesOf, partOf } from './place-bytes.js';
import { bare, isScalar, isSigned, sizeOf, typeName, type ArrayType, type Member, type PointerType, type RecordType, type Type } from './types.js';
import { formatFloat, formatNumber, formatText, hexadecimal, isCharacter, numberOf } from './value-format.js';
import type { Variable } from './variables.js';

export interface ValueContext extends FrameContext {
  readonly hex?: boolean;
  symbolAt?(address: bigint): { name: string; offset: bigint } | undefined;
}

export interface DisplayedValue {
  readonly name: string;
  readonly type: string;
  readonly value: string;
  /** An expression that gives this value. */
  readonly evaluateName: string | undefined;
  /** Where a memory view of it begins, in hexadecimal: its own bytes, or for a pointer what it points to. */
  readonly memoryReference: string | undefined;
  readonly namedChildren: number;
  readonly indexedChildren: number;
  /** A page of the children; of an array, `start` is the first index. */
  children(start?: number, count?: number): DisplayedValue[];
}

const PAGE = 100;
const PREVIEWED = 8;
const LONGEST_PREVIEW = 100;
const LONGEST_TEXT = 128;

export function displayVariable(variable: Variable, context: ValueContext): DisplayedValue {
  return display(variable.name, variable.type, variable.location.in(context), context, variable.name);
}

export function display(name: string, type: Type, place: Place, context: ValueContext, evaluateName: string | undefined): DisplayedValue {
  const inner = bare(type);
  const shown = { name, type: typeName(type), evaluateName };
  const own = place.is === 'memory' ? hexadecimal(place.address) : undefined;
  const missing = missingValue(type, place, context);
  if (missing !== undefined) return leaf({ ...shown, value: missing, memoryReference: own });
  switch (inner.is) {
    case 'record':
      return displayRecord(shown, inner, place, context);
    case 'array':
      return displayArray(shown, inner, place, context);
    case 'pointer':
      return displayPointer(shown, inner, place, context);
    default:
      return leaf({ ...shown, value: preview(type, place, context, 0), memoryReference: own });
  }
}

type Shown = Pick<DisplayedValue, 'name' | 'type' | 'evaluateName'>;

function leaf(value: Omit<DisplayedValue, 'namedChildren' | 'indexedChildren' | 'children'>): DisplayedValue {
  return { ...value, namedChildren: 0, indexedChildren: 0, children: () => [] };
}

function displayRecord(shown: Shown, record: RecordType, place: Place, context: ValueContext): DisplayedValue {
  const base = shown.evaluateName === undefined ? undefined : `${operand(shown.evaluateName)}.`;
  return {
    ...shown,
    value: previewRecord(record, place, context, 0),
    memoryReference: place.is === 'memory' ? hexadecimal(place.address) : undefined,
    namedChildren: record.members.length,
    indexedChildren: 0,
    children: (start = 0, count = Infinity) => displayMembers(record, place, context, base, start, count),
  };
}

function displayMembers(
  record: RecordType,
  place: Place,
  context: ValueContext,
  base: string | undefined,
  start: number,
  count: number,
): DisplayedValue[] {
  return record.members.slice(start, start + count).map((member) => displayMember(member, place, context, base));
}

function displayMember(member: Member, place: Place, context: ValueContext, base: string | undefined): DisplayedValue {
  const inner = bare(member.type);
  if (member.name === '' && inner.is === 'record') {
    const part = partOf(place, member.offset, inner.size);
    const shown = displayRecord({ name: `(anonymous ${inner.kind})`, type: typeName(member.type), evaluateName: undefined }, inner, part, context);
    return { ...shown, children: (start = 0, count = Infinity) => displayMembers(inner, part, context, base, start, count) };
  }
  const evaluateName = base === undefined ? undefined : base + member.name;
  if (!member.bits) return display(member.name, member.type, partOf(place, member.offset, sizeOf(member.type) ?? 0), context, evaluateName);
  const type = `${typeName(member.type)} : ${member.bits.width}`;
  return leaf({ name: member.name, type, value: formatBits(member, place, context), evaluateName, memoryReference: undefined });
}

function formatBits(member: Member, place: Place, context: ValueContext): string {
  const field = bitField(member, place, context);
  return typeof field === 'string' ? field : formatNumber(member.type, field, sizeOf(member.type) ?? 8, context.hex ?? false);
}

/** The number in a bit-field, or the reason why it cannot be had. */
export function bitField(member: Member, place: Place, machine: Pick<FrameContext, 'register' | 'read'>): bigint | string {
  const { offset, width } = member.bits!;
  const first = Math.floor(offset / 8);
  const size = Math.ceil((offset + width) / 8) - first;
  const reading = bytesOf(partOf(place, first, size), size, machine);
  if (reading.is === 'missing') return reading.why;
  const raw = littleEndian(reading.bytes) >> BigInt(offset - 8 * first);
  return isSigned(member.type) ? BigInt.asIntN(width, raw) : BigInt.asUintN(width, raw);
}

function displayArray(shown: Shown, array: ArrayType, place: Place, context: ValueContext): DisplayedValue {
  const size = sizeOf(array.element);
  const length = size === undefined || size === 0 ? 0 : (array.count ?? 0);
  return {
    ...shown,
    value: previewArray(array, place, context, 0),
    memoryReference: place.is === 'memory' ? hexadecimal(place.address) : undefined,
    namedChildren: 0,
    indexedChildren: length,
    children: (start = 0, count = PAGE) =>
      Array.from({ length: Math.max(0, Math.min(count, length - start)) }, (_, step) => {
        const index = start + step;
        const evaluateName = shown.evaluateName === undefined ? undefined : `${operand(shown.evaluateName)}[${index}]`;
        return display(`[${index}]`, array.element, partOf(place, index * size!, size!), context, evaluateName);
      }),
  };
}

function displayPointer(shown: Shown, pointer: PointerType, place: Place, context: ValueContext): DisplayedValue {
  const reading = bytesOf(place, pointer.size, context);
  const address = reading.is === 'bytes' ? numberOf(pointer, reading.bytes) : 0n;
  const value = preview(pointer, place, context, 0);
  const memoryReference = hexadecimal(address);
  const target = bare(pointer.target);
  const isOpaque = target.is === 'void' || target.is === 'function' || (target.is === 'record' && target.incomplete);
  if (address === 0n || isOpaque) return leaf({ ...shown, value, memoryReference });
  const pointed: Place = { is: 'memory', address };
  const name = shown.evaluateName;
  if (target.is === 'record') {
    const base = name === undefined ? undefined : `${operand(name)}->`;
    const children = (start = 0, count = Infinity) => displayMembers(target, pointed, context, base, start, count);
    return { ...shown, value, memoryReference, namedChildren: target.members.length, indexedChildren: 0, children };
  }
  const child = () => display(`*${shown.name}`, pointer.target, pointed, context, name === undefined ? undefined : `*${operand(name)}`);
  return { ...shown, value, memoryReference, namedChildren: 1, indexedChildren: 0, children: () => [child()] };
}

/** Why there is nothing to show; undefined when there is something. */
function missingValue(type: Type, place: Place, context: ValueContext): string | undefined {
  if (place.is === 'optimized out') return 'optimized out';
  if (place.is === 'unknown') return place.why;
  const inner = bare(type);
  if (inner.is === 'record' && inner.incomplete) return `the members of ${typeName(type)} are not known`;
  const needed = inner.is === 'array' || inner.is === 'record' || inner.is === 'function' || inner.is === 'void' ? 0 : inner.size;
  const reading = needed > 0 ? bytesOf(place, needed, context) : undefined;
  return reading?.is === 'missing' ? reading.why : undefined;
}

/** A value in one line; inside other values it becomes shorter. */
function preview(type: Type, place: Place, context: ValueContext, depth: number): string {
  const inner = bare(type);
  switch (inner.is) {
    case 'void':
      return 'void';
    case 'function':
      return place.is === 'memory' ? hexadecimal(place.address) + symbolText(place.address, context) : '';
    case 'record':
      return depth > 0 ? '{…}' : previewRecord(inner, place, context, depth);
    case 'array':
      return depth > 0 && !isCharacter(inner.element) ? '{…}' : previewArray(inner, place, context, depth);
    default: {
      const reading = bytesOf(place, inner.size, context);
      if (reading.is === 'missing') return reading.why;
      if (isScalar(inner)) {
        const number = formatNumber(type, numberOf(type, reading.bytes), inner.size, context.hex ?? false);
        return inner.is === 'pointer' ? number + pointedText(inner, numberOf(type, reading.bytes), context, depth) : number;
      }
      if (inner.is === 'base' && inner.encoding === 'float') return formatFloat(inner, reading.bytes);
      return Array.from(reading.bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
    }
  }
}

function previewRecord(record: RecordType, place: Place, context: ValueContext, depth: number): string {
  const parts: string[] = [];
  let length = 0;
  for (const member of record.members) {
    if (parts.length === PREVIEWED || length > LONGEST_PREVIEW) {
      parts.push('…');
      break;
    }
    const part = partOf(place, member.offset, sizeOf(member.type) ?? 0);
    const text = member.bits ? formatBits(member, place, context) : preview(member.type, part, context, depth + 1);
    parts.push(member.name === '' ? text : `${member.name} = ${text}`);
    length += parts.at(-1)!.length;
  }
  return `{${parts.join(', ')}}`;
}

function previewArray(array: ArrayType, place: Place, context: ValueContext, depth: number): string {
  const size = sizeOf(array.element);
  if (array.count === undefined || size === undefined || size === 0) return 'an array of unknown length';
  if (isCharacter(array.element)) {
    const length = Math.min(array.count, LONGEST_TEXT);
    const reading = bytesOf(partOf(place, 0, length), length, context);
    return reading.is === 'missing' ? reading.why : formatText(reading.bytes, length === array.count);
  }
  const count = Math.min(array.count, PREVIEWED);
  const parts = Array.from({ length: count }, (_, index) => preview(array.element, partOf(place, index * size, size), context, depth + 1));
  if (count < array.count) parts.push('…');
  return `{${parts.join(', ')}}`;
}

function pointedText(pointer: PointerType, address: bigint, context: ValueContext, depth: number): string {
  if (address === 0n) return '';
  const target = bare(pointer.target);
  if (target.is === 'function' || target.is === 'void') return symbolText(address, context);
  if (depth > 0 || !isCharacter(target)) return '';
  const text = readText(address, context);
  return text === undefined ? '' : ` ${text}`;
}

/** The string at an address; memory may end behind it, so it is read in small parts. */
function readText(address: bigint, context: ValueContext): string | undefined {
  const bytes: number[] = [];
  while (bytes.length < LONGEST_TEXT) {
    const part = context.read(address + BigInt(bytes.length), 1);
    const byte = part?.[0];
    if (byte === undefined) break;
    bytes.push(byte);
    if (byte === 0) break;
  }
  return bytes.length === 0 ? undefined : formatText(Uint8Array.from(bytes), false);
}

function symbolText(address: bigint, context: ValueContext): string {
  const symbol = context.symbolAt?.(address);
  if (!symbol) return '';
  return symbol.offset === 0n ? ` <${symbol.name}>` : ` <${symbol.name}+${symbol.offset}>`;
}

/** The expression as an operand of `.`, `->` and `[]`. */
function operand(expression: string): string {
  return /^[\w$.[\]]+(->[\w$.[\]]+)*$/.test(expression) ? expression : `(${expression})`;
}
