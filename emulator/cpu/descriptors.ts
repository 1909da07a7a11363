/** Segment and gate descriptors as they lie in the GDT and LDT. SDM Vol. 3, "Segment Descriptors" and "System Descriptor Types". */
import { read32, write8 } from '../paging/access.js';
import { Exception, VECTORS } from './events.js';
import { LDTR, S } from './layout.js';
import { systemLinear } from './modes.js';
import { ATTRIBUTE_DB, ATTRIBUTE_G, ATTRIBUTE_L, ATTRIBUTE_P, ATTRIBUTE_S, UNUSABLE, type Processor } from './processor.js';

/** Types of system descriptors; bit 1 of a TSS type is its busy flag. */
export const TYPE = {
  TSS16: 1, LDT: 2, TSS16_BUSY: 3, CALL_GATE16: 4, TASK_GATE: 5, INTERRUPT_GATE16: 6, TRAP_GATE16: 7,
  TSS32: 9, TSS32_BUSY: 11, CALL_GATE32: 12, INTERRUPT_GATE32: 14, TRAP_GATE32: 15,
} as const;
export const TYPE_ACCESSED = 1, TYPE_WRITABLE = 2, TYPE_READABLE = 2, TYPE_CONFORMING = 4, TYPE_EXPAND_DOWN = 4, TYPE_CODE = 8;

export class Descriptor {
  constructor(readonly selector: number, readonly address: number, readonly low: number, readonly high: number) {}

  /** In the format of the VMCS. */
  get attributes(): number { return (this.high >>> 8) & 0xf0ff; }
  get base(): number { return ((this.low >>> 16) | ((this.high & 0xff) << 16) | (this.high & 0xff000000)) >>> 0; }
  get limit(): number {
    const limit = (this.low & 0xffff) | (this.high & 0xf0000);
    return this.attributes & ATTRIBUTE_G ? ((limit << 12) | 0xfff) >>> 0 : limit;
  }
  get type(): number { return (this.high >>> 8) & 15; }
  get dpl(): number { return (this.high >>> 13) & 3; }
  get present(): boolean { return (this.attributes & ATTRIBUTE_P) !== 0; }
  get system(): boolean { return (this.attributes & ATTRIBUTE_S) === 0; }
  get code(): boolean { return !this.system && (this.type & TYPE_CODE) !== 0; }
  get conforming(): boolean { return this.code && (this.type & TYPE_CONFORMING) !== 0; }
  get writableData(): boolean { return !this.system && (this.type & (TYPE_CODE | TYPE_WRITABLE)) === TYPE_WRITABLE; }
  get readable(): boolean { return !this.system && (this.type & (TYPE_CODE | TYPE_READABLE)) !== TYPE_CODE; }
  get long(): boolean { return (this.attributes & ATTRIBUTE_L) !== 0; }
  get big(): boolean { return (this.attributes & ATTRIBUTE_DB) !== 0; }

  /** Of a gate: where it leads. */
  get gateSelector(): number { return this.low >>> 16; }
  get gateOffset(): number { return ((this.low & 0xffff) | (this.high & 0xffff0000)) >>> 0; }
}

export const isNull = (selector: number): boolean => (selector & 0xfffc) === 0;
/** Selector error codes carry no RPL; bit 0 tells that an event external to the program was being delivered. */
export const selectorFault = (vector: number, selector: number, external: number, why: string): Exception =>
  new Exception(vector, (selector & 0xfffc) | external, 0, why);

const hex = (n: number): string => `0x${n.toString(16)}`;

/** Where a selector's descriptor lies, or undefined when it lies outside its table. */
export function descriptorAddress(cpu: Processor, selector: number, bytes = 8): number | undefined {
  const offset = selector & 0xfff8;
  if ((selector & 4) === 0) return offset + bytes - 1 <= cpu.low(S.gdtrLimit) ? systemLinear(cpu, cpu.number(S.gdtrBase), offset) : undefined;
  if (cpu.attributes(LDTR) & UNUSABLE || offset + bytes - 1 > cpu.limit(LDTR)) return undefined;
  return systemLinear(cpu, cpu.base(LDTR), offset);
}

/** Fetches a descriptor; the fault, when the selector points outside its table, is `vector`(selector). */
export function readDescriptor(cpu: Processor, selector: number, vector: number = VECTORS['#GP'], external = 0): Descriptor {
  const address = descriptorAddress(cpu, selector);
  if (address === undefined) {
    const table = selector & 4 ? 'LDT' : 'GDT';
    throw selectorFault(vector, selector, external, `selector ${hex(selector)} lies outside the ${table}`);
  }
  return new Descriptor(selector, address, read32(cpu, address, true), read32(cpu, address + 4, true));
}

/** The processor sets the accessed bit when a descriptor is loaded into a segment register. */
export function markAccessed(cpu: Processor, descriptor: Descriptor): void {
  if ((descriptor.type & TYPE_ACCESSED) === 0) write8(cpu, descriptor.address + 5, ((descriptor.high >>> 8) & 0xff) | TYPE_ACCESSED, true);
}
