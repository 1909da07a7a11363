import assert from 'node:assert/strict';
import { ABANDON, Exception, STOP_BEFORE_DELIVERY, VECTORS } from './events.js';
import { deliver, deliverEvent, deliverException, EVENT } from './exceptions.js';
import { AC, DF, getRflags, IF, IOPL, NT, RF, setRflags, TF, VM } from './flags.js';
import { CS, DS, ES, FS, GS, S, SS, TR } from './layout.js';
import { ACTIVITY, BLOCKING } from './modes.js';
import { UNUSABLE } from './processor.js';
import { setSegment, setVirtual8086Segment } from './segments.js';
import { HANDLER, IDT, longMode, protectedMode, SELECTOR, STACK0, STACK3, TestProcessor, TSS } from './test-processor.js';

const ESP = 4;
const external = (vector: number) => ({ vector, type: EVENT.externalInterrupt, errorCode: undefined, instructionLength: 0 });
const software = (vector: number) => ({ vector, type: EVENT.softwareInterrupt, errorCode: undefined, instructionLength: 2 });
const faultOf = (act: () => void): Exception => {
  try { act(); } catch (e) { if (e instanceof Exception) return e; throw e; }
  throw new Error('no exception');
};

describe('delivery in real-address mode', () => {
  it('pushes FLAGS, CS and IP and goes through the interrupt vector table', () => {
    const cpu = new TestProcessor();
    cpu.poke(4 * 0x21, 0x12340010);
    setSegment(cpu, CS, 0x100, 0x1000, 0xffff, 0x93);
    setSegment(cpu, SS, 0x200, 0x2000, 0xffff, 0x93);
    cpu.rip = 0x50;
    cpu.setReg32(ESP, 0xabcd0000);
    setRflags(cpu, 2 | IF | TF | 1);
    deliverEvent(cpu, software(0x21));
    assert.deepEqual([cpu.rip, cpu.selector(CS), cpu.base(CS)], [0x10, 0x1234, 0x12340]);
    assert.equal(cpu.reg32(ESP), 0xabcdfffa, 'only SP changes');
    assert.deepEqual([cpu.peek(0x11ffa, 2), cpu.peek(0x11ffc, 2), cpu.peek(0x11ffe, 2)], [0x52, 0x100, 2 | IF | TF | 1]);
    assert.equal(getRflags(cpu), 3);
  });

  it('ends in shutdown when the table cannot be reached', () => {
    const cpu = new TestProcessor();
    cpu.u32[S.idtrLimit >> 2] = 0;
    deliverException(cpu, new Exception(VECTORS['#UD'], 0));
    assert.equal(cpu.activity, ACTIVITY.shutdown);
    assert.match(cpu.autopsy.join('\n'), /^#UD .*\n#GP .*\n#GP .*\n#DF .*\n#GP .*\nTriple fault/);
  });
});

describe('delivery in protected mode', () => {
  it('stays on the stack at the same level and pushes the error code', () => {
    const cpu = protectedMode();
    const sp = cpu.reg32(ESP);
    setRflags(cpu, 2 | IF | TF | NT);
    deliverException(cpu, new Exception(VECTORS['#GP'], 0x38));
    assert.equal(cpu.rip, HANDLER + 13);
    assert.equal(cpu.reg32(ESP), sp - 16);
    assert.deepEqual([0, 4, 8, 12].map((n) => cpu.peek(sp - 16 + n)), [0x38, 0x100, SELECTOR.code0, 2 | IF | TF | NT | RF]);
    assert.equal(getRflags(cpu), 2);
  });

  it('switches to the stack of the TSS from level 3', () => {
    const cpu = protectedMode(3);
    setRflags(cpu, 2 | IF);
    deliver(cpu, external(0x30));
    assert.deepEqual([cpu.cpl, cpu.selector(CS), cpu.selector(SS), cpu.reg32(ESP)], [0, SELECTOR.code0, SELECTOR.data0, STACK0 - 20]);
    assert.deepEqual([0, 4, 8, 12, 16].map((n) => cpu.peek(STACK0 - 20 + n)), [0x100, SELECTOR.code3, 2 | IF, STACK3, SELECTOR.data3]);
  });

  it('leaves IF alone through a trap gate, and pushes words through a 16-bit gate', () => {
    const cpu = protectedMode();
    setRflags(cpu, 2 | IF);
    cpu.gate(IDT + 8 * 0x30, SELECTOR.code0, 0x5030, 0x87);
    const sp = cpu.reg32(ESP);
    deliver(cpu, external(0x30));
    assert.equal(getRflags(cpu) & IF, IF);
    assert.equal(cpu.reg32(ESP), sp - 6);
    assert.deepEqual([cpu.peek(sp - 6, 2), cpu.peek(sp - 4, 2)], [0x100, SELECTOR.code0]);
  });

  it('keeps the level in a conforming handler', () => {
    const cpu = protectedMode(3);
    cpu.gate(IDT + 8 * 0x30, SELECTOR.conforming, 0x5030, 0x8e);
    deliver(cpu, external(0x30));
    assert.deepEqual([cpu.cpl, cpu.selector(CS), cpu.reg32(ESP)], [3, SELECTOR.conforming | 3, STACK3 - 12]);
  });

  it('leaves virtual-8086 mode by an interrupt with its segments on the stack', () => {
    const cpu = protectedMode(3);
    setRflags(cpu, 2 | VM | IOPL);
    for (const [index, selector] of [[CS, 0x100], [SS, 0x200], [DS, 0x300], [ES, 0x400], [FS, 0x500], [GS, 0x600]] as const) setVirtual8086Segment(cpu, index, selector);
    deliver(cpu, external(0x30));
    assert.equal(cpu.virtual8086, false);
    assert.deepEqual([0, 4, 8, 12, 16, 20, 24, 28, 32].map((n) => cpu.peek(STACK0 - 36 + n)), [0x100, 0x100, 2 | VM | IOPL, STACK3, 0x200, 0x400, 0x300, 0x500, 0x600]);
    for (const index of [DS, ES, FS, GS]) assert.equal(cpu.attributes(index) & UNUSABLE, UNUSABLE);
  });
});

describe('faults of delivery', () => {
  const idtError = (vector: number, ext: number) => vector * 8 + 2 + ext;
  it('INT n to a gate with too small a DPL is #GP with the IDT error code', () => {
    const e = faultOf(() => { deliverEvent(protectedMode(3), software(0x30)); });
    assert.deepEqual([e.vector, e.errorCode], [VECTORS['#GP'], idtError(0x30, 0)]);
  });
  it('an interrupt ignores the DPL; a gate that is not present is #NP with EXT', () => {
    const cpu = protectedMode(3);
    cpu.gate(IDT + 8 * 0x30, SELECTOR.code0, HANDLER, 0x0e);
    const e = faultOf(() => { deliverEvent(cpu, external(0x30)); });
    assert.deepEqual([e.vector, e.errorCode], [VECTORS['#NP'], idtError(0x30, 1)]);
    assert.equal(cpu.delivering?.vector, 0x30);
  });
  it('a vector outside the IDT is #GP', () => {
    const cpu = protectedMode();
    cpu.u32[S.idtrLimit >> 2] = 0x17f;
    assert.equal(faultOf(() => { deliverEvent(cpu, external(0x30)); }).errorCode, idtError(0x30, 1));
  });
  it('a null code selector is #GP(EXT), one beyond the GDT #GP(selector)', () => {
    const cpu = protectedMode();
    cpu.gate(IDT + 8 * 0x30, 0, HANDLER, 0x8e);
    cpu.gate(IDT + 8 * 0x31, 0x1000, HANDLER, 0x8e);
    assert.equal(faultOf(() => { deliverEvent(cpu, external(0x30)); }).errorCode, 1);
    assert.equal(faultOf(() => { deliverEvent(cpu, software(0x31)); }).errorCode, 0x1000);
  });
  it('a wrong stack in the TSS is #TS, one outside the TSS limit #TS(TR), one that is not present #SS', () => {
    const cpu = protectedMode(3);
    cpu.poke16(TSS + 8, SELECTOR.readOnly);
    let e = faultOf(() => { deliverEvent(cpu, external(0x30)); });
    assert.deepEqual([e.vector, e.errorCode], [VECTORS['#TS'], SELECTOR.readOnly | 1]);
    cpu.poke16(TSS + 8, SELECTOR.absent);
    e = faultOf(() => { deliverEvent(cpu, external(0x30)); });
    assert.deepEqual([e.vector, e.errorCode], [VECTORS['#SS'], SELECTOR.absent | 1]);
    setSegment(cpu, TR, SELECTOR.tss, TSS, 8, 0x8b);
    e = faultOf(() => { deliverEvent(cpu, external(0x30)); });
    assert.deepEqual([e.vector, e.errorCode], [VECTORS['#TS'], SELECTOR.tss | 1]);
  });
});

describe('double and triple faults', () => {
  const breakGate = (cpu: TestProcessor, vector: number) => { cpu.gate(IDT + 8 * vector, SELECTOR.code0, HANDLER, 0x0e); };
  it('two contributory exceptions make a double fault with error code 0', () => {
    const cpu = protectedMode(), sp = cpu.reg32(ESP);
    breakGate(cpu, 13);
    deliverException(cpu, new Exception(13, 0x10));
    assert.equal(cpu.rip, HANDLER + 8);
    assert.equal(cpu.peek(sp - 16), 0);
    assert.deepEqual(cpu.events.map(({ fields }) => fields['vector']), [13, 8]);
  });
  it('a contributory exception during #PF too, and CR2 holds the address', () => {
    const cpu = protectedMode();
    breakGate(cpu, 14);
    deliverException(cpu, new Exception(14, 2, 0x12345));
    assert.deepEqual([cpu.rip, cpu.cr2], [HANDLER + 8, 0x12345]);
  });
  it('a benign exception first is handled serially', () => {
    const cpu = protectedMode();
    breakGate(cpu, 6);
    deliverException(cpu, new Exception(6, 0));
    assert.equal(cpu.rip, HANDLER + 11, '#NP for the gate of #UD');
  });
  it('an interrupt whose delivery faults is handled serially', () => {
    const cpu = protectedMode();
    breakGate(cpu, 0x30);
    deliver(cpu, external(0x30));
    assert.equal(cpu.rip, HANDLER + 11);
  });
  it('a third fault shuts down, with the chain as autopsy', () => {
    const cpu = protectedMode();
    for (const vector of [13, 8]) breakGate(cpu, vector);
    deliverException(cpu, new Exception(13, 0x10, 0, 'the guest did something'));
    assert.equal(cpu.activity, ACTIVITY.shutdown);
    assert.equal(cpu.autopsy.length, 5);
    assert.match(cpu.autopsy[0]!, /^#GP\(0x10\) at RIP 0x100: the guest did something$/);
    assert.match(cpu.autopsy[1]!, /^#NP\(0x6b\).*IDT gate 13 \(#GP\): it is not present$/);
    assert.equal(cpu.events.at(-1)?.kind, 'triple fault');
    assert.equal(cpu.rip, 0x100);
  });
});

describe('the delivery of an exception', () => {
  it('asks vmx/ first, then the observer', () => {
    const cpu = protectedMode(), asked: unknown[] = [];
    cpu.rootIntercepts = { ...cpu.intercepts, exception: (_cpu, vector, error, qualification, during) => { asked.push([vector, error, qualification, during?.vector]); throw ABANDON; } };
    assert.throws(() => { deliverException(cpu, new Exception(14, 4, 0x5000)); }, (e) => e === ABANDON);
    assert.deepEqual(asked, [[14, 4, 0x5000, undefined]]);
    assert.deepEqual([cpu.events.length, cpu.cr2], [0, 0]);
  });
  it('tells vmx/ what was being delivered', () => {
    const cpu = protectedMode(), asked: unknown[] = [];
    cpu.gate(IDT + 8 * 0x30, SELECTOR.code0, HANDLER, 0x0e);
    cpu.rootIntercepts = { ...cpu.intercepts, exception: (_cpu, vector, _error, _qualification, during) => { asked.push([vector, during?.vector, during?.type]); } };
    deliver(cpu, software(0x30));
    assert.deepEqual(asked, [[11, 0x30, EVENT.softwareInterrupt]]);
  });
  it('stops before it when the observer wants, with nothing changed', () => {
    const cpu = protectedMode(), sp = cpu.reg32(ESP);
    cpu.stopAt = 'exception';
    assert.throws(() => { deliverException(cpu, new Exception(14, 0, 0x5000)); }, (e) => e === STOP_BEFORE_DELIVERY);
    assert.deepEqual([cpu.cr2, cpu.rip, cpu.reg32(ESP), cpu.delivering], [0, 0x100, sp, undefined]);
  });
  it('records a debug exception in DR6 and clears DR7.GD', () => {
    const cpu = protectedMode();
    cpu.set(S.dr + 56, 0x2400, 0);
    deliverException(cpu, new Exception(1, 0, 0, '', 0x4000));
    assert.equal(cpu.low(S.dr + 48), 0xffff4ff0);
    assert.equal(cpu.low(S.dr + 56), 0x400);
    assert.equal(cpu.peek(cpu.reg32(ESP) + 8) & RF, 0, 'a debug exception does not set RF');
  });
  it('ends blocking by STI, and begins blocking by NMI', () => {
    const cpu = protectedMode();
    cpu.interruptibility = BLOCKING.STI;
    deliver(cpu, { vector: 2, type: EVENT.NMI, errorCode: undefined, instructionLength: 0 });
    assert.equal(cpu.interruptibility, BLOCKING.NMI);
  });
});

describe('delivery in 64-bit mode', () => {
  const frame = (cpu: TestProcessor, words: number) => Array.from({ length: words }, (_, n) => cpu.peek(cpu.regNumber(ESP) + 8 * n));
  it('aligns the stack and always pushes SS:RSP', () => {
    const cpu = longMode();
    cpu.setRegNumber(ESP, 0x7f0b);
    setRflags(cpu, 2 | IF | DF | AC);
    deliverException(cpu, new Exception(13, 0x18));
    assert.equal(cpu.regNumber(ESP), 0x7f00 - 48);
    assert.deepEqual(frame(cpu, 6), [0x18, 0x100, SELECTOR.code64, 2 | IF | DF | AC | RF, 0x7f0b, SELECTOR.data0]);
    assert.equal(cpu.selector(SS), SELECTOR.data0);
    assert.equal(getRflags(cpu), 2 | DF | AC);
  });
  it('goes to RSP0 from level 3, with a null SS', () => {
    const cpu = longMode(3);
    deliver(cpu, external(0x30));
    assert.deepEqual([cpu.cpl, cpu.selector(SS), cpu.attributes(SS) & UNUSABLE, cpu.regNumber(ESP)], [0, 0, UNUSABLE, STACK0 - 40]);
    assert.deepEqual(frame(cpu, 5), [0x100, SELECTOR.code64User, 2, STACK3, SELECTOR.data3]);
  });
  it('takes the stack of the interrupt stack table even at level 0', () => {
    const cpu = longMode();
    cpu.gate(IDT + 16 * 0x30, SELECTOR.code64, HANDLER, 0x8e, 1);
    deliver(cpu, external(0x30));
    assert.equal(cpu.regNumber(ESP), STACK0 - 0x800 - 40);
    assert.equal(cpu.selector(SS), SELECTOR.data0);
  });
  it('refuses 32-bit code, 16-bit gates and handlers that are not canonical', () => {
    const cpu = longMode();
    cpu.gate(IDT + 16 * 0x30, SELECTOR.code0, HANDLER, 0x8e);
    cpu.gate(IDT + 16 * 0x31, SELECTOR.code64, HANDLER, 0x86);
    cpu.poke(IDT + 16 * 0x32 + 8, 0x8000);
    assert.equal(faultOf(() => { deliverEvent(cpu, external(0x30)); }).errorCode, SELECTOR.code0 | 1);
    assert.equal(faultOf(() => { deliverEvent(cpu, external(0x31)); }).errorCode, 0x31 * 8 + 3);
    assert.equal(faultOf(() => { deliverEvent(cpu, external(0x32)); }).errorCode, 1);
  });
  it('goes to a handler in the upper half', () => {
    const cpu = longMode();
    cpu.poke(IDT + 16 * 0x30 + 8, 0xffffffff);
    deliver(cpu, external(0x30));
    assert.equal(cpu.rip, HANDLER + 0x30 - 2 ** 32);
  });
  it('makes a #PF of a stack that is not mapped, and a double fault of a #PF that meets one', () => {
    const cpu = longMode(3);
    cpu.poke(TSS + 4, 0x200000, 0);
    cpu.gate(IDT + 16 * 8, SELECTOR.code64, HANDLER + 8, 0x8e, 1);
    deliverException(cpu, new Exception(14, 6, 0x400000));
    assert.deepEqual([cpu.rip, cpu.cr2], [HANDLER + 8, 0x400000]);
    assert.deepEqual(cpu.events.map(({ fields }) => fields['vector']), [14, 8]);
  });
  it('and IRETQ are inverse to each other, however often', () => {
    const cpu = longMode(3);
    setRflags(cpu, 2 | IF);
    for (let n = 0; n < 1000; n++) {
      deliverEvent(cpu, external(0x30));
      assert.equal(cpu.cpl, 0);
      cpu.perform('IRET', 64);
      assert.deepEqual([cpu.cpl, cpu.rip, cpu.regNumber(ESP), cpu.selector(SS), getRflags(cpu)], [3, 0x100, STACK3, SELECTOR.data3, 2 | IF]);
    }
  });
});

