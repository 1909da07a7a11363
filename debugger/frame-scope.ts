/** What expressions mean in a frame: its variables and program first, then registers, the VMCS, and the names of exit reasons. */
import { guestRegisterNames } from '../emulator/observe/guest-registers.js';
import { currentPagingState, ObservedMemory, type MemorySpace } from '../emulator/observe/memory.js';
import { withoutPaging } from '../emulator/observe/page-tables.js';
import { registerNames } from '../emulator/observe/registers.js';
import { findVmcsField, guestPagingState, observedVmcs, vmcsFieldNames } from '../emulator/observe/vmcs.js';
import type { Processor } from '../emulator/cpu/processor.js';
import { EXIT_REASON_NUMBERS } from '../emulator/vmx/exit-reasons.js';
import type { Scope } from './expressions/scope.js';
import { fromBytes, fromMemory } from './expressions/storage.js';
import type { FrameContext } from './symbols/location-expression.js';
import { constants, layers, objectWith, program, registers } from './expressions/scopes.js';
import { linearNumber, type Image, type Images } from './images.js';
import { whereReadable } from './guests/linux/kernel-memory.js';
import type { Frame } from './unwinder.js';
import { guestView } from './view.js';

/** Memory of a space, seen from a frame. */
export function memoryOf(cpu: Processor, space: MemorySpace, frame?: Frame): ObservedMemory {
  switch (space) {
    case 'linear':
      return frame?.view.memory ?? new ObservedMemory(cpu, currentPagingState(cpu));
    case 'guest linear':
      return cpu.nonRoot || !observedVmcs(cpu) ? new ObservedMemory(cpu, currentPagingState(cpu)) : guestView(cpu).memory;
    case 'guest-physical': {
      const state = cpu.nonRoot ? currentPagingState(cpu) : guestPagingState(cpu);
      return new ObservedMemory(cpu, state && state.eptp !== 0 ? withoutPaging(state) : undefined);
    }
    case 'host-physical':
      return new ObservedMemory(cpu, undefined);
  }
}

/** The registers of a frame. Those that no frame saves are the processor's, or the VMCS's. */
export function frameRegister(frame: Frame, name: string): bigint | undefined {
  return frame.register(name) ?? (SAVED_BY_FRAMES.test(name) ? undefined : frame.view.register(name));
}
const SAVED_BY_FRAMES = /^[re]?(ax|bx|cx|dx|si|di|bp|sp|ip)$|^r\d+[dwb]?$|^[a-d][lh]$|^(si|di|bp|sp)l$/;

const EXIT_REASONS = constants(Object.entries(EXIT_REASON_NUMBERS));

/** What a program that was moved calls by an address of its file is elsewhere; the variables of a frame are found from registers. */
function programAt(image: Image, context: FrameContext, inlineDepth = 0): Partial<Scope> {
  const { base, symbols } = image;
  const scope = program(symbols, context, inlineDepth);
  if (base === 0n) return scope;
  return {
    ...scope,
    name(name) {
      const value = scope.name?.(name);
      if (value === undefined || symbols.variablesAt(context.address, inlineDepth).some((variable) => variable.name === name)) return value;
      const global = symbols.global(name);
      const place = global?.location.in(context);
      if (global && place?.is === 'memory') return fromMemory(global.type, { space: 'linear', address: place.address + base }, { read: (_space, address, bytes) => context.read(address, bytes) });
      return value.is === 'number' && symbols.enumerator(name) === undefined && symbols.symbol(name) !== undefined ? { ...value, value: value.value + base } : value;
    },
  };
}

/** `task`, the structure of the task that the processor runs. It is read at once where the present page tables do not map the kernel. */
function currentTask(frame: Frame, images: Images): Partial<Scope> {
  const { cpu, memory } = frame.view;
  return {
    name(name) {
      if (name !== 'task') return undefined;
      const task = images.systems.flatMap((system) => whereReadable(() => system.currentStruct(cpu)) ?? [])[0];
      if (!task) return undefined;
      const isMapped = memory.read(linearNumber(task.address), 1).bytes.length === 1;
      return isMapped ? fromMemory(task.type, { space: 'linear', address: task.address }, { read: () => undefined }) : fromBytes(task.type, task.bytes());
    },
    names: () => (images.systems.length > 0 ? ['task'] : []),
  };
}

const others = (images: Images, frame: Frame): Image[] => images.all.filter((image) => image !== frame.image).sort((a, b) => Number(b.world === frame.world) - Number(a.world === frame.world));

export function scopeOf(frame: Frame, images: Images): Scope {
  const { cpu } = frame.view;
  const names = frame.view.live ? registerNames : guestRegisterNames;
  return layers(
    frame.view.bits === 64 ? 8 : 4,
    { read: (space, address, bytes) => { const read = memoryOf(cpu, space, frame).read(linearNumber(address), bytes); return read.bytes.length === bytes ? read.bytes : undefined; } },
    ...(frame.image ? [programAt(frame.image, frame.context, frame.inlineDepth)] : []),
    registers(names, (name) => frameRegister(frame, name)),
    currentTask(frame, images),
    objectWith('vmcs', vmcsFieldNames, (field) => findVmcsField(cpu, field)?.value),
    ...others(images, frame).map((image) => programAt(image, { ...frame.context, address: 0n })),
    EXIT_REASONS,
  );
}
