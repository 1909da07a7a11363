/** What conditions and expressions know of the task that a processor runs: the members of its structure, as `task.comm`. */
import type { Processor } from '../../emulator/cpu/processor.js';
import { isScalar, isText } from '../symbols/types.js';
import type { Images } from '../images.js';
import { whereReadable } from './linux/kernel-memory.js';

export interface TaskNames {
  /** Why the member cannot be asked for; undefined when it can. */
  fault(path: string): string | undefined;
  /** A number, or a text of characters; undefined when there is no task. */
  value(cpu: Processor, path: string): number | string | undefined;
}

const NO_SYSTEM = 'no guest operating system is known that has tasks: name the kernel as "program" or in "symbols"';

export class SystemTasks implements TaskNames {
  constructor(private readonly images: Images) {}

  fault(path: string): string | undefined {
    const [system] = this.images.systems;
    return system ? system.taskMemberFault(path) : NO_SYSTEM;
  }

  value(cpu: Processor, path: string): number | string | undefined {
    for (const system of this.images.systems) {
      const task = whereReadable(() => system.currentStruct(cpu));
      const type = task?.typeOf(path);
      if (task && type) return whereReadable(() => (isText(type) ? task.text(path) : isScalar(type) ? Number(task.number(path)) : undefined));
    }
    return undefined;
  }
}
