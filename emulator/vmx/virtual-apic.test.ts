import assert from 'node:assert/strict';
import { serviceInterrupts } from '../cpu/interrupts.js';
import type { LocalApic } from '../devices/local-apic.js';
import { EXECUTE, read32, write32, write8 } from '../paging/access.js';
import { ABANDON, Exception, ExitDue, VECTORS } from '../cpu/events.js';
import { S } from '../cpu/layout.js';
import type { PROCESSOR_2} from './test-processor.js';
import { AT, CONTROLS, exited, type Fields, guest, mapByEpt, pin, primary, secondary, type TestProcessor, VM_EXIT } from './test-processor.js';

const VIRTUAL = AT.bitmapA, ACCESS = AT.bitmapB, DESCRIPTOR = AT.msrArea;
const TPR = 0x80, PPR = 0xa0, EOI = 0xb0, ISR = 0x100, IRR = 0x200, ICR = 0x300;
const IF = 0x200, R = { RAX: 0, RCX: 1, RDX: 2 } as const;
type Secondary = keyof typeof PROCESSOR_2;

/** A guest with a virtual-APIC page whose registers hold these values by offset. */
function virtual(controls: readonly Secondary[], registers: Readonly<Record<number, number>> = {}, more: Fields = {}): TestProcessor {
  const delivers = controls.includes('virtual-interrupt delivery');
  const fields: Fields = {
    ...(delivers ? pin('external-interrupt exiting') : {}), ...primary('use TPR shadow', 'use MSR bitmaps'), ...secondary(...controls),
    'virtual-APIC address': VIRTUAL, 'APIC-access address': ACCESS, ...more,
  };
  return guest(fields, (t) => { for (const [offset, value] of Object.entries(registers)) t.put32(VIRTUAL + Number(offset), value); });
}

/** One instruction that does this, with what follows it. True: a VM exit happened. */
function instruction(t: TestProcessor, act: () => void): boolean {
  const { cpu } = t;
  t.retired++;
  try { act(); } catch (thrown) { if (thrown instanceof ExitDue) thrown.perform(); else throw thrown; }
  if (cpu.nonRoot) serviceInterrupts(cpu);
  return !cpu.nonRoot;
}
const writes = (t: TestProcessor, offset: number, value: number): boolean => instruction(t, () => { write32(t.cpu, ACCESS + offset, value); });
function wrmsr(t: TestProcessor, index: number, value: number): boolean {
  t.cpu.setReg32(R.RCX, index);
  t.cpu.setReg32(R.RAX, value);
  t.cpu.setReg32(R.RDX, 0);
  return instruction(t, () => { t.perform('WRMSR'); });
}

describe('TPR shadow', () => {
  it('CR8 is bits 7:4 of VTPR', () => {
    const t = virtual([], { [TPR]: 0x57 });
    assert.equal(t.cpu.intercepts.readCr(t.cpu, 8), 5);
    assert.equal(instruction(t, () => { assert.equal(t.cpu.intercepts.setTaskPriority(t.cpu, 9), true); }), false);
    assert.equal(t.get32(VIRTUAL + TPR), 0x90);
  });
  it('exits after the instruction that brings it below the threshold', () => {
    const t = virtual([], { [TPR]: 0x50 }, { 'TPR threshold': 4 });
    assert.equal(instruction(t, () => { t.cpu.intercepts.setTaskPriority(t.cpu, 4); }), false);
    assert.equal(instruction(t, () => { t.cpu.intercepts.setTaskPriority(t.cpu, 3); }), true);
    exited(t, 'TPR_BELOW_THRESHOLD');
    assert.equal(t.last.says, 'TPR below threshold: bits 7:4 of VTPR are 3, below the TPR threshold of 4.');
  });
  it('exits before the first instruction where VM entry finds it below', () => {
    const t = virtual(['virtualize APIC accesses'], { [TPR]: 0x30 }, { 'TPR threshold': 4 });
    assert.equal(serviceInterrupts(t.cpu), true);
    exited(t, 'TPR_BELOW_THRESHOLD');
    assert.equal(t.read('guest RIP'), BigInt(AT.guestRip));
  });
});

describe('the TPR threshold', () => {
  it('is compared with VTPR at every VM entry, though nothing in the VMCS has changed', () => {
    const t = virtual([], { [TPR]: 0x50 }, { 'TPR threshold': 4 });
    t.perform('CPUID');
    t.put32(VIRTUAL + TPR, 0x30);
    t.perform('VMRESUME');
    assert.match(t.last.says, /^VM-instruction error 7: .*bits 3:0 of the TPR threshold/);
  });
});

