/** Types in the BPF Type Format, as Linux kernels carry them for themselves. Linux documentation, "BPF Type Format (BTF)". */
import { ByteReader } from './byte-reader.js';
import { once } from './once.js';
import { VOID, type Encoding, type Member, type QualifiedType, type RecordType, type Type } from './types.js';

const MAGIC = 0xeb9f;
const POINTER_BYTES = 8;

const KIND = {
  int: 1, pointer: 2, array: 3, struct: 4, union: 5, enum: 6, forward: 7, typedef: 8, volatile: 9, const: 10, restrict: 11,
  function: 12, functionPrototype: 13, variable: 14, dataSection: 15, float: 16, declarationTag: 17, typeTag: 18, enum64: 19,
} as const;
const QUALIFIERS = new Map<number, QualifiedType['qualifier']>([[KIND.const, 'const'], [KIND.volatile, 'volatile'], [KIND.restrict, 'restrict']]);
/** By which word C calls a type of the kind; only these are found by name. */
const KEYWORDS = new Map<number, string>([[KIND.struct, 'struct '], [KIND.union, 'union '], [KIND.enum, 'enum '], [KIND.enum64, 'enum '], [KIND.typedef, ''], [KIND.int, ''], [KIND.float, '']]);

/** Bytes behind the common header, by kind and number of elements. */
const TAIL: Readonly<Record<number, (elements: number) => number>> = {
  [KIND.int]: () => 4, [KIND.array]: () => 12, [KIND.struct]: (n) => 12 * n, [KIND.union]: (n) => 12 * n, [KIND.enum]: (n) => 8 * n,
  [KIND.functionPrototype]: (n) => 8 * n, [KIND.variable]: () => 4, [KIND.dataSection]: (n) => 12 * n, [KIND.declarationTag]: () => 4, [KIND.enum64]: (n) => 12 * n,
};

interface Entry {
  readonly kind: number;
  readonly elements: number;
  /** Of a struct: its members' offsets carry the widths of bit-fields. Of an enumeration: it is signed. Of a forward declaration: it is a union. */
  readonly flag: boolean;
  readonly name: string;
  /** Bytes of the type, or the number of the type that it refers to. */
  readonly sizeOrType: number;
  /** Where the elements begin. */
  readonly tail: number;
}

export class BtfTypes {
  private readonly entries: ByteReader;
  private readonly strings: ByteReader;
  private readonly firstString: number;
  /** By type number; 0 is void. */
  private readonly offsets: number[] = [0];
  private readonly made = new Map<number, Type>();
  private readonly byName = new Map<string, number>();
  private readonly functions = new Map<string, number>();
  private readonly enumerators = new Map<string, { type: number; value: bigint }>();

  constructor(file: string, section: Uint8Array) {
    const header = new ByteReader(file, '.BTF', section);
    if (header.u16() !== MAGIC) header.fail('it does not begin with the magic number EB9F');
    header.skip(2);
    const start = header.u32(), [typesAt, typesBytes, stringsAt, stringsBytes] = [header.u32(), header.u32(), header.u32(), header.u32()];
    const part = (offset: number, bytes: number) => new ByteReader(file, '.BTF', section, start + offset, start + offset + bytes);
    this.entries = part(typesAt, typesBytes);
    this.strings = part(stringsAt, stringsBytes);
    this.firstString = this.strings.position;
    this.index();
  }

  private index(): void {
    const { entries, offsets } = this, { position: start } = entries;
    for (let at = start; at < entries.end; at = entries.position) {
      const number = offsets.length, { kind, elements, name, sizeOrType, flag, tail } = this.entryAt(at);
      offsets.push(at);
      const keyword = KEYWORDS.get(kind);
      if (keyword !== undefined && name !== '' && !this.byName.has(keyword + name)) this.byName.set(keyword + name, number);
      if (kind === KIND.function) this.functions.set(name, sizeOrType);
      if (kind === KIND.enum || kind === KIND.enum64) for (const each of this.enumeratorsOf(tail, kind, elements, flag)) if (!this.enumerators.has(each.name)) this.enumerators.set(each.name, { type: number, value: each.value });
      entries.seek(tail);
      entries.skip(TAIL[kind]?.(elements) ?? 0);
    }
  }

  private entryAt(at: number): Entry {
    const { entries } = this;
    entries.seek(at);
    const name = this.text(entries.u32()), info = entries.u32(), sizeOrType = entries.u32();
    return { kind: (info >>> 24) & 0x1f, elements: info & 0xffff, flag: info >>> 31 === 1, name, sizeOrType, tail: entries.position };
  }

  private text(offset: number): string {
    if (offset === 0) return '';
    this.strings.seek(this.firstString + offset);
    return this.strings.cstring();
  }

  /** A type by the name that C gives it. */
  named(name: string): Type | undefined {
    const number = this.byName.get(name);
    return number === undefined ? undefined : this.of(number);
  }

  enumerator(name: string): { value: bigint; type: Type } | undefined {
    const found = this.enumerators.get(name);
    return found && { value: found.value, type: this.of(found.type) };
  }
  get enumeratorNames(): Iterable<string> { return this.enumerators.keys(); }

