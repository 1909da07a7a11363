import assert from 'node:assert/strict';
import { Exception } from '../cpu/events.js';
import { AC, IF, NT, RF, setRflags, TF, VIF } from '../cpu/flags.js';
import { CS, DS, gpr, MAP, S, SEGMENT, segment, SS, TR } from '../cpu/layout.js';
import { GDT, HANDLER, IDT, longMode, SELECTOR, STACK0, STACK3, type TestProcessor, TSS } from '../cpu/test-processor.js';
import { RECORD } from '../meaning/record.js';
import { read8, write8 } from '../paging/access.js';
import { coreModule } from './core.js';
import { PLAIN_TRANSFERS } from './plain-transfers.js';

const RSP = 4, RCX = 1, R11 = 11;
const RECORD_AT = MAP.codeCache, NEXT_OFFSET = 0x102;

/** Numbers below `n`, always the same ones. */
class Chance {
  constructor(private seed: number) {}
  below(n: number): number {
    this.seed = (Math.imul(this.seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.seed / 2 ** 32) * n);
  }
  rarely(): boolean { return this.below(12) === 0; }
  of<T>(...choices: readonly T[]): T { return choices[this.below(choices.length)]!; }
}

/** A processor on which the operation is about to be performed; mostly plainly. */
function prepared(name: string, chance: Chance): { cpu: TestProcessor; argument: number } {
  const inner = name === 'IRET' || name === 'SYSRET', cpl = inner === chance.rarely() ? 3 : 0, cpu = longMode(cpl);
  const selectors = Object.values(SELECTOR);
  const change = (at: number, bits: number): void => { if (chance.rarely()) cpu.poke(at, cpu.peek(at) ^ (1 << chance.below(bits))); };
  for (const selector of [SELECTOR.code64, SELECTOR.code64User, SELECTOR.data3, SELECTOR.data0]) change(GDT + (selector & 0xfff8) + 4, 32);
  const vector = chance.of(0x20, 0x60, 0x7f), gate = IDT + 16 * vector;
  cpu.gate(gate, chance.rarely() ? chance.of(...selectors) : SELECTOR.code64, HANDLER + vector, chance.of(0xee, 0xef), chance.of(0, 0, 1));
  change(gate + 4, 32);
  change(gate + 8, 32);
  if (chance.rarely()) cpu.u32[S.idtrLimit >> 2] = gate - IDT + chance.below(32);
  if (chance.rarely()) cpu.u32[S.gdtrLimit >> 2] = chance.below(0x90);
  if (chance.rarely()) cpu.u32[(segment(TR) + SEGMENT.limit) >> 2] = chance.below(64);
  if (chance.rarely()) cpu.poke(TSS + 8, chance.of(0x7fff, 0x8000, 0xffffffff));
  setRflags(cpu, 2 | chance.below(2) * IF | chance.of(0, 0x8d5, 0x41) | (chance.rarely() ? chance.of(AC, TF, NT, VIF, 0x3000, 1 << 21) : 0));
  if (chance.rarely()) cpu.interruptibility = chance.of(1, 2, 8);
  const [code, stack] = chance.of<readonly [number, number]>([SELECTOR.code64User, SELECTOR.data3], [SELECTOR.code64, SELECTOR.data0], [SELECTOR.code64, 0], [chance.of(...selectors), chance.of(...selectors)]);
  const image = 2 | chance.below(2) * IF | chance.below(0x1000) & 0xcd5 | (chance.rarely() ? chance.of(AC, TF, NT, RF, VIF, 0x3000, 1 << 21) : 0);
  const pointer = (cpl === 0 ? STACK0 : STACK3) - chance.of(0x100, 0x108, 0x28, 0x20);
  cpu.setRegNumber(RSP, pointer);
  const frame = [chance.rarely() ? chance.of(0x800000000000, -0x1000) : 0x4000, code, image, STACK3 - 8 * chance.below(9), stack];
  frame.forEach((value, n) => { cpu.setNumber(MAP.guestMemory + pointer + 8 * n, value); });
  cpu.setRegNumber(RCX, frame[0]!);
  cpu.setRegNumber(R11, image);
  cpu.set(S.star, 0, ((SELECTOR.data0 << 16) | SELECTOR.code0) >>> 0);
  cpu.setNumber(S.lstar, HANDLER);
  cpu.set(S.sfmask, chance.of(0, IF, 0x47700), 0);
  if (chance.rarely()) cpu.efer &= ~1;
  if (chance.rarely()) cpu.u32[(segment(DS) + SEGMENT.attributes) >> 2]! ^= 1 << chance.below(17);
  cpu.modeChanged();
  for (let page = 0; page < 0x10; page++) {
    // Pages that the fast TLB knows, for the present CPL and for the supervisor.
    if (chance.below(200) === 0) continue;
    for (const supervisor of [false, true]) write8(cpu, 0x1000 * page, read8(cpu, 0x1000 * page, supervisor), supervisor);
  }
  return { cpu, argument: name === 'INT' ? vector : chance.rarely() ? chance.of(16, 32) : 64 };
}

