/**
 * The exceptions of an instruction: its own, as its entry says, and those that follow from its operands.
 * SDM Vol. 2, "Interpreting the Instruction Reference Pages", "Protected Mode Exceptions"; "Exceptions Type" of SSE instructions.
 */
import type { Form } from '../emulator/isa/encoding.js';
import type { Instruction } from '../emulator/isa/instruction.js';

/** Their memory operand is not accessed. */
const ADDRESS_ONLY = new Set(['LEA', 'NOP', 'INVLPG', 'PREFETCHh', 'PREFETCHW']);
const USES_STACK = /^(?:PUSH|POP|CALL|RET|ENTER|LEAVE|INT|IRET)(?!CNT)/;
const IS_SSE = /^(?:SSE|SSSE)/, IS_AVX = /^(?:AVX|FMA|F16C)/;
/** "No AC# reported for any mask bit combinations." */
const NEVER_UNALIGNED = /^VP?(?:MASKMOV|GATHER)/;

export const asSentence = (text: string): string => (text.endsWith('.') ? text : `${text}.`);

const accesses = (form: Form, instruction: Instruction): boolean => !ADDRESS_ONLY.has(instruction.name) && form.operands.some(({ mayBeMemory }) => mayBeMemory);

/** What CPUID must show, by rows. */
export const featuresOf = (forms: readonly Form[]): string[] => [...new Set(forms.map(({ features }) => features.join(' and ')))].filter((names) => names !== '');

export function exceptionsOf(instruction: Instruction, forms: readonly Form[]): string[] {
  const { name, lock = false, repeats = false, feature, exceptions } = instruction;
  const hasMemory = repeats || forms.some((form) => accesses(form, instruction));
  const usesStack = USES_STACK.test(name);
  const lines: string[] = [];
  if (exceptions !== undefined && exceptions !== 'None') lines.push(asSentence(feature === 'FPU' ? `x87 FPU exceptions: ${exceptions}` : exceptions.startsWith('#') ? exceptions : `SIMD floating-point exceptions (#XM): ${exceptions}`));
  if (forms.some(({ aligned }) => aligned)) lines.push('#GP(0) if a memory operand is not aligned to its size.');
  if (hasMemory) {
    lines.push('#GP(0), in the SS segment #SS(0), if a memory operand is outside the segment limit or not canonical, or the segment does not allow the access.');
    lines.push('#PF(fault-code) if a page fault occurs.');
    if (!NEVER_UNALIGNED.test(name)) lines.push('#AC(0) if alignment checking is enabled and an unaligned access is made at CPL 3.');
  } else if (usesStack) {
    lines.push('#SS(0) if the stack access is outside the segment limit or not canonical; #PF(fault-code) if a page fault occurs.');
  }
  if (IS_SSE.test(feature ?? '') && forms.some(({ vex }) => !vex)) lines.push('#UD if CR0.EM is 1 or CR4.OSFXSR is 0; #NM if CR0.TS is 1.');
  if (forms.some(({ vex, features }) => vex && features.some((one) => IS_AVX.test(one)))) lines.push('With VEX: #UD if CR4.OSXSAVE is 0 or XCR0 does not enable SSE and AVX state; #NM if CR0.TS is 1.');
  if (forms.some(({ vex }) => vex)) lines.push('With VEX: #UD in real-address and virtual-8086 mode, and behind LOCK, 66H, F2H, F3H or REX.');
  if (feature === 'MMX') lines.push('#UD if CR0.EM is 1; #NM if CR0.TS is 1; #MF if an x87 exception is pending.');
  if (feature === 'FPU') lines.push('#NM if CR0.EM or CR0.TS is 1; #MF if an x87 exception is pending.');
  const needed = featuresOf(forms);
  if (needed.length > 0) lines.push(`#UD if CPUID does not report ${needed.join(', or for some rows ')}.`);
  if (forms.some(({ vex }) => !vex)) lines.push(lock ? '#UD if LOCK is used and the destination is not a memory operand.' : '#UD if LOCK is used.');
  return lines;
}
