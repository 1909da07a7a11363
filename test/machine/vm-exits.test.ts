/** Each instruction that exits always or by one control, run by a guest of a whole machine: with the control it exits, without it does not. */
import assert from 'node:assert/strict';
import { dr } from '../../emulator/cpu/debug-registers.js';
import { MAP, S } from '../../emulator/cpu/layout.js';
import { CR4 } from '../../emulator/cpu/modes.js';
import { encode } from '../../emulator/isa/encode.js';
import { forms } from '../../emulator/isa/encoding.js';
import { INSTRUCTIONS } from '../../emulator/isa/index.js';
import type { Instruction } from '../../emulator/isa/instruction.js';
import { EXIT_REASONS, type ExitReasonName } from '../../emulator/vmx/exit-reasons.js';
import { ENABLED_BY, INSTRUCTION_EXITS, type InstructionExit } from '../../emulator/vmx/instruction-exits.js';
import { AT, type Fields, primary, secondary } from '../../emulator/vmx/test-processor.js';
import { currentVmcs, slot } from '../../emulator/vmx/vmcs.js';
import type { FieldName } from '../../emulator/vmx/vmcs-fields.js';
import { FEATURES } from '../../emulator/cpu/cpuid.js';
import { vmxMachine, writeVmcs } from './vmx-machine.js';

const RAX = 0, RBX = 3, XSS = 1n, DISPLACEMENT = 0x18, ENTRY_FAILURE = 0x8000_0000;
const nameOf = new Map<number, ExitReasonName>(Object.entries(EXIT_REASONS).map(([name, { number }]) => [number, name as ExitReasonName]));

const machine = vmxMachine(), fresh = machine.save();
const field = (name: FieldName): bigint => { const vmcs = currentVmcs(machine.cpu); return (BigInt(vmcs.high(slot(name))) << 32n) | BigInt(vmcs.low(slot(name))); };
/** The reason of the exit that put the processor back into the host; undefined while it is in the guest. */
const exitOf = (): ExitReasonName | undefined => (machine.cpu.nonRoot ? undefined : nameOf.get(Number(field('exit reason') & 0xffffn)));
/** Bytes at a physical address, before the machine starts again. */
function withBytes(at: number, ...bytes: number[]): void {
  machine.restore(fresh);
  machine.cpu.u8.set(bytes, MAP.guestMemory + at);
}

/** A guest of which one instruction has run. */
function guest(code: Uint8Array, fields: Fields): void {
  withBytes(AT.guestRip, ...code);
  writeVmcs(machine, { ...fields, 'guest CR4': CR4.PAE | CR4.VMXE | CR4.OSXSAVE, 'XSS-exiting bitmap': XSS });
  machine.step(0);
  assert.ok(machine.cpu.nonRoot, 'the VMCS is accepted');
  machine.cpu.setRegNumber(RBX, AT.guestStack);
  // In common with the bitmap; no WRMSR sets it.
  machine.cpu.setReg(RAX, XSS);
  machine.cpu.setBig(S.xss, XSS);
  machine.step(0);
}

/** As its first row that 64-bit code may have: memory where it may be, at [rbx + displacement]. */
function encoded(i: Instruction): { code: Uint8Array; memory: boolean } {
  const form = forms(i).find(({ only }) => only !== '32')!, memory = form.operands.some(({ place, mayBeMemory }) => place === 'rm' && mayBeMemory);
  const code = encode(form, {
    mode: 64, operandSize: form.size === 0 ? 32 : form.size, addressSize: 64, reg: 1, rm: RBX, opcodeRegister: 0, immediate: 0n, immediate2: 0,
    ...(memory ? { memory: { base: RBX, index: -1, scale: 0, displacement: DISPLACEMENT } } : {}),
  });
  return { code, memory };
}

function fieldsFor({ control, secondary: by }: InstructionExit, enabledBy: InstructionExit['secondary']): Fields {
  const chosen = [...(by ? [by] : []), ...(enabledBy ? [enabledBy] : [])];
  return { ...(control ? primary(control) : {}), ...(chosen.length > 0 ? secondary(...chosen) : {}) };
}

