/** `ringside run`: one image from its first instruction to the machine's last word. */
import { writeFile } from 'node:fs/promises';
import { BadImage, BOOT_PROTOCOLS, type BootProtocol } from '../emulator/boot/index.js';
import { MOST_PROCESSORS } from '../emulator/cpu/layout.js';
import { DEFAULT_QUANTUM, MOST_MEMORY, MOST_NANOSECONDS, MOST_QUANTUM } from '../emulator/machine/limits.js';
import { createMachine } from '../emulator/machine/machine.js';
import { BothTiers } from '../emulator/machine/both-tiers.js';
import type { Machine, MachineOptions, RunningMachine, StopReason } from '../emulator/machine/contract.js';
import { settingsOf } from '../emulator/machine/snapshot.js';
import type { TrapEvent, TrapKind } from '../emulator/cpu/trap-events.js';
import { exitReasonName } from '../emulator/vmx/exit-reasons.js';
import { planBoot } from '../debugger/boot-files.js';
import { planFirmware } from '../debugger/firmware-boot.js';
import { Pace } from '../debugger/pace.js';
import { readProcessorModel } from '../debugger/processor-model.js';
import { Devices } from '../outside/devices.js';
import { fileExists, readFileOrSay } from '../outside/files.js';
import { NetworkError, readNetwork, type NetworkOptions } from '../outside/network/options.js';
import { readShare, type ShareOptions } from '../outside/share/options.js';
import { readAddress, readCount, readSize, UsageError, type Given, unknown } from './options.js';

export const STATUS = { badInput: 2, haltedForEver: 3, tripleFault: 4, notImplemented: 5, limit: 6, tiersDiffer: 7 } as const;

const TRACES: Readonly<Record<string, TrapKind>> = { vmexit: 'VM exit', vmentry: 'VM entry', exception: 'exception', hypercall: 'hypercall', interrupt: 'interrupt' };
const SLICE = 2_000_000;

export async function run({ values, positionals }: Given): Promise<number> {
  const text = (option: string): string | undefined => values[option] as string | undefined;
  const several = (option: string): readonly string[] => (values[option] as readonly string[] | undefined) ?? [];
  const tier = oneOf('tier', TIERS, text('tier')), saved = text('save-snapshot');
  if (tier === 'both' && (saved ?? text('restore')) !== undefined) throw new UsageError('--tier both runs from the first instruction to the end: leave out --restore and --save-snapshot.');
  const limit = values['max-instructions'] === undefined ? Infinity : readCount('max-instructions', values['max-instructions'] as string);
  const shown = text('show-translation') === undefined ? undefined : readAddress('show-translation', text('show-translation')!);
  const traced = tracedKinds(several('trace'));
  const networks = several('net').map(network), shares = several('share').map(share);
  const { settings, begin } = text('restore') === undefined ? await boot({ values, positionals }) : await restored(text('restore')!, { values, positionals });

  const devices = await Devices.open({ disks: several('disk'), ataDisks: several('ata'), cd: text('cdrom'), networks, shares }, () => performance.now());
  const serial = new SerialPort();
  const pace = new Pace(() => performance.now(), () => devices.busy);
  const options: MachineOptions = {
    ...settings, ...devices.options,
    onReset: values['no-reboot'] === true || text('restore') !== undefined ? 'stop' : 'restart', onTripleFault: values['reboot-on-triple-fault'] === true ? 'restart' : 'stop',
    onSerial: (port, byte) => { pace.active(); if (port === 1) serial.byte(byte); },
    onDebugConsole: (byte) => { pace.active(); process.stderr.write(Uint8Array.of(byte)); },
  };
  const machine: RunningMachine = tier === 'both' ? new BothTiers(options) : createMachine({ ...options, ...(tier && { tier }) });
  begin(machine);
  for (const kind of traced) machine.conditions.add({ kind, test: (event) => { traceLine(event); return false; } });
  /** A terminal ends lines with a line feed, where a serial keyboard sends a carriage return. */
  const input = (bytes: Uint8Array): void => { pace.active(); machine.input(1, process.stdin.isTTY ? bytes.map((byte) => (byte === 10 ? 13 : byte)) : bytes); };
  process.stdin.on('data', input);
  let listening = true;
  for (const over of ['end', 'close', 'error']) process.stdin.on(over, () => { listening = false; });
  const started = performance.now();
  const reason = await toTheEnd(machine, limit, serial, devices, () => (listening || devices.hears || saved !== undefined ? pace : undefined), saved !== undefined);
  const seconds = (performance.now() - started) / 1000;
  process.stdin.off('data', input);
  process.stdin.pause();
  await serial.flush();
  await devices.close();
  const status = saved === undefined ? statusOf(reason) : await save(machine as Machine, reason, saved);
  if (shown !== undefined) {
    const { translationData, translationText } = await import('../debugger/translation.js');
    process.stderr.write(`${translationText(translationData(machine, shown))}\n`);
  }
  if (values['stats'] === true) process.stderr.write(`${JSON.stringify(statistics(machine, seconds))}\n`);
  return status;
}

