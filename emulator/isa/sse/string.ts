/** PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM. SDM Vol. 2, by their names and "Imm8 Control Byte Operation for PCMPESTRI / PCMPESTRM / PCMPISTRI / PCMPISTRM". */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction } from '../instruction.js';
import { xmm } from '../../cpu/layout.js';
import { sse } from './vector.js';

const ECX = 1, EAX = 0, EDX = 2;
const LENGTHS = [['E', 'Explicit'], ['I', 'Implicit']] as const, RESULTS = [['I', 'Index'], ['M', 'Mask']] as const;
const OPCODES = { EM: '60', EI: '61', IM: '62', II: '63' } as const;

/** Lengths of both strings, as signed numbers of 64 bits; REX.W takes all of RAX and RDX. */
const explicit = (cpu: Cpu): Value[] => [EAX, EDX].map((n) => (cpu.size === 64 ? cpu.register(n, 64) : cpu.register(n, 32).signExtend(64)));

/** Operands need not be aligned. */
export const STRINGS: readonly Instruction[] = LENGTHS.flatMap(([length, lengths]) => RESULTS.map(([result, returned]) => {
  const name = `PCMP${length}STR${result}`, opcode = OPCODES[`${length}${result}`];
  return instruction(name, `Packed Compare ${lengths} Length Strings, Return ${returned}`, {
    encodings: `
      66 0F 3A ${opcode} /r ib | ${name} xmm1, xmm2/m128, imm8
      66 REX.W 0F 3A ${opcode} /r ib | ${name} xmm1, xmm2/m128, imm8
      VEX.128.66.0F3A.WIG ${opcode} /r ib | V${name} xmm1, xmm2/m128, imm8 | AVX`,
    feature: 'SSE4.2', flags: 'CF, ZF, SF and OF show the outcome; AF and PF are cleared.',
    operation(cpu, first, second, control) {
      sse(cpu);
      const b = second!.read(128), a = first!.read(), strings = [a, b, control!.read(8), ...(length === 'E' ? explicit(cpu) : [])];
      const [found, status] = cpu.compute(name, strings, [result === 'I' ? 32 : 128, 32]) as [Value, Value];
      if (result === 'I') cpu.setRegister(ECX, found); else {
        cpu.setState(xmm(0), found);
        if (cpu.vectorLength !== undefined) cpu.setState(xmm(0) + 16, cpu.constant(0, 128));
      }
      cpu.meaning.flags('explicit', 32, status, status);
    },
  });
}));
