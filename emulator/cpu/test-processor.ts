/** For tests: a processor over a little memory, with descriptor tables, a TSS and page tables at known places. */
import { Bus } from '../memory/bus.js';
import type { LocalApic } from '../devices/local-apic.js';
import { fieldsOf, TRAP_KINDS, type TrapEvent, type TrapKind } from './trap-events.js';
import { Mmu } from '../paging/mmu.js';
import { setRflags } from './flags.js';
import { CS, DS, ES, FS, GS, MAP, S, SS, TR } from './layout.js';
import { CR0, CR4, EFER } from './modes.js';
import { Processor } from './processor.js';
import { resetProcessor } from './reset.js';
import { FLAT_CODE32, FLAT_CODE64, FLAT_DATA, setFlat, setSegment } from './segments.js';
import { SYSTEM_OPERATIONS } from './system-operations.js';

export const GDT = 0x1000, IDT = 0x2000, TSS = 0x3000, LDT = 0x4000, STACK0 = 0x8000, STACK3 = 0x9000, HANDLER = 0x5000, PML4 = 0x10000;
/** Selectors of the descriptors that `protectedMode` and `longMode` put into the GDT. */
export const SELECTOR = {
  code0: 0x08, data0: 0x10, code3: 0x1b, data3: 0x23, tss: 0x28, conforming: 0x38, absent: 0x40, gate: 0x4b, ldt: 0x58, code64: 0x68, code64User: 0x7b, readOnly: 0x80,
} as const;
const GUEST_BYTES = 0x100000;

export class TestProcessor extends Processor {
  readonly events: { kind: TrapKind; fields: TrapEvent['fields']; says: string }[] = [];
  stopAt: TrapKind | undefined;
  constructor() {
    super(new WebAssembly.Memory({ initial: (MAP.guestMemory + GUEST_BYTES) / 65536 }), 0, GUEST_BYTES);
    this.ports = new Bus('port');
    this.observer = {
      raise: (kind, values, says) => {
        const fields = fieldsOf(kind, (place) => values[place]), name = TRAP_KINDS[kind]!;
        this.events.push({ kind: name, fields, says: says({ rip: this.rip, fields }) });
        return this.stopAt === name;
      },
    };
    this.modeChanged = () => { this.mmu.spaceChanged(); };
    this.codeWritten = () => undefined;
    this.instructionCount = () => 0;
    this.readTsc = () => 1000n;
    this.localApic = { taskPriority: 0, interruptRequested: false, timer: { tscChanged: () => undefined } } as LocalApic;
    this.mmu = new Mmu(this, new Bus('memory'));
    resetProcessor(this);
  }

  /** Memory by physical address, which here is the linear address too. */
  peek(at: number, bytes: 2 | 4 = 4): number {
    return bytes === 2 ? this.view.getUint16(MAP.guestMemory + at, true) : this.view.getUint32(MAP.guestMemory + at, true);
  }
  poke(at: number, low: number, high?: number): void {
    this.view.setUint32(MAP.guestMemory + at, low >>> 0, true);
    if (high !== undefined) this.view.setUint32(MAP.guestMemory + at + 4, high >>> 0, true);
  }
  poke16(at: number, value: number): void { this.view.setUint16(MAP.guestMemory + at, value, true); }

  /** Performs an operation as the engine does for an instruction of two bytes. */
  perform(name: keyof typeof SYSTEM_OPERATIONS & string, ...args: (number | bigint)[]): void {
    args.forEach((value, n) => { this.resultBig(n, BigInt(value)); });
    this.nextRip = this.rip + 2;
    SYSTEM_OPERATIONS[name]!(this);
    this.rip = this.nextRip;
  }

  descriptor(selector: number, base: number, limit: number, attributes: number): void {
    this.poke(GDT + (selector & 0xfff8), ((base & 0xffff) << 16) | (limit & 0xffff),
      (base & 0xff000000) | ((base >>> 16) & 0xff) | ((attributes & 0xf0ff) << 8) | (limit & 0xf0000));
  }
  gate(at: number, selector: number, offset: number, attributes: number, low = 0): void {
    this.poke(at, (selector << 16) | (offset & 0xffff), (offset & 0xffff0000) | (attributes << 8) | low);
  }
}

const level = (attributes: number, dpl: number): number => attributes | (dpl << 5);

