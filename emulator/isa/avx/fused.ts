/** FMA. SDM Vol. 2, "VFMADD132PD/VFMADD213PD/VFMADD231PD" and their kin. */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction } from '../instruction.js';
import { computeParts, VARIANTS } from '../sse/arithmetic.js';
import { fastOr, Lanes } from '../sse/fast.js';
import { vexRows } from '../sse/rows.js';
import { halves, scalarWriter, sse, vector } from '../sse/vector.js';
import { fusedDoubles, fusedSingles, type Quickly } from './fused-fast.js';

/** Opcodes of the 132 forms; those of scalars are one higher. Signs: whether the product is negated, and the even and the odd elements of the addend. */
const OPERATIONS = [
  { name: 'FMADDSUB', what: 'Multiply-Alternating Add/Subtract', opcode: 0x96, product: false, even: true, odd: false }, { name: 'FMSUBADD', what: 'Multiply-Alternating Subtract/Add', opcode: 0x97, product: false, even: false, odd: true },
  { name: 'FMADD', what: 'Multiply-Add', opcode: 0x98, product: false, even: false, odd: false }, { name: 'FMSUB', what: 'Multiply-Subtract', opcode: 0x9a, product: false, even: true, odd: true },
  { name: 'FNMADD', what: 'Negative Multiply-Add', opcode: 0x9c, product: true, even: false, odd: false }, { name: 'FNMSUB', what: 'Negative Multiply-Subtract', opcode: 0x9e, product: true, even: true, odd: true },
] as const;
/** Which operands are the factors and the addend; the opcodes of a form are 10H above those of the one before. */
const FORMS = [['132', [0, 2, 1]], ['213', [1, 0, 2]], ['231', [1, 2, 0]]] as const;

/** The sign of every element, of the even or of the odd ones. */
function signs(double: boolean, even: boolean, odd: boolean): bigint {
  const bits = double ? 64 : 32;
  let word = 0n;
  for (let n = 0; n * bits < 128; n++) if (n % 2 === 0 ? even : odd) word |= 1n << BigInt((n + 1) * bits - 1);
  return word;
}
const flipped = (cpu: Cpu, v: Value, mask: bigint): Value => (mask === 0n ? v : vector(cpu, 'v128.xor', v, cpu.constant(mask, 128)));

export const FMA: readonly Instruction[] = OPERATIONS.flatMap(({ name, what, opcode, product, even, odd }) => FORMS.flatMap(([form, order], formNumber) =>
  VARIANTS.filter((v) => v.shape.includes('x') || opcode >= 0x98).map((v) => {
    const double = v.suffix.endsWith('D'), scalar = !v.shape.includes('x'), w = double ? 'W1' : 'W0', code = (opcode + 0x10 * formNumber + (scalar ? 1 : 0)).toString(16).toUpperCase();
    const mnemonic = `V${name}${form}${v.suffix}`, exact = `${name}${v.suffix}`, quick: Quickly = double ? fusedDoubles : fusedSingles;
    return instruction(mnemonic, `Fused ${what} of ${v.of}`, {
      encodings: scalar ? `VEX.LIG.66.0F38.${w} ${code} /r | ${mnemonic} xmm1, xmm2, xmm3/m${double ? 64 : 32}` : vexRows(`66.0F38.${w} ${code} /r | ${mnemonic} xmm1, xmm2, xmm3/m128`, { 128: 'FMA', 256: 'FMA' }),
      feature: 'FMA', flags: 'None affected.', exceptions: 'Overflow, Underflow, Invalid, Precision, Denormal',
      operation(cpu, ...operands) {
        sse(cpu);
        const l = new Lanes(cpu, double ? 'f64x2' : 'f32x4');
        const fast = (_cpu: Cpu, _l: Lanes, ...[a, b, c]: Value[]) => quick(cpu, l, flipped(cpu, a!, signs(double, product, product)), b!, flipped(cpu, c!, signs(double, even, odd)));
        if (!scalar) {
          const parts = halves(cpu, ...operands).map((of) => order.map((n) => of[n]!));
          computeParts(cpu, l, exact, fast, operands[0]!, parts);
          return;
        }
        const bits = double ? 64 : 32, last = operands[2]!.read(bits), of = [operands[0]!.read(bits), operands[1]!.read(bits), last], scalars = order.map((n) => of[n]!);
        const write = scalarWriter(cpu, operands[0]!, operands[0]!), { ok, result } = fast(cpu, l, ...scalars.map((x) => cpu.meaning.wasm(double ? 'i64x2.splat' : 'i32x4.splat', 128, [x])));
        fastOr(cpu, l.everywhere(ok), () => write(result.truncate(bits)), () => write(cpu.compute(exact, scalars, [bits])[0]!));
      },
    });
  })));