describe('the APIC-access page', () => {
  it('shows VTPR, and nothing else without further controls', () => {
    const t = virtual(['virtualize APIC accesses'], { [TPR]: 0x50 });
    assert.equal(read32(t.cpu, ACCESS + TPR), 0x50);
    assert.equal(writes(t, TPR, 0xff60), false);
    assert.equal(t.get32(VIRTUAL + TPR), 0x60);
    assert.equal(t.get32(ACCESS + TPR), 0);
    assert.equal(instruction(t, () => { read32(t.cpu, ACCESS + 0x20); }), true);
    exited(t, 'APIC_ACCESS', 0x20n);
  });
  it('writes exit with their type, and more than one register as well', () => {
    const t = virtual(['virtualize APIC accesses']);
    assert.equal(writes(t, ICR, 1), true);
    exited(t, 'APIC_ACCESS', 0x1300n);
    t.perform('VMRESUME');
    assert.equal(instruction(t, () => { read32(t.cpu, ACCESS + TPR + 2); }), true);
    exited(t, 'APIC_ACCESS', 0x82n);
  });
  it('after a virtualized write, exits for any other access of the same instruction', () => {
    const t = virtual(['virtualize APIC accesses']), { cpu } = t;
    const read = (): void => { read32(cpu, ACCESS + TPR); }, write = (offset: number, value: number): void => { write32(cpu, ACCESS + offset, value); };
    assert.equal(instruction(t, () => { read(); write(TPR, 0x10); write(TPR, 0x20); }), false);
    assert.equal(t.get32(VIRTUAL + TPR), 0x20);
    assert.equal(instruction(t, read), false);
    assert.equal(instruction(t, () => { write(TPR, 0x30); read(); }), true);
    exited(t, 'APIC_ACCESS', 0x80n);
    t.perform('VMRESUME');
    assert.equal(instruction(t, () => { write(TPR, 0x40); write8(cpu, ACCESS + TPR, 0x50); }), true);
    exited(t, 'APIC_ACCESS', 0x1080n);
  });
  it('exits during event delivery with the event', () => {
    const t = virtual(['virtualize APIC accesses']);
    t.cpu.delivering = { vector: 6, type: 3, errorCode: undefined, instructionLength: 0 };
    assert.equal(writes(t, TPR, 1), true);
    exited(t, 'APIC_ACCESS', 0x3080n);
    assert.equal(t.read('IDT-vectoring information field'), 0x8000_0306n);
  });
  it('a fetch only asks for its exit: it may be tried before its turn', () => {
    const t = virtual(['virtualize APIC accesses']);
    assert.throws(() => t.cpu.mmu.translate(ACCESS + 0x10, EXECUTE, false), (thrown) => thrown instanceof ExitDue);
    assert.equal(t.cpu.nonRoot, true);
    assert.equal(instruction(t, () => { t.cpu.mmu.translate(ACCESS + 0x10, EXECUTE, false); }), true);
    exited(t, 'APIC_ACCESS', 0x2010n);
  });
  it('an instruction among others is begun again alone before it writes', () => {
    const t = virtual(['virtualize APIC accesses']);
    t.cpu.alone = false;
    assert.throws(() => { write32(t.cpu, ACCESS + TPR, 0x10); }, (thrown) => thrown === ABANDON);
    assert.deepEqual([t.cpu.aloneNext, t.get32(VIRTUAL + TPR)], [true, 0]);
  });
  it('with APIC-register virtualization reads and writes the page, and exits after writes that need more', () => {
    const t = virtual(['virtualize APIC accesses', 'APIC-register virtualization'], { 0x20: 0x0300_0000 });
    assert.equal(read32(t.cpu, ACCESS + 0x20), 0x0300_0000);
    assert.equal(writes(t, 0x310, 0x0512_3456), false);
    assert.equal(t.get32(VIRTUAL + 0x310), 0x0500_0000);
    assert.equal(writes(t, ICR, 0xc4500), true);
    exited(t, 'APIC_WRITE', 0x300n);
    assert.equal(t.get32(VIRTUAL + ICR), 0xc4500);
    assert.equal(t.read('guest RIP'), BigInt(AT.guestRip));
  });
  it('exits, never virtualized, when a page walk through EPT leads there', () => {
    const t = virtual(['virtualize APIC accesses', 'enable EPT'], {}, { 'APIC-access address': AT.pml4 }), { cpu } = t;
    mapByEpt(t);
    assert.equal(instruction(t, () => { read32(cpu, 0x5000); }), true);
    exited(t, 'APIC_ACCESS', 0xf000n);
    assert.match(t.last.says, /the PML4E at guest-physical 0x[0-9a-f]+ lies on the APIC-access page/);
    t.perform('VMRESUME');
    cpu.delivering = { vector: 6, type: 3, errorCode: undefined, instructionLength: 0 };
    assert.equal(instruction(t, () => { read32(cpu, 0x5000); }), true);
    exited(t, 'APIC_ACCESS', 0xa000n);
  });
  it('is ordinary memory for the host, and for a guest without it', () => {
    const t = virtual(['virtualize APIC accesses']);
    t.perform('CPUID');
    write32(t.cpu, ACCESS + TPR, 7);
    assert.equal(t.get32(ACCESS + TPR), 7);
  });
});

