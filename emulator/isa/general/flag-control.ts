/** CLC, STC, CMC, CLD, STD, LAHF, SAHF. SDM Vol. 2, by their names. */
import { S } from '../../cpu/layout.js';
import { instruction } from '../instruction.js';
import { AF, CF, PF, SF, ZF } from '../../meaning/flags.js';

const DF = 1 << 10;

export const CLC = instruction('CLC', 'Clear Carry Flag', { encodings: 'F8 | CLC', flags: 'The CF flag is set to 0.', operation(cpu) { cpu.setFlags({ CF: cpu.constant(0, 1) }); } });
export const STC = instruction('STC', 'Set Carry Flag', { encodings: 'F9 | STC', flags: 'The CF flag is set.', operation(cpu) { cpu.setFlags({ CF: cpu.constant(1, 1) }); } });
export const CMC = instruction('CMC', 'Complement Carry Flag', { encodings: 'F5 | CMC', flags: 'The CF flag contains the complement of its original value.', operation(cpu) { cpu.setFlags({ CF: cpu.flag('CF').not }); } });
export const CLD = instruction('CLD', 'Clear Direction Flag', { encodings: 'FC | CLD', flags: 'The DF flag is set to 0.', operation(cpu) { cpu.setState(S.rflags, cpu.state(S.rflags, 32).and(~DF)); } });
export const STD = instruction('STD', 'Set Direction Flag', { encodings: 'FD | STD', flags: 'The DF flag is set.', operation(cpu) { cpu.setState(S.rflags, cpu.state(S.rflags, 32).or(DF)); } });

const HIGH_BYTE = SF | ZF | AF | PF | CF;
export const LAHF = instruction('LAHF', 'Load Status Flags Into AH Register', {
  encodings: '9F | LAHF', flags: 'None affected.',
  operation(cpu) { cpu.setState(S.gpr + 1, cpu.status().and(HIGH_BYTE).or(2).truncate(8)); },
});
export const SAHF = instruction('SAHF', 'Store AH Into Flags', {
  encodings: '9E | SAHF', flags: 'The SF, ZF, AF, PF, and CF flags are loaded with values from the AH register. The OF flag remains unchanged.',
  operation(cpu) {
    const word = cpu.status().and(~HIGH_BYTE).or(cpu.state(S.gpr + 1, 8).zeroExtend(32).and(HIGH_BYTE));
    cpu.meaning.flags('explicit', 32, word, word);
  },
});