/** What a guest can see, and how TypeScript and generated code find its memory. */
const seen = (cpu: TestProcessor): Buffer => Buffer.concat([[S.gpr, S.codePage], [S.flagRule, S.budget], [S.spaceTag, S.exitRecord], [S.segments, S.end]].map(([from, to]) => Buffer.from(cpu.u8.slice(from, to)))
  .concat(Buffer.from(cpu.u8.slice(MAP.guestMemory, MAP.guestMemory + 0x10000))));

describe('plain transfers', function () {
  this.timeout(60_000);
  for (const name of Object.keys(PLAIN_TRANSFERS)) {
    it(`${name} does what TypeScript does, or nothing`, () => {
      const module = new WebAssembly.Module(coreModule(0x100000)), table = new WebAssembly.Table({ initial: 8, element: 'anyfunc' });
      let plain = 0;
      for (let n = 0; n < 100; n++) {
        const { cpu, argument } = prepared(name, new Chance(n));
        const asked: number[] = [], nothing = () => 0;
        const { exports } = new WebAssembly.Instance(module, { e: {
          m: cpu.memory, t: table, leave: nothing, slowTransfer: nothing, slowOnward: nothing, changed: nothing, slowPerform: nothing, slowReference: nothing, outOfBudget: nothing, attention: () => asked.push(cpu.low(S.rflags)) & 0,
        } });
        cpu.set(S.codePage, 0, 0);
        cpu.view.setUint16(RECORD_AT + RECORD.nextOffset.offset, NEXT_OFFSET, true);
        cpu.u32[(RECORD_AT + RECORD.remaining.offset) >> 2] = 1;
        cpu.i32[S.budget >> 2] = 5;
        cpu.set(S.args, argument, 0);
        const before = seen(cpu), state = cpu.u8.slice(0, S.end), memory = cpu.u8.slice(MAP.guestMemory, MAP.guestMemory + 0x10000), opened = (cpu.low(S.rflags) & IF) === 0;
        const done = (exports[`plain ${name}`] as (record: number) => number)(RECORD_AT), after = seen(cpu);
        if (done === 0) { assert.deepEqual(after, before, `case ${n} changed something`); continue; }
        plain++;
        assert.equal(asked.length, opened && (cpu.low(S.rflags) & IF) !== 0 ? 1 : 0);
        cpu.u8.set(state, 0);
        cpu.u8.set(memory, MAP.guestMemory);
        cpu.modeChanged();
        try { cpu.perform(name, argument); }
        catch (thrown) { assert.fail(thrown instanceof Exception ? `case ${n}: ${thrown.why}` : String(thrown)); }
        const expected = seen(cpu);
        assert.ok(after.equals(expected), `case ${n} differs at byte ${after.findIndex((byte, at) => byte !== expected[at])}: CS ${cpu.selector(CS)}, SS ${cpu.selector(SS)}, RSP ${cpu.low(gpr(RSP))}`);
      }
      assert.ok(plain > 12, `${plain} of 100 cases are plain`);
    });
  }
});
