/** What the Linux panel shows: the guest's tasks, address spaces, modules and log. */
import type { Processor } from '../emulator/cpu/processor.js';
import type { Debuggee } from './debuggee.js';
import { NotReadable } from './guests/linux/kernel-memory.js';
import type { Linux } from './guests/linux/linux.js';
import type { LogRecord } from './guests/linux/kernel-log.js';
import { hex } from './memory-reference.js';
import { RequestError } from './request-error.js';

/** Asks the guest's operating system; what cannot be read is said in a sentence. */
export function askLinux<Answer>({ images }: Debuggee, ask: (system: Linux) => Answer): Answer {
  const [system] = images.systems;
  if (!system) throw new RequestError('No Linux kernel is known: name it as "program" or in "symbols".');
  try {
    return ask(system);
  } catch (error) {
    if (error instanceof NotReadable) throw new RequestError(`The kernel cannot be asked now: ${error.message}.`);
    throw error;
  }
}

const NANOSECONDS_PER_MICROSECOND = 1000n, PLACES = 6;

/** Seconds, as dmesg writes them. */
export function logTime({ nanoseconds }: LogRecord): string {
  const microseconds = (nanoseconds / NANOSECONDS_PER_MICROSECOND).toString().padStart(PLACES + 1, '0');
  return `${microseconds.slice(0, -PLACES)}.${microseconds.slice(-PLACES)}`;
}

type Part = (debuggee: Debuggee, system: Linux, cpu: Processor, pid: number | undefined) => object;

export const LINUX_DATA: Readonly<Record<'tasks' | 'areas' | 'modules' | 'log', Part>> = {
  tasks(debuggee, system, cpu) {
    const running = debuggee.machine.processors.map((each) => system.currentStruct(each)?.address);
    const tasks = system.tasks(cpu).map((task) => ({ ...task, address: hex(task.address), cpus: running.flatMap((address, index) => (address === task.address ? [index] : [])) }));
    return { tasks };
  },
  areas(_debuggee, system, cpu, pid) {
    const wanted = pid ?? system.current(cpu)?.pid;
    const areas = wanted === undefined ? [] : system.areas(cpu, wanted);
    return { areas: areas.map(({ start, end, rights, file }) => ({ start: hex(start), end: hex(end), rights, file })) };
  },
  modules: (_debuggee, system, cpu) => ({ modules: system.modules(cpu).map(({ name, base, size }) => ({ name, base: hex(base), size })) }),
  log: (_debuggee, system, cpu) => ({ log: system.log(cpu).map((record) => ({ time: logTime(record), level: record.level, text: record.text })) }),
};