describe('virtual interrupts', () => {
  const delivery: readonly Secondary[] = ['virtualize APIC accesses', 'APIC-register virtualization', 'virtual-interrupt delivery'];
  const bitOf = (vector: number): number => 2 ** (vector & 31);

  it('one that was requested is delivered by VM entry when its class is above the priority', () => {
    const t = virtual(delivery, { [TPR]: 0x30, [IRR + 0x20]: bitOf(0x41) }, { 'guest interrupt status': 0x41, 'guest RFLAGS': IF | 2 });
    assert.equal(t.get32(VIRTUAL + PPR), 0x30);
    assert.equal(serviceInterrupts(t.cpu), true);
    assert.equal(t.cpu.rip, AT.handler + 16 * 0x41);
    assert.deepEqual([t.get32(VIRTUAL + IRR + 0x20), t.get32(VIRTUAL + ISR + 0x20), t.get32(VIRTUAL + PPR)], [0, bitOf(0x41), 0x40]);
    assert.equal(t.read('guest interrupt status'), 0x4100n);
  });
  it('waits for RFLAGS.IF and for the task priority', () => {
    const t = virtual(delivery, { [TPR]: 0x40, [IRR + 0x20]: bitOf(0x41) }, { 'guest interrupt status': 0x41 });
    assert.equal(serviceInterrupts(t.cpu), false);
    t.cpu.set(S.rflags, IF | 2, 0);
    assert.equal(serviceInterrupts(t.cpu), false);
    assert.equal(writes(t, TPR, 0x30), false);
    assert.equal(t.cpu.rip, AT.handler + 16 * 0x41);
  });
  it('an interrupt window comes first, and nothing is recognized', () => {
    const t = virtual(delivery, { [IRR + 0x20]: bitOf(0x41) }, { 'guest interrupt status': 0x41, 'guest RFLAGS': IF | 2, ...primary('use TPR shadow', 'interrupt-window exiting') });
    assert.equal(serviceInterrupts(t.cpu), true);
    exited(t, 'INTERRUPT_WINDOW');
  });
  it('EOI ends the highest in service, and lets the next come', () => {
    const t = virtual(delivery, { [ISR + 0x20]: bitOf(0x41) + bitOf(0x52), [IRR + 0x20]: bitOf(0x45) }, { 'guest interrupt status': 0x5245 });
    assert.equal(t.get32(VIRTUAL + PPR), 0x50);
    assert.equal(writes(t, EOI, 0), false);
    assert.deepEqual([t.get32(VIRTUAL + ISR + 0x20), t.get32(VIRTUAL + PPR)], [bitOf(0x41), 0x40]);
    assert.equal(t.read('guest interrupt status'), 0x4145n);
    t.cpu.set(S.rflags, IF | 2, 0);
    assert.equal(serviceInterrupts(t.cpu), false);
    assert.equal(writes(t, EOI, 0), false);
    assert.equal(t.cpu.rip, AT.handler + 16 * 0x45);
  });
  it('EOI exits by the bitmap', () => {
    const t = virtual(delivery, { [ISR + 0x20]: bitOf(0x52) }, { 'guest interrupt status': 0x5200, 'EOI-exit bitmap 1': 1 << (0x52 - 0x40) });
    assert.equal(writes(t, EOI, 0), true);
    exited(t, 'VIRTUALIZED_EOI', 0x52n);
    assert.equal(t.read('guest interrupt status'), 0n);
    assert.equal(t.last.says, 'Virtualized EOI: EOI of vector 82: bit 18 of EOI-exit bitmap 1 is 1.');
  });
  it('a self-IPI is delivered without an exit, other commands exit', () => {
    const t = virtual(delivery, {}, { 'guest RFLAGS': IF | 2 });
    assert.equal(writes(t, ICR, 0x40061), false);
    assert.equal(t.cpu.rip, AT.handler + 16 * 0x61);
    assert.equal(t.read('guest interrupt status'), 0x6100n);
    assert.equal(writes(t, ICR, 0x00061), true);
    exited(t, 'APIC_WRITE', 0x300n);
  });
});

