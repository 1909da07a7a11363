/** Loads, stores and moves of the x87 registers. SDM Vol. 2, by their names. */
import type { Condition, Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction, type Operand } from '../instruction.js';
import { waiting, withPointer } from './checks.js';
import { fastExchange, fastLoad, fastStore } from './fast.js';

const SIGN_AND_EXPONENT = 8;

export const FLD = instruction('FLD', 'Load Floating-Point Value', {
  encodings: `
    D9 /0 | FLD m32fp
    DD /0 | FLD m64fp
    DB /5 | FLD m80fp
    D9 C0+i | FLD ST(i)`,
  feature: 'FPU', flags: 'None affected.', exceptions: '#IS, #IA, #D',
  operation(cpu, src) {
    waiting(cpu);
    if (src.kind !== 'memory') fastLoad(cpu, src.number, () => { cpu.compute('FLD ST(i)', [src.number]); });
    else if ((src.bits as number) === 80) cpu.compute('FLD m80fp', withPointer(cpu, src, src.at(0, 64).read(), src.at(SIGN_AND_EXPONENT, 16).read()));
    else cpu.compute(`FLD m${src.bits}fp`, withPointer(cpu, src, src.read()));
  },
});
export const FILD = instruction('FILD', 'Load Integer', {
  encodings: `
    DF /0 | FILD m16int
    DB /0 | FILD m32int
    DF /5 | FILD m64int`,
  feature: 'FPU', flags: 'None affected.', exceptions: '#IS',
  operation(cpu, src) {
    waiting(cpu);
    cpu.compute('FILD', withPointer(cpu, src, src.read().signExtend(64)));
  },
});
export const FBLD = instruction('FBLD', 'Load Binary Coded Decimal', {
  encodings: 'DF /4 | FBLD m80dec', feature: 'FPU', flags: 'None affected.', exceptions: '#IS',
  operation(cpu, src) {
    waiting(cpu);
    cpu.compute('FBLD', withPointer(cpu, src, src.at(0, 64).read(), src.at(SIGN_AND_EXPONENT, 16).read()));
  },
});

/** Memory is found writable before the register file changes; an unmasked exception may prevent the store. */
function storeTo(cpu: Cpu, dest: Operand, name: string, pops: boolean): void {
  waiting(cpu);
  const bits = dest.bits as number, popping = cpu.constant(pops ? 1 : 0, 64);
  const low = bits === 80 ? dest.at(0, 64) : dest, high = bits === 80 ? dest.at(SIGN_AND_EXPONENT, 16) : undefined;
  low.readForUpdate();
  high?.readForUpdate();
  const [value, stored, top] = cpu.compute(name, withPointer(cpu, dest, popping), [64, 32, 16]) as [Value, Value, Value];
  cpu.when(stored, () => {
    low.write(value.truncate(low.bits));
    high?.write(top);
  });
}

