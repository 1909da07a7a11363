/** Conversions between MMX registers and packed floating-point numbers. SDM Vol. 2, "CVTPI2PS" and its kin. */
import { instruction, type Instruction } from '../instruction.js';
import { fastOr } from '../sse/fast.js';
import { sse, vector } from '../sse/vector.js';
import { enterMmx, mmx, writeMm } from './registers.js';

export const CVTPI2PS = instruction('CVTPI2PS', 'Convert Packed Dword Integers to Packed Single Precision Floating-Point Values', {
  encodings: 'NP 0F 2A /r | CVTPI2PS xmm, mm/m64', feature: 'SSE', flags: 'None affected.', exceptions: 'Precision',
  operation(cpu, dest, src) {
    sse(cpu);
    mmx(cpu);
    const integers = src.read(64).zeroExtend(128), fast = vector(cpu, 'f32x4.convert_i32x4_s', integers).truncate(64);
    fastOr(cpu, cpu.constant(1, 1), () => dest.write(fast), () => dest.write(cpu.compute('CVTPI2PS', [integers], [64])[0]!));
    enterMmx(cpu);
  },
});
/** "If the source operand is a memory location, no transition to MMX technology takes place." */
export const CVTPI2PD = instruction('CVTPI2PD', 'Convert Packed Dword Integers to Packed Double Precision Floating-Point Values', {
  encodings: '66 0F 2A /r | CVTPI2PD xmm, mm/m64', feature: 'SSE2', flags: 'None affected.',
  operation(cpu, dest, src) {
    sse(cpu);
    if (src.kind === 'mm') mmx(cpu);
    dest.write(vector(cpu, 'f64x2.convert_low_i32x4_s', src.read(64).zeroExtend(128)));
    if (src.kind === 'mm') enterMmx(cpu);
  },
});

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
