/** The launch configuration: what it may hold, and what is wrong with one that holds something else. */
import { BOOT_PROTOCOLS, type BootProtocol } from '../emulator/boot/index.js';
import { MOST_PROCESSORS } from '../emulator/cpu/layout.js';
import { DEFAULT_QUANTUM, MOST_MEMORY, MOST_NANOSECONDS, MOST_QUANTUM } from '../emulator/machine/limits.js';
import type { Wanted } from '../outside/devices.js';
import { NetworkError, readNetwork, type NetworkOptions } from '../outside/network/options.js';
import { readShare, type ShareOptions } from '../outside/share/options.js';
import { readProcessorModel } from './processor-model.js';
import { RequestError } from './request-error.js';

export type World = 'host' | 'guest';
export const WORLDS: readonly World[] = ['host', 'guest'];

export interface SymbolFile {
  readonly file: string;
  readonly world: World;
  readonly base: bigint;
}

export interface LaunchArguments {
  readonly program: string;
  /** What fits the program, if it is not given. */
  readonly memoryBytes: number | undefined;
  readonly cpus: number;
  /** Of the processors. */
  readonly features: ReadonlySet<string>;
  readonly seed: number;
  readonly quantum: number;
  readonly nanosecondsPerInstruction: number;
  readonly devices: Wanted;
  readonly commandLine: string;
  readonly initrd: string | undefined;
  readonly protocol: BootProtocol | undefined;
  /** Each a file, optionally followed by its own command line. */
  readonly modules: readonly string[];
  readonly symbols: readonly SymbolFile[];
  readonly stopOnEntry: boolean;
  /** Steps do not run through interrupts, but go into their handlers. */
  readonly stopInInterrupts: boolean;
  /** Run Without Debugging: nothing stops the machine but its own end. */
  readonly noDebug: boolean;
}

const MEBIBYTE = 2 ** 20;
const LEAST_MEMORY_MEBIBYTES = 2, MOST_MEMORY_MEBIBYTES = MOST_MEMORY / MEBIBYTE;

export function readLaunchArguments(given: unknown): LaunchArguments {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw new RequestError('A launch configuration must be an object with at least "program".');
  const from = given as Readonly<Record<string, unknown>>;
  const [program, other] = [text(from, 'program'), text(from, 'kernel')].filter((each) => each !== undefined && each !== '');
  if (program === undefined) throw new RequestError('"program" is missing: name the file that the machine shall boot.');
  if (other !== undefined) throw new RequestError('"program" and "kernel" both name what the machine shall boot: leave one out.');
  const mebibytes = whole(from, 'memory', LEAST_MEMORY_MEBIBYTES, MOST_MEMORY_MEBIBYTES, ' (mebibytes)');
  return {
    program,
    memoryBytes: mebibytes === undefined ? undefined : mebibytes * MEBIBYTE,
    cpus: whole(from, 'cpus', 1, MOST_PROCESSORS) ?? 1,
    features: processorModel(text(from, 'cpu') ?? ''),
    seed: whole(from, 'seed', 0, 2 ** 32 - 1) ?? 0,
    quantum: whole(from, 'quantum', 1, MOST_QUANTUM) ?? DEFAULT_QUANTUM,
    nanosecondsPerInstruction: whole(from, 'nanoseconds', 1, MOST_NANOSECONDS) ?? 1,
    devices: { disks: texts(from, 'disks', 'the name of a file'), networks: texts(from, 'net', 'text').map(network), shares: texts(from, 'share', 'text').map(share) },
    commandLine: text(from, 'args') ?? '',
    initrd: text(from, 'initrd'),
    protocol: oneOf(from, 'boot', BOOT_PROTOCOLS),
    modules: texts(from, 'modules', 'the name of a file'),
    symbols: list(from, 'symbols').map((entry, index) => symbolFile(entry, `symbols[${index}]`)),
    stopOnEntry: truth(from, 'stopOnEntry') ?? true,
    stopInInterrupts: truth(from, 'stopInInterrupts') ?? false,
    noDebug: truth(from, 'noDebug') ?? false,
  };
}

function processorModel(given: string): ReadonlySet<string> {
  const features = readProcessorModel(given);
  if (typeof features === 'string') throw new RequestError(`"cpu": ${features}`);
  return features;
}

function network(given: string, card: number): NetworkOptions {
  try {
    return readNetwork(given, card);
  } catch (error) {
    throw error instanceof NetworkError ? new RequestError(`"net[${card}]": ${error.message}.`) : error;
  }
}

function share(given: string, index: number): ShareOptions {
  const options = readShare(given);
  if (!options) throw wrong(`share[${index}]`, 'a folder and a tag, as in "folder,tag" or "folder,tag,write"', given);
  return options;
}

function symbolFile(given: unknown, name: string): SymbolFile {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw wrong(name, 'an object such as { "file": "guest.elf", "world": "guest" }', given);
  const { file, world = 'host', base = '0x0', ...others } = given as Readonly<Record<string, unknown>>;
  if (typeof file !== 'string' || file === '') throw wrong(`${name}.file`, 'the name of an ELF file', file);
  if (world !== 'host' && world !== 'guest') throw wrong(`${name}.world`, '"host" or "guest"', world);
  if (typeof base !== 'string' || !/^0x[0-9a-f]{1,16}$/i.test(base)) throw wrong(`${name}.base`, 'hexadecimal text such as "0x200000"', base);
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) throw new RequestError(`"${name}" may hold "file", "world" and "base", but not "${unknown}".`);
  return { file, world, base: BigInt(base) };
}

function text(from: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = from[name];
  if (value !== undefined && typeof value !== 'string') throw wrong(name, 'text', value);
  return value;
}

function oneOf<T extends string>(from: Readonly<Record<string, unknown>>, name: string, known: readonly T[]): T | undefined {
  const value = from[name], found = known.find((each) => each === value);
  if (value !== undefined && found === undefined) throw wrong(name, `one of ${known.map((each) => `"${each}"`).join(', ')}`, value);
  return found;
}

function truth(from: Readonly<Record<string, unknown>>, name: string): boolean | undefined {
  const value = from[name];
  if (value !== undefined && typeof value !== 'boolean') throw wrong(name, 'true or false', value);
  return value;
}

function whole(from: Readonly<Record<string, unknown>>, name: string, least: number, most: number, unit = ''): number | undefined {
  const value = from[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) throw wrong(name, `a whole number from ${least} to ${most}${unit}`, value);
  return value;
}

function texts(from: Readonly<Record<string, unknown>>, name: string, expected: string): readonly string[] {
  return list(from, name).map((each, index) => {
    if (typeof each !== 'string' || each === '') throw wrong(`${name}[${index}]`, expected, each);
    return each;
  });
}

function list(from: Readonly<Record<string, unknown>>, name: string): readonly unknown[] {
  const value = from[name];
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrong(name, 'a list', value);
  return value;
}

const wrong = (name: string, expected: string, value: unknown): RequestError =>
  new RequestError(value === undefined ? `"${name}" is missing: it must be ${expected}.` : `"${name}" must be ${expected}, not ${JSON.stringify(value)}.`);
