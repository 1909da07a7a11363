/** Runs the cases of native.ts on Ringside's own processor: same state, same memory map, ring 3. */
import type { BootPlan, EntryState } from '../../emulator/boot/plan.js';
import { ENTRY_SEGMENTS, GENERAL_REGISTERS } from '../../emulator/boot/plan.js';
import { getRflags, setRflags } from '../../emulator/cpu/flags.js';
import { ES, FS, GS, MAP, S, SEGMENT, segment } from '../../emulator/cpu/layout.js';
import { AVX, SSE, supported, X87 } from '../../emulator/cpu/xsave-components.js';
import type { MachineOptions } from '../../emulator/machine/contract.js';
import { PersonalComputer } from '../../emulator/machine/machine.js';
import { AREA_BYTES, type Case, CODE_BASE, DATA_BASE, FXSAVE_OFFSET, type Patch, REGISTER_NAMES, type Result, RFLAGS_MASK, ST_OFFSET, State, XMM_OFFSET, YMM_HIGH_OFFSET } from './native.js';

const MOST_ITERATIONS = 100;
const INT3 = 0xcc;
/** INS, OUTS, MOVS, CMPS, STOS, LODS or SCAS, which are the last byte, with a prefix. */
const isRepeatedString = (code: Uint8Array): boolean => {
  const opcode = code[code.length - 1]!;
  return code.length > 1 && ((opcode >= 0x6c && opcode <= 0x6f) || (opcode >= 0xa4 && opcode <= 0xaf && opcode !== 0xa8 && opcode !== 0xa9)) && (code.includes(0xf3) || code.includes(0xf2));
};
const MEMORY_BYTES = 4 << 20, PAGE = 4096;
const TABLES = 0x10000, CODE = 0x100000, DATA = 0x110000, SYSTEM = 0x120000;
/** A page of the supervisor's: the GDT, and a TSS without an I/O permission bit map. */
const SYSTEM_BASE = 0x30000000, TSS_OFFSET = 0x800, TSS_LIMIT = 0x67, IO_MAP_BASE = 0x66;
const PRESENT_WRITABLE_USER_AD = 0x67n, USER = 4n;

/** The first descriptors of Linux, whose programs the native cases are: none, then code and data of the kernel and of users. */
const GDT = [0n, 0x00cf9b000000ffffn, 0x00af9b000000ffffn, 0x00cf93000000ffffn, 0x00cffb000000ffffn, 0x00cff3000000ffffn, 0x00affb000000ffffn];
const GDT_LIMIT = 0x7f;

/** Four levels of tables that map the areas, and nothing else. */
function tables(): { address: number; bytes: Uint8Array }[] {
  const bytes = new Uint8Array(6 * PAGE), view = new DataView(bytes.buffer);
  const set = (table: number, index: number, target: number, flags = PRESENT_WRITABLE_USER_AD) => { view.setBigUint64(table * PAGE + 8 * index, BigInt(target) | flags, true); };
  set(0, 0, TABLES + PAGE);
  set(1, 0, TABLES + 2 * PAGE);
  const index = (linear: number, level: number) => Math.floor(linear / 2 ** (12 + 9 * (level - 1))) & 511;
  set(2, index(DATA_BASE, 2), TABLES + 3 * PAGE);
  set(2, index(CODE_BASE, 2), TABLES + 4 * PAGE);
  for (let page = 0; page < AREA_BYTES / PAGE; page++) {
    set(3, index(DATA_BASE, 1) + page, DATA + page * PAGE);
    set(4, index(CODE_BASE, 1) + page, CODE + page * PAGE);
  }
  set(2, index(SYSTEM_BASE, 2), TABLES + 5 * PAGE);
  set(5, index(SYSTEM_BASE, 1), SYSTEM, PRESENT_WRITABLE_USER_AD & ~USER);
  const system = new Uint8Array(PAGE), systemView = new DataView(system.buffer);
  GDT.forEach((descriptor, i) => { systemView.setBigUint64(8 * i, descriptor, true); });
  systemView.setUint16(TSS_OFFSET + IO_MAP_BASE, TSS_LIMIT + 1, true);
  return [{ address: TABLES, bytes }, { address: SYSTEM, bytes: system }];
}

