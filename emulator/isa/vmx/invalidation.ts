/** INVEPT, INVVPID. SDM Vol. 3D, "VMX Instruction Reference", by their names. */
import { instruction } from '../instruction.js';
import { FLAGS, LEVEL_0, OUTSIDE_VMX } from './operation.js';

const invalidation = (name: 'INVEPT' | 'INVVPID', summary: string, opcode: string) => instruction(name, summary, {
  encodings: `
    66 0F 38 ${opcode} /r | ${name} r32, m128 | 32
    66 0F 38 ${opcode} /r | ${name} r64, m128 | 64`,
  feature: 'VMX',
  privileged: true,
  flags: FLAGS,
  exceptions: `${OUTSIDE_VMX} ${LEVEL_0}`,
  vmExit: 'Always.',
  operation(cpu, type, descriptor) {
    cpu.compute(`check ${name}`, []);
    cpu.perform(name, type.read().zeroExtend(64), descriptor.at(0, 64).read(), descriptor.at(8, 64).read());
  },
});

export const INVEPT = invalidation('INVEPT', 'Invalidate Translations Derived from EPT', '80');
export const INVVPID = invalidation('INVVPID', 'Invalidate Translations Based on VPID', '81');
