/** Code that is written while it runs does what it was written to do, however the run is cut, and whether its writes are caught or its bytes are checked. */
import assert from 'node:assert/strict';
import { gpr, S } from '../../emulator/cpu/layout.js';
import { fastHost } from '../../emulator/paging/fast-tlb.js';
import { caseMachine, place } from '../oracles/emulated.js';
import { CODE_BASE } from '../oracles/native.js';

const RAX = 0, ITERATIONS = 4000;
const little = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

/** MOV ECX, ITERATIONS; again: MOV [immediate], ECX; XOR BYTE [opcode], 28H; ADD or SUB EAX, immediate; DEC ECX; JNZ again. */
const PATCHES = Uint8Array.from([0xb9, ...little(ITERATIONS), 0x89, 0x0d, ...little(8), 0x80, 0x35, ...little(0), 0x28, 0x05, ...little(0), 0xff, 0xc9, 0x75, 0x100 - 22]);
const PATCHES_INSTRUCTIONS = 1 + 5 * ITERATIONS;
function patched(): number {
  let eax = 0;
  for (let ecx = ITERATIONS, subtracts = true; ecx > 0; ecx--, subtracts = !subtracts) eax += subtracts ? -ecx : ecx;
  return eax >>> 0;
}

/** MOV ECX, ITERATIONS; first: INC DWORD [data]; DEC ECX; JNZ first; MOV ECX, -1; second: ADD EAX, 3; DEC ECX; JNZ second; data. */
const WRITES_BESIDE = Uint8Array.from([
  0xb9, ...little(ITERATIONS), 0xff, 0x05, ...little(16), 0xff, 0xc9, 0x75, 0x100 - 10, 0xb9, ...little(-1), 0x83, 0xc0, 3, 0xff, 0xc9, 0x75, 0x100 - 7, ...little(0),
]);

const SECOND = 20;

function started(code: Uint8Array) {
  const machine = caseMachine(64);
  place(machine, code, CODE_BASE);
  machine.cpu.u32[gpr(RAX) >> 2] = machine.cpu.u32[(gpr(RAX) >> 2) + 1] = 0;
  return machine;
}

describe('self-modifying code', () => {
  for (const pieces of [[100_000], [1], [2, 3], [7, 50, 1, 999]]) {
    it(`is what was written, in pieces of ${pieces.join(', ')} instructions`, () => {
      const machine = started(PATCHES), begin = machine.instructions, end = begin + PATCHES_INSTRUCTIONS;
      for (let n = 0; machine.instructions < end; n++) assert.deepEqual(machine.run(Math.min(pieces[n % pieces.length]!, end - machine.instructions)), { kind: 'budget' });
      assert.equal(machine.cpu.u32[gpr(RAX) >> 2], patched());
      assert.equal(machine.cpu.rip, CODE_BASE + PATCHES.length);
    });
  }

  it('stops at breakpoints', () => {
    const machine = started(PATCHES);
    machine.run(PATCHES_INSTRUCTIONS >> 1);
    const linear = CODE_BASE + 18;
    machine.breakpoints.set(linear);
    for (let n = 0; n < 3; n++) {
      assert.deepEqual(machine.run(100), { kind: 'breakpoint', linear });
      machine.step(0);
    }
  });

  it('is trusted, and compiled, again when it is no longer written', () => {
    const machine = started(WRITES_BESIDE), { engine, cpu } = machine, block = () => engine.blocks.blockAt(fastHost(cpu, CODE_BASE + SECOND)!, cpu.low(S.codeMode));
    machine.run(1 + 3 * ITERATIONS + 1_000_000);
    assert.equal(block()?.checked, true);
    machine.run(10_000_000);
    assert.equal(block()?.checked, false);
    assert.ok(block()?.region !== undefined);
    assert.equal(cpu.u32[gpr(RAX) >> 2], 3 * Math.ceil((11_000_000 - 1) / 3));
  });
});
