/** The numbers of RDRAND and RDSEED: the same every time the same machine runs. SDM Vol. 2, by their names. */
import { leaveIf } from './events.js';
import { S } from './layout.js';
import type { Operations } from './operations.js';
import type { Processor } from './processor.js';

const GOLDEN_RATIO = 0x9e3779b97f4a7c15n;

/** The generator is SplitMix64, of S.random. */
function next(cpu: Processor): bigint {
  const state = BigInt.asUintN(64, cpu.big(S.random) + GOLDEN_RATIO);
  cpu.setBig(S.random, state);
  let mixed = BigInt.asUintN(64, (state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n);
  mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn);
  return mixed ^ (mixed >> 31n);
}

const random = (name: string) => (cpu: Processor): void => {
  leaveIf(cpu.intercepts.instruction(cpu, name));
  cpu.resultBig(0, next(cpu));
};
export const RANDOM_OPERATIONS: Operations = { RDRAND: random('RDRAND'), RDSEED: random('RDSEED') };
