/** What the native processor can be asked. */
import { INSTRUCTIONS } from '../../emulator/isa/index.js';
import type { Instruction } from '../../emulator/isa/instruction.js';

/** Linux's names of features, in /proc/cpuinfo, where they are not those of the manual in small letters. */
const LINUX: Readonly<Record<string, string>> = {
  SSE3: 'pni', 'SSE4.1': 'sse4_1', 'SSE4.2': 'sse4_2', LZCNT: 'abm', LAHF: 'lahf_lm', PREFETCHW: '3dnowprefetch', SHA: 'sha_ni', CLFSH: 'clflush', SYSCALL: 'syscall', PKU: 'ospke',
};

/** The instructions that programs may execute and that a processor with these features has. */
export const comparable = (features: ReadonlySet<string>): Instruction[] =>
  INSTRUCTIONS.filter(({ privileged, feature }) => privileged !== true && (feature === undefined || features.has(LINUX[feature] ?? feature.toLowerCase())));
