/** The types of C as the debugger sees them: sizes, members, and how they are written. */

export type Encoding = 'signed' | 'unsigned' | 'boolean' | 'character' | 'unsigned character' | 'float' | 'other';

export interface BaseType {
  readonly is: 'base';
  readonly name: string;
  readonly size: number;
  readonly encoding: Encoding;
}

export interface PointerType {
  readonly is: 'pointer';
  readonly size: number;
  readonly symbol: '*' | '&' | '&&';
  readonly target: Type;
}

export interface Member {
  /** Empty for the anonymous structs and unions whose members belong to the outer one. */
  readonly name: string;
  readonly type: Type;
  readonly offset: number;
  /** Of a bit-field: its first bit, counted from the beginning of the struct, and its width. */
  readonly bits?: { readonly offset: number; readonly width: number };
}

export interface RecordType {
  readonly is: 'record';
  readonly kind: 'struct' | 'union' | 'class';
  readonly name: string | undefined;
  readonly size: number;
  readonly members: readonly Member[];
  /** Only its name is known. */
  readonly incomplete: boolean;
}

export interface EnumType {
  readonly is: 'enum';
  readonly name: string | undefined;
  readonly size: number;
  readonly signed: boolean;
  readonly enumerators: readonly { readonly name: string; readonly value: bigint }[];
}

export interface ArrayType {
  readonly is: 'array';
  readonly element: Type;
  /** Undefined when the program computes it, 0 for a flexible array member. */
  readonly count: number | undefined;
}

export interface FunctionType {
  readonly is: 'function';
  readonly result: Type;
  readonly parameters: readonly Type[];
  readonly variadic: boolean;
}

export interface TypedefType {
  readonly is: 'typedef';
  readonly name: string;
  readonly target: Type;
}

export interface QualifiedType {
  readonly is: 'qualified';
  readonly qualifier: 'const' | 'volatile' | 'restrict' | '_Atomic';
  readonly target: Type;
}

export interface VoidType {
  readonly is: 'void';
}

export type Type = BaseType | PointerType | RecordType | EnumType | ArrayType | FunctionType | TypedefType | QualifiedType | VoidType;
export type BareType = Exclude<Type, TypedefType | QualifiedType>;

export const VOID: VoidType = { is: 'void' };

/** Types nest; a chain longer than this is the work of a damaged file. */
const DEEPEST = 64;

/** The type without the typedefs and qualifiers around it. */
export function bare(type: Type): BareType {
  let inner = type;
  for (let depth = 0; depth < DEEPEST; depth++) {
    if (inner.is !== 'typedef' && inner.is !== 'qualified') return inner;
    inner = inner.target;
  }
  return VOID;
}

/** In bytes; undefined where it cannot be known. */
export function sizeOf(type: Type, depth = 0): number | undefined {
  const inner = bare(type);
  switch (inner.is) {
    case 'array': {
      const element = depth < DEEPEST ? sizeOf(inner.element, depth + 1) : undefined;
      return element === undefined || inner.count === undefined ? undefined : element * inner.count;
    }
    case 'record':
      return inner.incomplete ? undefined : inner.size;
    case 'void':
    case 'function':
      return undefined;
    default:
      return inner.size;
  }
}

export function isSigned(type: Type): boolean {
  const inner = bare(type);
  return inner.is === 'base' ? inner.encoding === 'signed' || inner.encoding === 'character' : inner.is === 'enum' && inner.signed;
}

/** Values that fit a number: integers, characters, truth values, enumerations, pointers. */
export function isScalar(type: Type): boolean {
  const inner = bare(type);
  return inner.is === 'base' ? inner.encoding !== 'float' && inner.encoding !== 'other' : inner.is === 'enum' || inner.is === 'pointer';
}

/** An array of characters. */
export function isText(type: Type): boolean {
  const inner = bare(type), element = inner.is === 'array' ? bare(inner.element) : undefined;
  return element?.is === 'base' && element.size === 1;
}

/** The member of that name, also inside anonymous structs and unions; its offset counts from the outermost record. */
export function memberOf(record: RecordType, name: string, depth = 0): Member | undefined {
  for (const member of record.members) {
    if (member.name === name) return member;
    const inner = bare(member.type);
    if (member.name !== '' || inner.is !== 'record' || depth >= DEEPEST) continue;
    const found = memberOf(inner, name, depth + 1);
    if (!found) continue;
    const bits = found.bits && { offset: found.bits.offset + 8 * member.offset, width: found.bits.width };
    return { name, type: found.type, offset: member.offset + found.offset, ...(bits && { bits }) };
  }
  return undefined;
}

/** The names that `memberOf` finds. */
export function memberNames(record: RecordType, depth = 0): string[] {
  return record.members.flatMap((member) => {
    if (member.name !== '') return [member.name];
    const inner = bare(member.type);
    return inner.is === 'record' && depth < DEEPEST ? memberNames(inner, depth + 1) : [];
  });
}

/** The type as C writes it, `char *(*)[4]`. */
export function typeName(type: Type): string {
  return declare(type, '', 0);
}

/** The declaration of something of that type, `int (*handler)(struct frame *)`. */
export function declaration(type: Type, name: string): string {
  return declare(type, name, 0);
}

function declare(type: Type, inner: string, depth: number): string {
  if (depth > DEEPEST) return `…${inner}`;
  const spaced = inner === '' ? '' : ` ${inner}`;
  switch (type.is) {
    case 'void':
      return `void${spaced}`;
    case 'base':
    case 'typedef':
      return type.name + spaced;
    case 'record':
      return `${type.kind} ${type.name ?? '{…}'}${spaced}`;
    case 'enum':
      return `enum ${type.name ?? '{…}'}${spaced}`;
    case 'pointer': {
      const pointed = `${type.symbol}${inner}`;
      const wraps = type.target.is === 'array' || type.target.is === 'function';
      return declare(type.target, wraps ? `(${pointed})` : pointed, depth + 1);
    }
    case 'array':
      return declare(type.element, `${inner}[${type.count ?? ''}]`, depth + 1);
    case 'function': {
      const parameters = type.parameters.map((parameter) => declare(parameter, '', depth + 1));
      if (type.variadic) parameters.push('...');
      return declare(type.result, `${inner}(${parameters.join(', ') || 'void'})`, depth + 1);
    }
    case 'qualified':
      if (type.target.is === 'pointer') return declare(type.target, `${type.qualifier}${spaced}`, depth + 1);
      return `${type.qualifier} ${declare(type.target, inner, depth + 1)}`;
  }
}
