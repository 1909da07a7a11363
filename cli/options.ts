/** The options of the command line: what there is, and what is wrong with what was given. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { BOOT_PROTOCOLS } from '../emulator/boot/index.js';
import { nearest } from '../debugger/nearest.js';

export class UsageError extends Error {}

type OptionTable = NonNullable<ParseArgsConfig['options']>;

export interface Command {
  readonly usage: string;
  readonly says: string;
  readonly options: Readonly<Record<string, { readonly type: 'string' | 'boolean'; readonly multiple?: boolean; readonly value?: string; readonly says: string }>>;
}

export const COMMANDS = {
  run: {
    usage: 'ringside run IMAGE [options]',
    says: 'Boots an image. The first serial port is standard input and output.',
    options: {
      kernel: { type: 'string', value: 'FILE', says: 'the image, as other emulators name it' },
      initrd: { type: 'string', value: 'FILE', says: 'the initial RAM disk of a Linux kernel, or the first module of another' },
      cpus: { type: 'string', value: 'N', says: 'processors, 1 if left out; they take turns' },
      cpu: { type: 'string', value: 'MODEL', says: 'the processor model: max (the default: all there is), x86-64-v1, x86-64-v2 or x86-64-v3; then features more or less, as in x86-64-v2,+AES,-VMX' },
      seed: { type: 'string', value: 'N', says: 'where the random numbers of RDRAND, RDSEED and virtio’s entropy device begin, 0 if left out' },
      quantum: { type: 'string', value: 'N', says: 'instructions of a turn of one of several processors, 10000 if left out' },
      nanoseconds: { type: 'string', value: 'N', says: 'virtual time that an instruction takes, 1 if left out' },
      bios: { type: 'string', value: 'FILE', says: 'firmware that starts from a disk, instead of an image: a ROM, or “default”: SeaBIOS as Debian’s package seabios installs it' },
      cdrom: { type: 'string', value: 'FILE', says: 'the disc in the CD drive, an ISO image' },
      ata: { type: 'string', multiple: true, value: 'FILE', says: 'an image of an ATA disk, for guests that know no virtio; otherwise as --disk; up to three' },
      floppy: { type: 'string', value: 'FILE', says: 'an image of a diskette, for firmware that can make a disk of it in memory; what the guest writes there is lost' },
      append: { type: 'string', value: 'TEXT', says: 'the kernel’s command line' },
      memory: { type: 'string', value: 'SIZE', says: 'guest memory, such as 64M (the default), 4096K or 1G; 256M is the default for Linux' },
      disk: { type: 'string', multiple: true, value: 'FILE', says: 'an image of a virtio disk; what the guest writes stays in memory, and the file as it is, unless FILE,write is given; FILE,readonly refuses writes; may be repeated' },
      net: { type: 'string', multiple: true, value: 'NETWORK', says: 'a virtio network card: user, for a network of its own whose gateway, at 10.0.2.2, is this host; then, after commas, hostfwd=tcp:ADDRESS:PORT-ADDRESS:PORT for a port of this host (of 127.0.0.1 if no address is given) that leads to one of the guest, restrict=on if the guest may reach nothing else, mac=52:54:00:12:34:56; may be repeated' },
      share: { type: 'string', multiple: true, value: 'FOLDER,TAG', says: 'a folder that the guest mounts by mount -t 9p -o trans=virtio TAG; it reads only, unless FOLDER,TAG,write is given; may be repeated' },
      boot: { type: 'string', value: 'PROTOCOL', says: `how an image is started that can be started in several ways: ${BOOT_PROTOCOLS.join(', ')}` },
      module: { type: 'string', multiple: true, value: '"FILE ARGS"', says: 'a file handed to the guest beside the image, with its own command line; may be repeated' },
      'no-reboot': { type: 'boolean', says: 'a reset by the guest ends the run; otherwise the machine begins anew' },
      'reboot-on-triple-fault': { type: 'boolean', says: 'a triple fault resets the machine, as on most PCs, instead of ending the run with an account of it' },
      'save-snapshot': { type: 'string', value: 'FILE', says: 'where the machine first waits for input, or the limit of instructions ends the run, its whole state is written here, and the run ends with status 0' },
      restore: { type: 'string', value: 'FILE', says: 'goes on from a snapshot instead of booting an image; processors and memory are as they were saved, and disks, networks and shared folders are given as they were then' },
      'max-instructions': { type: 'string', value: 'N', says: 'ends with status 6 after so many instructions' },
      tier: { type: 'string', value: 'TIER', says: 'interpreter: nothing is compiled; compiled (the default): what runs often is; both: one against the other, until their states differ, which ends with status 7' },
      'show-translation': { type: 'string', value: 'ADDRESS', says: 'ends with the block that holds the instruction at this linear address, beside the WebAssembly made of it, on standard error' },
      stats: { type: 'boolean', says: 'ends with one line of JSON on standard error: instructions, seconds, VM exits by reason, exceptions and interrupts by vector, hypercalls by number, and the hash of the final state' },
      trace: { type: 'string', multiple: true, value: 'KINDS', says: 'a line on standard error for each event of these kinds: vmexit, vmentry, exception, hypercall, interrupt' },
    },
  },
  dap: {
    usage: 'ringside dap [options]',
    says: 'Serves the Debug Adapter Protocol on standard input and output.',
    options: { port: { type: 'string', value: 'N', says: 'listens on this TCP port of 127.0.0.1 instead' } },
  },
} as const satisfies Readonly<Record<string, Command>>;
export type CommandName = keyof typeof COMMANDS;

export interface Given {
  readonly values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  readonly positionals: readonly string[];
}

export function readOptions(command: Command, args: readonly string[]): Given {
  const options: OptionTable = { help: { type: 'boolean', short: 'h' } };
  for (const [name, { type, multiple = false }] of Object.entries(command.options)) options[name] = { type, multiple };
  const joined = withValues(args, options);
  for (const arg of joined) {
    if (arg === '--') break;
    const name = /^--?([^=]+)/.exec(arg)?.[1];
    if (name !== undefined && !(name in options) && arg !== '-h') throw new UsageError(unknown(arg.replace(/=.*/s, ''), Object.keys(options).map((each) => `--${each}`), 'option'));
  }
  try {
    const { values, positionals } = parseArgs({ args: joined, options, allowPositionals: true, strict: true });
    return { values: values as Given['values'], positionals };
  } catch (error) {
    const without = joined.find((arg, index) => arg.startsWith('--') && options[arg.slice(2)]?.type === 'string' && (joined[index + 1]?.startsWith('-') ?? true));
    if (without !== undefined) throw new UsageError(`${without} wants a value: write ${without} ${command.options[without.slice(2)]?.value ?? 'VALUE'}.`);
    throw new UsageError((error as Error).message.split('\n')[0]!.replace(/\.?$/, '.'));
  }
}

