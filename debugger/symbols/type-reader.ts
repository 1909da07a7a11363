/** Makes types from entries of .debug_info. Everything that may refer back to the type itself is read when first used. */
import { AT, TAG } from './dwarf-constants.js';
import type { Die } from './dwarf-die.js';
import { OP } from './dwarf-operations.js';
import { once } from './once.js';
import { VOID, type Encoding, type Member, type QualifiedType, type RecordType, type Type } from './types.js';

/** DW_ATE_*. */
const ENCODINGS: ReadonlyMap<number, Encoding> = new Map([
  [0x01, 'unsigned'],
  [0x02, 'boolean'],
  [0x04, 'float'],
  [0x05, 'signed'],
  [0x06, 'character'],
  [0x07, 'unsigned'],
  [0x08, 'unsigned character'],
  [0x10, 'unsigned character'],
]);

const RECORDS = new Map<number, RecordType['kind']>([
  [TAG.structureType, 'struct'],
  [TAG.unionType, 'union'],
  [TAG.classType, 'class'],
]);
const QUALIFIERS = new Map<number, QualifiedType['qualifier']>([
  [TAG.constType, 'const'],
  [TAG.volatileType, 'volatile'],
  [TAG.restrictType, 'restrict'],
  [TAG.atomicType, '_Atomic'],
]);
const POINTERS = new Map<number, '*' | '&' | '&&'>([
  [TAG.pointerType, '*'],
  [TAG.referenceType, '&'],
  [TAG.rvalueReferenceType, '&&'],
]);

/** A complex number of two 128-bit halves; vectors are arrays. */
const LARGEST_SCALAR = 32;

export class TypeReader {
  private readonly known = new Map<Die, Type>();
  /** Finds the full definition of a type that an entry only declares. */
  private readonly complete: (kind: RecordType['kind'], name: string) => Die | undefined;

  constructor(complete: (kind: RecordType['kind'], name: string) => Die | undefined) {
    this.complete = complete;
  }

  /** The type that the entry's type attribute names; no attribute means void. */
  ofAttribute(die: Die): Type {
    const target = die.bearer(AT.type)?.die(AT.type);
    return target ? this.of(target) : VOID;
  }

  of(die: Die): Type {
    let type = this.known.get(die);
    if (!type) {
      type = this.make(die);
      this.known.set(die, type);
    }
    return type;
  }

  private make(die: Die): Type {
    const type = once(() => this.ofAttribute(die));
    const pointer = POINTERS.get(die.tag);
    if (pointer) {
      const size = scalarSize(die, die.unit.addressSize);
      return { is: 'pointer', symbol: pointer, size, get target() { return type(); } };
    }
    const qualifier = QUALIFIERS.get(die.tag);
    if (qualifier) return { is: 'qualified', qualifier, get target() { return type(); } };
    const kind = RECORDS.get(die.tag);
    if (kind) return this.makeRecord(die, kind);
    switch (die.tag) {
      case TAG.baseType: {
        const encoding = ENCODINGS.get(die.number(AT.encoding) ?? 0) ?? 'other';
        return { is: 'base', name: die.name ?? '?', size: scalarSize(die, 0), encoding };
      }
      case TAG.typedef:
        return { is: 'typedef', name: die.name ?? '?', get target() { return type(); } };
      case TAG.enumerationType:
        return this.makeEnum(die.die(AT.signature) ?? die);
      case TAG.arrayType:
        return this.makeArray(die);
      case TAG.subroutineType: {
        const parameters = once(() => die.children.filter(({ tag }) => tag === TAG.formalParameter).map((child) => this.ofAttribute(child)));
        const variadic = die.children.some(({ tag }) => tag === TAG.unspecifiedParameters);
        return { is: 'function', variadic, get result() { return type(); }, get parameters() { return parameters(); } };
      }
      case TAG.unspecifiedType:
        return { is: 'base', name: die.name ?? '?', size: 0, encoding: 'other' };
      default:
        return die.unit.reader(die.offset).fail(`the entry at byte ${die.offset} is used as a type, but has the tag 0x${die.tag.toString(16)}`);
    }
  }

