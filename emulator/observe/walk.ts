/** The walk of one address with all its loads, for the panel and the console: the processor's own walker, asked for its steps. */
import { S } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import { EXECUTE, READ, SMAP_ENFORCED, SMEP_ENFORCED, USER_ACCESS, WalkOutcome, WRITE, WRITE_PROTECT, type WalkStep } from '../paging/outcome.js';
import { CR0_WP, CR4_SMAP, CR4_SMEP, walk, type PagingState } from '../paging/walk.js';
import { type Ept, EPT_EXECUTE, EPT_EXECUTE_USER, EPT_READ, EPT_WRITE, EptOutcome, walkEpt } from '../vmx/ept.js';
import { FlagUpdates } from '../paging/outcome.js';

export const ACCESSES = { read: READ, write: WRITE, execute: EXECUTE } as const;
export type Access = keyof typeof ACCESSES;
const EPT_ACCESSES = { read: EPT_READ, write: EPT_WRITE, execute: EPT_EXECUTE } as const;
const EFLAGS_AC = 1 << 18;

export interface ObservedWalk {
  readonly steps: readonly WalkStep[];
  readonly kind: WalkOutcome['is'];
  readonly guestPhysical: number;
  readonly physical: number;
  readonly pageShift: number;
  readonly errorCode: number;
  readonly qualification: number;
  readonly why: string;
}

/** `rflags`: those of the code that would make the access, for SMAP. */
export function walkLinear(cpu: Processor, state: PagingState, linear: number, access: Access, user: boolean, rflags: number): ObservedWalk {
  const outcome = new WalkOutcome();
  const steps: WalkStep[] = [];
  const privilege = user
    ? USER_ACCESS
    : (state.cr0 & CR0_WP ? WRITE_PROTECT : 0) | (state.cr4 & CR4_SMEP ? SMEP_ENFORCED : 0) | (state.cr4 & CR4_SMAP && !(rflags & EFLAGS_AC) ? SMAP_ENFORCED : 0);
  walk(cpu, { ...state, pkru: cpu.low(S.pkru) }, linear, ACCESSES[access], privilege, outcome, steps);
  const { is, guestPhysical, physical, pageShift, errorCode, qualification, why } = outcome;
  return { steps, kind: is, guestPhysical, physical, pageShift, errorCode, qualification, why: is === 'mapped' ? '' : why };
}

/** To execute there means: from a supervisor-mode linear address, unless `user`. */
export function walkGuestPhysical(cpu: Processor, ept: Ept, guestPhysical: number, access: Access, user: boolean): ObservedWalk {
  const outcome = new EptOutcome();
  const steps: WalkStep[] = [];
  walkEpt(cpu, ept, guestPhysical, access === 'execute' && user ? EPT_EXECUTE_USER : EPT_ACCESSES[access], 0, outcome, new FlagUpdates(), steps);
  const { is, physical, pageShift, qualification, why } = outcome;
  return { steps, kind: is, guestPhysical, physical, pageShift, errorCode: 0, qualification, why: is === 'mapped' ? '' : why };
}
