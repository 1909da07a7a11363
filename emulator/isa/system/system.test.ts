import assert from 'node:assert/strict';
import { FEATURES } from '../../cpu/cpuid.js';
import { SYSTEM_OPERATIONS } from '../../cpu/system-operations.js';
import type { Step } from '../../meaning/meaning.js';
import { type Context, meaningOf } from '../build.js';
import { DecodeTable, decode } from '../decode.js';
import { type Form, forms, rows } from '../encoding.js';
import { INSTRUCTIONS } from '../index.js';
import { SYSTEM } from './index.js';

function context(form: Form, mode: 16 | 32 | 64, protection: Context['protection'], memory: boolean): Context {
  const operandSize = form.size || (mode === 16 ? 16 : 32);
  return {
    form, mode, protection, stackSize: mode, operandSize, addressSize: mode, flatCode: true, flatData: true, rep: 'none', lock: false, memory,
    hasBase: memory, hasIndex: false, ripRelative: false, segmentKind: 'flat', takenNear: false, nextNear: true, stackReference: false,
  };
}
function* operationsOf(steps: readonly Step[]): Generator<string> {
  for (const step of steps) {
    if (step.op === 'perform' || step.op === 'compute') yield step.name;
    if (step.op === 'if') { yield* operationsOf(step.then); yield* operationsOf(step.otherwise); }
  }
}

describe('the system instructions', () => {
  const all = SYSTEM.flatMap(forms);

  it('call operations that exist, and every operation is called', () => {
    const called = new Set<string>();
    for (const form of all) {
      const memory = form.operands.some((o) => o.place === 'rm' && !o.mayBeRegister);
      for (const mode of [16, 32, 64] as const) {
        if (form.only && (form.only === '64') !== (mode === 64)) continue;
        for (const protection of ['real', 'virtual-8086', 'protected'] as const)
          for (const name of operationsOf(meaningOf(context(form, mode, protection, memory)).steps)) called.add(name);
      }
    }
    called.delete('raise');
    assert.deepEqual([...called].sort(), Object.keys(SYSTEM_OPERATIONS).sort());
  });

  it('need only features that the processor has', () => {
    assert.deepEqual(INSTRUCTIONS.filter(({ feature }) => feature !== undefined && !FEATURES.has(feature)).map(({ name, feature }) => `${name}: ${feature}`), []);
  });

  it('are decoded as the manual prints them', () => {
    const table = new DecodeTable(INSTRUCTIONS.flatMap(rows));
    const cases: readonly [string, 16 | 32 | 64, string][] = [
      ['8e d8', 64, 'MOV Sreg, r/m16 16'], ['66 8c d8', 64, 'MOV r16/m16, Sreg 16'], ['0f a1', 64, 'POP FS 64'], ['66 0f a1', 32, 'POP FS 16'],
      ['ea 00 00 00 00 08 00', 32, 'JMP ptr16:32 32'], ['48 ff 28', 64, 'JMP m16:64 64'], ['48 cf', 64, 'IRETQ 64'], ['cf', 16, 'IRET 16'],
      ['0f 22 d8', 64, 'MOV CR0-CR7, r64 64'], ['0f 01 f8', 64, 'SWAPGS 32'], ['0f 01 38', 64, 'INVLPG m 32'], ['48 0f 07', 64, 'SYSRET 64'],
      ['f3 48 0f ae c0', 64, 'RDFSBASE r64 64'], ['66 0f 38 82 00', 64, 'INVPCID r64, m128 64'], ['63 c0', 32, 'ARPL r/m16, r16 16'], ['9d', 64, 'POPFQ 64'],
    ];
    for (const [hex, mode, expected] of cases) {
      const bytes = Uint8Array.from(hex.split(' '), (byte) => parseInt(byte, 16)), d = decode(table, bytes, 0, bytes.length, mode);
      assert.equal(typeof d === 'string' ? d : `${d.form.syntax} ${d.operandSize}`, expected, hex);
      if (typeof d !== 'string') assert.equal(d.length, bytes.length, hex);
    }
  });
});
