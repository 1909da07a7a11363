/**
 * The virtual interrupt flag: virtual-8086 mode extensions (CR4.VME) and protected-mode virtual interrupts (CR4.PVI), where IOPL withholds IF.
 * SDM Vol. 3, "Class 2—Maskable Hardware Interrupt Handling in Virtual-8086 Mode Using the Virtual Interrupt Mechanism", "Class 3—Software
 * Interrupt Handling in Virtual-8086 Mode", "Protected-Mode Virtual Interrupts".
 */
import { read32 } from '../paging/access.js';
import { Exception, VECTORS } from './events.js';
import { getRflags, IF, IOPL, RF, TF, VIF, VIF_ABOVE_IF, VIP } from './flags.js';
import type { EventInDelivery } from './intercepts.js';
import { CS, S } from './layout.js';
import { CR4, goTo, setRflagsBits } from './modes.js';
import type { Operations } from './operations.js';
import type { Processor } from './processor.js';
import { setRealSegment } from './segments.js';
import { Stack } from './stack.js';
import { redirectionBit } from './task-state.js';

const fault = (why: string): Exception => new Exception(VECTORS['#GP'], 0, 0, why);

/** Whether IOPL withholds IF in virtual-8086 mode. */
export const withheld = (cpu: Processor): boolean => cpu.virtual8086 && (cpu.low(S.rflags) & IOPL) !== IOPL;
const extended = (cpu: Processor): boolean => (cpu.cr4 & CR4.VME) !== 0;
const pvi = (cpu: Processor): boolean => cpu.cpl === 3 && (cpu.cr4 & CR4.PVI) !== 0;

/** FLAGS as a program in virtual-8086 mode is to see them: VIF in place of IF, and IOPL 3. */
const shown = (rflags: number): number => (rflags & 0xffff & ~IF) | IOPL | ((rflags & VIF) >>> VIF_ABOVE_IF);

/** Before POPF or IRET takes 16-bit flags from that image where IOPL withholds IF. */
export function checkImage(cpu: Processor, name: string, image: number, bytes: number): void {
  if (!extended(cpu) || bytes !== 2) throw fault(`${name} in virtual-8086 mode with IOPL less than 3`);
  if (image & TF) throw fault(`${name} in virtual-8086 mode would set TF`);
  if (image & IF && cpu.low(S.rflags) & VIP) throw fault(`${name} in virtual-8086 mode would set VIF while VIP is set`);
}
/** The IF of an image becomes VIF. */
export const withVif = (rflags: number, image: number): number => (rflags & ~VIF) | ((image & IF) << VIF_ABOVE_IF);

/** "If the processor finds that both the VIF and VIP flags are set at the beginning of an instruction, it generates a general-protection exception." */
export function virtualInterruptDue(cpu: Processor): boolean {
  if ((cpu.low(S.rflags) & (VIF | VIP)) !== (VIF | VIP)) return false;
  return cpu.virtual8086 ? extended(cpu) : pvi(cpu);
}

/** CLI and STI where CPL is greater than IOPL. */
const setVif = (set: boolean) => (cpu: Processor): void => {
  const name = set ? 'STI' : 'CLI';
  const allowed = cpu.virtual8086 ? extended(cpu) : pvi(cpu);
  if (!allowed) throw fault(`${name}: CPL is greater than IOPL`);
  if (set && cpu.low(S.rflags) & VIP) throw fault('STI would set VIF while VIP is set');
  setRflagsBits(cpu, VIF, set ? VIF : 0);
};

/** Whether INT n goes to the 8086 program's own handler. */
export const redirected = (cpu: Processor, vector: number): boolean => cpu.virtual8086 && extended(cpu) && !redirectionBit(cpu, vector);

/** Before INT n: SDM Vol. 3, "Software Interrupt Handling Methods While in Virtual-8086 Mode", methods 2 and 3. */
export function checkSoftwareInterrupt(cpu: Processor, vector: number): void {
  if (withheld(cpu) && !redirected(cpu, vector)) throw fault(`INT ${vector} in virtual-8086 mode with IOPL less than 3`);
}

/** Methods 5 and 6: through the interrupt vector table at linear address 0. */
export function deliverRedirected(cpu: Processor, event: EventInDelivery, returnAddress: number): void {
  const entry = read32(cpu, event.vector * 4, true), rflags = getRflags(cpu), virtual = withheld(cpu);
  const stack = Stack.current(cpu);
  stack.push(2, virtual ? shown(rflags) : rflags & 0xffff);
  stack.push(2, cpu.selector(CS));
  stack.push(2, returnAddress);
  stack.commit();
  setRflagsBits(cpu, TF | RF | (virtual ? VIF : IF), 0);
  setRealSegment(cpu, CS, entry >>> 16);
  goTo(cpu, entry & 0xffff);
}

export const VIRTUAL_INTERRUPT_OPERATIONS: Operations = {
  'STI of VIF': setVif(true),
  'CLI of VIF': setVif(false),
  /** Arguments: image, operand bytes. */
  'check POPF': (cpu) => { checkImage(cpu, 'POPF', cpu.argumentLow(0), cpu.argumentLow(1)); },
};
