/** Commands of the debug console: what the panels show, as text, for editors without panels. */
import type { Processor } from '../emulator/cpu/processor.js';
import { findVmcsField } from '../emulator/observe/vmcs.js';
import type { Debuggee } from './debuggee.js';
import { evaluateNumber } from './evaluation.js';
import { linearNumber } from './images.js';
import { askLinux, logTime } from './linux-data.js';
import { hex } from './memory-reference.js';
import { nearest } from './nearest.js';
import { exitData, interruptData, guestState, tlbData, trapData, vmcsData, walkData } from './panel-data.js';
import { linearRip } from './place.js';
import { RequestError } from './request-error.js';
import { translationData, translationText } from './translation.js';
import type { Frame } from './unwinder.js';
import { fieldText } from './variables.js';

interface Command {
  readonly usage: string;
  readonly says: string;
  run(debuggee: Debuggee, argument: string, frame: Frame): string;
}

const SHOWN_TRAPS = 20, SHOWN_INTERRUPTS = 5;

export const CONSOLE_COMMANDS: Readonly<Record<string, Command>> = {
  vmcs: { usage: 'vmcs [FIELD]', says: 'the current VMCS, or the fields whose names hold these words', run: showVmcs },
  walk: { usage: 'walk ADDRESS [read|write|execute] [user]', says: 'every load of the walk of a linear address, through the guest’s tables and the EPT', run: showWalk },
  pt: { usage: 'pt ADDRESS', says: 'the paging-structure entries that translate a linear address', run: showEntries },
  tlb: { usage: 'tlb', says: 'what the TLB holds, and which entries are stale', run: showTlb },
  translation: { usage: 'translation [ADDRESS]', says: 'the block that holds the instruction there, or the current one, beside the WebAssembly made of it', run: showTranslation },
  traps: { usage: 'traps [FILTER]', says: `the last ${SHOWN_TRAPS} events and how many there were; FILTER is a condition or words`, run: showTraps },
  interrupts: { usage: 'interrupts', says: `the last ${SHOWN_INTERRUPTS} interrupts, each from what came to the processor, through VM exit and injection, to its end`, run: showInterrupts },
  exits: { usage: 'exits', says: 'the VM exits by reason, and what the hypervisor took for them in instructions up to the next VM entry', run: showExits },
  tasks: { usage: 'tasks', says: 'the processes and threads of a Linux guest, the running one marked', run: showTasks },
  maps: { usage: 'maps PID', says: 'the address space of a process of a Linux guest', run: showMaps },
  modules: { usage: 'modules', says: 'the modules that a Linux guest has loaded, with their addresses', run: showModules },
  dmesg: { usage: 'dmesg [WORDS]', says: 'the log of a Linux guest, or the lines that hold these words', run: showLog },
  state: { usage: 'state', says: 'how many instructions have been executed, and the hash of the whole state: equal runs have equal hashes at equal counts', run: showState },
  send: { usage: 'send TEXT', says: 'gives the guest a line on its first serial port', run: send },
  help: { usage: 'help', says: 'this list; anything else is an expression in C, such as $rip, *pointer, u64[0x1000], vmcs.guest_rip', run: help },
};

/** The command that the text begins with, if it is one: `vmcs.guest_rip` is an expression. */
export function findCommand(text: string): { command: Command; argument: string } | undefined {
  const match = /^\s*([a-z]+)(?:\s+(?![-+*/%&|^=<>!.,?]\s)(.*))?\s*$/s.exec(text);
  const command = match && Object.hasOwn(CONSOLE_COMMANDS, match[1]!) ? CONSOLE_COMMANDS[match[1]!] : undefined;
  return command && { command, argument: (match?.[2] ?? '').trim() };
}

function showState({ machine }: Debuggee): string {
  return `${machine.instructions} instructions, state hash ${machine.stateHash()}`;
}

function showTasks(debuggee: Debuggee, _argument: string, frame: Frame): string {
  return askLinux(debuggee, (system) => {
    const current = debuggee.machine.processors.map((cpu) => system.currentStruct(cpu)?.address);
    const lines = system.tasks(cpuOf(frame)).map(({ pid, tgid, parent, comm, state, isKernelThread, address }) => {
      const name = isKernelThread ? `[${comm}]` : comm;
      return `${current.includes(address) ? '*' : ' '}${String(pid).padStart(6)} ${String(tgid).padStart(6)} ${String(parent).padStart(6)}  ${state.padEnd(15)} ${name.padEnd(18)} ${hex(address)}`;
    });
    return ['    PID  group parent  state           name               task_struct', ...lines].join('\n');
  });
}

