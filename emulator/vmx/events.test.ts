import assert from 'node:assert/strict';
import { Exception } from '../cpu/events.js';
import { serviceInterrupts } from '../cpu/interrupts.js';
import { S } from '../cpu/layout.js';
import { nextVmxDeadline } from './intercepts.js';
import { AT, CONTROLS, exited, guest, inject, pin, primary, VM_EXIT } from './test-processor.js';

describe('events between instructions', () => {
  it('the preemption timer expires after its value times 32 ticks, and its value is saved', () => {
    const exit = (CONTROLS.exit | VM_EXIT['save VMX-preemption timer value']) >>> 0;
    const t = guest({ ...pin('activate VMX-preemption timer'), 'primary VM-exit controls': exit, 'VMX-preemption timer value': 10 });
    assert.equal(nextVmxDeadline(t.cpu), 320);
    t.tsc = 100n;
    assert.equal(serviceInterrupts(t.cpu), false);
    t.perform('CPUID');
    assert.equal(t.read('VMX-preemption timer value'), 7n);
    t.perform('VMRESUME');
    t.tsc = 319n;
    assert.equal(serviceInterrupts(t.cpu), false);
    t.tsc = 320n;
    assert.equal(nextVmxDeadline(t.cpu), 0);
    assert.equal(serviceInterrupts(t.cpu), true);
    exited(t, 'VMX_PREEMPTION_TIMER_EXPIRED');
    assert.equal(t.read('VMX-preemption timer value'), 0n);
    assert.equal(nextVmxDeadline(t.cpu), Infinity);
  });

  it('the monitor trap flag exits after one instruction', () => {
    const t = guest(primary('monitor trap flag'));
    assert.equal(serviceInterrupts(t.cpu), false);
    assert.equal(nextVmxDeadline(t.cpu), 1);
    t.retired++;
    t.cpu.rip += 3;
    assert.equal(serviceInterrupts(t.cpu), true);
    exited(t, 'MONITOR_TRAP_FLAG');
    assert.equal(t.read('guest RIP'), BigInt(AT.guestRip + 3));
  });

  it('after an injected event the monitor trap comes before the first instruction of the handler', () => {
    const t = guest({ ...primary('monitor trap flag'), ...inject(3, 6) });
    assert.equal(serviceInterrupts(t.cpu), true);
    exited(t, 'MONITOR_TRAP_FLAG');
    assert.equal(t.read('guest RIP'), BigInt(AT.handler + 16 * 6));
  });

  it('after a fault too, though no instruction retired', () => {
    const t = guest(primary('monitor trap flag'));
    t.fault(new Exception(6, 0));
    assert.equal(serviceInterrupts(t.cpu), true);
    assert.equal(t.read('guest RIP'), BigInt(AT.handler + 16 * 6));
  });

  it('a pending MTF VM exit can be injected', () => {
    const t = guest(inject(7, 0));
    assert.equal(serviceInterrupts(t.cpu), true);
    exited(t, 'MONITOR_TRAP_FLAG');
  });

  it('the interrupt window opens with RFLAGS.IF and without a shadow', () => {
    const t = guest({ ...primary('interrupt-window exiting') });
    assert.equal(serviceInterrupts(t.cpu), false);
    t.cpu.set(S.rflags, 0x202, 0);
    t.cpu.interruptibility = 1;
    assert.equal(serviceInterrupts(t.cpu), false);
    t.cpu.interruptibility = 0;
    assert.equal(serviceInterrupts(t.cpu), true);
    exited(t, 'INTERRUPT_WINDOW');
  });

  it('the NMI window opens when virtual-NMI blocking ends', () => {
    const t = guest({ ...primary('NMI-window exiting'), ...pin('NMI exiting', 'virtual NMIs'), 'guest interruptibility state': 8 });
    assert.equal(serviceInterrupts(t.cpu), false);
    t.cpu.interruptibility = 0;
    assert.equal(serviceInterrupts(t.cpu), true);
    exited(t, 'NMI_WINDOW');
  });

  it('external interrupts exit whatever IF says, acknowledged only if asked', () => {
    const t = guest(pin('external-interrupt exiting'));
    t.interrupts = [0x33];
    assert.equal(serviceInterrupts(t.cpu), true);
    exited(t, 'EXTERNAL_INTERRUPT');
    assert.equal(t.read('VM-exit interruption information'), 0n);
    assert.deepEqual(t.interrupts, [0x33]);
    t.write({ 'primary VM-exit controls': (CONTROLS.exit | VM_EXIT['acknowledge interrupt on exit']) >>> 0 });
    t.perform('VMRESUME');
    assert.equal(serviceInterrupts(t.cpu), true);
    assert.equal(t.read('VM-exit interruption information'), 0x80000033n);
    assert.deepEqual(t.interrupts, []);
  });

  it('a guest enters in the HLT state and leaves it by an external interrupt', () => {
    const t = guest({ ...pin('external-interrupt exiting'), 'guest activity state': 1 });
    assert.equal(t.cpu.activity, 1);
    t.interrupts = [0x33];
    serviceInterrupts(t.cpu);
    exited(t, 'EXTERNAL_INTERRUPT');
    assert.equal(t.read('guest activity state'), 1n);
    assert.equal(t.cpu.activity, 0);
  });

  it('pending debug exceptions are loaded, and delivered after VM entry', () => {
    const t = guest({ 'guest pending debug exceptions': 0x4000 });
    assert.equal(serviceInterrupts(t.cpu), true);
    assert.equal(t.cpu.rip, AT.handler + 16);
    assert.equal(t.cpu.low(S.dr + 48) & 0x4000, 0x4000);
  });
});
