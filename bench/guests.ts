/** The workloads of guests/: what each executes and must compute is told by guests/counts.txt. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Guest {
  readonly name: string;
  readonly elf: string;
  readonly bits: 64 | 32;
  readonly needsVmx: boolean;
  readonly instructions: number;
  readonly checksum: string;
}

const folder = join(dirname(fileURLToPath(import.meta.url)), 'guests');

/** Workloads that compute: their geometric mean is the figure by which machines are compared. */
const COMPUTE = ['alu', 'sieve', 'sha', 'qsort', 'memcpy', 'repmovs', 'bf', 'mandel', 'simd'];

/** How often the guests that measure VM exits leave. */
const VM_EXITS = 200_000;

function readGuests(): Guest[] {
  const lines = readFileSync(join(folder, 'counts.txt'), 'utf8').trim().split('\n');
  return lines.map((line) => {
    const [name = '', instructions = '', checksum = ''] = line.split(' ');
    return {
      name,
      elf: join(folder, 'out', `${name}.elf`),
      bits: name.endsWith('32') ? 32 : 64,
      needsVmx: name.startsWith('vm'),
      instructions: Number(instructions),
      checksum,
    };
  });
}

export const GUESTS: readonly Guest[] = readGuests();

/** The empty guest, whose time is start-up and shut-down and is taken off all others'. */
export const emptyGuest = (bits: 64 | 32): Guest => GUESTS.find((guest) => guest.name === `nop${bits}`)!;

export const isEmpty = (guest: Guest): boolean => guest === emptyGuest(guest.bits);

export const isCompute = (guest: Guest): boolean => COMPUTE.includes(guest.name.slice(0, -2));

/** Undefined for a guest that does not measure VM exits. */
export const vmExitsOf = (guest: Guest): number | undefined => (guest.needsVmx && guest.name !== 'vmsha64' ? VM_EXITS : undefined);
