/** What long runs of the fuzzers have compared without an unexplained difference, summed up over runs: results.json, from which docs/conformance.md is made. */
import { readFileSync, writeFileSync } from 'node:fs';

export interface Results {
  /** By entry of the instruction reference: cases compared with a native processor. */
  readonly cases: Readonly<Record<string, number>>;
  /** Byte strings decoded like iced-x86 does, in each of the three modes. */
  readonly decoded: Readonly<Record<string, number>>;
  /** VM entries with random VMCSs. */
  readonly entries: number;
  /** Random loops in both tiers. */
  readonly loops: number;
}

const FILE = new URL('results.json', import.meta.url);
export const readResults = (): Results => JSON.parse(readFileSync(FILE, 'utf8')) as Results;

const sum = (a: Readonly<Record<string, number>>, b: Readonly<Record<string, number>>): Record<string, number> => {
  const all = { ...a };
  for (const [name, count] of Object.entries(b)) all[name] = (all[name] ?? 0) + count;
  return Object.fromEntries(Object.entries(all).sort(([x], [y]) => (x < y ? -1 : 1)));
};

/** Adds what a run has found to be alike. */
export function record(more: Partial<Results>): void {
  const before = readResults();
  const after: Results = {
    cases: sum(before.cases, more.cases ?? {}), decoded: sum(before.decoded, more.decoded ?? {}),
    entries: before.entries + (more.entries ?? 0), loops: before.loops + (more.loops ?? 0),
  };
  // One line for each part, so that a run changes few lines.
  writeFileSync(FILE, `{\n${Object.entries(after).map(([name, part]) => `  ${JSON.stringify(name)}: ${JSON.stringify(part)}`).join(',\n')}\n}\n`);
}
