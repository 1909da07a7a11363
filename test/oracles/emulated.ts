/** Runs the cases of native.ts on Ringside's own processor: same state, same memory map, ring 3. */
import type { BootPlan, EntryState } from '../../emulator/boot/plan.js';
import { ENTRY_SEGMENTS, GENERAL_REGISTERS } from '../../emulator/boot/plan.js';
import { getRflags, setRflags } from '../../emulator/cpu/flags.js';
import { gpr, MAP, S, xmm } from '../../emulator/cpu/layout.js';
import type { MachineOptions } from '../../emulator/machine/contract.js';
import { PersonalComputer } from '../../emulator/machine/machine.js';
import { AREA_BYTES, type Case, CODE_BASE, DATA_BASE, type Patch, REGISTER_NAMES, type Result, RFLAGS_MASK, State } from './native.js';

const MOST_ITERATIONS = 100;
/** In hexadecimal: prefixes, then INS, OUTS, MOVS, CMPS, STOS, LODS or SCAS. */
const REPEATED_STRING = /^(?:26|2e|36|3e|6[4-7]|f[023]|4.)*(?:6[c-f]|a[4-7a-f])$/;
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
    cr0: 0x80050033n, cr3: BigInt(TABLES), cr4: 0x106a0n, efer: 0xd01n, gdtr: { base: BigInt(SYSTEM_BASE), limit: GDT_LIMIT }, idtr: { base: 0n, limit: 0 },
  };
}

/** A machine at CPL 3 with the memory map of the native oracle, which stops at exceptions. */
export function caseMachine(bits: 64 | 32, options: Partial<MachineOptions> = {}): PersonalComputer {
  const machine = new PersonalComputer({ memoryBytes: MEMORY_BYTES, cpus: 1, onSerial: () => undefined, onDebugConsole: () => undefined, ...options });
  const plan: BootPlan = { kind: 'case', writes: tables(), entry: entry(bits), notes: [] };
  machine.load(plan);
  machine.conditions.add({ kind: 'exception' });
  return machine;
}

/** Puts code at its place in the code area, which is INT3 elsewhere, and empties the data area. */
export function place({ cpu }: PersonalComputer, code: Uint8Array, rip: number, patches: readonly Patch[] = []): void {
  const codeAt = MAP.guestMemory + CODE, data = MAP.guestMemory + DATA;
  cpu.codeWritten(CODE, AREA_BYTES);
  cpu.u8.fill(0xcc, codeAt, codeAt + AREA_BYTES);
  cpu.u8.set(code, codeAt + rip - CODE_BASE);
  cpu.codeWritten(DATA, AREA_BYTES);
  cpu.u8.fill(0, data, data + AREA_BYTES);
  for (const { offset, bytes } of patches) cpu.u8.set(bytes, data + offset);
}

export class EmulatedOracle {
  private readonly machines = new Map<64 | 32, { machine: PersonalComputer; fresh: Uint8Array }>();

  private machine(bits: 64 | 32): { machine: PersonalComputer; fresh: Uint8Array } {
    let known = this.machines.get(bits);
    if (!known) {
      const machine = caseMachine(bits);
      known = { machine, fresh: machine.cpu.u8.slice(0, S.end) };
      this.machines.set(bits, known);
    }
    return known;
  }

  run(cases: readonly Case[]): Result[] { return cases.map((c) => this.one(c)); }

  private one(c: Case): Result {
    const { machine, fresh } = this.machine(c.bits ?? 64), { cpu } = machine;
    const data = MAP.guestMemory + DATA;
    place(machine, c.code, Number(c.state.rip), c.data);
    const before = cpu.u32.slice(data / 4, (data + AREA_BYTES) / 4);
    cpu.u8.set(fresh);
    load(machine, c.state);
    // A new instant: an exception of the case before is not met again.
    machine.engine.setRetired(machine.instructions + 1);
    let stop = machine.step(0);
    // Each iteration of a repeated string instruction is a step of its own.
    const most = REPEATED_STRING.test(Buffer.from(c.code).toString('hex')) ? MOST_ITERATIONS : 0;
    for (let i = 0; i < most && stop.kind === 'budget' && cpu.big(S.rip) === c.state.rip; i++) stop = machine.step(0);
    const state = new State();
    store(machine, state);
    const changed: Patch[] = [];
    for (let i = 0; i < AREA_BYTES / 4; i += 2) {
      if (cpu.u32[data / 4 + i] !== before[i] || cpu.u32[data / 4 + i + 1] !== before[i + 1]) changed.push({ offset: 4 * i, bytes: cpu.u8.slice(data + 4 * i, data + 4 * i + 8) });
    }
    if (stop.kind === 'budget') return { outcome: 'completed', vector: 0, errorCode: 0, cr2: 0n, state, data: changed };
    if (stop.kind !== 'event') throw new Error(`${Buffer.from(c.code).toString('hex')}: ${JSON.stringify(stop)}`);
    const { vector, error, cr2 } = stop.event.fields as { vector: number; error: number; cr2: number };
    return { outcome: 'exception', vector, errorCode: error, cr2: vector === 14 ? BigInt.asUintN(64, BigInt(cr2)) : 0n, state, data: changed };
  }
}

