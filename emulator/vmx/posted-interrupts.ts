/** Interrupts that other processors and devices post to a guest. SDM Vol. 3C, "Posted-Interrupt Processing". */
import type { Processor } from '../cpu/processor.js';
import { readPhysical32, writePhysical32 } from '../paging/access.js';
import { PIN } from './controls.js';
import { requestVirtualInterrupt } from './virtual-apic.js';
import { slot, type Vmcs } from './vmcs.js';

const PIN_CONTROLS = slot('pin-based VM-execution controls');
const NOTIFICATION = slot('posted-interrupt notification vector'), DESCRIPTOR = slot('posted-interrupt descriptor address');
/** In the descriptor: 256 posted-interrupt requests, then the outstanding-notification bit. */
const REQUEST_WORDS = 8, OUTSTANDING = 32;

export const processesPostedInterrupts = (vmcs: Vmcs): boolean => (vmcs.low(PIN_CONTROLS) & PIN['process posted interrupts']) !== 0;

/** The acknowledged interrupt. False: it is no notification, and exits as others do. */
export function processPostedInterrupts(cpu: Processor, vmcs: Vmcs, vector: number): boolean {
  if (vector !== (vmcs.low(NOTIFICATION) & 0xff)) return false;
  const descriptor = vmcs.unsigned(DESCRIPTOR), posted: number[] = [];
  writePhysical32(cpu, descriptor + OUTSTANDING, readPhysical32(cpu, descriptor + OUTSTANDING) & ~1);
  cpu.localApic.endOfInterrupt();
  for (let n = 0; n < REQUEST_WORDS; n++) {
    const requests = readPhysical32(cpu, descriptor + 4 * n);
    if (requests === 0) continue;
    writePhysical32(cpu, descriptor + 4 * n, 0);
    for (let bit = 0; bit < 32; bit++) if (((requests >>> bit) & 1) !== 0) posted.push(32 * n + bit);
  }
  for (const each of posted) requestVirtualInterrupt(cpu, vmcs, each);
  return true;
}
