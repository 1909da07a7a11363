/** From a stopped processor to its stack: call frame information where the program has it, frame pointers elsewhere; across worlds. */
import { isGuestsOwn } from '../emulator/observe/guest-registers.js';
import { hasGuest, readVmcsField } from '../emulator/observe/vmcs.js';
import { exitReason } from '../emulator/vmx/exit-reasons.js';
import type { Processor } from '../emulator/cpu/processor.js';
import type { Image, Images } from './images.js';
import type { World } from './launch-arguments.js';
import type { FrameContext } from './symbols/location-expression.js';
import { guestView, instructionAt, liveView, readBytes, readPointer, type View } from './view.js';

export interface Frame {
  readonly is: 'frame' | 'label';
  readonly name: string;
  readonly world: World;
  readonly view: View;
  /** Where execution stands or will go on, linear. */
  readonly address: bigint;
  /** Where its line and variables are looked up: inside the call, not behind it. */
  readonly lookup: bigint;
  readonly image: Image | undefined;
  readonly line: { readonly file: string; readonly line: number; readonly column?: number } | undefined;
  /** Of the function whose body was put here by the compiler: how many inlined calls outwards. */
  readonly inlineDepth: number;
  /** Calls outwards from where the processor stands, without the inlined ones. */
  readonly level: number;
  /** The registers as they were in this frame, by lower-case name; undefined when not known. */
  register(name: string): bigint | undefined;
  /** For the variables of the frame; addresses are those of the image. */
  readonly context: FrameContext;
}

const MOST_FRAMES = 256;
/** Beyond this, a frame pointer is some other number. */
const LARGEST_FRAME = 1n << 20n;
const PUSH_FRAME_POINTER = 0x55;
const RETURN = 0xc3;
/** On a stack, of what a hypervisor saves before it enters its guest. */
const MOST_SAVED = 256n;
const CALL_LENGTHS = [2, 3, 4, 5, 6, 7];

/** The frame in which the processor stands, without its callers. */
export const innermostFrame = (cpu: Processor, images: Images): Frame => framesOf(liveView(cpu), images, 1)[0]!;

/** The innermost frame first. */
export function unwind(cpu: Processor, images: Images): Frame[] {
  const frames = framesOf(liveView(cpu), images);
  if (cpu.nonRoot || !hasGuest(cpu)) return frames;
  const guest = guestView(cpu);
  const reason = Number(readVmcsField(cpu, 'exit reason') ?? 0n) & 0xffff;
  return [...frames, label(`VM exit: ${exitReason(reason)?.name ?? `reason ${reason}`}`, guest), ...framesOf(guest, images)];
}

const label = (name: string, view: View): Frame => ({
  is: 'label', name, world: view.world, view, address: view.rip, lookup: view.rip, image: undefined, line: undefined, inlineDepth: 0, level: 0, register: () => undefined,
  context: { address: view.rip, register: () => undefined, read: () => undefined },
});

function framesOf(view: View, images: Images, most = MOST_FRAMES): Frame[] {
  const frames: Frame[] = [];
  let context: FrameContext | undefined = { address: view.rip, register: (name) => innermostRegister(view, name), read: (address, bytes) => readBytes(view, address, bytes) };
  let address = view.rip;
  for (let level = 0; context && frames.length < most; level++) {
    const image = images.at(view.world, context.address);
    frames.push(...activations(view, image, context, address, level, images));
    const caller = callerOf(view, image, images, context, address);
    if (!caller || caller.address === 0n) break;
    [context, address] = [caller.context, caller.address];
  }
  return frames;
}

/** After a VM exit RBP is the guest's, and no frame pointer, until the hypervisor has its own again. */
const innermostRegister = (view: View, name: string): bigint | undefined => (view.live && /^[re]bp$/.test(name) && isGuestsOwn(view.cpu, name) ? undefined : view.register(name));

/** The function at the address, and the inlined calls in front of it. */
function activations(view: View, image: Image | undefined, context: FrameContext, address: bigint, level: number, images: Images): Frame[] {
  const lookup = context.address;
  const inlined = image?.inlinedAt(lookup) ?? [];
  const outermost = image?.functionAt(lookup)?.name ?? images.describe(view.world, lookup) ?? `0x${address.toString(16)}`;
  let line: Frame['line'] = image?.lineAt(lookup);
  const frames: Frame[] = [];
  const own = image ? { ...context, address: image.own(lookup) } : context;
  for (const [inlineDepth, name] of [...inlined.map((call) => call.name), outermost].entries()) {
    frames.push({ is: 'frame', name, world: view.world, view, address, lookup, image, line, inlineDepth, level, register: (register) => context.register(register), context: own });
    const call = inlined[inlineDepth];
    line = call?.callFile !== undefined && call.callLine !== undefined ? { file: call.callFile, line: call.callLine, ...(call.callColumn !== undefined && { column: call.callColumn }) } : undefined;
  }
  return frames;
}

interface Caller {
  readonly address: bigint;
  readonly context: FrameContext;
}

