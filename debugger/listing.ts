/** Code around an address, in both directions; and listings that stand in for sources that are missing. */
import { disassemble, LONGEST_INSTRUCTION, type Disassembled } from './disassembler.js';
import { linearNumber, unsignedAddress, type Images } from './images.js';
import type { View } from './view.js';

export interface CodeLine {
  readonly address: bigint;
  /** Absent: the memory there cannot be read. */
  readonly instruction: Disassembled | undefined;
}

const CHUNK = 65536;

/** `count` places from the address on; where memory cannot be read, each byte is a place of its own. */
export function codeFrom(view: View, address: bigint, count: number): CodeLine[] {
  const lines: CodeLine[] = [];
  let at = BigInt.asUintN(64, address);
  while (lines.length < count) {
    const missing = count - lines.length;
    const { bytes } = view.memory.read(linearNumber(at), Math.min(missing * LONGEST_INSTRUCTION, CHUNK));
    const cut = bytes.length === CHUNK ? at + BigInt(CHUNK - LONGEST_INSTRUCTION) : undefined;
    if (bytes.length === 0) {
      lines.push({ address: at, instruction: undefined });
      at = BigInt.asUintN(64, at + 1n);
      continue;
    }
    for (const instruction of disassemble(bytes, at, view.bits, missing)) {
      if (cut !== undefined && instruction.address > cut) break;
      lines.push({ address: BigInt.asUintN(64, instruction.address), instruction });
    }
    const last = lines.at(-1)!;
    at = BigInt.asUintN(64, last.address + BigInt(last.instruction?.length ?? 1));
  }
  return lines;
}

/** The `count` places before the address. Code has no beginning that one can see from behind: a function's start is one, and elsewhere the decoder finds back into step. */
export function codeBefore(view: View, images: Images, address: bigint, count: number): CodeLine[] {
  let lines: CodeLine[] = [];
  let at = address;
  while (lines.length < count && at > 0n) {
    const start = images.functionAt(view.world, at - 1n)?.start;
    const chunk = (start !== undefined && start < at ? inStep(view, start, at) : undefined) ?? resynchronised(view, at);
    lines = [...chunk, ...lines];
    at = chunk[0]!.address;
  }
  while (lines.length < count) lines.unshift({ address: 0n, instruction: undefined });
  return lines.slice(lines.length - count);
}

const LARGEST_FUNCTION = 1n << 16n;

/** The instructions from `start` on, if one of them ends exactly at `end`. */
function inStep(view: View, start: bigint, end: bigint): CodeLine[] | undefined {
  if (end - start > LARGEST_FUNCTION) return undefined;
  const { bytes } = view.memory.read(linearNumber(start), Number(end - start));
  if (bytes.length < Number(end - start)) return undefined;
  const instructions = disassemble(bytes, start, view.bits);
  const last = instructions.at(-1);
  if (!last || last.address + BigInt(last.length) !== end || instructions.some(({ valid }) => !valid)) return undefined;
  return instructions.map((instruction) => ({ address: instruction.address, instruction }));
}

/** How far back to begin, so that a decoder that began wrongly has fallen into step. */
const RUN_UP = 48;

function resynchronised(view: View, end: bigint): CodeLine[] {
  for (let back = RUN_UP; back > 0; back--) {
    const start = end - BigInt(back);
    const lines = start >= 0n ? inStep(view, start, end) : undefined;
    if (lines) return lines;
  }
  return [{ address: end - 1n, instruction: undefined }];
}

/** `call 0x1234 <main>`: the instruction with the name of what it names. */
export function annotated(instruction: Disassembled, view: View, images: Images): string {
  const name = instruction.target === undefined ? undefined : images.describe(view.world, instruction.target);
  return name === undefined ? instruction.text : `${instruction.text} <${name}>`;
}

const LISTED_WITHOUT_FUNCTION = 64;
const LISTED_BEFORE = 16;
const MOST_LISTED = 4096;

export interface Listing {
  readonly title: string;
  readonly lines: readonly CodeLine[];
  readonly text: string;
}

/** The function around the address, or what surrounds it where none is known. */
export function listingAround(view: View, images: Images, address: bigint): Listing {
  const found = images.functionAt(view.world, address);
  const whole = found && inStep(view, found.start, found.end);
  const lines = whole && whole.length <= MOST_LISTED && whole.some((line) => line.address === address)
    ? whole
    : [...codeBefore(view, images, address, LISTED_BEFORE).filter(({ instruction }) => instruction), ...codeFrom(view, address, LISTED_WITHOUT_FUNCTION).filter(({ instruction }, index) => instruction ?? index === 0)];
  const text = lines.map((line) => listed(line, view, images)).join('\n');
  return { title: found?.name ?? `0x${address.toString(16)}`, lines, text: `${text}\n` };
}

function listed({ address, instruction }: CodeLine, view: View, images: Images): string {
  const place = address.toString(16).padStart(view.bits / 4, '0');
  if (!instruction) return `${place}  (memory that cannot be read)`;
  const bytes = Array.from(instruction.bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return `${place}  ${bytes.padEnd(3 * LONGEST_INSTRUCTION)} ${annotated(instruction, view, images)}`;
}

export const addressOfLine = (listing: Listing, line: number): number | undefined => {
  const address = listing.lines[line - 1]?.address;
  return address === undefined ? undefined : linearNumber(address);
};
export const lineOfAddress = (listing: Listing, address: number): number => Math.max(0, listing.lines.findIndex((line) => line.address === unsignedAddress(address))) + 1;