type Settings = Pick<MachineOptions, 'memoryBytes' | 'cpus' | 'features' | 'seed' | 'quantum' | 'nanosecondsPerInstruction'>;
interface Beginning {
  readonly settings: Settings;
  begin(machine: RunningMachine): void;
}

async function boot({ values, positionals }: Given): Promise<Beginning> {
  const text = (option: string): string | undefined => values[option] as string | undefined;
  const [program, ...others] = [...(text('kernel') === undefined ? [] : [text('kernel')!]), ...positionals];
  const media = ['disk', 'ata', 'cdrom', 'floppy'].filter((option) => values[option] !== undefined), bios = text('bios') ?? (program === undefined && media.length > 0 ? 'default' : undefined);
  if (program === undefined && bios === undefined) throw new UsageError('Which image? Write ringside run IMAGE, or give a disk to start from, by --disk, --cdrom or --floppy.');
  if (program !== undefined && bios !== undefined) throw new UsageError(`Firmware starts from a disk, not from the image "${program}": leave out one of both.`);
  const misplaced = (bios === undefined ? ['floppy'] : ['initrd', 'append', 'module', 'boot']).find((option) => values[option] !== undefined);
  if (misplaced !== undefined) throw new UsageError(`--${misplaced} is for ${bios === undefined ? 'firmware: give --bios, and no image' : 'an image, which firmware does not take'}.`);
  if (others.length > 0) throw new UsageError(`One image is booted, but "${others.join(' ')}" follows it; files beside it are given by --initrd and --module.`);
  const memory = text('memory'), settings = {
    cpus: text('cpus') === undefined ? 1 : readCount('cpus', text('cpus')!, MOST_PROCESSORS, 1),
    features: processorModel(text('cpu') ?? ''),
    seed: text('seed') === undefined ? 0 : readCount('seed', text('seed')!, MOST_SEED),
    quantum: readCount('quantum', text('quantum') ?? String(DEFAULT_QUANTUM), MOST_QUANTUM, 1),
    nanosecondsPerInstruction: readCount('nanoseconds', text('nanoseconds') ?? '1', MOST_NANOSECONDS, 1),
  };
  const given = memory === undefined ? undefined : readSize(memory, MOST_MEMORY), host = { readFile: readFileOrSay, exists: fileExists };
  const { plan, memoryBytes } = program === undefined ? await planFirmware({ rom: bios!, floppy: text('floppy'), serialConsole: true, memoryBytes: given }, host) : await planBoot({
    program, memoryBytes: given, commandLine: text('append') ?? '', initrd: text('initrd'), modules: (values['module'] as readonly string[] | undefined) ?? [],
    protocol: oneOf<BootProtocol>('boot', BOOT_PROTOCOLS, text('boot')),
  }, host);
  for (const note of plan.notes) process.stderr.write(`${note}\n`);
  return { settings: { ...settings, memoryBytes }, begin: (machine) => { machine.load(plan); } };
}

/** What a snapshot brings with it. */
const SAVED = ['bios', 'kernel', 'initrd', 'append', 'module', 'boot', 'memory', 'cpus', 'cpu', 'seed', 'quantum', 'nanoseconds'];

async function restored(file: string, { values, positionals }: Given): Promise<Beginning> {
  const other = positionals[0] ?? SAVED.filter((option) => values[option] !== undefined).map((option) => `--${option}`)[0];
  if (other !== undefined) throw new UsageError(`--restore goes on from a snapshot, which brings its own: leave out "${other}".`);
  const data = await readFileOrSay(file);
  try {
    const { memoryBytes, cpus, features, seed, quantum, nanosecondsPerInstruction } = settingsOf(data);
    return { settings: { memoryBytes, cpus, seed, quantum, nanosecondsPerInstruction, features: new Set(features) }, begin: (machine) => { restore(machine as Machine, data, file); } };
  } catch (error) {
    throw new BadImage(file, (error as Error).message, 'save it again');
  }
}

function restore(machine: Machine, data: Uint8Array, file: string): void {
  try {
    machine.restore(data);
  } catch (error) {
    throw new BadImage(file, (error as Error).message, 'give disks, networks and shared folders as they were when it was saved');
  }
}

async function save(machine: Machine, reason: StopReason, file: string): Promise<number> {
  if (reason.kind !== 'limit' && reason.kind !== 'paused') {
    process.stderr.write('The machine ended before it waited for input: nothing is saved.\n');
    return statusOf(reason);
  }
  try {
    await writeFile(file, machine.save());
  } catch (error) {
    throw new BadImage(file, `it cannot be written (${(error as NodeJS.ErrnoException).code ?? String(error)})`, 'name another file');
  }
  process.stderr.write(`Saved in ${file} at instruction ${machine.instructions}.\n`);
  return 0;
}

/** Serial output is gathered: a write for each byte would be slower than the machine. */
class SerialPort {
  private bytes: number[] = [];