/** A value may itself begin with a dash, as in `--append "-v"`, unless it is an option of ours. */
function withValues(args: readonly string[], options: OptionTable): string[] {
  const joined: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!, next = args[at + 1];
    const takesValue = arg.startsWith('--') && options[arg.slice(2)]?.type === 'string';
    if (takesValue && next !== undefined && next.startsWith('-') && !(next.replace(/^--/, '') in options)) {
      joined.push(`${arg}=${next}`);
      at++;
    } else joined.push(arg);
  }
  return joined;
}

export function unknown(given: string, known: readonly string[], what: string): string {
  const guess = nearest(given, known);
  return `There is no ${what} "${given}"${guess === undefined ? `: there are ${known.join(', ')}.` : `; is "${guess}" meant?`} See ringside --help.`;
}

const UNITS: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 };
const LEAST_MEMORY = 2 * 2 ** 20, PAGE = 4096;

export function readSize(text: string, most: number): number {
  const match = /^(\d+)([KMG]?)i?B?$/i.exec(text.trim());
  const bytes = match ? Number(match[1]) * UNITS[match[2]!.toUpperCase()]! : NaN;
  if (!(bytes >= LEAST_MEMORY && bytes <= most && bytes % PAGE === 0)) throw new UsageError(`--memory must be a size from 2M to ${most / 2 ** 20}M in whole pages, such as 64M, not "${text}".`);
  return bytes;
}

export function readCount(option: string, text: string, most = Number.MAX_SAFE_INTEGER, least = 0): number {
  const digits = text.replaceAll('_', '');
  const number = /^\d+$/.test(digits) ? Number(digits) : NaN;
  if (!(number >= least && number <= most)) throw new UsageError(`--${option} must be a whole number${least > 0 ? ` from ${least}` : ''}${most < Number.MAX_SAFE_INTEGER ? `${least > 0 ? '' : ' up'} to ${most}` : ''}, not "${text}".`);
  return number;
}

/** A linear address, sign-extended from bit 63. */
export function readAddress(option: string, text: string): number {
  if (!/^(0x[0-9a-f]{1,16}|\d{1,15})$/i.test(text)) throw new UsageError(`--${option} must be an address such as 0x401000, not "${text}".`);
  return Number(BigInt.asIntN(64, BigInt(text)));
}

export function helpText(): string {
  const parts = Object.values(COMMANDS as Readonly<Record<string, Command>>).map(({ usage, says, options }) => {
    const rows = Object.entries(options).map(([name, { value, says: what }]) => [`--${name}${value === undefined ? '' : ` ${value}`}`, what] as const);
    return [`${usage}`, `  ${says}`, ...rows.map(([option, what]) => `    ${option.padEnd(24)} ${what}`)].join('\n');
  });
  return [...parts, 'ringside --help, ringside --version', STATUSES].join('\n\n');
}

const STATUSES = `Exit status of "run":
  a byte v that the guest writes to port 0xf4 gives (v << 1) | 1; power-off, or reset under --no-reboot, gives 0;
  2 bad input; 3 every processor is halted for ever; 4 triple fault; 5 something is not implemented; 6 the limit of instructions; 7 the tiers differ`;
