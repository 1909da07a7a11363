import assert from 'node:assert/strict';
import { Exception, FaultInNewTask, VECTORS } from './events.js';
import { AC, getRflags, IF, IOPL, NT, setRflags, VM } from './flags.js';
import { CS, DS, ES, S, SS, TR } from './layout.js';
import { BLOCKING, EFER } from './modes.js';
import { UNUSABLE } from './processor.js';
import { setSegment } from './segments.js';
import { GDT, HANDLER, longMode, protectedMode, SELECTOR, STACK0, STACK3, TestProcessor } from './test-processor.js';

const ESP = 4;
const faultOf = (act: () => void): [string, number] => {
  try { act(); } catch (e) {
    if (e instanceof Exception) return [Object.entries(VECTORS).find(([, v]) => v === e.vector)![0], e.errorCode];
    throw e;
  }
  throw new Error('no exception');
};
function pushes(cpu: TestProcessor, ...values: number[]): void {
  const bytes = cpu.code64 ? 8 : 4;
  values.forEach((value, n) => {
    const at = cpu.regNumber(ESP) - bytes * (n + 1);
    if (bytes === 8) cpu.poke(at, value, 0); else cpu.poke(at, value);
  });
  cpu.setRegNumber(ESP, cpu.regNumber(ESP) - bytes * values.length);
}

describe('far JMP and CALL', () => {
  it('load a base of sixteen times the selector in real-address mode', () => {
    const cpu = new TestProcessor();
    cpu.perform('far JMP', 0x1234, 0x10, 16);
    assert.deepEqual([cpu.rip, cpu.base(CS), cpu.selector(CS)], [0x10, 0x12340, 0x1234]);
    assert.deepEqual(faultOf(() => { cpu.perform('far JMP', 0, 0x10000, 32); }), ['#GP', 0]);
  });
  it('check the code segment', () => {
    const cpu = protectedMode();
    const jump = (selector: number, offset = 0x10) => faultOf(() => { cpu.perform('far JMP', selector, offset, 32); });
    assert.deepEqual(jump(0), ['#GP', 0]);
    assert.deepEqual(jump(0x200), ['#GP', 0x200]);
    assert.deepEqual(jump(SELECTOR.data0), ['#GP', SELECTOR.data0]);
    assert.deepEqual(jump(SELECTOR.code3), ['#GP', SELECTOR.code3 & ~3]);
    assert.deepEqual(jump(SELECTOR.absent), ['#GP', SELECTOR.absent]);
    cpu.descriptor(SELECTOR.absent, 0, 0xff, 0x401b);
    assert.deepEqual(jump(SELECTOR.absent), ['#NP', SELECTOR.absent]);
    cpu.descriptor(SELECTOR.absent, 0, 0xff, 0x409b);
    assert.deepEqual(jump(SELECTOR.absent, 0x100), ['#GP', 0]);
    cpu.perform('far JMP', SELECTOR.absent, 0xff, 32);
    assert.deepEqual([cpu.rip, cpu.limit(CS)], [0xff, 0xff]);
  });
  it('set the accessed bit', () => {
    const cpu = protectedMode();
    cpu.descriptor(SELECTOR.absent, 0, 0xff, 0x409a);
    cpu.perform('far JMP', SELECTOR.absent, 0, 32);
    assert.equal(cpu.peek(GDT + SELECTOR.absent + 4) & 0x100, 0x100);
  });
  it('go through a call gate to an inner stack, with parameters', () => {
    const cpu = protectedMode(3);
    pushes(cpu, 0x11111111, 0x22222222);
    cpu.perform('far CALL', SELECTOR.gate, 0, 32);
    assert.deepEqual([cpu.cpl, cpu.rip, cpu.selector(CS), cpu.selector(SS), cpu.reg32(ESP)], [0, HANDLER, SELECTOR.code0, SELECTOR.data0, STACK0 - 24]);
    assert.deepEqual([0, 4, 8, 12, 16, 20].map((n) => cpu.peek(STACK0 - 24 + n)), [0x102, SELECTOR.code3, 0x22222222, 0x11111111, STACK3 - 8, SELECTOR.data3]);
    cpu.perform('far RET', 32, 8);
    assert.deepEqual([cpu.cpl, cpu.rip, cpu.selector(SS), cpu.reg32(ESP)], [3, 0x102, SELECTOR.data3, STACK3]);
  });
  it('need enough privilege for the gate, and JMP cannot change the level', () => {
    const cpu = protectedMode(3);
    assert.deepEqual(faultOf(() => { cpu.perform('far JMP', SELECTOR.gate, 0, 32); }), ['#GP', SELECTOR.code0]);
    cpu.gate(GDT + (SELECTOR.gate & ~7), SELECTOR.code0, HANDLER, 0x8c);
    assert.deepEqual(faultOf(() => { cpu.perform('far CALL', SELECTOR.gate, 0, 32); }), ['#GP', SELECTOR.gate & ~3]);
  });
  it('to a TSS switch tasks, and what is wrong with the new task is its own fault', () => {
    const cpu = protectedMode();
    assert.throws(() => { cpu.perform('far JMP', SELECTOR.tss, 0, 32); }, (e) => e instanceof FaultInNewTask && e.vector === VECTORS['#TS']);
    assert.equal(cpu.selector(TR), SELECTOR.tss);
  });
  it('go from compatibility to 64-bit code and back', () => {
    const cpu = longMode();
    cpu.perform('far JMP', SELECTOR.code0, 0x1000, 64);
    assert.deepEqual([cpu.code64, cpu.longMode], [false, true]);
    cpu.perform('far JMP', SELECTOR.code64, 0x2000, 32);
    assert.deepEqual([cpu.code64, cpu.rip], [true, 0x2000]);
    assert.deepEqual(faultOf(() => { cpu.perform('far JMP', SELECTOR.code64, 0x800000000000n, 64); }), ['#GP', 0]);
  });
  it('drops data segments that the outer level may not use', () => {
    const cpu = protectedMode();
    setSegment(cpu, ES, SELECTOR.data3, 0, 0xffffffff, 0xc0f3);
    pushes(cpu, SELECTOR.data3, STACK3, SELECTOR.code3, 0x1234);
    cpu.perform('far RET', 32, 0);
    assert.deepEqual([cpu.cpl, cpu.rip, cpu.reg32(ESP)], [3, 0x1234, STACK3]);
    assert.deepEqual([cpu.attributes(DS) & UNUSABLE, cpu.attributes(ES) & UNUSABLE], [UNUSABLE, 0]);
  });
});

