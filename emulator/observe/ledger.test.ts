import assert from 'node:assert/strict';
import { Processor } from '../cpu/processor.js';
import { S } from '../cpu/layout.js';
import { COUNTED_EACH, EVENTS_KEPT } from '../cpu/event-log.js';
import { StopConditions } from './conditions.js';
import { named, NONE, type Sentence, TRAP, type TrapKind } from '../cpu/trap-events.js';
import { NON_ROOT } from '../vmx/state.js';
import { TrapLedger } from './ledger.js';
import { ProcessorObserver } from './observer.js';

const record = (ledger: TrapLedger, kind: TrapKind, values: readonly number[], at = 0, says: Sentence = () => `${kind}.`): void => {
  ledger.record(TRAP[kind], at, 0, 0, 1, values, says);
};

describe('the trap ledger', () => {
  it('keeps the last events and numbers them in the whole history', () => {
    const ledger = new TrapLedger();
    for (let at = 0; at < EVENTS_KEPT + 6; at++) record(ledger, 'exception', [at], at);
    assert.equal(ledger.total, EVENTS_KEPT + 6);
    assert.deepEqual(ledger.page(0, 3).rows.map(({ number, event: { at } }) => [number, at]), [[6, 6], [7, 7], [8, 8]]);
    assert.equal(ledger.page(0, 1).total, EVENTS_KEPT);
    assert.equal(ledger.at(5), undefined);
    assert.equal(ledger.last?.at, EVENTS_KEPT + 5);
  });

  it('gives back every field as it was raised, texts and absent ones included', () => {
    const ledger = new TrapLedger();
    ledger.record(TRAP['TLB flush'], 2 ** 40, 3, -(2 ** 47), NON_ROOT, [named('INVVPID'), 1, NONE, 7], ({ rip, fields: { vpid } }) => `${vpid} at ${rip}`);
    const { says, ...event } = ledger.last!;
    assert.deepEqual(event, { kind: 'TLB flush', at: 2 ** 40, cpu: 3, rip: -(2 ** 47), world: 'non-root', fields: { instruction: 'INVVPID', type: 1, vpid: 7 } });
    assert.equal(says(), '7 at -140737488355328');
  });

  it('pages through a filtered list', () => {
    const ledger = new TrapLedger();
    for (let at = 0; at < 10; at++) record(ledger, at % 2 ? 'VM exit' : 'VM entry', [10], at);
    const { total, rows } = ledger.page(1, 2, ({ kind }) => kind === 'VM exit');
    assert.equal(total, 5);
    assert.deepEqual(rows.map(({ number }) => number), [3, 5]);
  });

  it('counts by kind, reason, vector and hypercall number', () => {
    const ledger = new TrapLedger();
    for (const reason of [48, 10, 48]) record(ledger, 'VM exit', [reason]);
    for (let nr = 200; nr < 600; nr++) record(ledger, 'hypercall', [nr]);
    const { kinds, exits, hypercalls, otherHypercalls } = ledger.counts;
    assert.equal(kinds['VM exit'], 3);
    assert.deepEqual([...exits], [[10, 1], [48, 2]]);
    assert.equal(hypercalls.size + otherHypercalls, 400);
    assert.equal(otherHypercalls, 400 - (COUNTED_EACH - 200) - 256);
  });

  it('measures what a hypervisor takes for each reason, from VM exit to VM entry', () => {
    const ledger = new TrapLedger();
    for (const [reason, at, taken] of [[10, 100, 30], [48, 200, 5], [10, 300, 70]] as const) {
      record(ledger, 'VM exit', [reason], at);
      record(ledger, 'VM entry', [], at + taken);
    }
    record(ledger, 'VM exit', [10], 1000);
    assert.deepEqual([...ledger.counts.served], [[10, { count: 2, total: 100, least: 30, most: 70, mostAt: 300 }], [48, { count: 1, total: 5, least: 5, most: 5, mostAt: 200 }]]);
    ledger.clear();
    record(ledger, 'VM entry', [], 2000);
    assert.deepEqual([...ledger.counts.served], []);
  });

  it('never asks for the sentence of an event that nobody looks at', () => {
    const ledger = new TrapLedger();
    record(ledger, 'halt', [], 0, () => assert.fail('asked'));
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
    assert.equal(observer.raise(TRAP.exception, [13], () => ''), false);
    assert.equal(observer.raise(TRAP.exception, [14], () => ''), true);
    assert.equal(observer.raise(TRAP.exception, [14], () => ''), false, 'met again');
    assert.equal(ledger.total, 2);
    retire();
    assert.equal(observer.raise(TRAP.exception, [14], () => ''), true);
  });

  it('stops at every VM exit, even at the same instant', () => {
    const { conditions, observer } = make();
    conditions.add({ kind: 'VM exit' });
    assert.equal(observer.raise(TRAP['VM exit'], [1], () => ''), true);
    assert.equal(observer.raise(TRAP['VM exit'], [1], () => ''), true);
  });

  it('says where a VM exit happened and keeps the registers of the guest', () => {
    const { cpu, observer, ledger } = make();
    cpu.setReg(5, 0xfedcba9876543210n);
    cpu.rip = 0x400;
    cpu.u32[S.vmxOn >> 2] = 1;
    observer.raise(TRAP['VM exit'], [10], () => '');
    cpu.setReg(5, 0n);
    assert.equal(ledger.last?.world, 'non-root');
    assert.equal(ledger.last.rip, 0x400);
    assert.equal(cpu.big(S.guestRegisters + 8 * 5), 0xfedcba9876543210n);
  });

  it('makes a sentence only when somebody reads it', () => {
    const { conditions, observer, ledger } = make();
    conditions.add({ kind: 'hypercall' });
    let made = 0;
    for (let n = 0; n < 10_000; n++) observer.raise(TRAP['VM exit'], [n & 63], () => { made++; return 'VM exit.'; });
    assert.equal(made, 0);
    assert.equal(ledger.last?.says(), 'VM exit.');
  });
});
