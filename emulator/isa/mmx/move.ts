/** Moves of MMX registers, and the end of MMX code. SDM Vol. 2, by their names. */
import { S } from '../../cpu/layout.js';
import { instruction } from '../instruction.js';
import { sse } from '../sse/vector.js';
import { enterMmx, mmx, writeMm } from './registers.js';

export const EMMS = instruction('EMMS', 'Empty MMX Technology State', {
  encodings: 'NP 0F 77 | EMMS', feature: 'MMX', flags: 'None affected.',
  operation(cpu) {
    mmx(cpu);
    enterMmx(cpu);
    cpu.setState(S.ftw, cpu.constant(0, 32));
  },
});

export const MOVD = instruction('MOVD', 'Move Doubleword/Move Quadword', {
  encodings: `
    NP 0F 6E /r | MOVD mm, r/m32
    NP REX.W 0F 6E /r | MOVQ mm, r/m64
    NP 0F 7E /r | MOVD r/m32, mm
    NP REX.W 0F 7E /r | MOVQ r/m64, mm`,
  feature: 'MMX', flags: 'None affected.',
  operation(cpu, dest, src) {
    mmx(cpu);
    if (dest.kind === 'mm') { writeMm(cpu, dest, src.read().zeroExtend(64)); return; }
    dest.write(src.read(dest.bits));
    enterMmx(cpu);
  },
});
export const MOVQ = instruction('MOVQ', 'Move Quadword', {
  encodings: `
    NP 0F 6F /r | MOVQ mm, mm/m64
    NP 0F 7F /r | MOVQ mm/m64, mm`,
  feature: 'MMX', flags: 'None affected.',
  operation(cpu, dest, src) {
    mmx(cpu);
    if (dest.kind === 'mm') { writeMm(cpu, dest, src.read(64)); return; }
    dest.write(src.read(64));
    enterMmx(cpu);
  },
});
export const MOVNTQ = instruction('MOVNTQ', 'Store of Quadword Using Non-Temporal Hint', {
  encodings: 'NP 0F E7 /r | MOVNTQ m64, mm', feature: 'SSE', flags: 'None affected.',
  operation(cpu, dest, src) {
    mmx(cpu);
    dest.write(src.read());
    enterMmx(cpu);
  },
});
export const MOVQ2DQ = instruction('MOVQ2DQ', 'Move Quadword from MMX Technology to XMM Register', {
  encodings: 'F3 0F D6 /r | MOVQ2DQ xmm, mm', feature: 'SSE2', flags: 'None affected.',
  operation(cpu, dest, src) {
    sse(cpu);
    mmx(cpu);
    enterMmx(cpu);
    dest.write(src.read().zeroExtend(128));
  },
});
export const MOVDQ2Q = instruction('MOVDQ2Q', 'Move Quadword from XMM to MMX Technology Register', {
  encodings: 'F2 0F D6 /r | MOVDQ2Q mm, xmm', feature: 'SSE2', flags: 'None affected.',
  operation(cpu, dest, src) {
    sse(cpu);
    mmx(cpu);
    writeMm(cpu, dest, src.read(64));
  },
});

const DS = 3, DESTINATION = 7;
export const MASKMOVQ = instruction('MASKMOVQ', 'Store Selected Bytes of Quadword', {
  encodings: 'NP 0F F7 /r | MASKMOVQ mm1, mm2', feature: 'SSE', flags: 'None affected.',
  operation(cpu, src, mask) {
    mmx(cpu);
    const chosen = cpu.meaning.wasm('i8x16.lt_s', 128, [mask.read().zeroExtend(128), cpu.constant(0, 128)]);
    const dest = cpu.memory(cpu.register(DESTINATION, cpu.addressSize), 64, DS, { overridable: true });
    dest.write(cpu.meaning.wasm('v128.bitselect', 128, [src.read().zeroExtend(128), dest.readForUpdate().zeroExtend(128), chosen]).truncate(64));
    enterMmx(cpu);
  },
});
