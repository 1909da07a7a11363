import assert from 'node:assert/strict';
import { Processor } from '../cpu/processor.js';
import { S } from '../cpu/layout.js';
import { StopConditions } from './conditions.js';
import type { TrapEvent, TrapKind } from './events.js';
import { TrapLedger } from './ledger.js';
import { ProcessorObserver } from './observer.js';

const event = (kind: TrapKind, fields: TrapEvent['fields'], at = 0): TrapEvent => ({ kind, at, cpu: 0, rip: 0, world: 'root', fields, says: () => `${kind}.` });

describe('the trap ledger', () => {
  it('keeps the last events and numbers them in the whole history', () => {
    const ledger = new TrapLedger(4);
    for (let at = 0; at < 10; at++) ledger.record(event('exception', { vector: at }, at));
    assert.equal(ledger.total, 10);
    assert.deepEqual(ledger.page(0, 10).rows.map(({ number, event: { at } }) => [number, at]), [[6, 6], [7, 7], [8, 8], [9, 9]]);
    assert.equal(ledger.at(5), undefined);
    assert.equal(ledger.last?.at, 9);
  });

  it('pages through a filtered list', () => {
    const ledger = new TrapLedger();
    for (let at = 0; at < 10; at++) ledger.record(event(at % 2 ? 'VM exit' : 'VM entry', { reason: 10 }, at));
    const { total, rows } = ledger.page(1, 2, ({ kind }) => kind === 'VM exit');
    assert.equal(total, 5);
    assert.deepEqual(rows.map(({ number }) => number), [3, 5]);
  });

  it('counts by kind, reason, vector and hypercall number', () => {
    const ledger = new TrapLedger(2);
    for (const reason of [48, 10, 48]) ledger.record(event('VM exit', { reason }));
    for (let nr = 0; nr < 300; nr++) ledger.record(event('hypercall', { nr }));
    const { kinds, exits, hypercalls, otherHypercalls } = ledger.counts;
    assert.equal(kinds['VM exit'], 3);
    assert.deepEqual([...exits], [[10, 1], [48, 2]]);
    assert.equal(hypercalls.size + otherHypercalls, 300);
    assert.equal(otherHypercalls, 44);
  });

  it('never asks for the sentence of an event that nobody looks at', () => {
    const ledger = new TrapLedger();
    ledger.record({ ...event('halt', {}), says: () => assert.fail('asked') });
    assert.equal(ledger.total, 1);
  });
});

describe('the observer of a processor', () => {
  const make = () => {
    const memory = new WebAssembly.Memory({ initial: 1 });
    const cpu = new Processor(memory, 0, 0);
    const ledger = new TrapLedger(), conditions = new StopConditions();
    let instructions = 5;
    const observer = new ProcessorObserver(cpu, ledger, conditions, () => instructions);
    return { cpu, ledger, conditions, observer, retire: () => void instructions++ };
  };

  it('stops before an exception once, and does not record it twice', () => {
    const { conditions, observer, ledger, retire } = make();
    conditions.add({ kind: 'exception', test: ({ fields }) => fields['vector'] === 14 });
    assert.equal(observer.raise('exception', { vector: 13 }, () => ''), false);
    assert.equal(observer.raise('exception', { vector: 14 }, () => ''), true);
    assert.equal(observer.raise('exception', { vector: 14 }, () => ''), false, 'met again');
    assert.equal(ledger.total, 2);
    retire();
    assert.equal(observer.raise('exception', { vector: 14 }, () => ''), true);
  });

  it('stops at every VM exit, even at the same instant', () => {
    const { conditions, observer } = make();
    conditions.add({ kind: 'VM exit' });
    assert.equal(observer.raise('VM exit', { reason: 1 }, () => ''), true);
    assert.equal(observer.raise('VM exit', { reason: 1 }, () => ''), true);
  });

  it('says where a VM exit happened and keeps the registers of the guest', () => {
    const { cpu, observer, ledger } = make();
    cpu.setReg(5, 0xfedcba9876543210n);
    cpu.rip = 0x400;
    cpu.u32[S.vmxOn >> 2] = 1;
    observer.raise('VM exit', { reason: 10 }, () => '');
    cpu.setReg(5, 0n);
    assert.equal(ledger.last?.world, 'non-root');
    assert.equal(ledger.last.rip, 0x400);
    assert.equal(observer.guestRegisters[5], 0xfedcba9876543210n);
  });

  it('makes a sentence only when somebody reads it', () => {
    const { conditions, observer, ledger } = make();
    conditions.add({ kind: 'hypercall' });
    let made = 0;
    for (let n = 0; n < 10_000; n++) observer.raise('VM exit', { reason: n & 63 }, () => { made++; return 'VM exit.'; });
    assert.equal(made, 0);
    assert.equal(ledger.last?.says(), 'VM exit.');
  });
});
