/** Shifts by a count for each element. SDM Vol. 2, "VPSLLVW/VPSLLVD/VPSLLVQ", "VPSRLVW/VPSRLVD/VPSRLVQ", "VPSRAVW/VPSRAVD/VPSRAVQ". */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction } from '../instruction.js';
import { vexRows } from '../sse/rows.js';
import { combined, sse } from '../sse/vector.js';

const SHAPES = { 32: 'i32x4', 64: 'i64x2' } as const;
const SHIFTS = [
  ['VPSLLVD', 'Variable Bit Shift Left Logical', '47', 32, 'shl'], ['VPSLLVQ', 'Variable Bit Shift Left Logical', '47', 64, 'shl'],
  ['VPSRLVD', 'Variable Bit Shift Right Logical', '45', 32, 'shr'], ['VPSRLVQ', 'Variable Bit Shift Right Logical', '45', 64, 'shr'],
  ['VPSRAVD', 'Variable Bit Shift Right Arithmetic', '46', 32, 'sar'],
] as const;

/** Counts beyond the element shift everything out: zeros or signs remain. */
function shifted(cpu: Cpu, bits: 32 | 64, operation: 'shl' | 'shr' | 'sar', a: Value, count: Value): Value {
  const most = cpu.constant(bits - 1, bits), fits = count.ule(most);
  if (operation === 'sar') return a.sar(fits.select(count, most));
  return fits.select(a[operation](count.and(most)), cpu.constant(0, bits));
}
export const VARIABLE_SHIFTS: readonly Instruction[] = SHIFTS.map(([name, summary, opcode, bits, operation]) => instruction(name, summary, {
  encodings: vexRows(`66.0F38.W${bits === 64 ? 1 : 0} ${opcode} /r | ${name} xmm1, xmm2, xmm3/m128`, { 128: 'AVX2', 256: 'AVX2' }), feature: 'AVX2', flags: 'None affected.',
  operation(cpu, ...operands) {
    sse(cpu);
    const shape = SHAPES[bits], element = (v: Value, n: number) => cpu.meaning.wasm(`${shape}.extract_lane`, bits, [v], n);
    combined(cpu, operands, (a, b) => Array.from({ length: 128 / bits }, (_, n) => shifted(cpu, bits, operation, element(a, n), element(b, n)))
      .reduce((sum, v, n) => cpu.meaning.wasm(`${shape}.replace_lane`, 128, [sum, v], n), a));
  },
}));
