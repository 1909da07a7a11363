/** Processes and threads of a Linux kernel: `struct task_struct`, linked in `tasks` and, for each thread group, in `thread_head`. */
import type { KernelMemory, Struct } from './kernel-memory.js';

export interface Task {
  /** Linear address of its struct task_struct. */
  readonly address: bigint;
  /** As user space calls them: the thread, and the process that it belongs to. */
  readonly pid: number;
  readonly tgid: number;
  readonly comm: string;
  readonly state: string;
  readonly isKernelThread: boolean;
  /** Of the parent process. */
  readonly parent: number;
}

const MOST_TASKS = 32768;
/** PF_KTHREAD of include/linux/sched.h. */
const PF_KTHREAD = 0x0020_0000n;

/** What `ps` writes. The bits are TASK_* of include/linux/sched.h, from the lowest. */
const STATES = ['S (sleeping)', 'D (disk sleep)', 'T (stopped)', 't (tracing stop)', 'X (dead)', 'Z (zombie)', 'P (parked)'];
const TASK_NOLOAD = 0x400n, TASK_UNINTERRUPTIBLE = 2n;

export function readTask(task: Struct): Task {
  return {
    address: task.address,
    pid: Number(task.number('pid')),
    tgid: Number(task.number('tgid')),
    comm: task.text('comm'),
    state: stateOf(task),
    isKernelThread: (task.number('flags') & PF_KTHREAD) !== 0n,
    parent: Number(task.pointed('real_parent')?.number('tgid') ?? 0n),
  };
}

function stateOf(task: Struct): string {
  const state = task.number(task.has('__state') ? '__state' : 'state') | task.number('exit_state');
  if (state === 0n) return 'R (running)';
  if ((state & TASK_NOLOAD) !== 0n && (state & TASK_UNINTERRUPTIBLE) !== 0n) return 'I (idle)';
  return STATES.find((_, bit) => (state & (1n << BigInt(bit))) !== 0n) ?? `0x${state.toString(16)}`;
}

/** All threads; process by process, the idle thread of the first processor (PID 0) first. */
export function* allTasks(memory: KernelMemory): Generator<Task> {
  const first = memory.struct('struct task_struct', memory.address('init_task'));
  yield readTask(first);
  let count = 0;
  for (const leader of memory.list(first.addressOf('tasks'), 'struct task_struct', 'tasks', MOST_TASKS)) {
    const signal = leader.pointed('signal');
    const threads = signal ? [...memory.list(signal.addressOf('thread_head'), 'struct task_struct', 'thread_node', MOST_TASKS)] : [];
    for (const thread of threads.length > 0 ? threads : [leader]) {
      if (++count > MOST_TASKS) return;
      yield readTask(thread);
    }
  }
}

/** The task that a processor runs, by the base of its per-processor data. */
export function currentTask(memory: KernelMemory, perProcessorBase: bigint): Struct | undefined {
  const own = memory.perProcessor('current_task');
  // Since Linux 6.2 it is a member of struct pcpu_hot.
  const hot = own === undefined ? memory.perProcessor('pcpu_hot') : undefined;
  const pointer = own !== undefined ? perProcessorBase + own : hot === undefined ? undefined : memory.struct('struct pcpu_hot', perProcessorBase + hot).addressOf('current_task');
  const task = pointer === undefined ? 0n : memory.unsigned(pointer);
  return task === 0n ? undefined : memory.struct('struct task_struct', task);
}
