/** Segment registers: how each mode loads them. SDM Vol. 3, "Protected-Mode Memory Management". */
import type { Processor } from './processor.js';

export function setSegment(cpu: Processor, index: number, selector: number, base: number, limit: number, attributes: number): void {
  throw new Error(`not implemented: ${String([cpu, index, selector, base, limit, attributes].length)}`);
}
/** MOV, POP and LDS to ES, SS, DS, FS, GS in the current mode. */
export function loadSegment(cpu: Processor, index: number, selector: number): void {
  throw new Error(`not implemented: ${cpu.id} ${index} ${selector}`);
}
export function loadLdtr(cpu: Processor, selector: number): void { throw new Error(`not implemented: ${cpu.id} ${selector}`); }
export function loadTr(cpu: Processor, selector: number): void { throw new Error(`not implemented: ${cpu.id} ${selector}`); }