const CODE64 = 0xa0fb, CODE32 = 0xc0fb, DATA3 = 0xc0f3, UNUSABLE_LDTR = 0x10082, TSS = 0x8b;

function entry(bits: 64 | 32): EntryState {
  const segments = Object.fromEntries(ENTRY_SEGMENTS.map((name) => [name, {
    selector: name === 'cs' ? (bits === 64 ? 0x33 : 0x23) : name === 'ldtr' ? 0 : name === 'tr' ? 0x40 : 0x2b,
    base: name === 'tr' ? BigInt(SYSTEM_BASE + TSS_OFFSET) : 0n, limit: name === 'tr' ? TSS_LIMIT : name === 'ldtr' ? 0 : 0xffffffff,
    attributes: name === 'cs' ? (bits === 64 ? CODE64 : CODE32) : name === 'ldtr' ? UNUSABLE_LDTR : name === 'tr' ? TSS : DATA3,
  }])) as EntryState['segments'];
  return {
    mode: 'long64', registers: Object.fromEntries(GENERAL_REGISTERS.map((name) => [name, 0n])) as EntryState['registers'], rip: BigInt(CODE_BASE), rflags: 2n, segments,
    cr0: 0x80050033n, cr3: BigInt(TABLES), cr4: 0x506a0n, efer: 0xd01n, gdtr: { base: BigInt(SYSTEM_BASE), limit: GDT_LIMIT }, idtr: { base: 0n, limit: 0 },
  };
}

/** A machine at CPL 3 with the memory map of the native oracle and x87, SSE and AVX state, which stops at exceptions. */
export function caseMachine(bits: 64 | 32, options: Partial<MachineOptions> = {}): PersonalComputer {
  const machine = new PersonalComputer({ memoryBytes: MEMORY_BYTES, cpus: 1, onSerial: () => undefined, onDebugConsole: () => undefined, ...options });
  const plan: BootPlan = { kind: 'case', writes: tables(), entry: entry(bits), notes: [] };
  machine.load(plan);
  machine.cpu.set(S.xcr0, supported(machine.cpu) & (X87 | SSE | AVX), 0);
  machine.cpu.modeChanged();
  machine.conditions.add({ kind: 'exception' });
  return machine;
}

/** Puts code at its place in the code area, which is INT3 elsewhere, and empties the data area. */
export function place({ cpu }: PersonalComputer, code: Uint8Array, rip: number, patches: readonly Patch[] = []): void {
  const codeAt = MAP.guestMemory + CODE, data = MAP.guestMemory + DATA;
  cpu.codeWritten(CODE, AREA_BYTES);
  cpu.u8.fill(INT3, codeAt, codeAt + AREA_BYTES);
  cpu.u8.set(code, codeAt + rip - CODE_BASE);
  cpu.codeWritten(DATA, AREA_BYTES);
  cpu.u8.fill(0, data, data + AREA_BYTES);
  for (const { offset, bytes } of patches) cpu.u8.set(bytes, data + offset);
}

/** A machine for case after case, which takes back what each has changed. */
class CaseMachine {
  readonly machine: PersonalComputer;
  private readonly fresh: Uint8Array;
  /** What the data area holds when a case begins: zero, but for its patches. */
  private readonly before = new Uint32Array(AREA_BYTES / 4);

  constructor(bits: 64 | 32) {
    this.machine = caseMachine(bits);
    place(this.machine, Uint8Array.of(), CODE_BASE);
    this.fresh = this.machine.cpu.u8.slice(0, S.end);
  }

  /** Makes the handlers of all cases, many to a module. */
  prepare(cases: readonly Case[]): void {
    const { engine, cpu } = this.machine, mode = engine.modes.get(cpu.low(S.codeMode));
    engine.handlers.together(() => { for (const { code, state } of cases) engine.blocks.prepare(code, Number(state.rip), mode); });
  }