const FX = { fcw: 0, fsw: 2, ftw: 4, fop: 6, fip: 8, fdp: 16, mxcsr: 24, st: 32, xmm: 160 } as const;

export function load({ cpu }: PersonalComputer, s: State): void {
  REGISTER_NAMES.forEach((name, n) => cpu.setBig(gpr(n), s.get(name)));
  setRflags(cpu, Number(s.rflags & RFLAGS_MASK) | 0x202);
  cpu.setBig(S.rip, s.rip);
  const fx = s.fxsave;
  cpu.u32[S.fcw >> 2] = fx.getUint16(FX.fcw, true);
  cpu.u32[S.fsw >> 2] = fx.getUint16(FX.fsw, true);
  cpu.u32[S.ftw >> 2] = fx.getUint8(FX.ftw);
  cpu.u32[S.fop >> 2] = fx.getUint16(FX.fop, true);
  cpu.setBig(S.fip, fx.getBigUint64(FX.fip, true));
  cpu.setBig(S.fdp, fx.getBigUint64(FX.fdp, true));
  cpu.u32[S.mxcsr >> 2] = fx.getUint32(FX.mxcsr, true);
  const top = (fx.getUint16(FX.fsw, true) >> 11) & 7;
  const image = new Uint8Array(fx.buffer, fx.byteOffset, fx.byteLength);
  for (let i = 0; i < 8; i++) {
    const to = S.x87 + 16 * ((top + i) & 7);
    cpu.u8.fill(0, to, to + 16);
    cpu.u8.set(image.subarray(FX.st + 16 * i, FX.st + 16 * i + 10), to);
  }
  for (let i = 0; i < 16; i++) { cpu.u8.set(image.subarray(FX.xmm + 16 * i, FX.xmm + 16 * i + 16), xmm(i)); cpu.u8.set(s.ymmHigh(i), xmm(i) + 16); }
  cpu.modeChanged();
}

function store({ cpu }: PersonalComputer, s: State): void {
  REGISTER_NAMES.forEach((name, n) => { s.set(name, cpu.big(gpr(n))); });
  s.rflags = BigInt(getRflags(cpu)) & RFLAGS_MASK;
  s.rip = cpu.big(S.rip);
  const fx = s.fxsave;
  fx.setUint16(FX.fcw, cpu.low(S.fcw), true);
  fx.setUint16(FX.fsw, cpu.low(S.fsw), true);
  fx.setUint8(FX.ftw, cpu.low(S.ftw));
  fx.setUint16(FX.fop, cpu.low(S.fop), true);
  fx.setBigUint64(FX.fip, cpu.big(S.fip), true);
  fx.setBigUint64(FX.fdp, cpu.big(S.fdp), true);
  fx.setUint32(FX.mxcsr, cpu.low(S.mxcsr), true);
  const top = (cpu.low(S.fsw) >> 11) & 7;
  const image = new Uint8Array(fx.buffer, fx.byteOffset, fx.byteLength);
  for (let i = 0; i < 8; i++) {
    const from = S.x87 + 16 * ((top + i) & 7);
    image.set(cpu.u8.subarray(from, from + 10), FX.st + 16 * i);
  }
  for (let i = 0; i < 16; i++) { image.set(cpu.u8.subarray(xmm(i), xmm(i) + 16), FX.xmm + 16 * i); s.ymmHigh(i).set(cpu.u8.subarray(xmm(i) + 16, xmm(i) + 32)); }
}