function callerOf(view: View, image: Image | undefined, images: Images, context: FrameContext, address: bigint): Caller | undefined {
  if (!image?.symbols.canUnwind(image.own(context.address))) return byFramePointer(view, image, images, context, address);
  const found = byRules(view, image, context), cfa = found ? undefined : frameAtExit(view, images, context);
  return cfa === undefined ? found : byRules(view, image, { ...context, cfa });
}

function byRules(view: View, image: Image, context: FrameContext): Caller | undefined {
  const found = image.symbols.callerOf({ ...context, address: image.own(context.address) });
  if (!found || !growing(view, context, found)) return undefined;
  return { address: found.returnAddress, context: { address: found.address, register: (name) => found.register(name), read: (at, bytes) => found.read(at, bytes) } };
}

const isKernels = (address: bigint): boolean => address >> 63n !== 0n;

/** Stacks grow downwards: a caller's frame that is not above its callee's is none. A program's stack is another than its kernel's. */
function growing(view: View, callee: FrameContext, caller: FrameContext): boolean {
  if (isKernels(callee.address) && !isKernels(caller.address)) return true;
  const name = view.bits === 64 ? 'rsp' : 'esp';
  const below = callee.register(name), above = caller.register(name);
  return below !== undefined && above !== undefined && above > below;
}

/**
 * The canonical frame address of code that a VM exit has just entered: the hypervisor has left what its registers held, a frame pointer too, on the stack below the
 * address that it will return to, which is the first one there that follows a call.
 */
function frameAtExit(view: View, images: Images, context: FrameContext): bigint | undefined {
  const stack = context.register('rsp');
  if (stack === undefined || view.bits !== 64 || !entersAtExit(view, images, context.address)) return undefined;
  for (let at = stack; at < stack + MOST_SAVED; at += 8n) {
    const word = readPointer(view, at);
    if (word !== undefined && isCode(view, images, word) && followsCall(view, word)) return at + 8n;
  }
  return undefined;
}

/** In the function that begins, or goes on, where VM exits lead to. */
function entersAtExit(view: View, images: Images, address: bigint): boolean {
  const entry = view.live && view.world === 'host' ? readVmcsField(view.cpu, 'host RIP') : undefined, handler = entry === undefined ? undefined : images.functionAt('host', entry);
  return handler !== undefined && address >= handler.start && address < handler.end;
}

function followsCall(view: View, address: bigint): boolean {
  return CALL_LENGTHS.some((length) => {
    const code = instructionAt(view, address - BigInt(length));
    return code?.isCall === true && code.length === length;
  });
}

function byFramePointer(view: View, image: Image | undefined, images: Images, context: FrameContext, address: bigint): Caller | undefined {
  if (view.bits === 16) return undefined;
  const size = BigInt(view.bits / 8);
  const [stackName, frameName] = view.bits === 64 ? ['rsp', 'rbp'] : ['esp', 'ebp'];
  const stack = context.register(stackName), framePointer = context.register(frameName);
  if (stack === undefined || framePointer === undefined) return undefined;
  const found = returnAddressPlace(view, image, context, address, stack, framePointer, size);
  if (!found) return undefined;
  const returnAddress = readPointer(view, found.at);
  if (returnAddress === undefined || !isCode(view, images, returnAddress)) return undefined;
  const registers = new Map([[stackName, found.at + size], [frameName, found.savedFramePointer]]);
  return {
    address: returnAddress,
    context: {
      address: returnAddress - 1n,
      register: (name) => (registers.has(name) ? registers.get(name) : name === 'rip' || name === 'eip' ? returnAddress : undefined),
      read: (at, bytes) => context.read(at, bytes),
    },
  };
}

/** On entry to a function the return address is on top of the stack, one lower after PUSH, and above the frame pointer once that is set. */
function returnAddressPlace(view: View, image: Image | undefined, context: FrameContext, address: bigint, stack: bigint, framePointer: bigint, size: bigint): { at: bigint; savedFramePointer: bigint | undefined } | undefined {
  const isInnermost = address === context.address;
  const start = image?.functionAt(context.address)?.start;
  if (isInnermost && (address === start || readBytes(view, address, 1)?.[0] === RETURN)) return { at: stack, savedFramePointer: framePointer };
  if (isInnermost && start !== undefined && address === start + 1n && readBytes(view, start, 1)?.[0] === PUSH_FRAME_POINTER) return { at: stack + size, savedFramePointer: framePointer };
  if (framePointer < stack || framePointer - stack > LARGEST_FRAME || framePointer % size !== 0n) return undefined;
  return { at: framePointer + size, savedFramePointer: readPointer(view, framePointer) };
}

/** Where symbols are known, a return address is one of theirs. */
function isCode(view: View, images: Images, address: bigint): boolean {
  if (address === 0n) return false;
  if (images.at(view.world, address - 1n)?.functionAt(address - 1n)) return true;
  return images.of(view.world).length === 0 && readBytes(view, address, 1) !== undefined;
}
