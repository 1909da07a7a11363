/** Instructions that exit always or by one control. SDM Vol. 3C, "Instructions That Cause VM Exits". */
import type { PROCESSOR, PROCESSOR_2 } from './controls.js';
import { EXIT_REASONS } from './exit-reasons.js';
import type { Format } from './instruction-information.js';

export interface InstructionExit {
  readonly reason: number;
  /** It exits when this control is 1; absent: always. */
  readonly control?: keyof typeof PROCESSOR;
  readonly secondary?: keyof typeof PROCESSOR_2;
  /** It exits by the XSS-exiting bitmap. */
  readonly byXss?: true;
  /** It exits unless VMCS shadowing leaves it to the shadow VMCS. */
  readonly byShadowBitmap?: 'VMREAD' | 'VMWRITE';
  /** Format of the instruction information. */
  readonly information?: Format;
  /** The qualification is the displacement of the memory operand. */
  readonly displacement?: true;
}

const R = EXIT_REASONS;
const table = (reason: number, information: Format): InstructionExit => ({ reason, secondary: 'descriptor-table exiting', information, displacement: true });
const vmx = (reason: number, information?: Format): InstructionExit => ({ reason, ...(information === undefined ? {} : { information, displacement: true as const }) });

/** "if any bit is set in the logical-AND of the following three values: EDX:EAX, the IA32_XSS MSR, and the XSS-exiting bitmap". */
const xss = (reason: number): InstructionExit => ({ reason, byXss: true, information: 'memory', displacement: true });

/** While this control is 0 the instruction is #UD in non-root operation. */
export const ENABLED_BY: Readonly<Record<string, keyof typeof PROCESSOR_2>> = {
  RDTSCP: 'enable RDTSCP', RDPID: 'enable RDTSCP', INVPCID: 'enable INVPCID', XSAVES: 'enable XSAVES/XRSTORS', XRSTORS: 'enable XSAVES/XRSTORS',
};

export const INSTRUCTION_EXITS: Readonly<Record<string, InstructionExit>> = {
  CPUID: { reason: R.CPUID.number },
  GETSEC: { reason: R.GETSEC.number },
  INVD: { reason: R.INVD.number },
  XSETBV: { reason: R.XSETBV.number },
  HLT: { reason: R.HLT.number, control: 'HLT exiting' },
  INVLPG: { reason: R.INVLPG.number, control: 'INVLPG exiting' },
  RDPMC: { reason: R.RDPMC.number, control: 'RDPMC exiting' },
  RDTSC: { reason: R.RDTSC.number, control: 'RDTSC exiting' },
  RDTSCP: { reason: R.RDTSCP.number, control: 'RDTSC exiting' },
  MWAIT: { reason: R.MWAIT.number, control: 'MWAIT exiting' },
  MONITOR: { reason: R.MONITOR.number, control: 'MONITOR exiting' },
  PAUSE: { reason: R.PAUSE.number, control: 'PAUSE exiting' },
  WBINVD: { reason: R.WBINVD.number, secondary: 'WBINVD exiting' },
  WBNOINVD: { reason: R.WBINVD.number, secondary: 'WBINVD exiting' },
  RDRAND: { reason: R.RDRAND.number, secondary: 'RDRAND exiting', information: 'random number' },
  RDSEED: { reason: R.RDSEED.number, secondary: 'RDSEED exiting', information: 'random number' },
  INVPCID: { reason: R.INVPCID.number, control: 'INVLPG exiting', information: 'memory and register', displacement: true },
  SGDT: table(R.ACCESS_TO_GDTR_OR_IDTR.number, 'GDTR or IDTR'),
  SIDT: table(R.ACCESS_TO_GDTR_OR_IDTR.number, 'GDTR or IDTR'),
  LGDT: table(R.ACCESS_TO_GDTR_OR_IDTR.number, 'GDTR or IDTR'),
  LIDT: table(R.ACCESS_TO_GDTR_OR_IDTR.number, 'GDTR or IDTR'),
  SLDT: table(R.ACCESS_TO_LDTR_OR_TR.number, 'LDTR or TR'),
  STR: table(R.ACCESS_TO_LDTR_OR_TR.number, 'LDTR or TR'),
  LLDT: table(R.ACCESS_TO_LDTR_OR_TR.number, 'LDTR or TR'),
  LTR: table(R.ACCESS_TO_LDTR_OR_TR.number, 'LDTR or TR'),
  XSAVES: xss(R.XSAVES.number),
  XRSTORS: xss(R.XRSTORS.number),
  VMCALL: vmx(R.VMCALL.number),
  VMLAUNCH: vmx(R.VMLAUNCH.number),
  VMRESUME: vmx(R.VMRESUME.number),
  VMXOFF: vmx(R.VMXOFF.number),
  VMCLEAR: vmx(R.VMCLEAR.number, 'memory'),
  VMPTRLD: vmx(R.VMPTRLD.number, 'memory'),
  VMPTRST: vmx(R.VMPTRST.number, 'memory'),
  VMXON: vmx(R.VMXON.number, 'memory'),
  VMREAD: { ...vmx(R.VMREAD.number, 'register or memory, and register'), byShadowBitmap: 'VMREAD' },
  VMWRITE: { ...vmx(R.VMWRITE.number, 'register or memory, and register'), byShadowBitmap: 'VMWRITE' },
  INVEPT: vmx(R.INVEPT.number, 'memory and register'),
  INVVPID: vmx(R.INVVPID.number, 'memory and register'),
};
