/** Machine code as text, by iced-x86: the only place that knows it. Loaded when somebody first looks at code. */
import { Decoder, DecoderOptions, FlowControl, Formatter, FormatterSyntax, Mnemonic, type Instruction } from 'iced-x86';

export interface Disassembled {
  readonly address: bigint;
  readonly length: number;
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly valid: boolean;
  /** What a step over it runs through: a call or a software interrupt, which come back behind it. */
  readonly isCall: boolean;
  readonly isReturn: boolean;
  /** VMLAUNCH and VMRESUME. */
  readonly entersGuest: boolean;
  /** The linear address that it names, for its symbol: a branch target or a RIP-relative operand. */
  readonly target: bigint | undefined;
}

export const LONGEST_INSTRUCTION = 15;

const CALLS: ReadonlySet<FlowControl> = new Set([FlowControl.Call, FlowControl.IndirectCall, FlowControl.Interrupt]);

/** System calls are calls for whoever makes them. */
const SYSTEM_CALLS: ReadonlySet<Mnemonic> = new Set([Mnemonic.Syscall, Mnemonic.Sysenter]);
const VM_ENTRIES: ReadonlySet<Mnemonic> = new Set([Mnemonic.Vmlaunch, Mnemonic.Vmresume]);
const WORLD_CHANGES: ReadonlySet<Mnemonic> = new Set([...VM_ENTRIES, Mnemonic.Vmcall, Mnemonic.Vmmcall, Mnemonic.Vmrun]);

let formatter: Formatter | undefined;

function theFormatter(): Formatter {
  if (formatter) return formatter;
  formatter = new Formatter(FormatterSyntax.Intel);
  formatter.hexPrefix = '0x';
  formatter.hexSuffix = '';
  formatter.uppercaseHex = false;
  formatter.spaceAfterOperandSeparator = true;
  formatter.smallHexNumbersInDecimal = true;
  formatter.branchLeadingZeros = false;
  formatter.leadingZeros = false;
  return formatter;
}

/** At most `most` instructions from the beginning of the bytes; the last may be cut off, and is then not valid. */
export function disassemble(bytes: Uint8Array, address: bigint, bits: 16 | 32 | 64, most = Infinity): Disassembled[] {
  const decoder = new Decoder(bits, bytes, DecoderOptions.None);
  const found: Disassembled[] = [];
  try {
    decoder.ip = address;
    while (decoder.canDecode && found.length < most) {
      const from = decoder.position;
      const instruction = decoder.decode();
      found.push(describe(instruction, bytes.subarray(from, decoder.position)));
      instruction.free();
    }
  } finally {
    decoder.free();
  }
  return found;
}

function describe(instruction: Instruction, bytes: Uint8Array): Disassembled {
  const valid = !instruction.isInvalid;
  const { flowControl } = instruction;
  return {
    address: instruction.ip,
    length: instruction.length,
    bytes,
    text: valid ? theFormatter().format(instruction) : '(bad)',
    valid,
    isCall: (CALLS.has(flowControl) && !WORLD_CHANGES.has(instruction.mnemonic)) || SYSTEM_CALLS.has(instruction.mnemonic),
    entersGuest: VM_ENTRIES.has(instruction.mnemonic),
    isReturn: flowControl === FlowControl.Return,
    target: targetOf(instruction),
  };
}

function targetOf(instruction: Instruction): bigint | undefined {
  const near = instruction.nearBranchTarget;
  if (near !== 0n) return near;
  return instruction.isIpRelMemoryOperand ? instruction.ipRelMemoryAddress : undefined;
}
