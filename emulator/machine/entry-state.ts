/** The processor at the first instruction of a boot plan. */
import { type EntrySegment, ENTRY_SEGMENTS, type EntryState, GENERAL_REGISTERS } from '../boot/plan.js';
import { setRflags } from '../cpu/flags.js';
import { CS, DS, ES, FS, GS, gpr, LDTR, S, SS, TR } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import { setSegment } from '../cpu/segments.js';

const FCW_FNINIT = 0x37f;
const ENTRY_INDEX: Readonly<Record<EntrySegment, number>> = { es: ES, cs: CS, ss: SS, ds: DS, fs: FS, gs: GS, ldtr: LDTR, tr: TR };

/** After reset: what a boot plan says the processor is at its first instruction. The loader has executed FNINIT. */
export function applyEntryState(cpu: Processor, entry: EntryState): void {
  GENERAL_REGISTERS.forEach((name, n) => cpu.setBig(gpr(n), BigInt.asUintN(64, entry.registers[name])));
  for (const name of ENTRY_SEGMENTS) {
    const { selector, base, limit, attributes } = entry.segments[name];
    setSegment(cpu, ENTRY_INDEX[name], selector, Number(BigInt.asIntN(64, base)), limit, attributes);
  }
  cpu.cpl = entry.segments.cs.selector & 3;
  cpu.setBig(S.cr0, entry.cr0);
  cpu.setBig(S.cr3, entry.cr3);
  cpu.setBig(S.cr4, entry.cr4);
  cpu.setBig(S.efer, entry.efer);
  cpu.setBig(S.gdtrBase, BigInt.asUintN(64, entry.gdtr.base));
  cpu.u32[S.gdtrLimit >> 2] = entry.gdtr.limit;
  cpu.setBig(S.idtrBase, BigInt.asUintN(64, entry.idtr.base));
  cpu.u32[S.idtrLimit >> 2] = entry.idtr.limit;
  cpu.u32[S.fcw >> 2] = FCW_FNINIT;
  cpu.u32[S.ftw >> 2] = 0;
  setRflags(cpu, Number(entry.rflags & 0xffffffffn));
  cpu.rip = Number(BigInt.asIntN(64, entry.rip));
  cpu.nextRip = cpu.rip;
  cpu.mmu.reset();
  cpu.modeChanged();
}
