/** Programs that run here and in a guest: the processor under the tests says what they print. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = path.dirname(fileURLToPath(import.meta.url)), BUILT = path.join(HERE, '..', '..', '.cache', 'boot');
/** As /proc/cpuinfo names what a processor of level x86-64-v3 has beyond the one before. */
const LEVEL_3 = ['avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'abm', 'movbe', 'xsave'];

/** The program of that name for level x86-64-v3, statically linked; undefined where it cannot be compiled or run. */
export function level3Program(name: string): string | undefined {
  try {
    const flags = new Set(/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.trim().split(/\s+/));
    if (!LEVEL_3.every((flag) => flags.has(flag))) return undefined;
    const program = path.join(BUILT, name);
    mkdirSync(BUILT, { recursive: true });
    execFileSync('gcc', ['-O3', '-static', '-march=x86-64-v3', '-o', program, path.join(HERE, `${name}.c`)], { stdio: 'pipe' });
    return program;
  } catch {
    return undefined;
  }
}