describe('VM exits of instructions', () => {
  const present = INSTRUCTIONS.filter(({ name, feature }) => name in INSTRUCTION_EXITS && (feature === undefined || FEATURES.has(feature)));
  for (const i of present) {
    const exit = INSTRUCTION_EXITS[i.name]!, enabledBy = ENABLED_BY[i.name], reason = nameOf.get(exit.reason)!;
    it(`${i.name} exits${exit.control ?? exit.secondary ? ` by "${exit.control ?? exit.secondary}"` : ''}`, () => {
      const { code, memory } = encoded(i);
      guest(code, fieldsFor(exit, enabledBy));
      assert.equal(exitOf(), reason);
      assert.equal(Number(field('VM-exit instruction length')), code.length);
      assert.equal(field('guest RIP'), BigInt(AT.guestRip));
      if (exit.displacement && memory) assert.equal(field('exit qualification'), BigInt(DISPLACEMENT));
      if (i.name === 'INVLPG') assert.equal(field('exit qualification'), BigInt(AT.guestStack + DISPLACEMENT));
    });
    if (exit.control === undefined && exit.secondary === undefined) continue;
    it(`${i.name} does not exit without it`, () => {
      guest(encoded(i).code, enabledBy ? secondary(enabledBy) : {});
      assert.notEqual(exitOf(), reason);
    });
    if (enabledBy === undefined) continue;
    it(`${i.name} is #UD without "${enabledBy}"`, () => {
      guest(encoded(i).code, { ...(exit.control ? primary(exit.control) : {}), 'exception bitmap': 1 << 6 });
      assert.equal(exitOf(), 'EXCEPTION_OR_NMI');
    });
  }

  it('a guest page that EPT misconfigures exits, and tells the guest-physical address', () => {
    // Writable, but not readable.
    withBytes(AT.ept + 0x3000 + 8 * (AT.guestRip >> 12), 2);
    writeVmcs(machine, secondary('enable EPT'));
    machine.step(0);
    machine.step(0);
    assert.equal(exitOf(), 'EPT_MISCONFIGURATION');
    assert.equal(field('guest-physical address'), BigInt(AT.guestRip));
  });

  it('a VM entry fails by guest state, and by the MSR-load area, with bit 31 of the exit reason', () => {
    for (const [fields, reason, qualification] of [
      [{ 'guest RFLAGS': 0 }, 'ENTRY_FAILURE_GUEST_STATE', 0n],
      [{ 'VM-entry MSR-load count': 1, 'VM-entry MSR-load address': AT.msrArea }, 'ENTRY_FAILURE_MSR_LOADING', 1n],
    ] as const) {
      withBytes(AT.msrArea + 3, 0x40);
      writeVmcs(machine, fields);
      machine.step(0);
      assert.equal(exitOf(), reason);
      assert.equal(Number(field('exit reason')), ENTRY_FAILURE + EXIT_REASONS[reason].number);
      assert.equal(field('exit qualification'), qualification);
      assert.equal(machine.cpu.rip, AT.hostRip);
    }
  });
});

describe('VM exits of accesses', () => {
  it('leave no debug exception pending: the instruction will be executed again', () => {
    const MOV_TO_MEMORY = [0x89, 0x03], BREAK_ON_WRITES = 0xd0401;
    withBytes(AT.guestRip, ...MOV_TO_MEMORY);
    writeVmcs(machine, { ...secondary('enable EPT'), 'guest DR7': BREAK_ON_WRITES });
    machine.cpu.view.setBigUint64(MAP.guestMemory + AT.ept + 0x3000 + 8 * (AT.guestStack >> 12), 0n, true);
    machine.cpu.setBig(dr(0), BigInt(AT.guestStack));
    machine.step(0);
    machine.cpu.setRegNumber(RBX, AT.guestStack);
    machine.step(0);
    assert.equal(exitOf(), 'EPT_VIOLATION');
    assert.equal(field('guest pending debug exceptions'), 0n);
    assert.equal(field('guest RIP'), BigInt(AT.guestRip));
  });
});
