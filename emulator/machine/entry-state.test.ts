import assert from 'node:assert/strict';
import { long64Entry } from '../boot/entry-state.js';
import { S } from '../cpu/layout.js';
import { GDT, PML4, TestProcessor } from '../cpu/test-processor.js';
import { applyEntryState } from './entry-state.js';

describe('the processor at the first instruction', () => {
  it('an entry state is applied whole', () => {
    const cpu = new TestProcessor();
    cpu.poke(PML4, 0, 0);
    applyEntryState(cpu, long64Entry(0xffffffff80000000n, { rdi: 0x123456789abcn }, { base: BigInt(GDT), limit: 0x17 }, PML4));
    assert.deepEqual([cpu.code64, cpu.rip, cpu.regNumber(7), cpu.cr3, cpu.number(S.gdtrBase)], [true, -0x80000000, 0x123456789abc, PML4, GDT]);
    assert.deepEqual([cpu.low(S.fcw), cpu.low(S.ftw)], [0x37f, 0]);
  });
});