  run(c: Case): Result {
    const { machine, before } = this, { cpu } = machine, { u8 } = cpu, data = MAP.guestMemory + DATA, patches = c.data ?? [];
    const codeAt = MAP.guestMemory + CODE + Number(c.state.rip) - CODE_BASE, codeBytes = Math.min(c.code.length, AREA_BYTES - (codeAt - MAP.guestMemory - CODE));
    const bytesBefore = new Uint8Array(before.buffer);
    u8.set(c.code.subarray(0, codeBytes), codeAt);
    for (const { offset, bytes } of patches) { u8.set(bytes, data + offset); bytesBefore.set(bytes, offset); }
    u8.set(this.fresh);
    load(machine, c.state);
    // A new instant: an exception of the case before is not met again.
    machine.engine.setRetired(machine.instructions + 1);
    let stop = machine.step(0);
    // Each iteration of a repeated string instruction is a step of its own.
    const most = isRepeatedString(c.code) ? MOST_ITERATIONS : 0;
    for (let i = 0; i < most && stop.kind === 'budget' && cpu.big(S.rip) === c.state.rip; i++) stop = machine.step(0);
    const state = new State();
    store(machine, state);
    const changed = this.changes();
    for (const { offset, bytes } of patches) { u8.fill(0, data + offset, data + offset + bytes.length); bytesBefore.fill(0, offset, offset + bytes.length); }
    u8.fill(INT3, codeAt, codeAt + codeBytes);
    cpu.codeWritten(CODE, AREA_BYTES);
    if (stop.kind === 'budget') return { outcome: 'completed', vector: 0, errorCode: 0, cr2: 0n, state, data: changed };
    if (stop.kind !== 'event') throw new Error(`${Buffer.from(c.code).toString('hex')}: ${JSON.stringify(stop)}`);
    const { vector, error, cr2 } = stop.event.fields as { vector: number; error: number; cr2: number };
    return { outcome: 'exception', vector, errorCode: error, cr2: vector === 14 ? BigInt.asUintN(64, BigInt(cr2)) : 0n, state, data: changed };
  }

  /** The aligned quadwords of the data area that have changed; they are zero again. */
  private changes(): Patch[] {
    const { before } = this, { u8, u32 } = this.machine.cpu, first = (MAP.guestMemory + DATA) / 4, end = AREA_BYTES / 4, changed: Patch[] = [];
    const differs = (i: number) => u32[first + i] !== before[i] || u32[first + i + 1] !== before[i + 1];
    for (let i = 0; i < end; i += 2) {
      if (!differs(i)) continue;
      let next = i + 2;
      while (next < end && differs(next)) next += 2;
      changed.push({ offset: 4 * i, bytes: u8.slice(4 * (first + i), 4 * (first + next)) });
      u32.fill(0, first + i, first + next);
      i = next;
    }
    return changed;
  }
}

export class EmulatedOracle {
  private readonly machines = new Map<64 | 32, CaseMachine>();

  private machine(bits: 64 | 32): CaseMachine {
    let known = this.machines.get(bits);
    if (!known) this.machines.set(bits, known = new CaseMachine(bits));
    return known;
  }

  run(cases: readonly Case[]): Result[] {
    for (const bits of [64, 32] as const) this.machine(bits).prepare(cases.filter((c) => (c.bits ?? 64) === bits));
    return cases.map((c) => this.machine(c.bits ?? 64).run(c));
  }
}

const FX = { fcw: 0, fsw: 2, ftw: 4, fop: 6, fip: 8, fdp: 16, mxcsr: 24 } as const;
/** Where doublewords of the states begin. */
const YMM_WORDS = S.ymm / 4, XMM_IMAGE_WORDS = (FXSAVE_OFFSET + XMM_OFFSET) / 4, YMM_HIGH_WORDS = YMM_HIGH_OFFSET / 4, ST_IMAGE_WORDS = (FXSAVE_OFFSET + ST_OFFSET) / 4;
const GENERAL_BYTES = 8 * REGISTER_NAMES.length, HIGHEST_WORD = 0xffff;