describe('IRET', () => {
  it('returns to the same level, with IOPL only at level 0 and IF only when CPL allows', () => {
    const cpu = protectedMode();
    pushes(cpu, 2 | IF | IOPL | NT, SELECTOR.code0, 0x500);
    cpu.perform('IRET', 32);
    assert.deepEqual([cpu.rip, getRflags(cpu), cpu.reg32(ESP)], [0x500, 2 | IF | IOPL | NT, STACK0 - 0x100]);
    const user = protectedMode(3);
    pushes(user, 2 | IF | IOPL | AC, SELECTOR.code3, 0x500);
    user.perform('IRET', 32);
    assert.equal(getRflags(user), 2 | AC);
  });
  it('returns to virtual-8086 mode', () => {
    const cpu = protectedMode();
    pushes(cpu, 0x600, 0x500, 0x300, 0x400, 0x200, 0xfff0, 2 | VM | IOPL, 0x100, 0x50);
    cpu.perform('IRET', 32);
    assert.deepEqual([cpu.virtual8086, cpu.cpl, cpu.rip, cpu.base(CS), cpu.base(SS), cpu.base(DS), cpu.base(ES)], [true, 3, 0x50, 0x1000, 0x2000, 0x3000, 0x4000]);
    assert.deepEqual([cpu.limit(SS), cpu.attributes(SS), cpu.reg32(ESP)], [0xffff, 0xf3, 0xfff0]);
  });
  it('checks the segments it returns to', () => {
    const back = (cs: number, ss: number) => {
      const cpu = protectedMode();
      pushes(cpu, ss, STACK3, 2, cs, 0x500);
      return faultOf(() => { cpu.perform('IRET', 32); });
    };
    assert.deepEqual(back(0, 0), ['#GP', 0]);
    assert.deepEqual(back(SELECTOR.data0, 0), ['#GP', SELECTOR.data0]);
    assert.deepEqual(back(SELECTOR.code0 | 3, 0), ['#GP', SELECTOR.code0]);
    assert.deepEqual(back(SELECTOR.code3, 0), ['#GP', 0]);
    assert.deepEqual(back(SELECTOR.code3, SELECTOR.data0), ['#GP', SELECTOR.data0]);
    assert.deepEqual(back(SELECTOR.code3, SELECTOR.readOnly | 3), ['#GP', SELECTOR.readOnly]);
  });
  it('always pops SS:RSP in 64-bit mode, where SS may be null below level 3', () => {
    const cpu = longMode();
    pushes(cpu, 0, 0x7000, 2, SELECTOR.code64, 0x500);
    cpu.perform('IRET', 64);
    assert.deepEqual([cpu.rip, cpu.regNumber(ESP), cpu.selector(SS)], [0x500, 0x7000, 0]);
    pushes(cpu, SELECTOR.data3, STACK3, 2 | IF, SELECTOR.code64User, 0x600);
    cpu.perform('IRET', 64);
    assert.deepEqual([cpu.cpl, cpu.rip, cpu.regNumber(ESP), getRflags(cpu)], [3, 0x600, STACK3, 2 | IF]);
  });
  it('unblocks NMIs, and is #GP with NT in IA-32e mode', () => {
    const cpu = longMode();
    cpu.interruptibility = BLOCKING.NMI;
    setRflags(cpu, 2 | NT);
    assert.deepEqual(faultOf(() => { cpu.perform('IRET', 64); }), ['#GP', 0]);
    assert.equal(cpu.interruptibility, 0);
  });
});