  /** The parameters of a function by its name: all that is known of its variables. */
  parametersOf(name: string): readonly { readonly name: string; readonly type: Type }[] | undefined {
    const prototype = this.functions.get(name);
    if (prototype === undefined) return undefined;
    const { elements, tail } = this.entryAt(this.offsetOf(prototype));
    return this.elementsAt(tail, elements, 8, () => [this.entries.u32(), this.entries.u32()] as const)
      .filter(([, type]) => type !== 0)
      .map(([parameter, type]) => ({ name: this.text(parameter), type: this.of(type) }));
  }

  private offsetOf(number: number): number {
    return this.offsets[number] ?? this.entries.fail(`type ${number} is referred to, but there are ${this.offsets.length - 1}`);
  }

  private of(number: number): Type {
    if (number === 0) return VOID;
    let type = this.made.get(number);
    if (!type) this.made.set(number, (type = this.make(this.entryAt(this.offsetOf(number)))));
    return type;
  }

  private make(entry: Entry): Type {
    const { kind, name, sizeOrType, elements, tail, flag } = entry;
    const referred = once(() => this.of(sizeOrType));
    const qualifier = QUALIFIERS.get(kind);
    if (qualifier) return { is: 'qualified', qualifier, get target() { return referred(); } };
    switch (kind) {
      case KIND.int: return { is: 'base', name, size: sizeOrType, encoding: this.encodingAt(tail, name) };
      case KIND.float: return { is: 'base', name, size: sizeOrType, encoding: 'float' };
      case KIND.pointer: return { is: 'pointer', symbol: '*', size: POINTER_BYTES, get target() { return referred(); } };
      case KIND.typedef: return { is: 'typedef', name, get target() { return referred(); } };
      case KIND.function: case KIND.typeTag: return referred();
      case KIND.array: {
        const [[element, , count]] = this.elementsAt(tail, 1, 12, () => [this.entries.u32(), this.entries.u32(), this.entries.u32()] as const) as [readonly [number, number, number]];
        const elementType = once(() => this.of(element));
        return { is: 'array', count, get element() { return elementType(); } };
      }
      case KIND.struct: case KIND.union: {
        const members = once(() => this.membersOf(entry));
        return { is: 'record', kind: recordKind(kind), name: name || undefined, size: sizeOrType, incomplete: false, get members() { return members(); } };
      }
      case KIND.forward: return this.byName.has(`${flag ? 'union' : 'struct'} ${name}`) ? this.named(`${flag ? 'union' : 'struct'} ${name}`)! : { is: 'record', kind: flag ? 'union' : 'struct', name, size: 0, members: [], incomplete: true };
      case KIND.enum: case KIND.enum64: return { is: 'enum', name: name || undefined, size: sizeOrType, signed: flag, enumerators: this.enumeratorsOf(tail, kind, elements, flag) };
      case KIND.functionPrototype: {
        const types = once(() => this.elementsAt(tail, elements, 8, () => [this.entries.u32(), this.entries.u32()] as const).map(([, type]) => type));
        const parameters = once(() => types().filter((type) => type !== 0).map((type) => this.of(type)));
        return { is: 'function', get variadic() { return types().at(-1) === 0; }, get result() { return referred(); }, get parameters() { return parameters(); } };
      }
      default: return this.entries.fail(`a type of kind ${kind} is used where C has none`);
    }
  }

  private elementsAt<Element>(tail: number, count: number, bytes: number, read: () => Element): Element[] {
    return Array.from({ length: count }, (_, index) => {
      this.entries.seek(tail + bytes * index);
      return read();
    });
  }

  private membersOf({ tail, elements, flag }: Entry): Member[] {
    const { entries } = this;
    return this.elementsAt(tail, elements, 12, () => ({ name: entries.u32(), type: entries.u32(), offset: entries.u32() })).map(({ name, type, offset }): Member => {
      const width = flag ? offset >>> 24 : 0, first = flag ? offset & 0xffffff : offset;
      const memberType = once(() => this.of(type));
      return { name: this.text(name), offset: first >>> 3, ...(width > 0 && { bits: { offset: first, width } }), get type() { return memberType(); } };
    });
  }

  private enumeratorsOf(tail: number, kind: number, elements: number, signed: boolean): { name: string; value: bigint }[] {
    const { entries } = this, wide = kind === KIND.enum64;
    return this.elementsAt(tail, elements, wide ? 12 : 8, () => {
      const name = entries.u32(), low = BigInt(entries.u32()), value = wide ? low | (BigInt(entries.u32()) << 32n) : low;
      return { name, value: signed || !wide ? BigInt.asIntN(wide ? 64 : 32, value) : value };
    }).map(({ name, value }) => ({ name: this.text(name), value }));
  }

  private encodingAt(tail: number, name: string): Encoding {
    const [encoding] = this.elementsAt(tail, 1, 4, () => (this.entries.u32() >>> 24) & 0xf) as [number];
    if (encoding & 4) return 'boolean';
    if (encoding & 2) return 'character';
    const isCharacter = name === 'char' || name === 'unsigned char';
    if (encoding & 1) return isCharacter ? 'character' : 'signed';
    return isCharacter ? 'unsigned character' : 'unsigned';
  }
}

const recordKind = (kind: number): RecordType['kind'] => (kind === KIND.struct ? 'struct' : 'union');
