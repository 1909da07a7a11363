import type { Processor } from '../cpu/processor.js';
import type { AccessKind } from './mmu.js';

/** TypeScript's own accesses to linear and physical memory. `supervisor`: an implicit supervisor access (descriptor tables, TSS, …). */
const missing = (): never => { throw new Error('not implemented: paging'); };

export function read8(_cpu: Processor, _linear: number, _supervisor = false): number { return missing(); }
export function read16(_cpu: Processor, _linear: number, _supervisor = false): number { return missing(); }
export function read32(_cpu: Processor, _linear: number, _supervisor = false): number { return missing(); }
/** 64 bits as a signed number: exact only within ±2^53. */
export function readNumber(_cpu: Processor, _linear: number, _supervisor = false): number { return missing(); }
export function write8(_cpu: Processor, _linear: number, _value: number, _supervisor = false): void { missing(); }
export function write16(_cpu: Processor, _linear: number, _value: number, _supervisor = false): void { missing(); }
export function write32(_cpu: Processor, _linear: number, _value: number, _supervisor = false): void { missing(); }
export function write64(_cpu: Processor, _linear: number, _low: number, _high: number, _supervisor = false): void { missing(); }
/** From linear memory to the shared memory at `destination`; and back. */
export function readTo(_cpu: Processor, _linear: number, _bytes: number, _destination: number, _supervisor = false): void { missing(); }
export function writeFrom(_cpu: Processor, _linear: number, _bytes: number, _source: number, _supervisor = false): void { missing(); }
/** Faults as the access would; changes no memory but accessed and dirty flags. */
export function probe(_cpu: Processor, _linear: number, _bytes: number, _kind: AccessKind, _supervisor = false): void { missing(); }

export function readPhysical8(_cpu: Processor, _physical: number): number { return missing(); }
export function readPhysical16(_cpu: Processor, _physical: number): number { return missing(); }
export function readPhysical32(_cpu: Processor, _physical: number): number { return missing(); }
/** 64 bits as an unsigned number: exact only below 2^53. */
export function readPhysicalNumber(_cpu: Processor, _physical: number): number { return missing(); }
export function readPhysical64(_cpu: Processor, _physical: number): bigint { return missing(); }
export function writePhysical8(_cpu: Processor, _physical: number, _value: number): void { missing(); }
export function writePhysical16(_cpu: Processor, _physical: number, _value: number): void { missing(); }
export function writePhysical32(_cpu: Processor, _physical: number, _value: number): void { missing(); }
export function writePhysical64(_cpu: Processor, _physical: number, _value: bigint): void { missing(); }
