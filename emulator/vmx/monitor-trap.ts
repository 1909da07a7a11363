/** The monitor trap flag: a VM exit after each instruction of the guest. SDM Vol. 3C, "Monitor Trap Flag". */
import type { Processor } from '../cpu/processor.js';
import { VMX_STATE } from './state.js';

/** Interruption type of a pending MTF VM exit that VM entry injects. */
export const OTHER_EVENT = 7;

const OFF = 0, ARMED = 1, PENDING = 2;
const STATES = { armed: ARMED, pending: PENDING } as const;

/** `armed`: the exit follows the first instruction of the guest; the VM entry itself is the current instruction. */
export function armMonitorTrap(cpu: Processor, state: keyof typeof STATES): void {
  cpu.set(VMX_STATE.monitorTrap, STATES[state], 0);
  if (state === 'armed') cpu.setNumber(VMX_STATE.armedAt, cpu.instructionCount() + 1);
}

/** An event was delivered through the IDT: the exit comes before the first instruction of its handler. */
export function eventDelivered(cpu: Processor): void {
  if (cpu.low(VMX_STATE.monitorTrap) === ARMED) cpu.set(VMX_STATE.monitorTrap, PENDING, 0);
}

export const monitorTrapOn = (cpu: Processor): boolean => cpu.low(VMX_STATE.monitorTrap) !== OFF;
export const monitorTrapDue = (cpu: Processor): boolean => {
  const state = cpu.low(VMX_STATE.monitorTrap);
  return state === PENDING || (state === ARMED && cpu.instructionCount() > cpu.number(VMX_STATE.armedAt));
};
