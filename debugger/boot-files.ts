/** From the names of files to the plan that boots them. */
import { isBzImage } from '../emulator/boot/bzimage.js';
import { loadImage, type BootModule, type BootPlan, type BootProtocol } from '../emulator/boot/index.js';
import { MIB } from '../emulator/boot/memory-map.js';
import type { Host } from './host.js';
import { checkInitrd, isLinux, unpackKernel } from './linux-image.js';

export interface BootFiles {
  readonly program: string;
  /** What fits the program, if it is not given. */
  readonly memoryBytes: number | undefined;
  readonly commandLine: string;
  /** The first module. */
  readonly initrd: string | undefined;
  /** Each a file, optionally followed by a space and the module's own command line. */
  readonly modules: readonly string[];
  readonly protocol: BootProtocol | undefined;
}

export interface PlannedBoot {
  readonly plan: BootPlan;
  readonly memoryBytes: number;
  /** Of the image that runs: of the kernel, where the file has it packed. */
  readonly bytes: Uint8Array;
}

/** Linux takes some 60 MiB for itself. */
const DEFAULT_MEMORY = 64 * MIB, DEFAULT_MEMORY_OF_LINUX = 256 * MIB;

export async function planBoot(files: BootFiles, host: Pick<Host, 'readFile' | 'exists'>): Promise<PlannedBoot> {
  const { program: name, commandLine: args, initrd, protocol } = files;
  const bytes = await host.readFile(name), linux = isLinux({ name, bytes });
  const modules: BootModule[] = initrd === undefined ? [] : [{ name: initrd, bytes: await host.readFile(initrd), args: '' }];
  for (const module of files.modules) modules.push(await readModule(module, host));
  if (linux && modules[0]) await checkInitrd(modules[0]);
  const memoryBytes = files.memoryBytes ?? (linux ? DEFAULT_MEMORY_OF_LINUX : DEFAULT_MEMORY);
  const request = { name, bytes, memoryBytes, args, modules, ...(protocol && { protocol }) };
  const kernel = isBzImage(bytes) && (protocol === undefined || protocol === 'pvh') ? await unpackKernel(name, bytes) : undefined;
  if (kernel instanceof Uint8Array) return { plan: loadImage({ ...request, bytes: kernel, protocol: 'pvh' }), memoryBytes, bytes: kernel };
  const plan = loadImage(request);
  return { plan: kernel === undefined ? plan : { ...plan, notes: [...plan.notes, kernel] }, memoryBytes, bytes };
}

/** A file's name may hold spaces itself. */
async function readModule(text: string, host: Pick<Host, 'readFile' | 'exists'>): Promise<BootModule> {
  const space = text.indexOf(' ');
  const [name, args] = space < 0 || (await host.exists(text)) ? [text, ''] : [text.slice(0, space), text.slice(space + 1)];
  return { name, bytes: await host.readFile(name), args };
}
