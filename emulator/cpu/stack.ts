/** A stack while a far transfer uses it: the processor's own, or one that is about to become it. SDM Vol. 1, "Procedure Stack". */
import { probe, READ, read16, read32, readNumber, write16, write32, write64 } from '../paging/access.js';
import type { Descriptor } from './descriptors.js';
import { Exception, VECTORS } from './events.js';
import { gpr, S, SEGMENT, segment, SS } from './layout.js';
import { canonical } from './modes.js';
import { ATTRIBUTE_DB, UNUSABLE, type Processor } from './processor.js';
import { withinLimit } from './segments.js';

export type OperandBytes = 2 | 4 | 8;
/** 64 bits as two unsigned halves. */
export interface Word { readonly low: number; readonly high: number }
const RSP = 4;

export class Stack {
  private constructor(
    private readonly cpu: Processor,
    private readonly width: 16 | 32 | 64,
    private readonly base: number,
    private readonly limit: number,
    private readonly attributes: number,
    /** The pointer: an offset, or a linear address in 64-bit mode. */
    public pointer: number,
    /** Error code of the #SS that a bad access gives. */
    private readonly error: number,
    private readonly supervisor: boolean,
  ) {}

  /** The current stack. */
  static current(cpu: Processor, error = 0): Stack {
    const attributes = cpu.attributes(SS);
    const width = cpu.code64 ? 64 : attributes & ATTRIBUTE_DB ? 32 : 16;
    const pointer = width === 64 ? cpu.regNumber(RSP) : width === 32 ? cpu.reg32(RSP) : cpu.reg32(RSP) & 0xffff;
    return new Stack(cpu, width, width === 64 ? 0 : cpu.base(SS), cpu.limit(SS), attributes, pointer, error, false);
  }
  /** A stack segment that is not loaded yet. */
  static of(cpu: Processor, d: Descriptor, pointer: number, error: number, supervisor: boolean): Stack {
    return new Stack(cpu, d.big ? 32 : 16, d.base, d.limit, d.attributes, d.big ? pointer >>> 0 : pointer & 0xffff, error, supervisor);
  }
  /** A stack of 64-bit mode that is not in use yet. */
  static flat(cpu: Processor, pointer: number, error: number, supervisor: boolean): Stack {
    return new Stack(cpu, 64, 0, 0, 0, pointer, error, supervisor);
  }

  private wrap(pointer: number): number {
    return this.width === 64 ? pointer : this.width === 32 ? pointer >>> 0 : pointer & 0xffff;
  }
  private linear(offset: number, bytes: number): number {
    if (this.width === 64) {
      if (!canonical(offset) || !canonical(offset + bytes - 1)) throw new Exception(VECTORS['#SS'], this.error, 0, 'stack pointer is not canonical');
      return offset;
    }
    if (this.attributes & UNUSABLE || !withinLimit(this.limit, this.attributes, offset, bytes))
      throw new Exception(VECTORS['#SS'], this.error, 0, `stack access at 0x${offset.toString(16)} lies outside the limit of the stack segment`);
    return (this.base + offset) >>> 0;
  }

  push(bytes: OperandBytes, value: number): void {
    const pointer = this.wrap(this.pointer - bytes), at = this.linear(pointer, bytes);
    if (bytes === 2) write16(this.cpu, at, value & 0xffff, this.supervisor);
    else if (bytes === 4) write32(this.cpu, at, value >>> 0, this.supervisor);
    else write64(this.cpu, at, value >>> 0, Math.floor(value / 2 ** 32), this.supervisor);
    this.pointer = pointer;
  }
  /** A register, exact in all its bits. */
  pushRegister(bytes: OperandBytes, register: number): void {
    if (bytes !== 8) { this.push(bytes, this.cpu.reg32(register)); return; }
    const pointer = this.wrap(this.pointer - 8);
    write64(this.cpu, this.linear(pointer, 8), this.cpu.low(gpr(register)), this.cpu.high(gpr(register)), this.supervisor);
    this.pointer = pointer;
  }
  pop(bytes: OperandBytes): number {
    const value = this.peek(bytes, 0);
    this.skip(bytes);
    return value;
  }
  /** The low half of what `pop` would give, exact: selectors and flags in words of 64 bits with anything above them. */
  popLow(bytes: OperandBytes): number { return this.popWord(bytes).low; }
  /** All bits of it. */
  popWord(bytes: OperandBytes): Word {
    if (bytes !== 8) return { low: this.pop(bytes), high: 0 };
    const at = this.linear(this.pointer, 8);
    probe(this.cpu, at, 8, READ, this.supervisor);
    const low = read32(this.cpu, at, this.supervisor), high = read32(this.cpu, at + 4, this.supervisor);
    this.skip(8);
    return { low, high };
  }
  /** What lies `above` bytes over the pointer: 16 and 32 bits unsigned, 64 signed. */
  peek(bytes: OperandBytes, above: number): number {
    const at = this.linear(this.wrap(this.pointer + above), bytes);
    if (bytes === 2) return read16(this.cpu, at, this.supervisor);
    return bytes === 4 ? read32(this.cpu, at, this.supervisor) : readNumber(this.cpu, at, this.supervisor);
  }
  skip(bytes: number): void { this.pointer = this.wrap(this.pointer + bytes); }

  /** Makes the pointer the processor's: only as many bits as the stack is wide. */
  commit(): void { setStackPointer(this.cpu, this.width, this.pointer); }
}

export function setStackPointer(cpu: Processor, width: 16 | 32 | 64, pointer: number): void {
  if (width === 64) cpu.setRegNumber(RSP, pointer);
  else if (width === 32) cpu.setReg32(RSP, pointer);
  else cpu.view.setUint16(gpr(RSP), pointer & 0xffff, true);
}

/** The same from a word of the stack. */
export function setStackPointerWord(cpu: Processor, width: 16 | 32 | 64, { low, high }: Word): void {
  if (width === 64) cpu.set(gpr(RSP), low, high); else setStackPointer(cpu, width, low);
}

/** Width of the stack that SS now describes. */
export const stackSize = (cpu: Processor): 16 | 32 | 64 =>
  cpu.code64 ? 64 : cpu.u32[(segment(SS) + SEGMENT.attributes) >> 2]! & ATTRIBUTE_DB ? 32 : 16;

/** The frame in S.frame, as 64-bit words from its lowest address. */
export const setFrame = (cpu: Processor, word: number, value: number): void => cpu.setNumber(S.frame + 8 * word, value);
