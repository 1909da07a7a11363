/** Where our decoder and iced-x86 say different things of the same bytes, and why. */
import { FEATURES } from '../../emulator/cpu/cpuid.js';
import type { Decoded } from '../../emulator/isa/decode.js';
import type { Mode } from './decoder.js';

/** Features by iced's names that every processor has that we could be. */
const ALWAYS = new Set(['INTEL8086', 'INTEL186', 'INTEL286', 'INTEL386', 'INTEL486', 'X64', 'CPUID', 'MULTIBYTENOP', 'PAUSE', 'RDPMC', 'FPU287', 'FPU387']);
/** The manual's names of features for which iced has others. */
const NAMES: Readonly<Record<string, string>> = { CMPXCHG16B: 'CX16', SSE4_1: 'SSE4.1', SSE4_2: 'SSE4.2', INVEPT: 'VMX', INVVPID: 'VMX' };
/** Whether the processor model has what CPUID calls by another name. */
export const isKnownFeature = (iced: string): boolean => ALWAYS.has(iced) || FEATURES.has(NAMES[iced] ?? iced);

const reservedNop = (): string => 'RESERVEDNOP';
/** iced's mnemonic where it is not that of our row. */
export const MNEMONICS: Readonly<Record<string, (d: Decoded) => string>> = {
  NOP: (d) => (d.form.map === 0 ? 'NOP' : 'RESERVEDNOP'),
  PREFETCHh: reservedNop,
  PREFETCHW: reservedNop,
  RET: (d) => (/^(REX\.W \+ )?C[AB]/.test(d.form.text) ? 'RETF' : 'RET'),
  JRCXZ: (d) => ({ 16: 'JCXZ', 32: 'JECXZ', 64: 'JRCXZ' })[d.addressSize],
  ...Object.fromEntries(['PCMPESTRI', 'PCMPESTRM', 'VPCMPESTRI', 'VPCMPESTRM'].map((name) => [name, (d: Decoded) => (d.operandSize === 64 ? `${name}64` : name)])),
  SYSRET: (d) => (d.operandSize === 64 ? 'SYSRETQ' : 'SYSRET'),
  SYSEXIT: (d) => (d.operandSize === 64 ? 'SYSEXITQ' : 'SYSEXIT'),
  XCHG: (d) => (d.form.map === 0 && d.form.plusRegister && d.opcodeRegister === 0 ? 'NOP' : 'XCHG'),
};

interface Said { readonly length: number; readonly mnemonic: string; readonly operands: readonly string[] }
const NARROW = /^(ARPL|VERR|VERW|LLDT|LTR|LMSW|MOV|UD0|UD1|V?(PINSRB|PINSRW|PEXTRW|PMOVMSKB|MOVMSKPS|MOVMSKPD))$/;
/** The same but for the widths of general registers. */
const alike = (iced: Said | undefined, ours: Said | undefined): boolean => {
  const widthless = (said: Said) => said.operands.map((o) => (/^[er]?([a-ds][xpi]|\d+)[dw]?$/.exec(o)?.[1] ?? o)).join();
  return iced?.length === ours?.length && iced?.mnemonic === ours?.mnemonic && iced !== undefined && ours !== undefined && widthless(iced) === widthless(ours);
};

interface KnownDecoderDifference {
  readonly when: (iced: Said | undefined, ours: Said | undefined, d: Decoded | undefined, mode: Mode, bytes: Uint8Array) => boolean;
  readonly because: string;
}

export const KNOWN_DECODER_DIFFERENCES: readonly KnownDecoderDifference[] = [
  {
    when: (iced, _ours, d) => !iced && d?.form.operands.some((o) => o.kind === 'segment') === true,
    because: 'MOV to CS, and to or from segment registers that do not exist, is decoded, and is #UD by its Operation.',
  },
  {
    when: (iced, _ours, d) => !iced && d?.form.operands.some((o) => o.kind === 'control' || o.kind === 'debug') === true,
    because: 'MOV of control and debug registers that do not exist is decoded, and is #UD by its Operation.',
  },
  {
    when: (iced, ours, _d, mode) => !ours && mode !== 64 && /^SYS(CALL|RET)$/.test(iced?.mnemonic ?? ''),
    because: '"SYSCALL … #UD … in compatibility mode, or legacy mode": only AMD processors have it outside 64-bit mode.',
  },
  {
    when: (iced, ours) => NARROW.test(ours?.mnemonic ?? '') && alike(iced, ours),
    because: 'Operands of one width (selectors, single words of a vector): iced names registers by the operand size all the same.',
  },
  {
    when: (iced, ours) => !ours && /^F(STPNCE|NENI|NDISI|NSETPM|RSTPM)$/.test(iced?.mnemonic ?? ''),
    because: 'Instructions of the 8087 and 80287 only, or undocumented.',
  },
];
