/** Our decoder against iced-x86's, byte string by byte string. */
import { CpuidFeature, Decoder, DecoderOptions, type Instruction, Mnemonic, OpKind, Register } from 'iced-x86';
import { decode, type Decoded, type DecodeTable } from '../../emulator/isa/decode.js';
import type { OperandSpec } from '../../emulator/isa/encoding.js';
import { isKnownFeature, KNOWN_DECODER_DIFFERENCES, MNEMONICS } from './decoder-differences.js';

export type Mode = 16 | 32 | 64;
export type Comparison =
  | { readonly kind: 'same'; readonly valid: boolean }
  /** An instruction of an extension that our processor model lacks, and that we refuse. */
  | { readonly kind: 'extension'; readonly features: string }
  | { readonly kind: 'known'; readonly because: string }
  | { readonly kind: 'different'; readonly says: string };

/** As a processor without WBNOINVD decodes, which takes all hints for NOPs. */
const OPTIONS = DecoderOptions.NoWbnoinvd | DecoderOptions.ForceReservedNop;

/** What both decoders are asked to say of an instruction. */
interface Said { readonly length: number; readonly mnemonic: string; readonly operands: readonly string[] }

const mask = (value: bigint, bits: number): string => BigInt.asUintN(bits, value).toString(16);
const register = (r: Register): string => Register[r]!.toLowerCase();

function memoryOfIced(i: Instruction, mode: Mode): string {
  const base = i.memoryBase, index = i.memoryIndex;
  const name = (r: Register) => (r === Register.None ? '' : register(r));
  // The address of a RIP-relative operand is told, not its displacement; we add the length likewise.
  const displacement = mask(i.memoryDisplacement, addressBits(i));
  // 64-bit mode ignores all overrides but FS and GS.
  const ignored = mode === 64 && i.memorySegment < Register.FS, stack = [Register.RSP, Register.RBP, Register.ESP, Register.EBP].includes(base);
  const segment = ignored ? (stack ? Register.SS : Register.DS) : i.memorySegment;
  return `${register(segment)}:[${name(base)}+${name(index)}*${index === Register.None ? 1 : i.memoryIndexScale}+${displacement}]`;
}
/** Displacements are compared modulo the address size. */
function addressBits(i: Instruction): number {
  const names = [i.memoryBase, i.memoryIndex].filter((r) => r !== Register.None).map((r) => Register[r]!);
  if (names.length === 0) return 8 * i.memoryDisplSize;
  if (names.some((n) => /^(E|R\d+D$)/.test(n))) return 32;
  return /^[BSD][XPI]$/.test(names[0]!) ? 16 : 64;
}

function operandOfIced(i: Instruction, n: number, mode: Mode): string {
  switch (i.opKind(n)) {
    case OpKind.Register: return register(i.opRegister(n));
    case OpKind.NearBranch16: return `near ${mask(i.nearBranchTarget, 16)}`;
    case OpKind.NearBranch32: return `near ${mask(i.nearBranchTarget, 32)}`;
    case OpKind.NearBranch64: return `near ${mask(i.nearBranchTarget, 64)}`;
    case OpKind.FarBranch16: return `far ${i.farBranchSelector.toString(16)}:${i.farBranch16.toString(16)}`;
    case OpKind.FarBranch32: return `far ${i.farBranchSelector.toString(16)}:${i.farBranch32.toString(16)}`;
    case OpKind.Immediate8: case OpKind.Immediate8_2nd: return mask(i.immediate(n), 8);
    case OpKind.Immediate16: case OpKind.Immediate8to16: return mask(i.immediate(n), 16);
    case OpKind.Immediate32: case OpKind.Immediate8to32: return mask(i.immediate(n), 32);
    case OpKind.Immediate64: case OpKind.Immediate8to64: case OpKind.Immediate32to64: return mask(i.immediate(n), 64);
    case OpKind.Memory: return memoryOfIced(i, mode);
    default: return 'implied';
  }
}