export const FST = instruction('FST', 'Store Floating-Point Value', {
  encodings: `
    D9 /2 | FST m32fp
    DD /2 | FST m64fp`,
  feature: 'FPU', flags: 'None affected.', exceptions: '#IS, #IA, #U, #O, #P',
  operation(cpu, dest) { storeTo(cpu, dest, `FST m${dest.bits}fp`, false); },
});
export const FSTP = instruction('FSTP', 'Store Floating-Point Value and Pop', {
  encodings: `
    D9 /3 | FSTP m32fp
    DD /3 | FSTP m64fp
    DB /7 | FSTP m80fp`,
  feature: 'FPU', flags: 'None affected.', exceptions: '#IS, #IA, #U, #O, #P',
  operation(cpu, dest) { storeTo(cpu, dest, `FST m${dest.bits}fp`, true); },
});
export const FST_REGISTER: readonly Instruction[] = ([['FST', 'DD D0+i', 0], ['FSTP', 'DD D8+i', 1], ['FSTP', 'DF D0+i', 1], ['FSTP', 'DF D8+i', 1]] as const).map(([name, encoding, pops]) => instruction(name, 'Store Floating-Point Value', {
  encodings: `${encoding} | ${name} ST(i)`, feature: 'FPU', flags: 'None affected.', exceptions: '#IS',
  operation(cpu, dest) {
    waiting(cpu);
    fastStore(cpu, dest!.number, pops === 1, () => { cpu.compute('FST ST(i)', [dest!.number, cpu.constant(pops, 64)]); });
  },
}));
export const FIST: readonly Instruction[] = ([['FIST', 'Store Integer', 'DF /2 m16 DB /2 m32', false], ['FISTP', 'Store Integer and Pop', 'DF /3 m16 DB /3 m32 DF /7 m64', true]] as const).map(([name, summary, rows, pops]) => instruction(name, summary, {
  encodings: [...rows.matchAll(/(\S\S) (\/\d) (m\d\d)/g)].map(([, opcode, digit, memory]) => `${opcode} ${digit} | ${name} ${memory}int`).join('\n'),
  feature: 'FPU', flags: 'None affected.', exceptions: '#IS, #IA, #P',
  operation(cpu, dest) { storeTo(cpu, dest!, `FIST m${dest!.bits}int`, pops); },
}));
export const FISTTP = instruction('FISTTP', 'Store Integer With Truncation', {
  encodings: `
    DF /1 | FISTTP m16int
    DB /1 | FISTTP m32int
    DD /1 | FISTTP m64int`,
  feature: 'SSE3', flags: 'None affected.', exceptions: '#IS, #IA, #P',
  operation(cpu, dest) { storeTo(cpu, dest, `FISTTP m${dest.bits}int`, true); },
});
export const FBSTP = instruction('FBSTP', 'Store BCD Integer and Pop', {
  encodings: 'DF /6 | FBSTP m80bcd', feature: 'FPU', flags: 'None affected.', exceptions: '#IS, #IA, #P',
  operation(cpu, dest) { storeTo(cpu, dest, 'FBSTP', true); },
});

export const FXCH = instruction('FXCH', 'Exchange Register Contents', {
  encodings: `
    D9 C8+i | FXCH ST(i)
    DD C8+i | FXCH ST(i)
    DF C8+i | FXCH ST(i)`, feature: 'FPU', flags: 'None affected.', exceptions: '#IS',
  operation(cpu, other) {
    waiting(cpu);
    fastExchange(cpu, other.number, () => { cpu.compute('FXCH', [other.number]); });
  },
});
export const FFREE = instruction('FFREE', 'Free Floating-Point Register', {
  encodings: 'DD C0+i | FFREE ST(i)', feature: 'FPU', flags: 'None affected.',
  operation(cpu, register) {
    waiting(cpu);
    cpu.compute('FFREE', [register.number]);
  },
});

/** Not in the manual, but on all processors and in old programs: FFREE, then the register stack is popped. */
export const FFREEP = instruction('FFREEP', 'Free Floating-Point Register and Pop', {
  encodings: 'DF C0+i | FFREEP ST(i)', feature: 'FPU', flags: 'None affected.',
  operation(cpu, register) {
    waiting(cpu);
    cpu.compute('FFREE', [register.number]);
    cpu.compute('FFREE', [cpu.constant(0, 64)]);
    cpu.compute('FINCSTP', []);
  },
});

const CONDITIONAL: readonly (readonly [name: string, encoding: string, condition: Condition])[] = [
  ['B', 'DA C0+i', 'B'], ['E', 'DA C8+i', 'E'], ['BE', 'DA D0+i', 'BE'], ['U', 'DA D8+i', 'P'], ['NB', 'DB C0+i', 'AE'], ['NE', 'DB C8+i', 'NE'], ['NBE', 'DB D0+i', 'A'], ['NU', 'DB D8+i', 'NP'],
];
export const FCMOV: readonly Instruction[] = CONDITIONAL.map(([name, encoding, condition]) => instruction(`FCMOV${name}`, 'Floating-Point Conditional Move', {
  encodings: `${encoding} | FCMOV${name} ST(0), ST(i)`, feature: 'CMOV', flags: 'None affected.', exceptions: '#IS',
  operation(cpu, _top, src) {
    waiting(cpu);
    cpu.compute('FCMOV', [src!.number, cpu.condition(condition).zeroExtend(64)]);
  },
}));
