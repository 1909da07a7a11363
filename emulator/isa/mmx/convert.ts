/** Conversions between MMX registers and packed floating-point numbers. SDM Vol. 2, "CVTPI2PS" and its kin. */
import { instruction, type Instruction } from '../instruction.js';
import { fastOr } from '../sse/fast.js';
import { sse, vector } from '../sse/vector.js';
import { enterMmx, mmx, writeMm } from './registers.js';

/** "If the source operand is a memory location, no transition to MMX technology takes place." */
const FROM_PI = [['CVTPI2PS', 'NP', 'SSE', 'Single'], ['CVTPI2PD', '66', 'SSE2', 'Double']] as const;
export const FROM_INTEGERS: readonly Instruction[] = FROM_PI.map(([name, prefix, feature, precision]) => instruction(name, `Convert Packed Dword Integers to Packed ${precision} Precision Floating-Point Values`, {
  encodings: `${prefix} 0F 2A /r | ${name} xmm, mm/m64`, feature, flags: 'None affected.', exceptions: precision === 'Single' ? 'Precision' : 'None',
  operation(cpu, dest, src) {
    sse(cpu);
    const fromRegister = src!.kind === 'mm';
    if (fromRegister) mmx(cpu);
    const integers = src!.read(64).zeroExtend(128);
    if (precision === 'Double') dest!.write(vector(cpu, 'f64x2.convert_low_i32x4_s', integers));
    else {
      const fast = vector(cpu, 'f32x4.convert_i32x4_s', integers).truncate(64);
      fastOr(cpu, cpu.constant(1, 1), () => dest!.write(fast), () => dest!.write(cpu.compute(name, [integers], [64])[0]!));
    }
    if (fromRegister) enterMmx(cpu);
  },
}));

const TO_INTEGERS = [['PS', 'NP', 64, 'SSE', 'Single'], ['PD', '66', 128, 'SSE2', 'Double']] as const;
export const TO_PI: readonly Instruction[] = TO_INTEGERS.flatMap(([from, prefix, bits, feature, precision]) => (['', 'T'] as const).map((t) => {
  const name = `CVT${t}${from}2PI`;
  return instruction(name, `Convert ${t ? 'With Truncation ' : ''}Packed ${precision} Precision Floating-Point Values to Packed Dword Integers`, {
    encodings: `${prefix} 0F ${t ? '2C' : '2D'} /r | ${name} mm, xmm/m${bits} ${bits === 128 ? '| aligned' : ''}`,
    feature, flags: 'None affected.', exceptions: 'Invalid, Precision',
    operation(cpu, dest, src) {
      sse(cpu);
      mmx(cpu);
      writeMm(cpu, dest!, cpu.compute(name, [src!.read(bits)], [64])[0]!);
    },
  });
}));