function saidByIced(i: Instruction, mode: Mode): Said {
  return { length: i.length, mnemonic: Mnemonic[i.mnemonic]!.toUpperCase(), operands: Array.from({ length: i.opCount }, (_, n) => operandOfIced(i, n, mode)) };
}

const SEGMENTS = ['es', 'cs', 'ss', 'ds', 'fs', 'gs'];
const LOW = ['al', 'cl', 'dl', 'bl', 'spl', 'bpl', 'sil', 'dil'], HIGH = ['ah', 'ch', 'dh', 'bh'];
const WORDS = ['ax', 'cx', 'dx', 'bx', 'sp', 'bp', 'si', 'di'];
function general(n: number, bits: number, hasRex: boolean): string {
  if (bits === 8) return n >= 4 && n < 8 && !hasRex ? HIGH[n - 4]! : LOW[n] ?? `r${n}l`;
  const name = WORDS[n];
  if (name) return bits === 16 ? name : `${bits === 32 ? 'e' : 'r'}${name}`;
  return `r${n}${bits === 16 ? 'w' : bits === 32 ? 'd' : ''}`;
}

function memoryOfOurs(d: Decoded, vectorIndex: OperandSpec['vectorIndex']): string {
  const name = (n: number) => (n < 0 ? '' : general(n, d.addressSize, true));
  const segment = d.override >= 0 ? d.override : d.base === 4 || d.base === 5 ? 2 : 3;
  const base = d.ripRelative ? (d.addressSize === 64 ? 'rip' : 'eip') : name(d.base);
  const displacement = mask(d.displacement + (d.ripRelative ? BigInt(d.length) : 0n), d.addressSize);
  return `${SEGMENTS[segment]!}:[${base}+${vectorIndex ? `${vectorIndex}${d.index}` : name(d.index)}*${d.index < 0 ? 1 : 1 << d.scale}+${displacement}]`;
}

function operandOfOurs(o: OperandSpec, d: Decoded, mode: Mode, position: number): string {
  const n = o.place === 'reg' ? d.reg : o.place === 'rm' ? d.rm : o.place === 'fixed' ? o.register : o.place === 'vvvv' ? d.vvvv : o.place === 'is4' ? d.is4 : d.opcodeRegister;
  if (o.place === 'moffs' || (o.place === 'rm' && d.memory && o.mayBeMemory)) return memoryOfOurs(d, o.vectorIndex);
  switch (o.kind) {
    case 'gpr': return general(n, o.bits, d.hasRex || o.place === 'fixed');
    case 'xmm': case 'ymm': return `${o.kind}${n}`;
    case 'mm': return `mm${n & 7}`;
    case 'segment': return SEGMENTS[n & 7] ?? `segment ${n}`;
    case 'control': return `cr${n}`;
    case 'debug': return `dr${n}`;
    case 'st': return `st${o.place === 'fixed' ? n : d.rm & 7}`;
    case 'relative': return `near ${mask(BigInt(d.length) + d.immediate, mode === 64 ? 64 : d.operandSize === 16 ? 16 : 32)}`;
    case 'far': return `far ${(d.immediate2 & 0xffff).toString(16)}:${mask(d.immediate, o.bits)}`;
    default: {
      if (o.place === 'fixed') return o.register.toString(16);
      const second = d.form.operands.slice(0, position).some((p) => p.kind === 'immediate' && p.place === 'immediate');
      if (second) return mask(BigInt(d.immediate2), o.bits);
      return mask(d.immediate, extended(d, o.bits) ? d.operandSize : o.bits);
    }
  }
}
/** Immediates that are extended to the operand size: all doublewords, and some bytes (others are shift counts, ports, vectors). */
const extended = (d: Decoded, bits: number): boolean => bits === 32 || (bits === 8 && /^(83|6A|6B)/.test(d.form.text.replace('REX.W + ', '')));

function saidByUs(d: Decoded, mode: Mode): Said {
  const mnemonic = d.form.syntax.split(' ')[0]!, isImplied = (o: OperandSpec) => o.text.startsWith('<');
  return { length: d.length, mnemonic: MNEMONICS[mnemonic]?.(d) ?? mnemonic, operands: d.form.operands.flatMap((o, n) => (isImplied(o) ? [] : operandOfOurs(o, d, mode, n))) };
}

