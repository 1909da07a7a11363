/** The rows of the panel of a Linux guest. */
import { cell, contains, type Row } from '../kit/rows.js';
import { plural, sizeText } from '../kit/text.js';
import type { LinuxData, LinuxPart } from './protocol.js';

export interface LinuxChoices {
  part: LinuxPart;
  filter: string;
  /** The process whose areas are shown; undefined: the one that runs. */
  pid?: number | undefined;
}

export const INITIAL: LinuxChoices = { part: 'tasks', filter: '' };

export const TITLES: Readonly<Record<LinuxPart, string>> = { tasks: 'Tasks', areas: 'Address space', modules: 'Modules', log: 'Log' };

export interface Column {
  readonly title: string;
  readonly width: string;
  readonly code?: boolean;
}

export const COLUMNS: Readonly<Record<LinuxPart, readonly Column[]>> = {
  tasks: [
    { title: 'CPU', width: '6ch' }, { title: 'PID', width: '8ch' }, { title: 'Process', width: '8ch' }, { title: 'Parent', width: '8ch' }, { title: 'State', width: '16ch' },
    { title: 'Name', width: 'minmax(18ch, 1fr)' }, { title: 'task_struct', width: '20ch', code: true },
  ],
  areas: [{ title: 'Start', width: '20ch', code: true }, { title: 'End', width: '20ch', code: true }, { title: 'Rights', width: '8ch', code: true }, { title: 'File', width: 'minmax(20ch, 1fr)' }],
  modules: [{ title: 'Base', width: '20ch', code: true }, { title: 'Size', width: '12ch' }, { title: 'Name', width: 'minmax(18ch, 1fr)' }],
  log: [{ title: 'Seconds', width: '14ch', code: true }, { title: 'Level', width: '8ch' }, { title: 'Text', width: 'minmax(40ch, 1fr)' }],
};

const LEVELS = ['emerg', 'alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug'];
const WORST_HARMLESS = 5;

function allRows(data: LinuxData, part: LinuxPart): Row[] {
  switch (part) {
    case 'tasks':
      return (data.tasks ?? []).map(({ pid, tgid, parent, state, comm, isKernelThread, address, cpus }) => ({
        key: String(pid), mark: cpus.length > 0 ? 'changed' : isKernelThread ? 'dim' : undefined,
        cells: [cell(cpus.length > 0 ? `▶ ${cpus.join(' ')}` : ''), cell(String(pid)), cell(String(tgid)), cell(String(parent)), cell(state), cell(isKernelThread ? `[${comm}]` : comm), cell(address)],
      }));
    case 'areas':
      return (data.areas ?? []).map(({ start, end, rights, file }) => ({ key: start, cells: [cell(start), cell(end), cell(rights), cell(file)] }));
    case 'modules':
      return (data.modules ?? []).map(({ name, base, size }) => ({ key: name, cells: [cell(base), cell(sizeText(size)), cell(name)] }));
    case 'log':
      return (data.log ?? []).map(({ time, level, text }, index) => ({ key: String(index), mark: level < WORST_HARMLESS ? 'failed' : undefined, cells: [cell(time), cell(LEVELS[level] ?? String(level)), cell(text)] }));
  }
}

export const linuxRows = (data: LinuxData, { part, filter }: LinuxChoices): Row[] => allRows(data, part).filter((row) => contains(row, filter));

export function headline(data: LinuxData, { part, pid }: LinuxChoices): string {
  const moved = Number(data.slide) === 0 ? '' : ` KASLR moved the kernel by ${data.slide}.`;
  switch (part) {
    case 'tasks': {
      const running = (data.tasks ?? []).filter(({ cpus }) => cpus.length > 0).map(({ comm, pid: each }) => `${comm} (${each})`);
      return `${plural(data.tasks?.length ?? 0, 'task')}; ${running.length === 0 ? 'none runs.' : `${running.join(', ')} ${running.length === 1 ? 'runs' : 'run'}.`}${moved}`;
    }
    case 'areas':
      return (data.areas ?? []).length === 0 ? `${ofTask(pid)} has no address space of its own.` : `${plural(data.areas?.length ?? 0, 'area')} of ${ofTask(pid).toLowerCase()}.`;
    case 'modules':
      return `${plural(data.modules?.length ?? 0, 'module')}.${moved}`;
    case 'log':
      return `${plural(data.log?.length ?? 0, 'record')}.`;
  }
}

const ofTask = (pid: number | undefined): string => (pid === undefined ? 'The running task' : `Task ${pid}`);
