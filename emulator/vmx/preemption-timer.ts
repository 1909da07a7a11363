/** The VMX-preemption timer: it counts down whenever a bit of the time-stamp counter changes. SDM Vol. 3C, "VMX-Preemption Timer". */
import type { Processor } from '../cpu/processor.js';
import { PREEMPTION_TIMER_SHIFT } from './capabilities.js';
import { VMX_STATE } from './state.js';

const PERIOD = 2 ** PREEMPTION_TIMER_SHIFT;
const tsc = (cpu: Processor): number => Number(cpu.readTsc());

/** No timer runs: -1 in the slot. */
export const stopPreemptionTimer = (cpu: Processor): void => cpu.setNumber(VMX_STATE.preemptionDeadline, -1);

export function startPreemptionTimer(cpu: Processor, value: number): void {
  cpu.setNumber(VMX_STATE.preemptionDeadline, (Math.floor(tsc(cpu) / PERIOD) + value) * PERIOD);
}

/** Ticks of the time-stamp counter until it expires; Infinity when none runs. */
export function preemptionTicks(cpu: Processor): number {
  const deadline = cpu.number(VMX_STATE.preemptionDeadline);
  return deadline < 0 ? Infinity : Math.max(0, deadline - tsc(cpu));
}

/** What the timer shows: 0 when it has expired. */
export const preemptionTimerValue = (cpu: Processor): number => {
  const deadline = cpu.number(VMX_STATE.preemptionDeadline);
  return deadline < 0 ? 0 : Math.max(0, deadline / PERIOD - Math.floor(tsc(cpu) / PERIOD));
};
