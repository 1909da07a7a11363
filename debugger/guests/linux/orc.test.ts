import assert from 'node:assert/strict';
import type { FrameContext } from '../../symbols/location-expression.js';
import { OrcTable } from './orc.js';

const TABLE = 0xffffffff82000000n, CODE = 0xffffffff81000000n;
const SP = 5, BP = 4, PREVIOUS_SP = 1, BP_INDIRECT = 8, SP_INDIRECT = 9, R13 = 7;
interface Given { readonly at: bigint; readonly stack: number; readonly offset: number; readonly frame?: number; readonly frameOffset?: number; readonly kind: number; readonly end?: boolean }

function table(given: readonly Given[], hasEndKind = false): OrcTable {
  const addresses = new DataView(new ArrayBuffer(4 * given.length)), entries = new DataView(new ArrayBuffer(6 * given.length));
  given.forEach(({ at, stack, offset, frame = 0, frameOffset = 0, kind, end }, index) => {
    addresses.setInt32(4 * index, Number(at - TABLE) - 4 * index, true);
    entries.setInt16(6 * index, offset, true);
    entries.setInt16(6 * index + 2, frameOffset, true);
    entries.setUint16(6 * index + 4, stack | (frame << 4) | (kind << 8) | (end ? 4 << 8 : 0), true);
  });
  return new OrcTable({ addresses: new Uint8Array(addresses.buffer), at: TABLE, entries: new Uint8Array(entries.buffer) }, hasEndKind);
}

const STACK = 0xffffc90000001000n;
function frame(address: bigint, words: Readonly<Record<string, bigint>>, registers: Readonly<Record<string, bigint>> = {}): FrameContext {
  const memory = new Map(Object.entries(words).map(([offset, value]) => [STACK + BigInt(offset), value]));
  return {
    address,
    register: (name) => ({ rsp: STACK, ...registers })[name],
    read(at, bytes) {
      const word = memory.get(at);
      if (word === undefined || bytes !== 8) return undefined;
      const found = new Uint8Array(8);
      new DataView(found.buffer).setBigUint64(0, word, true);
      return found;
    },
  };
}

describe('ORC', () => {
  const CALL = 0, REGISTERS = 1, INTERRUPT = 2;
  it('finds the entry at or before the address', () => {
    const orc = table([{ at: CODE, stack: SP, offset: 8, kind: CALL }, { at: CODE + 1n, stack: SP, offset: 16, frame: PREVIOUS_SP, frameOffset: -16, kind: CALL }]);
    const first = orc.callerOf(frame(CODE, { 0: CODE + 0x100n }, { rbp: 5n }))!;
    assert.equal(first.returnAddress, CODE + 0x100n);
    assert.equal(first.address, CODE + 0xffn);
    assert.equal(first.register('rsp'), STACK + 8n);
    assert.equal(first.register('rbp'), 5n);
    const second = orc.callerOf(frame(CODE + 9n, { 0: 0x77n, 8: CODE + 0x200n }))!;
    assert.equal(second.returnAddress, CODE + 0x200n);
    assert.equal(second.register('rbp'), 0x77n);
    assert.equal(second.register('rbx'), undefined);
    assert.equal(orc.covers(CODE - 1n), false);
  });

  it('computes the stack pointer from other registers and from memory', () => {
    const from = (stack: number, offset: number) => table([{ at: CODE, stack, offset, kind: CALL }]);
    assert.equal(from(BP, 16).callerOf(frame(CODE, { 24: 1n }, { rbp: STACK + 16n }))!.register('rsp'), STACK + 32n);
    assert.equal(from(R13, 8).callerOf(frame(CODE, { 16: 1n }, { r13: STACK + 16n }))!.register('rsp'), STACK + 24n);
    assert.equal(from(BP_INDIRECT, -8).callerOf(frame(CODE, { 8: STACK + 64n, 56: 1n }, { rbp: STACK + 16n }))!.register('rsp'), STACK + 64n);
    assert.equal(from(SP_INDIRECT, 8).callerOf(frame(CODE, { 0: STACK + 64n, 64: 1n }))!.register('rsp'), STACK + 72n);
  });

  it('goes on with all registers behind saved ones, at the interrupted instruction itself', () => {
    const words = Object.fromEntries(Array.from({ length: 21 }, (_, index) => [String(8 * index), BigInt(1000 + index)]));
    const caller = table([{ at: CODE, stack: SP, offset: 0, kind: REGISTERS }]).callerOf(frame(CODE, words))!;
    assert.deepEqual(['r15', 'rbp', 'rax', 'rdi', 'rsp'].map((name) => caller.register(name)), [1000n, 1004n, 1010n, 1014n, 1019n]);
    assert.equal(caller.returnAddress, 1016n);
    assert.equal(caller.address, 1016n);
  });

  it('goes on behind what the processor pushed', () => {
    const caller = table([{ at: CODE, stack: SP, offset: 8, kind: INTERRUPT }]).callerOf(frame(CODE, { 8: 0x401000n, 16: 0x33n, 24: 0x202n, 32: 0x7ffe0000n }, { rbp: 3n }))!;
    assert.deepEqual(['rip', 'cs', 'rsp', 'rbp'].map((name) => caller.register(name)), [0x401000n, 0x33n, 0x7ffe0000n, 3n]);
  });

  it('ends where the stack does', () => {
    assert.equal(table([{ at: CODE, stack: SP, offset: 8, kind: CALL, end: true }]).callerOf(frame(CODE, { 0: 1n })), undefined);
    assert.equal(table([{ at: CODE, stack: 0, offset: 0, kind: CALL }]).callerOf(frame(CODE, { 0: 1n })), undefined);
    assert.equal(table([{ at: CODE, stack: SP, offset: 8, kind: 1 }], true).callerOf(frame(CODE, { 0: 1n })), undefined);
    assert.equal(table([{ at: CODE, stack: SP, offset: 8, kind: 2 }], true).callerOf(frame(CODE, { 0: 9n }))!.returnAddress, 9n);
  });
});