function showMaps(debuggee: Debuggee, argument: string, frame: Frame): string {
  return askLinux(debuggee, (system) => {
    const pid = argument === '' ? system.current(cpuOf(frame))?.pid : Number(argument);
    if (pid === undefined || !Number.isInteger(pid)) throw new RequestError('Which process? Write, for example, maps 1.');
    const lines = system.areas(cpuOf(frame), pid).map(({ start, end, rights, file }) => `${start.toString(16).padStart(12, '0')}-${end.toString(16).padStart(12, '0')} ${rights}  ${file}`);
    return lines.length > 0 ? lines.join('\n') : `Task ${pid} is a kernel thread: it has no address space of its own.`;
  });
}

function showModules(debuggee: Debuggee, _argument: string, frame: Frame): string {
  return askLinux(debuggee, (system) => system.modules(cpuOf(frame)).map(({ name, base, size }) => `${hex(base)} ${String(size).padStart(8)}  ${name}`).join('\n') || 'No module is loaded.');
}

function showLog(debuggee: Debuggee, argument: string, frame: Frame): string {
  const words = argument.toLowerCase().split(/\s+/).filter((word) => word !== '');
  return askLinux(debuggee, (system) => system.log(cpuOf(frame)).map((record) => `[${logTime(record).padStart(12)}] ${record.text}`).filter((line) => words.every((word) => line.toLowerCase().includes(word))).join('\n'));
}

const cpuOf = (frame: Frame): Processor => frame.view.cpu;

function showVmcs(debuggee: Debuggee, argument: string, frame: Frame): string {
  const data = vmcsData(debuggee, cpuOf(frame));
  if (!data.present) return 'There is no current VMCS.';
  const exact = argument === '' ? undefined : findVmcsField(cpuOf(frame), argument);
  if (exact) return `${exact.name} = ${fieldText(cpuOf(frame), exact)}`;
  const words = argument.toLowerCase().split(/[\s_]+/).filter((word) => word !== '');
  const groups = data.groups
    .map(({ name, fields }) => ({ name, fields: fields.filter((field) => words.every((word) => field.name.toLowerCase().includes(word))) }))
    .filter(({ fields }) => fields.length > 0);
  if (groups.length === 0) {
    const guess = nearest(argument, data.groups.flatMap(({ fields }) => fields.map(({ name }) => name)));
    throw new RequestError(`No field of the VMCS is named "${argument}"${guess === undefined ? '' : `; is "${guess}" meant?`}`);
  }
  const lines = groups.flatMap(({ name, fields }) => [name, ...fields.map((field) => {
    const set = (field.bits ?? []).filter((bit) => bit.set).map((bit) => (bit.value === '1' ? bit.name : `${bit.name}=${bit.value}`));
    return `  ${field.name} = ${field.value}${field.meaning !== undefined ? ` (${field.meaning})` : set.length > 0 ? ` (${set.join(', ')})` : ''}${field.changedFrom === undefined ? '' : `, was ${field.changedFrom}`}`;
  })]);
  const failed = data.failedChecks.map(({ says }) => `  an entry check fails: ${says}`);
  return [`VMCS at ${data.pointer}, ${data.launchState}`, ...lines, ...failed].join('\n');
}

function walked(debuggee: Debuggee, argument: string, frame: Frame) {
  const words = argument.split(/\s+/);
  const user = words.at(-1) === 'user';
  if (user) words.pop();
  const access = (['read', 'write', 'execute'] as const).find((each) => each === words.at(-1)) ?? 'read';
  if (words.at(-1) === access) words.pop();
  if (words.join('') === '') throw new RequestError('Which address? Write, for example, walk $rip.');
  const address = evaluateNumber(words.join(' '), frame, debuggee.images);
  const cpu = cpuOf(frame);
  return walkData(cpu, guestState(cpu), linearNumber(address), access, user, 'linear');
}

/** `xu` of mode-based execute control: there x is about supervisor-mode linear addresses. */
const rightsText = ({ r, w, x, u, xu }: { r: boolean; w: boolean; x: boolean; u: boolean; xu?: boolean }): string => `${r ? 'r' : '-'}${w ? 'w' : '-'}${x ? 'x' : '-'}${xu === undefined ? (u ? 'u' : '-') : xu ? ' xu' : ' --'}`;

