import { strict as assert } from 'node:assert';
import { VirtualClock } from './clock.js';

function clockWith(...names: string[]) {
  const clock = new VirtualClock();
  const log: string[] = [];
  const events = names.map((name) => ({ name, fire: () => void log.push(`${name}@${clock.now()}`) }));
  for (const event of events) clock.register(event);
  return { clock, log, events };
}

describe('VirtualClock', () => {
  it('fires in order of deadline, each at its own time', () => {
    const { clock, log, events: [a, b, c] } = clockWith('a', 'b', 'c');
    clock.at(30, a!);
    clock.at(10, b!);
    clock.at(20, c!);
    assert.equal(clock.nextDeadline(), 10);
    clock.runDue(25);
    assert.deepEqual(log, ['b@10', 'c@20']);
    assert.equal(clock.now(), 25);
    assert.equal(clock.nextDeadline(), 30);
  });

  it('breaks ties by order of scheduling', () => {
    const { clock, log, events: [a, b] } = clockWith('a', 'b');
    clock.at(10, b!);
    clock.at(10, a!);
    clock.at(10, b!);
    clock.runDue(10);
    assert.deepEqual(log, ['a@10', 'b@10']);
  });

  it('moves and cancels events', () => {
    const { clock, log, events: [a, b] } = clockWith('a', 'b');
    clock.at(10, a!);
    clock.at(20, a!);
    clock.at(15, b!);
    clock.cancel(b!);
    clock.runDue(19);
    assert.deepEqual(log, []);
    clock.runDue(20);
    assert.deepEqual(log, ['a@20']);
    assert.equal(clock.nextDeadline(), Infinity);
  });

  it('runs periodic events on their own beat when time jumps', () => {
    const clock = new VirtualClock();
    const fired: number[] = [];
    const tick = { name: 'tick', fire: () => { fired.push(clock.now()); clock.at(clock.now() + 10, tick); } };
    clock.register(tick);
    clock.at(10, tick);
    clock.runDue(35);
    assert.deepEqual(fired, [10, 20, 30]);
  });

  it('restores time, deadlines and the order of ties by name', () => {
    const first = clockWith('a', 'b');
    first.clock.runDue(5);
    first.clock.at(10, first.events[1]!);
    first.clock.at(10, first.events[0]!);
    const state = JSON.parse(JSON.stringify(first.clock.save())) as unknown;
    const second = clockWith('a', 'b');
    second.clock.restore(state);
    assert.deepEqual(second.clock.save(), first.clock.save());
    second.clock.runDue(10);
    assert.deepEqual(second.log, ['b@10', 'a@10']);
  });

  it('refuses what would make a run irreproducible', () => {
    const { clock, events: [a] } = clockWith('a');
    clock.runDue(10);
    assert.throws(() => clock.runDue(9), /go back/);
    assert.throws(() => clock.at(10.5, a!), /whole number/);
    assert.throws(() => clock.register({ name: 'a', fire() {} }), /two timer events are named a/);
    assert.throws(() => clock.at(11, { name: 'b', fire() {} }), /not registered/);
    assert.throws(() => clock.restore({ now: 0, queue: [{ name: 'z', when: 1 }] }), /schedules z/);
  });
});
