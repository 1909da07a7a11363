/** LAR, LSL, VERR, VERW, ARPL. SDM Vol. 2, by their names. */
import { instruction } from '../instruction.js';
import { inProtectedMode } from './descriptor-tables.js';

const query = (name: 'LAR' | 'LSL', summary: string, opcode: string) => instruction(name, summary, {
  encodings: `
    ${opcode} /r | ${name} r16, r16/m16
    ${opcode} /r | ${name} r32, r32/m16
    REX.W + ${opcode} /r | ${name} r64, r64/m16`,
  flags: 'ZF tells whether the descriptor is accessible.', exceptions: '#UD outside protected mode.',
  operation: inProtectedMode((cpu, dest, src) => {
    cpu.perform(name, src!.read(16).zeroExtend(64), dest!.number.zeroExtend(64), cpu.constant(cpu.size, 64));
  }),
});
export const LAR = query('LAR', 'Load Access Rights', '0F 02');
export const LSL = query('LSL', 'Load Segment Limit', '0F 03');

const verify = (name: 'VERR' | 'VERW', digit: string) => instruction(name, 'Verify a Segment for Reading or Writing', {
  encodings: `0F 00 ${digit} | ${name} r/m16`,
  flags: 'ZF tells whether the segment is accessible and readable (VERR) or writable (VERW).', exceptions: '#UD outside protected mode.',
  operation: inProtectedMode((cpu, src) => { cpu.perform(name, src!.read(16).zeroExtend(64)); }),
});
export const VERR = verify('VERR', '/4');
export const VERW = verify('VERW', '/5');

export const ARPL = instruction('ARPL', 'Adjust RPL Field of Segment Selector', {
  encodings: '63 /r | ARPL r/m16, r16 | 32',
  flags: 'The ZF flag is set to 1 if the RPL field of the destination operand is less than that of the source operand; otherwise, it is set to 0.',
  exceptions: '#UD outside protected mode.',
  operation: inProtectedMode((cpu, dest, src) => {
    const old = dest!.readForUpdate(), rpl = src!.read().and(3), less = old.and(3).ult(rpl);
    dest!.write(less.select(old.and(0xfffc).or(rpl), old));
    cpu.setFlags({ ZF: less });
  }),
});
