/** VMX state of a processor outside the VMCS and the registers: the hot slots of S.vmx. */
import { S } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';

const place = (n: number): number => S.vmx + 8 * n;

export const VMX_STATE = {
  /** Value of the time-stamp counter at which the VMX-preemption timer expires; -1: none runs. */
  preemptionDeadline: place(0),
  /** Monitor trap flag: 0 off, 1 armed (an MTF VM exit follows the next instruction), 2 pending on the next boundary. */
  monitorTrap: place(1),
  /** Instructions retired when the monitor trap was armed. */
  armedAt: place(2),
  /** PAUSE-loop exiting: time of the first PAUSE of the loop, and of the latest. */
  firstPause: place(3),
  lastPause: place(4),
  /** 1 + the instructions retired before the IRET that unblocked NMIs last; 0: none. */
  nmisUnblockedAt: place(5),
  /** Size and offset of a write to the virtual-APIC page that is to be emulated; 0: none. */
  apicWrite: place(6),
  /** Whether a virtual interrupt is recognized. */
  virtualInterrupt: place(7),
} as const;

export const WORLDS = ['no VMX', 'root', 'non-root'] as const;
export const NON_ROOT = 2;
/** By its number in WORLDS. */
export const worldNumber = (cpu: Processor): number => (cpu.low(S.vmxOn) === 0 ? 0 : cpu.nonRoot ? NON_ROOT : 1);
