/** A block beside the WebAssembly made of it, for people who want to see how translation works. */
import { MAP, S } from '../cpu/layout.js';
import { RECORD } from '../meaning/record.js';
import type { Line } from '../wasm/text.js';
import type { Engine } from '../translate/engine.js';
import { currentPagingState, ObservedMemory } from './memory.js';

export interface TranslatedInstruction {
  readonly linear: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** In text format; what belongs to no instruction, such as the way to the next block, stands with the last. */
  readonly wasm: readonly string[];
}

export interface Translation {
  readonly linear: number;
  readonly bits: 16 | 32 | 64;
  /** `interpreted`: each instruction has a function that reads its operands from its record; `checked`: the same, behind a comparison of the code; `compiled`: one function with other blocks. */
  readonly tier: 'interpreted' | 'checked' | 'compiled';
  /** How often the block was met where a grant of instructions ended: run counts are not kept. */
  readonly samples: number;
  /** Bytes of WebAssembly: of the functions of its instructions, or of the function that holds it with so many other blocks. */
  readonly wasmBytes: number;
  readonly blocks: number;
  readonly instructions: readonly TranslatedInstruction[];
}

/** Undefined where nothing has been translated for the present mode. */
export function translationAt({ cpu, blocks, regions, handlers, modes }: Engine, linear: number): Translation | undefined {
  const physical = new ObservedMemory(cpu, currentPagingState(cpu)).translate(linear);
  if (typeof physical === 'string') return undefined;
  const mode = modes.get(cpu.low(S.codeMode)), block = blocks.around(MAP.guestMemory + physical, mode.id);
  // What crosses into another page has only its record.
  if (!block || block.secondBytes > 0) return undefined;
  const page = linear - (linear & 0xfff), made = blocks.meanings(block, mode, page), end = (block.host & 0xfff) + block.bytes;
  const region = block.region && regions.textOf(block.region, page);
  const sizes = made.map(({ meaning }) => (region ? [] : handlers.handlerText(meaning)));
  const texts = made.map(({ record }, n) => (region ? between(region.lines, region.marks, record) : sizes[n]!).map(({ text }) => text));
  const offsets = made.slice(0, block.count).map(({ record }) => cpu.view.getUint16(record + RECORD.offset.offset, true));
  const instructions = offsets.map((offset, n) => {
    const host = block.host - (block.host & 0xfff) + offset, last = n === block.count - 1;
    return { linear: page + offset, bytes: cpu.u8.slice(host, host + (offsets[n + 1] ?? end) - offset), wasm: last ? texts.slice(n).flat() : texts[n]! };
  });
  return {
    linear: page + (block.host & 0xfff), bits: mode.mode, tier: block.checked ? 'checked' : region ? 'compiled' : 'interpreted', samples: block.samples, instructions,
    wasmBytes: region ? lengthOf(region.lines) : sizes.reduce((sum, lines) => sum + lengthOf(lines), 0), blocks: block.region?.blocks.length ?? 1,
  };
}

const lengthOf = (lines: readonly Line[]): number => (lines.at(-1)?.at ?? -1) + 1;

function between(lines: readonly Line[], marks: readonly { readonly record: number; readonly at: number }[], record: number): Line[] {
  const n = marks.findIndex((mark) => mark.record === record), from = marks[n]!.at, to = marks[n + 1]?.at ?? Infinity, found = lines.filter(({ at }) => at >= from && at < to);
  const indent = Math.min(...found.map(({ text }) => text.length - text.trimStart().length));
  return found.map(({ at, text }) => ({ at, text: text.slice(indent) }));
}
