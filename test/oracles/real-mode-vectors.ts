/** Runs hardware-captured tests of real-address mode (moo.ts), an instruction each, and says what came out otherwise. */
import { getRflags, setRflags } from '../../emulator/cpu/flags.js';
import { CS, DS, ES, gpr, MAP, SS } from '../../emulator/cpu/layout.js';
import { ACTIVITY } from '../../emulator/cpu/modes.js';
import { setRealSegment } from '../../emulator/cpu/segments.js';
import { PersonalComputer } from '../../emulator/machine/machine.js';
import { Bus } from '../../emulator/memory/bus.js';
import { flatGuest } from '../machine/guests.js';
import { MOO_REGISTERS, type MooRegister, type MooTest } from './moo.js';
import { GENERATION_DIFFERENCES, undefinedFlags } from './real-mode-differences.js';

const MEMORY_BYTES = 2 << 20;
const GPR: Partial<Record<MooRegister, number>> = { ax: 0, cx: 1, dx: 2, bx: 3, sp: 4, bp: 5, si: 6, di: 7 };
const SEGMENTS: Partial<Record<MooRegister, number>> = { es: ES, cs: CS, ss: SS, ds: DS };
const PREFIXES = new Set([0x26, 0x2e, 0x36, 0x3e, 0xf0, 0xf2, 0xf3]), HLT = 0xf4;
const isString = (opcode: number): boolean => (opcode >= 0x6c && opcode <= 0x6f) || (opcode >= 0xa4 && opcode <= 0xa7) || (opcode >= 0xaa && opcode <= 0xaf);
/** Bits of FLAGS that real-address mode has. */
const REAL_FLAGS = 0xfff, ALWAYS = 2;
const MOST_STEPS = 1000;

export interface Difference { readonly what: string; readonly hardware: number; readonly ours: number }

export const opcodeOf = (bytes: Uint8Array): number => bytes.find((byte) => !PREFIXES.has(byte))!;

/** A machine whose ports are all unconnected and that is all memory, as those of the tests. */
export class RealModeMachine {
  private readonly machine: PersonalComputer;
  private deliveriesBefore = 0;
  constructor() {
    this.machine = new PersonalComputer({ memoryBytes: MEMORY_BYTES, cpus: 1, tier: 'interpreter', onSerial: () => undefined, onDebugConsole: () => undefined });
    this.machine.load(flatGuest('real', 'f4', 'real').plan);
    this.machine.cpu.ports = new Bus('port');
    this.machine.cpu.mmu.map.set([]);
  }

  private poke(address: number, byte: number): void {
    const { cpu } = this.machine;
    cpu.u8[MAP.guestMemory + address] = byte;
    cpu.codeWritten(address, 1);
  }

  /** What differs after the instruction from what the 80286 did, or from what a known difference says of today. */
  run(test: MooTest): Difference[] {
    const known = GENERATION_DIFFERENCES.find(({ applies }) => applies(test))?.today;
    this.execute(test);
    if (typeof known === 'number') return this.compareException(known);
    if (known === 'executes') return this.machine.cpu.deliveries === this.deliveriesBefore ? [] : [{ what: 'exceptions', hardware: 0, ours: 1 }];
    return this.compare(test, ~undefinedFlags(test), known ?? []);
  }

  private execute({ bytes, before }: MooTest): void {
    const { cpu, engine } = this.machine, start = before.registers;
    for (const [address, byte] of before.memory) this.poke(address, byte);
    for (const name of MOO_REGISTERS) {
      if (GPR[name] !== undefined) cpu.setReg32(GPR[name], start[name]!);
      else if (SEGMENTS[name] !== undefined) setRealSegment(cpu, SEGMENTS[name], start[name]!);
    }
    setRflags(cpu, (start.flags! & REAL_FLAGS) | ALWAYS);
    cpu.rip = start.ip!;
    cpu.interruptibility = 0;
    cpu.activity = ACTIVITY.active;
    cpu.modeChanged();
    const opcode = opcodeOf(bytes), repeats = isString(opcode) && (bytes.includes(0xf2) || bytes.includes(0xf3));
    this.deliveriesBefore = cpu.deliveries;
    for (let n = 0; n < MOST_STEPS; n++) {
      engine.run(1, true);
      if (!repeats || cpu.rip !== start.ip || cpu.deliveries !== this.deliveriesBefore) break;
    }
  }

  /** Whether execution goes on at the handler of an exception. */
  private compareException(vector: number): Difference[] {
    const { cpu } = this.machine, at = MAP.guestMemory + 4 * vector, ip = cpu.view.getUint16(at, true), cs = cpu.view.getUint16(at + 2, true);
    return [{ what: 'ip', hardware: ip, ours: cpu.rip }, { what: 'cs', hardware: cs, ours: cpu.selector(CS) }].filter(({ hardware, ours }) => hardware !== ours);
  }

  private compare({ bytes, before, after, exception }: MooTest, defined: number, except: readonly MooRegister[]): Difference[] {
    const { cpu } = this.machine, start = before.registers, opcode = opcodeOf(bytes);

    // The first word that an exception pushes; the address in the test is that of the bus, which is even.
    const flagsAt = [2, 1].map((below) => start.ss! * 16 + ((start.sp! - below) & 0xffff));
    const differences: Difference[] = [];
    const compare = (what: string, hardware: number, ours: number) => { if (hardware !== ours) differences.push({ what, hardware, ours }); };
    for (const name of MOO_REGISTERS) {
      if (except.includes(name)) continue;
      const expected = after.registers[name] ?? start[name]!;
      if (name === 'flags') compare(name, expected & defined & REAL_FLAGS, getRflags(cpu) & defined & REAL_FLAGS);
      // The tests end with a HLT behind the instruction.
      else if (name === 'ip') compare(name, opcode === HLT && !exception ? expected : (expected - 1) & 0xffff, cpu.rip);
      else compare(name, expected, GPR[name] !== undefined ? cpu.view.getUint16(gpr(GPR[name]), true) : cpu.selector(SEGMENTS[name]!));
    }
    for (const [address, byte] of [...before.memory, ...after.memory]) {
      const expected = after.memory.get(address) ?? byte, ours = cpu.u8[MAP.guestMemory + address]!;
      const at = exception ? flagsAt.indexOf(address) : -1, mask = at < 0 ? 0xff : ((defined & REAL_FLAGS) >> (8 * at)) & 0xff;
      compare(`memory ${address.toString(16)}`, expected & mask, ours & mask);
    }
    return differences;
  }
}