function showWalk(debuggee: Debuggee, argument: string, frame: Frame): string {
  const { steps, outcome } = walked(debuggee, argument, frame);
  const lines = steps.map((step) => `${step.stage === 'ept' ? '    ' : ''}${step.name.padEnd(10)} at ${step.entryAddress}${step.entryHostAddress === undefined ? '' : ` (host ${step.entryHostAddress})`} = ${step.value} ${rightsText(step.rights)}${step.denied === undefined ? '' : `  <- ${step.denied}`}`);
  return [...lines, capital(outcome.sentence)].join('\n');
}

function showEntries(debuggee: Debuggee, argument: string, frame: Frame): string {
  const { steps, outcome } = walked(debuggee, argument, frame);
  const lines = steps.filter(({ stage }) => stage === 'guest').map((step) => `${step.name.padEnd(6)} ${step.entryAddress} = ${step.value} ${rightsText(step.rights)}`);
  return [...(lines.length > 0 ? lines : ['Paging is off.']), capital(outcome.sentence)].join('\n');
}

function showTlb(_debuggee: Debuggee, _argument: string, frame: Frame): string {
  const entries = tlbData(cpuOf(frame));
  const lines = entries.map((entry) => `${(entry.linear || '(guest-physical)').padEnd(18)} -> ${entry.physical} ${rightsText(entry.rights)}${entry.global ? ' global' : ''} VPID ${entry.vpid} PCID ${entry.pcid}${entry.eptp === '' ? '' : ` EPT ${entry.eptp}`}, ${entry.size} bytes${entry.stale === undefined ? '' : `  STALE: ${entry.stale}`}`);
  return [`${entries.length} entries`, ...lines].join('\n');
}

function showTranslation({ machine, images }: Debuggee, argument: string, frame: Frame): string {
  return translationText(translationData(machine, argument === '' ? linearRip(cpuOf(frame)) : linearNumber(evaluateNumber(argument, frame, images))));
}

function showTraps(debuggee: Debuggee, argument: string): string {
  const { total } = trapData(debuggee, argument, 0, 0);
  const { rows, counts } = trapData(debuggee, argument, Math.max(0, total - SHOWN_TRAPS), SHOWN_TRAPS);
  const lines = rows.map((row) => `${row.at}  ${row.world}  ${row.symbol ?? row.rip}  ${row.kind}: ${row.detail}`);
  return [...lines, ...counts.map(({ name, count }) => `${String(count).padStart(10)}  ${name}`)].join('\n');
}

function showInterrupts(debuggee: Debuggee): string {
  const threads = interruptData(debuggee, SHOWN_INTERRUPTS);
  if (threads.length === 0) return 'There was no interrupt.';
  return threads.map((thread) => thread.map(({ at, role, says }, index) => `${index === 0 ? '' : '  '}${at}  ${role}: ${says}`).join('\n')).join('\n');
}

function showExits(debuggee: Debuggee): string {
  const exits = exitData(debuggee), all = exits.reduce((sum, { count }) => sum + count, 0), time = exits.reduce((sum, { served }) => sum + (served?.total ?? 0), 0);
  if (all === 0) return 'There was no VM exit.';
  const percent = (part: number, whole: number): string => `${(100 * part / Math.max(1, whole)).toFixed(2)}%`;
  const rows = exits.map(({ name, count, served: times }) => [
    name, String(count), percent(count, all), ...(times ? [percent(times.total, time), String(times.least), String(times.most), (times.total / times.count).toFixed(1), String(times.mostAt)] : []),
  ]);
  return ['VM exit                  samples samples%    time%      least       most       mean  most at', ...rows.map(([name, count, ...others]) => (
    [name!.padEnd(24), count!.padStart(7), ...others.map((text, index) => text.padStart([8, 8, 10, 10, 10, 14][index]!))].join(' ')))].join('\n');
}

function send(debuggee: Debuggee, argument: string): string {
  debuggee.input(`${argument}\r`);
  return '';
}

function help(): string {
  const width = Math.max(...Object.values(CONSOLE_COMMANDS).map(({ usage }) => usage.length));
  return Object.values(CONSOLE_COMMANDS).map(({ usage, says }) => `${usage.padEnd(width)}  ${says}`).join('\n');
}

const capital = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1);