export function load({ cpu }: PersonalComputer, s: State): void {
  const { u32 } = cpu, { words, fxsave } = s;
  cpu.u8.set(s.bytes.subarray(0, GENERAL_BYTES), S.gpr);
  setRflags(cpu, Number(s.rflags & RFLAGS_MASK) | 0x202);
  cpu.setBig(S.rip, s.rip);
  cpu.setBig(segment(FS) + SEGMENT.base, s.fsBase);
  cpu.setBig(segment(GS) + SEGMENT.base, s.gsBase);
  const status = fxsave.getUint16(FX.fsw, true), top = (status >> 11) & 7;
  u32[S.fcw >> 2] = fxsave.getUint16(FX.fcw, true);
  u32[S.fsw >> 2] = status;
  u32[S.ftw >> 2] = fxsave.getUint8(FX.ftw);
  u32[S.fop >> 2] = fxsave.getUint16(FX.fop, true);
  cpu.setBig(S.fip, fxsave.getBigUint64(FX.fip, true));
  cpu.setBig(S.fdp, fxsave.getBigUint64(FX.fdp, true));
  u32[S.mxcsr >> 2] = fxsave.getUint32(FX.mxcsr, true);
  for (let i = 0; i < 8; i++) {
    const to = (S.x87 >> 2) + 4 * ((top + i) & 7), from = ST_IMAGE_WORDS + 4 * i;
    u32[to] = words[from]!;
    u32[to + 1] = words[from + 1]!;
    u32[to + 2] = words[from + 2]! & HIGHEST_WORD;
    u32[to + 3] = 0;
  }
  for (let i = 0; i < 16; i++) for (let word = 0; word < 4; word++) {
    u32[YMM_WORDS + 8 * i + word] = words[XMM_IMAGE_WORDS + 4 * i + word]!;
    u32[YMM_WORDS + 8 * i + 4 + word] = words[YMM_HIGH_WORDS + 4 * i + word]!;
  }
  cpu.modeChanged();
}

function store({ cpu }: PersonalComputer, s: State): void {
  const { u32 } = cpu, { words, fxsave } = s;
  s.bytes.set(cpu.u8.subarray(S.gpr, S.gpr + GENERAL_BYTES));
  s.rflags = BigInt(getRflags(cpu)) & RFLAGS_MASK;
  s.rip = cpu.big(S.rip);
  s.fsBase = cpu.big(segment(FS) + SEGMENT.base);
  s.gsBase = cpu.big(segment(GS) + SEGMENT.base);
  for (let n = ES; n <= GS; n++) s.setSelector(n, cpu.low(segment(n) + SEGMENT.selector));
  const top = (cpu.low(S.fsw) >> 11) & 7;
  fxsave.setUint16(FX.fcw, cpu.low(S.fcw), true);
  fxsave.setUint16(FX.fsw, cpu.low(S.fsw), true);
  fxsave.setUint8(FX.ftw, cpu.low(S.ftw));
  fxsave.setUint32(FX.mxcsr, cpu.low(S.mxcsr), true);
  for (let i = 0; i < 8; i++) {
    const from = (S.x87 >> 2) + 4 * ((top + i) & 7), to = ST_IMAGE_WORDS + 4 * i;
    words[to] = u32[from]!;
    words[to + 1] = u32[from + 1]!;
    words[to + 2] = u32[from + 2]! & HIGHEST_WORD;
  }
  for (let i = 0; i < 16; i++) for (let word = 0; word < 4; word++) {
    words[XMM_IMAGE_WORDS + 4 * i + word] = u32[YMM_WORDS + 8 * i + word]!;
    words[YMM_HIGH_WORDS + 4 * i + word] = u32[YMM_WORDS + 8 * i + 4 + word]!;
  }
}
