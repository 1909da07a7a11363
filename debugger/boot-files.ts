/** From the names of files to the plan that boots them. */
import { loadImage, type BootModule, type BootPlan } from '../emulator/boot/index.js';
import type { Host } from './host.js';

export interface BootFiles {
  readonly program: string;
  readonly memoryBytes: number;
  readonly commandLine: string;
  /** Each a file, optionally followed by a space and the module's own command line. */
  readonly modules: readonly string[];
}

export async function planBoot(files: BootFiles, host: Pick<Host, 'readFile' | 'exists'>): Promise<{ plan: BootPlan; bytes: Uint8Array }> {
  const bytes = await host.readFile(files.program);
  const modules: BootModule[] = [];
  for (const module of files.modules) modules.push(await readModule(module, host));
  return { plan: loadImage({ name: files.program, bytes, memoryBytes: files.memoryBytes, args: files.commandLine, modules }), bytes };
}

/** A file's name may hold spaces itself. */
async function readModule(text: string, host: Pick<Host, 'readFile' | 'exists'>): Promise<BootModule> {
  const space = text.indexOf(' ');
  const [name, args] = space < 0 || (await host.exists(text)) ? [text, ''] : [text.slice(0, space), text.slice(space + 1)];
  return { name, bytes: await host.readFile(name), args };
}