describe('fast system calls', () => {
  it('SYSCALL and SYSRET take their segments from IA32_STAR', () => {
    const cpu = longMode(3);
    cpu.set(S.star, 0, (0x23 << 16) | SELECTOR.code0);
    cpu.setBig(S.lstar, 0xffffffff80001000n);
    cpu.set(S.sfmask, IF, 0);
    setRflags(cpu, 2 | IF | 1);
    cpu.perform('SYSCALL');
    assert.deepEqual([cpu.cpl, cpu.rip, cpu.selector(CS), cpu.selector(SS), cpu.code64], [0, -0x7ffff000, SELECTOR.code0, SELECTOR.data0, true]);
    assert.deepEqual([cpu.regNumber(1), cpu.regNumber(11), getRflags(cpu)], [0x102, 2 | IF | 1, 3]);
    cpu.perform('SYSRET', 64);
    assert.deepEqual([cpu.cpl, cpu.rip, cpu.selector(CS), cpu.selector(SS), getRflags(cpu)], [3, 0x102, 0x33, 0x2b, 2 | IF | 1]);
    cpu.efer &= ~EFER.SCE;
    assert.deepEqual(faultOf(() => { cpu.perform('SYSCALL'); }), ['#UD', 0]);
  });
  it('SYSRET to an address that is not canonical is #GP at level 0', () => {
    const cpu = longMode();
    cpu.setReg(1, 0x800000000000n);
    assert.deepEqual(faultOf(() => { cpu.perform('SYSRET', 64); }), ['#GP', 0]);
    assert.equal(cpu.cpl, 0);
  });
  it('SYSENTER and SYSEXIT take theirs from IA32_SYSENTER_CS', () => {
    const cpu = protectedMode(3);
    assert.deepEqual(faultOf(() => { cpu.perform('SYSENTER'); }), ['#GP', 0]);
    cpu.set(S.sysenterCs, SELECTOR.code0, 0);
    cpu.set(S.sysenterEsp, STACK0, 0);
    cpu.set(S.sysenterEip, HANDLER, 0);
    cpu.perform('SYSENTER');
    assert.deepEqual([cpu.cpl, cpu.rip, cpu.reg32(ESP), cpu.selector(CS), cpu.selector(SS)], [0, HANDLER, STACK0, 8, 0x10]);
    cpu.setReg32(1, STACK3);
    cpu.setReg32(2, 0x444);
    cpu.perform('SYSEXIT', 32);
    assert.deepEqual([cpu.cpl, cpu.rip, cpu.reg32(ESP), cpu.selector(CS), cpu.selector(SS)], [3, 0x444, STACK3, 0x1b, 0x23]);
  });
});

