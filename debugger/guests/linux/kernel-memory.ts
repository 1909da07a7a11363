/** Structures of a kernel that stands in memory, read by the names and offsets that its own types give. */
import { littleEndian } from '../../symbols/location-expression.js';
import type { ProgramSymbols } from '../../symbols/program-symbols.js';
import { bare, isSigned, memberOf, sizeOf, type RecordType, type Type } from '../../symbols/types.js';

/** The kernel lacks something by that name, or memory cannot be read: what depends on it cannot be shown. */
export class NotReadable extends Error {}

/** Undefined where it cannot be read. */
export function whereReadable<Result>(read: () => Result): Result | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof NotReadable) return undefined;
    throw error;
  }
}

export type ReadBytes = (address: bigint, bytes: number) => Uint8Array | undefined;

export class KernelMemory {
  /** `base` is what KASLR added to the addresses of the file. */
  constructor(readonly symbols: ProgramSymbols, readonly base: bigint, private readonly readBytes: ReadBytes) {}

  read(address: bigint, bytes: number): Uint8Array {
    const found = this.readBytes(BigInt.asUintN(64, address), bytes);
    if (!found) throw new NotReadable(`memory at 0x${BigInt.asUintN(64, address).toString(16)} cannot be read`);
    return found;
  }

  unsigned(address: bigint, bytes = 8): bigint {
    return littleEndian(this.read(address, bytes));
  }

  text(address: bigint, most: number): string {
    const bytes = this.read(address, most), end = bytes.indexOf(0);
    return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
  }

  /** Where something of the kernel lies now. */
  address(name: string): bigint {
    const address = this.symbols.symbol(name);
    if (address === undefined) throw new NotReadable(`the kernel has no symbol "${name}"`);
    return address + this.base;
  }

  knows(name: string): boolean {
    return this.symbols.symbol(name) !== undefined;
  }

  /** Offset of a variable in the data of each processor. */
  perProcessor(name: string): bigint | undefined {
    return this.symbols.symbol(name) ?? this.symbols.enumerator(name)?.value;
  }

  record(name: string): RecordType {
    const type = this.symbols.type(name), inner = type && bare(type);
    if (inner?.is !== 'record') throw new NotReadable(`the type "${name}" of the kernel is not known`);
    return inner;
  }

  struct(name: string, address: bigint): Struct {
    return new Struct(this, this.record(name), address);
  }

  /** The structures of a list that is linked through `member` (a struct list_head) of each, without the head itself. */
  *list(head: bigint, structName: string, member: string, most: number): Generator<Struct> {
    const { offset } = placeOf(this.record(structName), member);
    const seen = new Set([head]);
    for (let at = this.unsigned(head); !seen.has(at) && seen.size <= most; at = this.unsigned(at)) {
      seen.add(at);
      yield this.struct(structName, at - BigInt(offset));
    }
  }
}

/** One structure; members are named by paths such as `mm_mt.ma_root`. */
export class Struct {
  constructor(private readonly memory: KernelMemory, readonly type: RecordType, readonly address: bigint) {}

  has(path: string): boolean {
    return findPlace(this.type, path) !== undefined;
  }

  bytes(): Uint8Array {
    return this.memory.read(this.address, this.type.size);
  }

  typeOf(path: string): Type | undefined {
    return findPlace(this.type, path)?.type;
  }

  addressOf(path: string): bigint {
    return this.address + BigInt(placeOf(this.type, path).offset);
  }

  /** Signed where its type is. */
  number(path: string): bigint {
    const { type, offset, bits } = placeOf(this.type, path);
    if (bits) {
      const bytes = this.memory.unsigned(this.address + BigInt(bits.offset >> 3), 8);
      return (bytes >> BigInt(bits.offset & 7)) & ((1n << BigInt(bits.width)) - 1n);
    }
    const size = sizeOf(type) ?? 8, value = this.memory.unsigned(this.address + BigInt(offset), size);
    return isSigned(type) ? BigInt.asIntN(8 * size, value) : value;
  }

  /** Of an array of characters. */
  text(path: string): string {
    const { type, offset } = placeOf(this.type, path);
    return this.memory.text(this.address + BigInt(offset), sizeOf(type) ?? 0);
  }

  /** A structure inside this one. */
  inner(path: string): Struct {
    const { type, offset } = placeOf(this.type, path), inner = bare(type);
    if (inner.is !== 'record') throw new NotReadable(`"${path}" is no structure`);
    return new Struct(this.memory, inner, this.address + BigInt(offset));
  }

  /** The structure that a pointer points to; undefined for a null pointer. */
  pointed(path: string): Struct | undefined {
    const { type } = placeOf(this.type, path), inner = bare(type), target = inner.is === 'pointer' ? bare(inner.target) : undefined;
    if (target?.is !== 'record') throw new NotReadable(`"${path}" does not point to a structure`);
    const address = this.number(path);
    return address === 0n ? undefined : new Struct(this.memory, target, address);
  }
}

interface MemberPlace { readonly type: Type; readonly offset: number; readonly bits?: { readonly offset: number; readonly width: number } }

export function findPlace(record: RecordType, path: string): MemberPlace | undefined {
  let place: MemberPlace = { type: record, offset: 0 };
  for (const name of path.split('.')) {
    const inner = bare(place.type), member = inner.is === 'record' ? memberOf(inner, name) : undefined;
    if (!member) return undefined;
    const bits = member.bits && { offset: member.bits.offset + 8 * place.offset, width: member.bits.width };
    place = { type: member.type, offset: place.offset + member.offset, ...(bits && { bits }) };
  }
  return place;
}

function placeOf(record: RecordType, path: string): MemberPlace {
  const place = findPlace(record, path);
  if (!place) throw new NotReadable(`struct ${record.name ?? ''} of the kernel has no member "${path}"`);
  return place;
}