  byte(byte: number): void {
    this.bytes.push(byte);
  }

  flush(): Promise<void> {
    const bytes = Uint8Array.from(this.bytes);
    this.bytes = [];
    return new Promise((resolve) => {
      if (bytes.length === 0) resolve();
      else process.stdout.write(bytes, () => { resolve(); });
    });
  }
}

/** `pace`: undefined when nobody can give any input any more. “Paused” is the end of a run that lasts until the machine waits for input. */
async function toTheEnd(machine: RunningMachine, limit: number, serial: SerialPort, devices: Devices, pace: () => Pace | undefined, untilItWaits: boolean): Promise<StopReason> {
  for (;;) {
    const left = limit - machine.instructions;
    if (left <= 0) return { kind: 'limit' };
    const kept = pace(), reason = kept ? kept.run(machine, Math.min(SLICE, left)) : machine.run(Math.min(SLICE, left));
    await serial.flush();
    await devices.serve(machine);
    if (reason.kind !== 'budget' && reason.kind !== 'paused' && reason.kind !== 'event' && reason.kind !== 'breakpoint') return reason;
    const wait = kept?.wait ?? 0;
    if (untilItWaits && wait > 0 && !devices.busy) return { kind: 'paused' };
    await new Promise((resolve) => { if (wait > 0) setTimeout(resolve, wait); else setImmediate(resolve); });
  }
}

function tracedKinds(lists: readonly string[]): TrapKind[] {
  const names = lists.flatMap((list) => list.split(',')).map((name) => name.trim()).filter((name) => name !== '');
  return [...new Set(names)].map((name) => {
    const kind = Object.hasOwn(TRACES, name) ? TRACES[name] : undefined;
    if (!kind) throw new UsageError(unknown(name, Object.keys(TRACES), 'kind of event for --trace'));
    return kind;
  });
}

const MOST_SEED = 2 ** 32 - 1;
function processorModel(given: string): ReadonlySet<string> {
  const features = readProcessorModel(given);
  if (typeof features === 'string') throw new UsageError(`--cpu: ${features}`);
  return features;
}

function network(given: string, card: number): NetworkOptions {
  try {
    return readNetwork(given, card);
  } catch (error) {
    throw error instanceof NetworkError ? new UsageError(`--net: ${error.message}.`) : error;
  }
}

function share(given: string): ShareOptions {
  const options = readShare(given);
  if (!options) throw new UsageError(`--share must be FOLDER,TAG or FOLDER,TAG,write, not "${given}".`);
  return options;
}

const TIERS = ['interpreter', 'compiled', 'both'] as const;

function oneOf<T extends string>(option: string, known: readonly T[], given: string | undefined): T | undefined {
  const found = known.find((each) => each === given);
  if (given !== undefined && found === undefined) throw new UsageError(`--${option} must be ${known.slice(0, -1).join(', ')} or ${known.at(-1)}, not "${given}".`);
  return found;
}

const hex = (value: number): string => `0x${BigInt.asUintN(64, BigInt(Math.trunc(value))).toString(16)}`;

function traceLine(event: TrapEvent): void {
  const { kind, at, cpu, rip, world } = event;
  process.stderr.write(`${at} cpu${cpu} ${world} ${hex(rip)} ${kind}: ${event.says()}\n`);
}

function statusOf(reason: StopReason): number {
  switch (reason.kind) {
    case 'exit':
      return ((reason.value << 1) | 1) & 0xff;
    case 'power-off':
    case 'reset':
      return 0;
    case 'triple fault':
      process.stderr.write(`Triple fault: the processor shuts down.\n${reason.autopsy.map((line) => `  ${line}\n`).join('')}`);
      return STATUS.tripleFault;
    case 'halted for ever':
      process.stderr.write('Every processor is halted, and no event can ever wake one.\n');
      return STATUS.haltedForEver;
    case 'not implemented':
      process.stderr.write(`Not implemented: ${reason.what}.\n`);
      return STATUS.notImplemented;
    default:
      process.stderr.write('The limit of instructions is reached.\n');
      return STATUS.limit;
  }
}

function statistics(machine: RunningMachine, seconds: number): Record<string, unknown> {
  const { exits, exceptions, interrupts, hypercalls, otherHypercalls } = machine.ledger.counts;
  const named = (counts: ReadonlyMap<number, number>, name: (key: number) => string): Record<string, number> => Object.fromEntries([...counts].map(([key, count]) => [name(key), count]));
  return {
    instructions: machine.instructions,
    seconds: Number(seconds.toFixed(6)),
    mips: Number((machine.instructions / seconds / 1e6).toFixed(3)),
    vmExits: named(exits, exitReasonName),
    exceptions: named(exceptions, String),
    interrupts: named(interrupts, String),
    hypercalls: { ...named(hypercalls, String), ...(otherHypercalls > 0 && { other: otherHypercalls }) },
    stateHash: machine.stateHash(),
  };
}
