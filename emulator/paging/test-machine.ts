/** For tests: a processor over a small memory, and hand-built paging structures. */
import { ExitDue } from '../cpu/events.js';
import { MAP, S } from '../cpu/layout.js';
import { Processor } from '../cpu/processor.js';
import { Bus } from '../memory/bus.js';
import { Mmu } from './mmu.js';

export const P = 1n, W = 2n, U = 4n, A = 0x20n, D = 0x40n, PS = 0x80n, G = 0x100n, XD = 1n << 63n;
export const PG = 0x80000001, WP = 0x10000;
export const CR4 = { PSE: 0x10, PAE: 0x20, PGE: 0x80, PCIDE: 0x20000, SMEP: 0x100000, SMAP: 0x200000, PKE: 0x400000 };
export const LMA = 0x500, NXE = 0x800;

export class TestMachine {
  readonly cpu: Processor;
  readonly mmu: Mmu;
  readonly bus = new Bus('memory');
  readonly codeWrites: [physical: number, bytes: number][] = [];
  vpid = 0;
  eptp = 0;
  modeBased = false;

  constructor(readonly guestBytes = 0x800000) {
    const memory = new WebAssembly.Memory({ initial: (MAP.guestMemory + guestBytes) / 65536 });
    const cpu = (this.cpu = new Processor(memory, 0, guestBytes));
    cpu.codeWritten = (physical, bytes) => { this.codeWrites.push([physical, bytes]); };
    this.mmu = cpu.mmu = new Mmu(cpu, this.bus);
    cpu.modeChanged = () => { this.mmu.spaceChanged(); };
    this.mmu.vmcs = { vpid: () => this.vpid, eptp: () => this.eptp, modeBased: () => this.modeBased, apicAccessPage: () => -1, accessApic: () => 0, walkedToApic: (why) => new ExitDue(() => { throw new Error(why); }), logDirty: () => undefined };
  }

  get(physical: number): bigint { return this.cpu.view.getBigUint64(MAP.guestMemory + physical, true); }
  put(physical: number, value: bigint): void { this.cpu.view.setBigUint64(MAP.guestMemory + physical, BigInt.asUintN(64, value), true); }
  put32(physical: number, value: number): void { this.cpu.view.setUint32(MAP.guestMemory + physical, value, true); }
  get32(physical: number): number { return this.cpu.view.getUint32(MAP.guestMemory + physical, true); }

  set(registers: { cr0?: number; cr3?: number; cr4?: number; efer?: number; cpl?: number; ac?: boolean }): void {
    const { cpu } = this;
    if (registers.cr0 !== undefined) cpu.cr0 = registers.cr0;
    if (registers.cr3 !== undefined) cpu.cr3 = registers.cr3;
    if (registers.cr4 !== undefined) cpu.cr4 = registers.cr4;
    if (registers.efer !== undefined) cpu.efer = registers.efer;
    if (registers.cpl !== undefined) cpu.cpl = registers.cpl;
    if (registers.ac !== undefined) cpu.set(S.rflags, registers.ac ? 0x40002 : 2, 0);
    this.mmu.spaceChanged();
  }

  /** PML4 at 1000, PDPT at 2000, PD at 3000, PT at 4000: everything allowed; linear 0 … 1FFFFF through the PT. */
  fourLevel(leaf: (page: number) => bigint): void {
    this.put(0x1000, 0x2000n | P | W | U);
    this.put(0x2000, 0x3000n | P | W | U);
    this.put(0x3000, 0x4000n | P | W | U);
    for (let page = 0; page < 512; page++) this.put(0x4000 + 8 * page, leaf(page));
    this.set({ cr0: PG, cr3: 0x1000, cr4: CR4.PAE, efer: LMA | NXE });
  }

  /** EPT at 10000 … 13000 that maps guest-physical to itself + `offset`, by 4-KByte pages, 2 MBytes in all. */
  ept(entry: (page: number) => bigint, flags = 0x1en): void {
    this.put(0x10000, 0x11000n | 7n);
    this.put(0x11000, 0x12000n | 7n);
    this.put(0x12000, 0x13000n | 7n);
    for (let page = 0; page < 512; page++) this.put(0x13000 + 8 * page, entry(page));
    this.eptp = 0x10000 + Number(flags);
  }

  /** VM entry or exit, as far as paging knows. */
  world(nonRoot: boolean): void {
    this.cpu.i32[S.nonRoot >> 2] = nonRoot ? 1 : 0;
    this.mmu.vmTransition(this.vpid);
  }
}

/** Evaluates and returns what is thrown. */
export function thrown(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
