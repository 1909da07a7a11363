/** One world as it can be looked at now: its registers, its memory, its code. */
import { guestCodeBits, guestRegister } from '../emulator/observe/guest-registers.js';
import { currentPagingState, ObservedMemory } from '../emulator/observe/memory.js';
import { findRegister } from '../emulator/observe/registers.js';
import { guestPagingState } from '../emulator/observe/vmcs.js';
import type { Processor } from '../emulator/cpu/processor.js';
import { disassemble, LONGEST_INSTRUCTION, type Disassembled } from './disassembler.js';
import { linearNumber, unsignedAddress } from './images.js';
import type { World } from './launch-arguments.js';
import { codeBits, linearRip, worldOf } from './place.js';

export interface View {
  readonly cpu: Processor;
  readonly world: World;
  /** The processor is in it now; otherwise it is the guest behind a hypervisor that runs. */
  readonly live: boolean;
  readonly bits: 16 | 32 | 64;
  /** Linear, unsigned. */
  readonly rip: bigint;
  readonly memory: ObservedMemory;
  /** By its name in lower case. */
  register(name: string): bigint | undefined;
}

export function liveView(cpu: Processor): View {
  return {
    cpu,
    world: worldOf(cpu),
    live: true,
    bits: codeBits(cpu),
    rip: unsignedAddress(linearRip(cpu)),
    memory: new ObservedMemory(cpu, currentPagingState(cpu)),
    register: (name) => findRegister(name)?.read(cpu),
  };
}

export function guestView(cpu: Processor): View {
  const bits = guestCodeBits(cpu);
  const rip = guestRegister(cpu, 'rip') ?? 0n;
  return {
    cpu,
    world: 'guest',
    live: false,
    bits,
    rip: bits === 64 ? rip : BigInt.asUintN(32, rip + (guestRegister(cpu, 'cs.base') ?? 0n)),
    memory: new ObservedMemory(cpu, guestPagingState(cpu)),
    register: (name) => guestRegister(cpu, name),
  };
}

export function readBytes(view: View, address: bigint, count: number): Uint8Array | undefined {
  const { bytes } = view.memory.read(linearNumber(address), count);
  return bytes.length === count ? bytes : undefined;
}

export function readPointer(view: View, address: bigint): bigint | undefined {
  return view.memory.readUnsigned(linearNumber(address), view.bits === 64 ? 8 : view.bits / 8);
}

export function instructionAt(view: View, address: bigint): Disassembled | undefined {
  const { bytes } = view.memory.read(linearNumber(address), LONGEST_INSTRUCTION);
  return disassemble(bytes, address, view.bits, 1)[0];
}
