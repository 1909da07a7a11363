/** Random loops, run in both tiers: the interpreter and the compiled code must be at the same state after the same number of instructions. */
import { FEATURES } from '../../emulator/cpu/cpuid.js';
import { getRflags } from '../../emulator/cpu/flags.js';
import { MAP, S } from '../../emulator/cpu/layout.js';
import { encode, type MemoryFields } from '../../emulator/isa/encode.js';
import { type Form, formsWith } from '../../emulator/isa/encoding.js';
import type { Instruction } from '../../emulator/isa/instruction.js';
import type { PersonalComputer } from '../../emulator/machine/machine.js';
import { caseMachine, load, place } from '../oracles/emulated.js';
import { AREA_BYTES, CODE_BASE, DATA_BASE, REGISTER_NAMES, State } from '../oracles/native.js';
import type { Random } from './random.js';
import { RandomState } from './random-state.js';

const STACK = DATA_BASE + 0x800, COUNTER = DATA_BASE + AREA_BYTES - 16, ITERATIONS = 400;
const RSP = 4, RCX = 1, RSI = 6, RDI = 7;
/** What leaves the loop, or sets TF. */
const LEAVES = /^(RET|IRET|JMP|CALL|INT\d?|INTO|POPF|HLT|UD|SYS.*|ENTER|LEAVE|BOUND)$/;
const FCW = 0, FSW = 2, X87_MASKS = 0x3f, X87_PENDING = 0x80bf, SSE_MASKS = 0x1f80;
const TRIES = 60, LENGTH = 24;

interface Piece { readonly text: string; readonly bytes: readonly number[] }
export interface Program { readonly bits: 64 | 32; readonly rip: number; readonly pieces: readonly Piece[]; readonly state: State }

const little = (value: number, bytes: number): number[] => Array.from({ length: bytes }, (_, i) => Math.floor(value / 2 ** (8 * i)) & 0xff);

export class RandomPrograms {
  private readonly forms: readonly Form[];
  private readonly slow: PersonalComputer;
  private readonly fast: PersonalComputer;
  private readonly fresh: Uint8Array;
  /** Programs whose loop was compiled. */
  compiled = 0;

  constructor(private readonly random: Random, instructions: readonly Instruction[], private readonly bits: 64 | 32) {
    this.forms = formsWith(FEATURES, instructions.filter(({ name, privileged }) => !privileged && !LEAVES.test(name)))
      .filter((f) => f.only !== (bits === 64 ? '32' : '64') && (bits === 64 || !f.rexW) && !f.operands.some((o) => ['relative', 'far', 'segment', 'control', 'debug'].includes(o.kind)));
    this.slow = caseMachine(bits, { tier: 'interpreter' });
    this.fast = caseMachine(bits, { tier: 'compiled' });
    this.fresh = this.slow.cpu.u8.slice(0, S.end);
  }

  /** A program that goes round at least once. */
  next(): Program {
    for (;;) {
      let program = this.random_();
      for (let tries = 0; tries < TRIES && program.pieces.length > 2; tries++) {
        const fault = this.firstFault(program);
        if (fault === undefined) return program;
        if (fault < 0) break;
        program = { ...program, pieces: program.pieces.filter((_, i) => i !== fault) };
      }
    }
  }

  /** Undefined, or how the tiers differ on it. */
  difference(program: Program): string | undefined {
    const { slow, fast } = this;
    const now = Math.max(slow.instructions, fast.instructions) + 1;
    for (const machine of [slow, fast]) this.prepare(machine, program, now);
    const total = Math.floor(ITERATIONS * 0.9 * program.pieces.length), begin = slow.instructions;
    const made = fast.engine.regions.made;
    for (let left = total; left > 0;) {
      const piece = Math.min(left, 1 + this.random.below(this.random.pick([5, 300, 4000])));
      const [a, b] = [slow.run(piece), fast.run(piece)];
      left -= piece;
      const said = (m: PersonalComputer, stop: { kind: string }) => `${stop.kind} after ${m.instructions - begin} at ${m.cpu.rip.toString(16)}`;
      if (said(slow, a) !== said(fast, b)) return `interpreter: ${said(slow, a)}; compiled: ${said(fast, b)}`;
      if (a.kind !== 'budget') break;
    }
    if (fast.engine.regions.made > made) this.compiled++;
    return this.whatDiffers();
  }

  /** The program with everything left out that does not matter for the difference. */
  smallest(program: Program): Program {
    let found = program;
    for (let i = found.pieces.length - 1; i >= 0; i--) {
      const shorter = { ...found, pieces: found.pieces.filter((_, n) => n !== i) };
      if ([1, 2, 3].some(() => this.difference(shorter) !== undefined)) found = shorter;
    }
    return found;
  }

  private whatDiffers(): string | undefined {
    const [a, b] = [this.slow.cpu, this.fast.cpu], out: string[] = [];
    if (getRflags(a) !== getRflags(b)) out.push(`RFLAGS ${getRflags(a).toString(16)} and ${getRflags(b).toString(16)}`);
    REGISTER_NAMES.forEach((name, n) => { if (a.big(S.gpr + 8 * n) !== b.big(S.gpr + 8 * n)) out.push(`${name} ${a.big(S.gpr + 8 * n).toString(16)} and ${b.big(S.gpr + 8 * n).toString(16)}`); });
    for (let at: number = S.segments; at < S.end; at += 4) if (a.u32[at >> 2] !== b.u32[at >> 2]) out.push(`state at ${at}`);
    for (let at = 0; at < a.guestBytes; at += 4) if (a.u32[(MAP.guestMemory + at) >> 2] !== b.u32[(MAP.guestMemory + at) >> 2]) out.push(`memory at ${at.toString(16)}`);
    return out.length > 0 ? out.slice(0, 8).join('; ') : undefined;
  }

