/** iced-x86 as a second opinion on decoding: what it makes of some bytes, as plain data. */
import { Code, Decoder, DecoderOptions, Formatter, FormatterSyntax, MemorySizeOptions } from 'iced-x86';

export type Bits = 16 | 32 | 64;

export interface Decoded {
  readonly valid: boolean;
  /** Of an invalid instruction: what was read before it was given up. */
  readonly length: number;
  /** In capitals, as in the manual: 'ADD'. Empty if invalid. */
  readonly mnemonic: string;
  /** The manual's 'Opcode' column, with operand and address size written o16, o32, o64, a16 …: 'o64 01 /r'. */
  readonly opcode: string;
  /** The manual's 'Instruction' column: 'ADD r/m64, r64'. */
  readonly form: string;
  /** In Intel's syntax: ['qword ptr [rax+8]', 'rbx']. Branch targets are absolute, memory operands say their size. */
  readonly operands: readonly string[];
  /** Mnemonic and operands as one line. */
  readonly text: string;
}

const INVALID = { valid: false, mnemonic: '', opcode: '', form: '', operands: [], text: '(bad)' } as const;

const formatter = new Formatter(FormatterSyntax.Intel);
formatter.hexPrefix = '0x';
formatter.hexSuffix = '';
formatter.uppercaseHex = false;
formatter.spaceAfterOperandSeparator = true;
formatter.branchLeadingZeros = false;
formatter.showBranchSize = false;
formatter.memorySizeOptions = MemorySizeOptions.Always;

function decodeOne(decoder: Decoder): Decoded {
  const instruction = decoder.decode();
  try {
    if (instruction.code === Code.INVALID) return { ...INVALID, length: instruction.length };
    const opCode = instruction.opCode;
    try {
      const count = formatter.operandCount(instruction);
      return {
        valid: true,
        length: instruction.length,
        mnemonic: opCode.instructionString.split(' ')[0]!,
        opcode: opCode.opCodeString,
        form: opCode.instructionString,
        operands: Array.from({ length: count }, (_, n) => formatter.formatOperand(instruction, n)),
        text: formatter.format(instruction),
      };
    } finally {
      opCode.free();
    }
  } finally {
    instruction.free();
  }
}

/** Decodes the first instruction of some bytes, as an Intel processor would at the given address. */
export function decode(bytes: Uint8Array, bits: Bits, address = 0n): Decoded {
  const decoder = new Decoder(bits, bytes, DecoderOptions.None);
  try {
    decoder.ip = address;
    return decodeOne(decoder);
  } finally {
    decoder.free();
  }
}
