/** What an expression sees of the machine and the program. */
import type { MemorySpace } from '../../emulator/observe/memory.js';
import type { Type } from '../symbols/types.js';

/** Where a value lies, when it does not stand in a register or was computed. */
export interface MemoryPlace {
  readonly space: MemorySpace;
  readonly address: bigint;
}

export type Value =
  | { readonly is: 'number'; readonly type: Type; readonly value: bigint; readonly place?: MemoryPlace }
  /** Structs, arrays, functions and floating-point numbers: in memory, or as bytes that were in registers. */
  | { readonly is: 'aggregate'; readonly type: Type; readonly place: MemoryPlace | Uint8Array }
  /** Something whose members the scope knows, such as the VMCS. */
  | { readonly is: 'object'; readonly name: string }
  | { readonly is: 'text'; readonly text: string };

/** A reason for which a scope knows a name but has no value for it, such as an optimized-out variable. */
export class NoValue extends Error {}

export interface Scope {
  /** The name as it was written, `$` included. */
  name(name: string): Value | undefined;
  member(object: Extract<Value, { is: 'object' }>, name: string): Value | undefined;
  read(space: MemorySpace, address: bigint, bytes: number): Uint8Array | undefined;
  type(name: string): Type | undefined;
  /** The names to suggest when one is unknown. */
  names(): Iterable<string>;
  memberNames(object: Extract<Value, { is: 'object' }>): Iterable<string>;
  readonly pointerSize: 4 | 8;
}