function differences(iced: Said, ours: Said): string[] {
  const out: string[] = [];
  const say = (what: string, a: unknown, b: unknown) => { if (a !== b) out.push(`${what} ${String(a)}, ours ${String(b)}`); };
  say('length', iced.length, ours.length);
  say('mnemonic', iced.mnemonic, ours.mnemonic);
  // Operands that no bit of the encoding chooses are left out of many of our rows; XCHG may be written either way round.
  if (ours.mnemonic === 'NOP') return out;
  const among = ours.mnemonic === 'XCHG' ? [...iced.operands].reverse() : iced.operands.filter((o) => ours.operands.includes(o));
  if (ours.operands.length < iced.operands.length ? among.length < ours.operands.length : iced.operands.join() !== ours.operands.join() && among.join() !== ours.operands.join())
    out.push(`operands ${iced.operands.join(', ')}, ours ${ours.operands.join(', ')}`);
  return out;
}

/** The extensions that the first instruction of some bytes needs and the processor model lacks, by iced's names. */
export function unknownFeatures(bytes: Uint8Array, mode: Mode): string[] {
  const decoder = new Decoder(mode, bytes, DecoderOptions.None), instruction = decoder.decode();
  try { return instruction.isInvalid ? [] : missing(instruction); }
  finally {
    instruction.free();
    decoder.free();
  }
}
const missing = (i: Instruction): string[] => [...i.cpuidFeatures()].map((f) => CpuidFeature[f]!).filter((f) => !isKnownFeature(f));

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** Compares the first instruction of some bytes, of which there must be more than any instruction needs. */
export function compare(table: DecodeTable, bytes: Uint8Array, mode: Mode): Comparison {
  const decoder = new Decoder(mode, bytes, OPTIONS);
  decoder.ip = 0n;
  const instruction = decoder.decode();
  try {
    const d = decode(table, bytes, 0, bytes.length, mode);
    const ours = typeof d === 'string' ? undefined : saidByUs(d, mode), iced = instruction.isInvalid ? undefined : saidByIced(instruction, mode);
    if (!ours && !iced) return { kind: 'same', valid: false };
    const features = iced ? missing(instruction) : [];
    if (features.length > 0 && !ours) return { kind: 'extension', features: features.join(' ') };
    const found = iced && ours ? differences(iced, ours) : [`${iced ? '' : 'in'}valid, ours ${typeof d === 'string' ? d : 'valid'}`];
    if (found.length === 0) return { kind: 'same', valid: true };
    const of = ours ? `${ours.mnemonic} ${ours.operands.join(', ')}` : '', theirs = iced ? `${iced.mnemonic} ${iced.operands.join(', ')}` : '';
    const says = `${mode}-bit ${hex(bytes.subarray(0, Math.max(iced?.length ?? 0, ours?.length ?? 8)))}: ${found.join('; ')} (${theirs || 'nothing'} | ${of || 'nothing'})`;
    const known = KNOWN_DECODER_DIFFERENCES.find(({ when }) => when(iced, ours, typeof d === 'string' ? undefined : d, mode, bytes));
    return known ? { kind: 'known', because: known.because } : { kind: 'different', says };
  } finally {
    instruction.free();
    decoder.free();
  }
}

/** Undefined, or what is wrong with how our decoder meets the end of the bytes: each shorter string must be incomplete. */
export function truncationFault(table: DecodeTable, bytes: Uint8Array, mode: Mode): string | undefined {
  const whole = decode(table, bytes, 0, bytes.length, mode);
  if (typeof whole === 'string') return undefined;
  for (let n = 0; n < whole.length; n++) {
    const cut = decode(table, bytes, 0, n, mode);
    if (cut !== 'incomplete') return `${mode}-bit ${hex(bytes.subarray(0, whole.length))} cut to ${n} bytes is ${typeof cut === 'string' ? cut : cut.form.text}`;
  }
  return undefined;
}
