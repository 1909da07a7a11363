import assert from 'node:assert/strict';
import { TRAP, type TrapKind } from '../cpu/trap-events.js';
import { EXIT_REASON_NUMBERS } from '../vmx/exit-reasons.js';
import { WORLDS } from '../vmx/state.js';
import { interruptThreads } from './interrupt-threads.js';
import { TrapLedger } from './ledger.js';

const ACKNOWLEDGED = 0x8000_0000, CPUID_AND_TIMES = [0, 0, 0, 0];
type Step = readonly [kind: TrapKind, world: 'root' | 'non-root', values: readonly number[]];
const exit = (information: number): Step => ['VM exit', 'non-root', [EXIT_REASON_NUMBERS.EXTERNAL_INTERRUPT, ...CPUID_AND_TIMES, information]];
const entry = (information: number): Step => ['VM entry', 'root', [0, information]];
const interrupt = (world: 'root' | 'non-root', vector: number): Step => ['interrupt', world, [vector]];
const over = (world: 'root' | 'non-root', vector: number): Step => ['EOI', world, [vector]];

function threadsOf(...steps: readonly Step[]): string[][] {
  const ledger = new TrapLedger();
  steps.forEach(([kind, world, values], at) => { ledger.record(TRAP[kind], at, 0, 0, WORLDS.indexOf(world), values, () => ''); });
  return interruptThreads(ledger).map((thread) => thread.map(({ event, role }) => `${event.at} ${role}`));
}

describe('interrupts from end to end', () => {
  it('go from the VM exit through injection to both ends', () => {
    assert.deepEqual(threadsOf(exit(ACKNOWLEDGED | 236), over('root', 236), entry(ACKNOWLEDGED | 49), over('non-root', 49)), [
      ['0 ends the guest’s run', '1 is over', '2 is injected', '3 is over for the guest']]);
  });
  it('are the hypervisor’s next where the exit has not acknowledged them, and may be delivered virtually', () => {
    assert.deepEqual(threadsOf(exit(0), interrupt('root', 236), over('root', 236), entry(0), interrupt('non-root', 49), over('non-root', 49)), [
      ['0 ends the guest’s run', '1 arrives', '2 is over', '4 is delivered to the guest', '5 is over for the guest']]);
  });
  it('are several at once, each with its own end', () => {
    assert.deepEqual(threadsOf(exit(ACKNOWLEDGED | 236), over('root', 236), entry(ACKNOWLEDGED | 49), interrupt('root', 36), over('root', 36), over('non-root', 49)), [
      ['0 ends the guest’s run', '1 is over', '2 is injected', '5 is over for the guest'], ['3 arrives', '4 is over']]);
  });
  it('begin in the guest where nothing came to the processor', () => {
    assert.deepEqual(threadsOf(interrupt('non-root', 49), over('non-root', 49), entry(ACKNOWLEDGED | 50)), [['0 is delivered to the guest', '1 is over for the guest'], ['2 is injected']]);
  });
  it('take no other event for one of theirs', () => {
    assert.deepEqual(threadsOf(['VM exit', 'non-root', [EXIT_REASON_NUMBERS.CPUID]], entry(0x8000_0306), over('root', 7)), []);
  });
});