describe('segment loads', () => {
  const load = (cpu: TestProcessor, index: number, selector: number) => { cpu.perform('MOV to Sreg', index, selector); };
  it('check type, privilege and presence', () => {
    const user = protectedMode(3);
    assert.deepEqual(faultOf(() => { load(user, DS, SELECTOR.data0); }), ['#GP', SELECTOR.data0]);
    const cpu = protectedMode();
    assert.deepEqual(faultOf(() => { load(cpu, DS, SELECTOR.absent); }), ['#NP', SELECTOR.absent]);
    assert.deepEqual(faultOf(() => { load(cpu, SS, SELECTOR.absent); }), ['#SS', SELECTOR.absent]);
    assert.deepEqual(faultOf(() => { load(cpu, DS, SELECTOR.tss); }), ['#GP', SELECTOR.tss]);
    assert.deepEqual(faultOf(() => { load(cpu, SS, SELECTOR.readOnly); }), ['#GP', SELECTOR.readOnly]);
    assert.deepEqual(faultOf(() => { load(cpu, SS, SELECTOR.data3); }), ['#GP', SELECTOR.data3 & ~3]);
    assert.deepEqual(faultOf(() => { load(cpu, SS, 0); }), ['#GP', 0]);
    assert.deepEqual(faultOf(() => { load(cpu, DS, SELECTOR.data0 | 4); }), ['#GP', SELECTOR.data0 | 4]);
  });
  it('find descriptors in the LDT', () => {
    const cpu = protectedMode();
    cpu.perform('LLDT', SELECTOR.ldt);
    cpu.poke(0x4008, 0x5678ffff, 0x12cf9334);
    load(cpu, ES, 0xc);
    assert.deepEqual([cpu.base(ES), cpu.limit(ES)], [0x12345678, 0xffffffff]);
  });
  it('block interrupts after SS, and let 64-bit mode have a null SS below level 3', () => {
    const cpu = longMode();
    load(cpu, SS, 0);
    assert.deepEqual([cpu.interruptibility, cpu.selector(SS)], [BLOCKING.MOV_SS, 0]);
    assert.deepEqual(faultOf(() => { load(longMode(3), SS, 3); }), ['#GP', 0]);
  });
  it('LTR marks the TSS busy and refuses a busy one', () => {
    const cpu = protectedMode();
    cpu.perform('LTR', SELECTOR.tss);
    assert.equal((cpu.peek(GDT + SELECTOR.tss + 4) >> 8) & 0xff, 0x8b);
    assert.equal(cpu.attributes(TR), 0x8b);
    assert.deepEqual(faultOf(() => { cpu.perform('LTR', SELECTOR.tss); }), ['#GP', SELECTOR.tss]);
    assert.deepEqual(faultOf(() => { cpu.perform('LTR', 0); }), ['#GP', 0]);
  });
  it('LTR takes a 64-bit base in IA-32e mode', () => {
    const cpu = longMode();
    cpu.poke(GDT + SELECTOR.tss + 8, 0xffff8000, 0);
    cpu.perform('LTR', SELECTOR.tss);
    assert.equal(cpu.base(TR), -0x8000 * 2 ** 32 + 0x3000);
  });
});
