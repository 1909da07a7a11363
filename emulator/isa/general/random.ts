/** RDRAND and RDSEED. SDM Vol. 2, by their names. */
import { instruction, type Instruction } from '../instruction.js';

/** Random numbers are never used up. */
const random = (name: string, summary: string, digit: number): Instruction => instruction(name, summary, {
  encodings: `
    !REP 0F C7 /${digit} | ${name} r16
    !REP 0F C7 /${digit} | ${name} r32
    !REP REX.W + 0F C7 /${digit} | ${name} r64`,
  flags: 'CF is set, since there is always a random number. OF, SF, ZF, AF and PF are cleared.', feature: name, privileged: true,
  vmExit: `If "${name} exiting" is 1.`,
  operation(cpu, dest) {
    dest.write(cpu.compute(name, [], [64])[0]!.truncate(dest.bits));
    cpu.setFlags({ CF: cpu.constant(1, 1), OF: cpu.constant(0, 1), SF: cpu.constant(0, 1), ZF: cpu.constant(0, 1), AF: cpu.constant(0, 1), PF: cpu.constant(0, 1) });
  },
});
export const RDRAND = random('RDRAND', 'Read Random Number', 6);
export const RDSEED = random('RDSEED', 'Read Random SEED', 7);