  private makeRecord(declared: Die, kind: RecordType['kind']): Type {
    const name = declared.string(AT.name);
    const isDeclaration = declared.flag(AT.declaration) || declared.has(AT.signature);
    const inTypeUnit = declared.die(AT.signature);
    const defined = isDeclaration ? (inTypeUnit ?? (name === undefined ? undefined : this.complete(kind, name))) : declared;
    if (!defined) return { is: 'record', kind, name, size: 0, members: [], incomplete: true };
    const size = defined.number(AT.byteSize) ?? 0;
    const members = once(() => defined.children.flatMap((child) => this.makeMember(child) ?? []));
    return { is: 'record', kind, name: name ?? defined.string(AT.name), size, incomplete: false, get members() { return members(); } };
  }

  private makeMember(die: Die): Member | undefined {
    if (die.tag !== TAG.member && die.tag !== TAG.inheritance) return undefined;
    if (die.flag(AT.declaration)) return undefined;
    const base = die.tag === TAG.inheritance ? die.die(AT.type)?.name : undefined;
    const offset = memberOffset(die);
    const bits = bitField(die, offset);
    const name = base ?? die.string(AT.name) ?? '';
    const type = once(() => this.ofAttribute(die));
    return { name, offset: bits ? Math.floor(bits.offset / 8) : offset, ...(bits && { bits }), get type() { return type(); } };
  }

  private makeEnum(die: Die): Type {
    const underlying = die.die(AT.type);
    const enumerators = die.children
      .filter(({ tag }) => tag === TAG.enumerator)
      .map((child) => ({ name: child.name ?? '?', value: child.signed(AT.constValue) ?? 0n, unsigned: child.unsigned(AT.constValue) ?? 0n }));
    const encoding = underlying && ENCODINGS.get(underlying.number(AT.encoding) ?? 0);
    const signed = encoding ? encoding === 'signed' || encoding === 'character' : enumerators.some(({ value }) => value < 0n);
    const listed = enumerators.map(({ name, value, unsigned }) => ({ name, value: signed ? value : unsigned }));
    return { is: 'enum', name: die.string(AT.name), size: scalarSize(die, 4), signed, enumerators: listed };
  }

  private makeArray(die: Die): Type {
    const counts = die.children.filter(({ tag }) => tag === TAG.subrangeType).map(elementCount);
    if (counts.length === 0) counts.push(undefined);
    const element = once(() => this.ofAttribute(die));
    const nested = counts.reduceRight<() => Type>((inner, count) => once(() => ({ is: 'array', count, get element() { return inner(); } })), element);
    return nested();
  }
}

function scalarSize(die: Die, byDefault: number): number {
  const size = die.number(AT.byteSize) ?? byDefault;
  if (size > LARGEST_SCALAR) die.unit.reader(die.offset).fail(`the entry at byte ${die.offset} is a simple type of ${size} bytes`);
  return size;
}

function elementCount(subrange: Die): number | undefined {
  const count = subrange.value(AT.count);
  if (count) return count.is === 'constant' ? subrange.number(AT.count) : undefined;
  const upper = subrange.value(AT.upperBound);
  if (!upper) return 0;
  if (upper.is !== 'constant') return undefined;
  // An upper bound of -1 is an array without elements; in one or two bytes the same bits are the bound 255 or 65535.
  const isMinusOne = upper.size !== 1 && upper.size !== 2 && subrange.signed(AT.upperBound) === -1n;
  return isMinusOne ? 0 : (subrange.number(AT.upperBound) ?? 0) + 1;
}

function memberOffset(die: Die): number {
  const value = die.value(AT.dataMemberLocation);
  if (value?.is === 'block') {
    const reader = die.unit.info.sections.expression(value.value);
    return !reader.atEnd && reader.u8() === OP.plusUconst ? reader.uleb() : 0;
  }
  return die.number(AT.dataMemberLocation) ?? 0;
}

function bitField(die: Die, offset: number): { offset: number; width: number } | undefined {
  const width = die.number(AT.bitSize);
  if (width === undefined) return undefined;
  if (die.has(AT.dataBitOffset)) return { offset: 8 * offset + (die.number(AT.dataBitOffset) ?? 0), width };
  // DWARF 3 counts from the most significant bit of a storage unit.
  const storage = die.number(AT.byteSize) ?? die.die(AT.type)?.number(AT.byteSize) ?? 4;
  const fromTop = Number(die.signed(AT.bitOffset) ?? 0n);
  return { offset: 8 * (offset + storage) - fromTop - width, width };
}
