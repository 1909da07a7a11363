/** SDM Vol. 2, "LAR—Load Access Rights", "LSL—Load Segment Limit", "VERR/VERW—Verify a Segment for Reading or Writing". */
import { ZF } from '../meaning/flags.js';
import { read32 } from '../paging/access.js';
import { Descriptor, descriptorAddress, isNull, TYPE } from './descriptors.js';
import { setStatusFlags, statusFlags } from './flags.js';
import { gpr } from './layout.js';
import type { Operations } from './operations.js';
import type { Processor } from './processor.js';

const { TSS16, LDT, TSS16_BUSY, CALL_GATE16, TASK_GATE, TSS32, TSS32_BUSY, CALL_GATE32 } = TYPE;
const LAR_TYPES = new Set<number>([TSS16, LDT, TSS16_BUSY, CALL_GATE16, TASK_GATE, TSS32, TSS32_BUSY, CALL_GATE32]);
const LAR_TYPES_IA32E = new Set<number>([LDT, TSS32, TSS32_BUSY, CALL_GATE32]);
const LSL_TYPES = new Set<number>([TSS16, LDT, TSS16_BUSY, TSS32, TSS32_BUSY]);
const LSL_TYPES_IA32E = new Set<number>([LDT, TSS32, TSS32_BUSY]);

/** A descriptor that the program could see; undefined where a load would fault. */
function visible(cpu: Processor, selector: number): Descriptor | undefined {
  if (isNull(selector)) return undefined;
  const address = descriptorAddress(cpu, selector);
  if (address === undefined) return undefined;
  const d = new Descriptor(selector, address, read32(cpu, address, true), read32(cpu, address + 4, true));
  return !d.conforming && (cpu.cpl > d.dpl || (selector & 3) > d.dpl) ? undefined : d;
}
function setZf(cpu: Processor, set: boolean): void { setStatusFlags(cpu, (statusFlags(cpu) & ~ZF) | (set ? ZF : 0)); }

/** Arguments: selector, destination register, operand size. */
const query = (types: ReadonlySet<number>, typesIa32e: ReadonlySet<number>, value: (d: Descriptor) => number) => (cpu: Processor): void => {
  const d = visible(cpu, cpu.argumentLow(0) & 0xffff), register = cpu.argumentLow(1), size = cpu.argumentLow(2);
  const found = d !== undefined && (!d.system || (cpu.longMode ? typesIa32e : types).has(d.type));
  if (found) {
    if (size === 16) cpu.view.setUint16(gpr(register), value(d), true);
    else cpu.setReg32(register, value(d));
  }
  setZf(cpu, found);
};

/** Argument: selector. */
const verify = (passes: (d: Descriptor) => boolean) => (cpu: Processor): void => {
  const d = visible(cpu, cpu.argumentLow(0) & 0xffff);
  setZf(cpu, d !== undefined && passes(d));
};

export const DESCRIPTOR_QUERY_OPERATIONS: Operations = {
  LAR: query(LAR_TYPES, LAR_TYPES_IA32E, (d) => d.high & 0xffff00),
  LSL: query(LSL_TYPES, LSL_TYPES_IA32E, (d) => d.limit),
  VERR: verify((d) => d.readable),
  VERW: verify((d) => d.writableData),
};