describe('x2APIC mode', () => {
  const x2apic: readonly Secondary[] = ['virtualize x2APIC mode', 'APIC-register virtualization', 'virtual-interrupt delivery'];
  function rdmsr(t: TestProcessor, index: number): bigint {
    t.cpu.setReg32(R.RCX, index);
    t.perform('RDMSR');
    return (t.reg(R.RDX) << 32n) | t.reg(R.RAX);
  }
  it('reads eight bytes of the page', () => {
    const t = virtual(x2apic, { 0x20: 3, 0x24: 0, [TPR]: 0x50, [ICR]: 0x12, [ICR + 4]: 7 });
    assert.deepEqual([0x802, 0x808, 0x830].map((index) => rdmsr(t, index)), [3n, 0x50n, 0x7_0000_0012n]);
  });
  it('writes task priority, EOI and self-IPI', () => {
    const t = virtual(x2apic, { [ISR + 0x20]: 1 << 1 }, { 'guest interrupt status': 0x4100, 'guest RFLAGS': IF | 2 });
    assert.equal(wrmsr(t, 0x808, 0x20), false);
    assert.deepEqual([t.get32(VIRTUAL + TPR), t.get32(VIRTUAL + PPR)], [0x20, 0x40]);
    assert.equal(wrmsr(t, 0x80b, 0), false);
    assert.equal(t.get32(VIRTUAL + PPR), 0x20);
    assert.equal(wrmsr(t, 0x83f, 0x61), false);
    assert.equal(t.cpu.rip, AT.handler + 16 * 0x61);
    assert.equal(wrmsr(t, 0x83f, 0x05), true);
    exited(t, 'APIC_WRITE', 0x3f0n);
  });
  it('reserved bits fault', () => {
    const t = virtual(x2apic);
    const faults = (thrown: unknown): boolean => thrown instanceof Exception && thrown.vector === VECTORS['#GP'];
    assert.throws(() => wrmsr(t, 0x808, 0x100), faults);
    assert.throws(() => wrmsr(t, 0x80b, 1), faults);
  });
});

describe('posted interrupts', () => {
  const posted: Fields = {
    ...pin('external-interrupt exiting', 'process posted interrupts'), 'primary VM-exit controls': (CONTROLS.exit | VM_EXIT['acknowledge interrupt on exit']) >>> 0,
    'posted-interrupt notification vector': 0xf2, 'posted-interrupt descriptor address': DESCRIPTOR, 'guest RFLAGS': 0x202,
  };
  it('move from the descriptor to the page, and are delivered without an exit', () => {
    const t = virtual(['virtual-interrupt delivery'], {}, posted);
    let ended = 0;
    t.cpu.localApic = { ...t.cpu.localApic, endOfInterrupt: () => { ended++; } } as unknown as LocalApic;
    t.put32(DESCRIPTOR + 4, 1 << 3);
    t.put32(DESCRIPTOR + 12, 1);
    t.put32(DESCRIPTOR + 32, 3);
    t.interrupts.push(0xf2);
    assert.equal(serviceInterrupts(t.cpu), true);
    assert.deepEqual([ended, t.get32(DESCRIPTOR + 4), t.get32(DESCRIPTOR + 32), t.read('guest interrupt status')], [1, 0, 2, 0x60n]);
    assert.equal(serviceInterrupts(t.cpu), true);
    assert.equal(t.cpu.rip, AT.handler + 16 * 0x60);
    assert.equal(t.read('guest interrupt status'), 0x6023n);
  });
  it('other vectors exit', () => {
    const t = virtual(['virtual-interrupt delivery'], {}, posted);
    t.interrupts.push(0x33);
    assert.equal(serviceInterrupts(t.cpu), true);
    exited(t, 'EXTERNAL_INTERRUPT');
    assert.equal(t.read('VM-exit interruption information'), 0x8000_0033n);
  });
});