  private prepare(machine: PersonalComputer, program: Program, now: number): void {
    place(machine, codeOf(program), program.rip);
    machine.cpu.u8.set(this.fresh.subarray(0, S.budget));
    machine.cpu.u8.set(this.fresh.subarray(S.segments), S.segments);
    load(machine, program.state);
    machine.cpu.u32[(MAP.guestMemory + 0x110000 + COUNTER - DATA_BASE) >> 2] = ITERATIONS;
    machine.engine.setRetired(now);
  }

  /** The piece that faults on the first way round; -1 when something else ends it. */
  private firstFault(program: Program): number | undefined {
    this.prepare(this.slow, program, this.slow.instructions + 1);
    const stop = this.slow.run(program.pieces.length);
    if (stop.kind === 'budget') return undefined;
    let at = program.rip;
    return program.pieces.findIndex(({ bytes }) => { at += bytes.length; return this.slow.cpu.rip < at; });
  }

  private random_(): Program {
    const { random: r, bits } = this, pieces: Piece[] = [];
    const state = new State();
    new RandomState(r).fill(state, bits);
    // All exceptions masked and none pending, so that loops go on.
    state.mxcsr |= SSE_MASKS;
    state.fxsave.setUint16(FCW, state.fxsave.getUint16(FCW, true) | X87_MASKS, true);
    state.fxsave.setUint16(FSW, state.fxsave.getUint16(FSW, true) & ~X87_PENDING, true);
    const rip = CODE_BASE + (r.chance(8) ? 0x1000 - r.below(160) : r.below(0xc00));
    state.rip = BigInt(rip);
    pieces.push(this.move(RSP, STACK));
    const length = 2 + r.below(LENGTH);
    while (pieces.length < length) {
      const made = this.instruction(r.pick(this.forms));
      if (!made) continue;
      const body = made.flatMap(({ bytes }) => bytes).length;
      if (r.chance(5)) pieces.push({ text: 'Jcc', bytes: [0x70 + r.below(16), body] });
      pieces.push(...made);
    }
    return { bits, rip, pieces, state };
  }

  private move(register: number, value: number): Piece {
    const low = register & 7, high = register >> 3;
    return { text: `MOV ${REGISTER_NAMES[register]!}, ${value.toString(16)}`, bytes: [...(high ? [0x41] : []), 0xb8 + low, ...little(value, 4)] };
  }

  private instruction(form: Form): Piece[] | undefined {
    const { random: r, bits } = this, registers = bits === 64 ? 16 : 8, out: Piece[] = [];
    const not4 = (n: number) => (n === RSP ? 3 : n);
    const rmOperand = form.operands.find((o) => o.place === 'rm'), moffs = form.operands.some((o) => o.place === 'moffs');
    const asMemory = moffs || (rmOperand !== undefined && rmOperand.mayBeMemory && (!rmOperand.mayBeRegister || r.chance(2)));
    const reg = not4(r.below(form.operands.some((o) => o.kind === 'mm') ? 8 : registers)), rm = not4(r.below(rmOperand?.kind === 'mm' ? 8 : registers));
    let memory: MemoryFields | undefined;
    const target = STACK + 0x100 + 16 * r.below(0x100) + (r.chance(2) ? r.below(16) : 0);
    if (asMemory) {
      if (moffs || r.chance(2)) memory = { base: -1, index: -1, scale: 0, displacement: target };
      else {
        const base = not4(r.below(registers)), displacement = r.below(256) - 128;
        out.push(this.move(base, target - displacement));
        memory = { base, index: -1, scale: 0, displacement };
      }
    }
    if (form.instruction.repeats) {
      const at = () => STACK + 0x400 + r.below(0x400);
      out.push(this.move(RSI, at()), this.move(RDI, at()), this.move(RCX, r.below(12)));
    }
    if (/^BT[SRC]?$/.test(form.instruction.name) && asMemory && form.modrm === 'r') {
      if (reg === memory?.base) return undefined;
      out.push(this.move(reg, r.below(1024)));
    }
    const operandSize = form.size !== 0 ? form.size : bits === 64 && form.rexW ? 64 : r.chance(2) ? 32 : 16;
    const byteRegisters = form.operands.some((o) => o.kind === 'gpr' && o.bits === 8 && o.place !== 'fixed');
    try {
      const bytes = encode(form, {
        mode: bits, operandSize, addressSize: bits, reg, rm, opcodeRegister: not4(r.below(registers)), immediate: r.value(), immediate2: r.below(65536),
        needsRex: bits === 64 && byteRegisters && r.chance(2), ...(memory ? { memory } : {}),
        ...(form.instruction.repeats && r.chance(2) ? { rep: r.pick(['F3', 'F2'] as const) } : {}),
      });
      out.push({ text: form.text, bytes: [...bytes] });
    } catch { return undefined; }
    return out;
  }
}

/** The pieces, then: count down in memory, and again while that is not zero. */
export function codeOf(program: Program): Uint8Array {
  const body = program.pieces.flatMap(({ bytes }) => bytes);
  const countDown = program.bits === 64 ? [0x48, 0xff, 0x0c, 0x25, ...little(COUNTER, 4)] : [0xff, 0x0d, ...little(COUNTER, 4)];
  const back = -(body.length + countDown.length + 6);
  return Uint8Array.from([...body, ...countDown, 0x0f, 0x85, ...little(back >>> 0, 4)]);
}

export const listing = (program: Program): string =>
  `${program.bits}-bit at ${program.rip.toString(16)}: ${program.pieces.map(({ text, bytes }) => `${Buffer.from(bytes).toString('hex')} ${text}`).join('; ')}`;
