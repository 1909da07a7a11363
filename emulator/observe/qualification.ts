/** What a VM exit's qualification says, in words. SDM Vol. 3C, "Basic VM-Exit Information". */
import { EXIT_REASON_NUMBERS, exitReason } from '../vmx/exit-reasons.js';
import { GENERAL_NAMES } from '../cpu/layout.js';
import { bitField } from './bits.js';

const TASK_SWITCH_SOURCES = ['CALL', 'IRET', 'JMP', 'task gate in the IDT'];
const hex = (value: bigint): string => `0x${value.toString(16)}`;

const DECODERS: Readonly<Record<number, (q: bigint) => string>> = {
  [EXIT_REASON_NUMBERS.EPT_VIOLATION]: eptViolation,
  [EXIT_REASON_NUMBERS.CONTROL_REGISTER_ACCESSES]: controlRegister,
  [EXIT_REASON_NUMBERS.IO_INSTRUCTION]: (q) => {
    const string = bitField(q, 4) ? 'string ' : '';
    return `${bitField(q, 5) ? 'REP ' : ''}${string}${bitField(q, 3) ? 'IN from' : 'OUT to'} port ${hex(bitField(q, 16, 16))}, ${bitField(q, 0, 3) === 0n ? '1 byte' : `${bitField(q, 0, 3) + 1n} bytes`}, ${bitField(q, 6) ? 'immediate operand' : 'port in DX'}`;
  },
  [EXIT_REASON_NUMBERS.MOV_DR]: (q) => {
    const register = GENERAL_NAMES[Number(bitField(q, 8, 4))]!;
    return bitField(q, 4) ? `MOV from DR${bitField(q, 0, 3)} to ${register}` : `MOV to DR${bitField(q, 0, 3)} from ${register}`;
  },
  [EXIT_REASON_NUMBERS.TASK_SWITCH]: (q) => `to the TSS of selector ${hex(bitField(q, 0, 16))}, by ${TASK_SWITCH_SOURCES[Number(bitField(q, 30, 2))]!}`,
  [EXIT_REASON_NUMBERS.APIC_ACCESS]: (q) => `offset ${hex(bitField(q, 0, 12))} of the APIC page, access type ${bitField(q, 12, 4)}`,
};

/** SDM Vol. 3C, "Exit Qualification for EPT Violations". */
function eptViolation(q: bigint): string {
  const names = (bits: readonly string[], from: number): string => bits.filter((_, index) => bitField(q, from + index) !== 0n).join(', ');
  const allowed = names(['read', 'write', 'execute', 'execute from user-mode linear addresses'], 3) || 'nothing';
  const during = bitField(q, 7) === 0n ? 'the guest-linear address is not valid' : bitField(q, 8) === 0n ? 'while a guest paging-structure entry was read or its flags were set' : 'at the translation of the guest-linear address';
  return `${names(['read', 'write', 'instruction fetch'], 0)}, where the EPT allows ${allowed}; ${during}`;
}

/** SDM Vol. 3C, "Exit Qualification for Control-Register Accesses". */
function controlRegister(q: bigint): string {
  const register = GENERAL_NAMES[Number(bitField(q, 8, 4))]!;
  const cr = `CR${bitField(q, 0, 4)}`;
  switch (bitField(q, 4, 2)) {
    case 0n: return `MOV to ${cr} from ${register}`;
    case 1n: return `MOV from ${cr} to ${register}`;
    case 2n: return 'CLTS';
    default: return `LMSW ${hex(bitField(q, 16, 16))} from ${bitField(q, 6) ? 'memory' : 'a register'}`;
  }
}

/** Undefined where the qualification of such an exit is always 0. */
export function decodeQualification(reason: number, qualification: bigint): string | undefined {
  return DECODERS[reason & 0xffff]?.(BigInt.asUintN(64, qualification)) ?? exitReason(reason)?.qualification;
}
