/** The numbers of RDRAND and RDSEED: the same every time the same machine runs. SDM Vol. 2, by their names. */
import { leaveIf } from './events.js';
import { S } from './layout.js';
import type { Operations } from './operations.js';
import type { Processor } from './processor.js';

const GOLDEN_RATIO = 0x9e3779b97f4a7c15n;

/** SplitMix64: its next state, and the number of a state. */
export const SPLIT_MIX = {
  next: (state: bigint): bigint => BigInt.asUintN(64, state + GOLDEN_RATIO),
  number(state: bigint): bigint {
    let mixed = BigInt.asUintN(64, (state ^ (state >> 30n)) * 0xbf58476d1ce4e5b9n);
    mixed = BigInt.asUintN(64, (mixed ^ (mixed >> 27n)) * 0x94d049bb133111ebn);
    return mixed ^ (mixed >> 31n);
  },
} as const;

function next(cpu: Processor): bigint {
  const state = SPLIT_MIX.next(cpu.big(S.random));
  cpu.setBig(S.random, state);
  return SPLIT_MIX.number(state);
}

const random = (name: string) => (cpu: Processor): void => {
  leaveIf(cpu.intercepts.instruction(cpu, name));
  cpu.resultBig(0, next(cpu));
};
export const RANDOM_OPERATIONS: Operations = { RDRAND: random('RDRAND'), RDSEED: random('RDSEED') };
