/** Scopes to put together: constants, registers, the program at a stopped frame, and several of them in layers. */
import type { MemorySpace } from '../../emulator/observe/memory.js';
import type { FrameContext, Place } from '../symbols/location-expression.js';
import { bytesOf, toBytes } from '../symbols/place-bytes.js';
import type { ProgramSymbols } from '../symbols/program-symbols.js';
import { sizeOf, typeName, type Type } from '../symbols/types.js';
import type { Variable } from '../symbols/variables.js';
import { U64 } from './basic-types.js';
import { NoValue, type MemoryPlace, type Scope, type Value } from './scope.js';
import { fromBytes, fromMemory, pointerTo } from './storage.js';

/** Each layer answers what it knows; the first answer counts. */
export function layers(pointerSize: 4 | 8, ...scopes: readonly Partial<Scope>[]): Scope {
  const first = <Result>(ask: (scope: Partial<Scope>) => Result | undefined): Result | undefined => {
    for (const scope of scopes) {
      const answer = ask(scope);
      if (answer !== undefined) return answer;
    }
    return undefined;
  };
  return {
    pointerSize,
    name: (name) => first((scope) => scope.name?.(name)),
    member: (object, name) => first((scope) => scope.member?.(object, name)),
    read: (space, address, bytes) => first((scope) => scope.read?.(space, address, bytes)),
    type: (name) => first((scope) => scope.type?.(name)),
    *names() {
      for (const scope of scopes) yield* scope.names?.() ?? [];
    },
    *memberNames(object) {
      for (const scope of scopes) yield* scope.memberNames?.(object) ?? [];
    },
  };
}

/** One spelling for `EPT violation`, `EPT_VIOLATION` and `ept_violation`, for `guest RIP` and `guest_rip`, for `#PF` and `pf`. */
export function canonicalName(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_').replaceAll(/^_|_$/g, '');
}

export function numberValue(value: bigint, type: Type = U64): Value {
  return { is: 'number', type, value };
}

/** Constants in any case, with any marks between their words. */
export function constants(table: Iterable<readonly [string, bigint | number]>): Partial<Scope> {
  const values = new Map<string, bigint>();
  for (const [name, value] of table) values.set(canonicalName(name), BigInt(value));
  return {
    name(name) {
      const value = values.get(canonicalName(name));
      return value === undefined ? undefined : numberValue(value);
    },
    names: () => [...values.keys()].map((name) => name.toUpperCase()),
  };
}

/** Registers, with and without `$` in front. */
export function registers(names: Iterable<string>, read: (name: string) => bigint | undefined): Partial<Scope> {
  const known = new Set(names);
  return {
    name(name) {
      const plain = (name.startsWith('$') ? name.slice(1) : name).toLowerCase();
      const value = known.has(plain) ? read(plain) : undefined;
      return value === undefined ? undefined : numberValue(value);
    },
    names: () => known,
  };
}

/** Something with members, `vmcs.guest_rip` or `$vmcs["guest RIP"]`. */
export function objectWith(name: string, members: Iterable<string>, read: (member: string) => bigint | undefined): Partial<Scope> {
  const byName = new Map([...members].map((member) => [canonicalName(member), member]));
  return {
    name: (wanted) => (wanted === name || wanted === `$${name}` ? { is: 'object', name } : undefined),
    member(object, wanted) {
      const member = object.name === name ? byName.get(canonicalName(wanted)) : undefined;
      const value = member === undefined ? undefined : read(member);
      return value === undefined ? undefined : numberValue(value);
    },
    names: () => [name],
    memberNames: (object) => (object.name === name ? byName.keys() : []),
  };
}

/** Locals at the frame's address, then globals, enumerators, functions and labels of the program. */
export function program(image: ProgramSymbols, frame: FrameContext, inlineDepth = 0): Partial<Scope> {
  let locals: Map<string, Variable> | undefined;
  const memory = { read: (_space: MemorySpace, address: bigint, bytes: number) => frame.read(address, bytes) };
  const localVariables = () => {
    if (locals) return locals;
    locals = new Map();
    for (const variable of image.variablesAt(frame.address, inlineDepth)) {
      if (!locals.has(variable.name)) locals.set(variable.name, variable);
    }
    return locals;
  };
  return {
    name(name) {
      const variable = localVariables().get(name) ?? image.global(name);
      if (variable) return variableValue(variable, frame, memory);
      const enumerator = image.enumerator(name);
      if (enumerator) return numberValue(enumerator.value, enumerator.type);
      const address = image.symbol(name);
      return address === undefined ? undefined : numberValue(address, pointerTo({ is: 'void' }, image.bits / 8));
    },
    read: (space, address, bytes) => (space === 'linear' ? frame.read(address, bytes) : undefined),
    type: (name) => image.type(name),
    *names() {
      yield* localVariables().keys();
      yield* image.knownNames();
    },
  };
}

function variableValue(variable: Variable, frame: FrameContext, memory: Pick<Scope, 'read'>): Value {
  const { type, name } = variable;
  const place = variable.location.in(frame);
  if (place.is === 'memory') return fromMemory(type, { space: 'linear', address: place.address }, memory);
  const size = sizeOf(type);
  if (size === undefined) throw new NoValue(`'${name}' is a ${typeName(type)}, whose size is not known`);
  const reading = bytesOf(place, size, frame);
  if (reading.is === 'missing') throw new NoValue(`'${name}' has no value here: ${reading.why}`);
  return fromBytes(type, reading.bytes);
}

/** What the display of a value starts from: its place, and the space in which that place and its pointers lie. */
export function placeOfValue(value: Extract<Value, { is: 'number' | 'aggregate' }>): { place: Place; space: MemorySpace } {
  const at: MemoryPlace | Uint8Array | undefined = value.place;
  if (at instanceof Uint8Array) return { place: { is: 'value', bytes: at }, space: 'linear' };
  if (at) return { place: { is: 'memory', address: at.address }, space: at.space };
  const { type, value: number } = value as Extract<Value, { is: 'number' }>;
  return { place: { is: 'value', bytes: toBytes(number, sizeOf(type) ?? 8) }, space: 'linear' };
}
