/** Requests of our own, for the panels: only what they show, only when they show it. */
import type { Processor } from '../../emulator/cpu/processor.js';
import type { Access } from '../../emulator/observe/walk.js';
import { ACCESSES } from '../../emulator/observe/walk.js';
import type { Debuggee } from '../debuggee.js';
import { linearNumber } from '../images.js';
import { askLinux, LINUX_DATA } from '../linux-data.js';
import { hex } from '../memory-reference.js';
import { guestState, tlbData, trapData, vmcsData, walkData } from '../panel-data.js';
import { linearRip } from '../place.js';
import { RequestError } from '../request-error.js';
import { NO_TRANSLATION, translationData } from '../translation.js';
import type { Handler, Handlers } from './handler.js';

const MOST_ROWS = 5000;

const processorOf = ({ machine, lastStop }: Debuggee): Processor => machine.processors[lastStop?.cpu ?? 0]!;

/** Addresses cross as hexadecimal text; numbers are taken too. */
function address(name: string, value: unknown): bigint {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  if (typeof value === 'string' && /^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(value.trim())) return BigInt(value.trim());
  throw new RequestError(`"${name}" must be an address such as 0x1234, not ${JSON.stringify(value)}.`);
}

function oneOf<T extends string>(name: string, value: unknown, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw new RequestError(`"${name}" must be ${choices.map((choice) => `"${choice}"`).join(' or ')}, not ${JSON.stringify(value)}.`);
  return found;
}

function count(name: string, value: unknown, fallback: number): number {
  const number = value ?? fallback;
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0) throw new RequestError(`"${name}" must be a whole number, not ${JSON.stringify(value)}.`);
  return number;
}

type Given = Readonly<Record<string, unknown>>;

const vmcs: Handler<unknown, unknown> = ({ debuggee }) => vmcsData(debuggee, processorOf(debuggee));

const walk: Handler<Given, unknown> = ({ debuggee }, args) => {
  const cpu = processorOf(debuggee);
  const access = oneOf('access', args['access'] ?? 'read', Object.keys(ACCESSES) as Access[]);
  const space = oneOf('space', args['space'] ?? 'linear', ['linear', 'guest-physical'] as const);
  return walkData(cpu, guestState(cpu), linearNumber(address('linear', args['linear'])), access, args['user'] === true, space);
};

const pageTable: Handler<Given, unknown> = ({ debuggee }, args) => {
  const root = oneOf('root', args['root'] ?? 'guest', ['guest', 'ept'] as const);
  const table = args['table'] === undefined ? undefined : Number(address('table', args['table']));
  const level = args['level'] === undefined ? undefined : count('level', args['level'], 0);
  const found = debuggee.tables.pageTable(processorOf(debuggee), root, table, level);
  if (typeof found === 'string') throw new RequestError(`The table cannot be read: ${found}.`);
  return found;
};

const tlb: Handler<unknown, unknown> = ({ debuggee }) => ({ entries: tlbData(processorOf(debuggee)) });

const traps: Handler<Given, unknown> = ({ debuggee }, args) => {
  const filter = args['filter'] ?? '';
  if (typeof filter !== 'string') throw new RequestError('"filter" must be text.');
  return trapData(debuggee, filter, count('start', args['start'], 0), Math.min(MOST_ROWS, count('count', args['count'], MOST_ROWS)));
};

const linux: Handler<Given, unknown> = ({ debuggee }, args) => {
  debuggee.requireStopped();
  const part = oneOf('part', args['part'] ?? 'tasks', Object.keys(LINUX_DATA) as (keyof typeof LINUX_DATA)[]);
  const pid = args['pid'] === undefined ? undefined : count('pid', args['pid'], 0);
  return askLinux(debuggee, (system) => ({ slide: hex(system.image.base), ...LINUX_DATA[part](debuggee, system, processorOf(debuggee), pid) }));
};

const translation: Handler<Given, unknown> = ({ debuggee }, args) => {
  debuggee.requireStopped();
  const linear = args['linear'] === undefined ? linearRip(processorOf(debuggee)) : linearNumber(address('linear', args['linear']));
  return translationData(debuggee.machine, linear) ?? { none: NO_TRANSLATION };
};

export const panelRequests: Handlers = { 'ringside/vmcs': vmcs, 'ringside/walk': walk, 'ringside/pageTable': pageTable, 'ringside/tlb': tlb, 'ringside/traps': traps, 'ringside/linux': linux, 'ringside/translation': translation };
