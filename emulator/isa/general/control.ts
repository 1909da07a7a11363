/** JMP, Jcc, CALL, RET, LOOPcc, JrCXZ (near). SDM Vol. 2, by their names. */
import { CONDITIONS } from '../../meaning/emit-condition.js';
import { instruction, type Cpu, type Instruction, type Operand } from '../instruction.js';

const hex = (n: number): string => n.toString(16).toUpperCase().padStart(2, '0');

export const JMP = instruction('JMP', 'Jump', {
  encodings: `
    EB cb | JMP rel8
    E9 cw | JMP rel16 | 32
    E9 cd | JMP rel32 | 32
    E9 cd | JMP rel32 | 64 o64
    FF /4 | JMP r/m16 | 32
    FF /4 | JMP r/m32 | 32
    FF /4 | JMP r/m64 | 64`,
  flags: 'None affected.',
  operation(cpu, target) { if (target.kind === 'relative') cpu.jumpRelative(target); else cpu.jump(target.read()); },
});

export const JCC: readonly Instruction[] = CONDITIONS.map((condition, i) => instruction(`J${condition}`, 'Jump if Condition Is Met', {
  encodings: `
    ${hex(0x70 + i)} cb | J${condition} rel8
    0F ${hex(0x80 + i)} cw | J${condition} rel16 | 32
    0F ${hex(0x80 + i)} cd | J${condition} rel32 | 32
    0F ${hex(0x80 + i)} cd | J${condition} rel32 | 64 o64`,
  flags: 'None affected.',
  operation(cpu, target) { cpu.jumpRelative(target, cpu.condition(condition)); },
}));

const nearSize = (cpu: Cpu): 16 | 32 | 64 => (cpu.mode === 64 ? 64 : cpu.size);

export const CALL = instruction('CALL', 'Call Procedure', {
  encodings: `
    E8 cw | CALL rel16 | 32
    E8 cd | CALL rel32 | 32
    E8 cd | CALL rel32 | 64 o64
    FF /2 | CALL r/m16 | 32
    FF /2 | CALL r/m32 | 32
    FF /2 | CALL r/m64 | 64`,
  flags: 'None affected.',
  operation(cpu, target) {
    const back = cpu.nextIp.truncate(nearSize(cpu));
    if (target.kind === 'relative') { cpu.push(back); cpu.jumpRelative(target); return; }
    const to = target.read();
    cpu.checkTarget(to);
    cpu.push(back);
    cpu.jump(to);
  },
});

export const RET = instruction('RET', 'Return From Procedure', {
  encodings: `
    C3 | RET | 32 o16
    C3 | RET | 32 o32
    C3 | RET | 64 o64
    C2 iw | RET imm16 | 32 o16
    C2 iw | RET imm16 | 32 o32
    C2 iw | RET imm16 | 64 o64`,
  flags: 'None affected.',
  operation(cpu, release) {
    const bits = nearSize(cpu), sp = cpu.register(4, cpu.stackSize);
    const to = cpu.memory(sp, bits, 2, { stack: true }).read();
    cpu.checkTarget(to);
    let above = sp.add(bits / 8);
    if (release) above = above.add(release.read(16).zeroExtend(64).truncate(sp.bits));
    cpu.setStackPointer(above);
    cpu.jump(to);
  },
});

function counted(condition: 'E' | 'NE' | undefined) {
  return (cpu: Cpu, target: Operand): void => {
    const count = cpu.register(1, cpu.addressSize).sub(1);
    cpu.setRegister(1, count);
    const left = count.ne(0);
    cpu.jumpRelative(target, condition ? left.and(cpu.condition(condition)) : left);
  };
}
export const LOOP = instruction('LOOP', 'Loop According to ECX Counter', { encodings: 'E2 cb | LOOP rel8', flags: 'None affected.', operation: counted(undefined) });
export const LOOPE = instruction('LOOPE', 'Loop According to ECX Counter', { encodings: 'E1 cb | LOOPE rel8', flags: 'None affected.', operation: counted('E') });
export const LOOPNE = instruction('LOOPNE', 'Loop According to ECX Counter', { encodings: 'E0 cb | LOOPNE rel8', flags: 'None affected.', operation: counted('NE') });
export const JRCXZ = instruction('JRCXZ', 'Jump if RCX Is Zero', {
  encodings: 'E3 cb | JRCXZ rel8', flags: 'None affected.',
  operation(cpu, target) { cpu.jumpRelative(target, cpu.register(1, cpu.addressSize).isZero); },
});
