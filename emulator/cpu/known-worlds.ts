/** What is known of the worlds to which VM exits and VM entries lead: copies of what generated code keeps of the present one. See vmx/destinations.ts. */
import { DESTINATION, S, SPACE } from './layout.js';
import type { Processor } from './processor.js';

const UNKNOWN = 0xffff_ffff;

/** After anything that they do not follow has changed: flushes, XCR0, PKRU, the A20 mask. */
export function forgetDestinations(cpu: Processor): void {
  forgetEntries(cpu);
  cpu.u32[S.exitsOf >> 2] = UNKNOWN;
}
export function forgetEntries(cpu: Processor): void { cpu.u32[S.entriesOf >> 2] = UNKNOWN; }

/** Whether the VM exits of some VMCS lead to a known place. */
export const exitsKnown = (cpu: Processor): boolean => cpu.low(S.exitsOf) !== UNKNOWN;

/** The space where VM exits lead has got other tags. */
export function moveExits({ u32 }: Processor, supervisor: number, user: number): void {
  for (const at of [DESTINATION.tag, DESTINATION.supervisorTag]) u32[(S.exitDestination + at) >> 2] = supervisor;
  u32[(S.exitDestination + DESTINATION.userTag) >> 2] = user;
}

/** What each word of a destination is a copy of. */
export const KEPT = [
  [DESTINATION.tag, S.spaceTag], [DESTINATION.supervisorTag, S.supervisorSpace + SPACE.tag], [DESTINATION.userTag, S.userSpace + SPACE.tag],
  [DESTINATION.part, S.tlbPart], [DESTINATION.mode, S.codeMode], [DESTINATION.traps, S.fpuTraps],
] as const;
export function keep({ u32 }: Processor, destination: number): void {
  for (const [at, from] of KEPT) u32[(destination + at) >> 2] = u32[from >> 2]!;
}