/** Protected mode without paging at a CPL: flat segments, a 32-bit TSS, interrupt gates for all vectors that lead to HANDLER + vector. */
export function protectedMode(cpl = 0): TestProcessor {
  const cpu = new TestProcessor();
  cpu.descriptor(SELECTOR.code0, 0, 0xfffff, FLAT_CODE32);
  cpu.descriptor(SELECTOR.data0, 0, 0xfffff, FLAT_DATA);
  cpu.descriptor(SELECTOR.code3, 0, 0xfffff, level(FLAT_CODE32, 3));
  cpu.descriptor(SELECTOR.data3, 0, 0xfffff, level(FLAT_DATA, 3));
  cpu.descriptor(SELECTOR.tss, TSS, 0x1fff, 0x89);
  cpu.descriptor(SELECTOR.conforming, 0, 0xfffff, FLAT_CODE32 | 4);
  cpu.descriptor(SELECTOR.absent, 0, 0xfffff, FLAT_DATA & ~0x80);
  cpu.descriptor(SELECTOR.ldt, LDT, 0xff, 0x82);
  cpu.descriptor(SELECTOR.code64, 0, 0xfffff, FLAT_CODE64);
  cpu.descriptor(SELECTOR.code64User, 0, 0xfffff, level(FLAT_CODE64, 3));
  cpu.descriptor(SELECTOR.readOnly, 0, 0xfffff, FLAT_DATA & ~2);
  cpu.gate(GDT + (SELECTOR.gate & 0xfff8), SELECTOR.code0, HANDLER, 0xec, 2);
  for (let vector = 0; vector < 256; vector++) cpu.gate(IDT + 8 * vector, SELECTOR.code0, HANDLER + vector, 0x8e);
  cpu.setNumber(S.gdtrBase, GDT);
  cpu.u32[S.gdtrLimit >> 2] = 0xff;
  cpu.setNumber(S.idtrBase, IDT);
  cpu.u32[S.idtrLimit >> 2] = 0x7ff;
  cpu.poke(TSS + 4, STACK0);
  cpu.poke16(TSS + 8, SELECTOR.data0);
  cpu.poke16(TSS + 0x66, 0x68);
  cpu.cr0 = (CR0.PE | CR0.ET) >>> 0;
  setSegment(cpu, TR, SELECTOR.tss, TSS, 0x1fff, 0x8b);
  setLevel(cpu, cpl, FLAT_CODE32, cpl === 3 ? SELECTOR.code3 : SELECTOR.code0);
  return cpu;
}

function setLevel(cpu: TestProcessor, cpl: number, code: number, selector: number): void {
  const data = cpl === 3 ? SELECTOR.data3 : SELECTOR.data0;
  setFlat(cpu, CS, selector, code, cpl);
  for (const index of [ES, SS, DS, FS, GS]) setFlat(cpu, index, data, FLAT_DATA, cpl);
  cpu.cpl = cpl;
  cpu.rip = 0x100;
  cpu.nextRip = 0x102;
  cpu.setRegNumber(4, cpl === 3 ? STACK3 : STACK0 - 0x100);
  setRflags(cpu, 2);
  cpu.modeChanged();
}

/** 64-bit mode: the first megabyte is mapped for user and supervisor with 4-KByte pages. */
export function longMode(cpl = 0): TestProcessor {
  const cpu = protectedMode();
  cpu.poke(PML4, (PML4 + 0x1000) | 7, 0);
  cpu.poke(PML4 + 0x1000, (PML4 + 0x2000) | 7, 0);
  cpu.poke(PML4 + 0x2000, (PML4 + 0x3000) | 7, 0);
  for (let page = 0; page < GUEST_BYTES / 0x1000; page++) cpu.poke(PML4 + 0x3000 + 8 * page, (page << 12) | 7, 0);
  for (let vector = 0; vector < 128; vector++) {
    cpu.gate(IDT + 16 * vector, SELECTOR.code64, HANDLER + vector, 0x8e);
    cpu.poke(IDT + 16 * vector + 8, 0, 0);
  }
  cpu.poke(TSS + 4, STACK0, 0);
  cpu.poke(TSS + 36, STACK0 - 0x800, 0);
  cpu.cr4 = CR4.PAE;
  cpu.efer = EFER.LME | EFER.LMA | EFER.SCE;
  cpu.cr3 = PML4;
  cpu.cr0 = (CR0.PE | CR0.ET | CR0.PG | CR0.WP) >>> 0;
  cpu.mmu.flushAll();
  setLevel(cpu, cpl, FLAT_CODE64, cpl === 3 ? SELECTOR.code64User : SELECTOR.code64);
  cpu.events.length = 0;
  return cpu;
}
