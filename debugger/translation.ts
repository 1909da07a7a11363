/** A block with the WebAssembly made of it, as data for the panel and as text for everybody else. */
import type { Machine } from '../emulator/machine/contract.js';
import { disassemble } from './disassembler.js';
import { hex } from './memory-reference.js';

export function translationData(machine: Pick<Machine, 'translation'>, linear: number) {
  const translation = machine.translation(linear);
  if (translation === undefined) return undefined;
  return {
    ...translation,
    linear: hex(BigInt(translation.linear)),
    instructions: translation.instructions.map(({ linear: at, bytes, wasm }) => ({
      linear: hex(BigInt(at)),
      bytes: Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' '),
      text: disassemble(bytes, BigInt.asUintN(64, BigInt(at)), translation.bits, 1)[0]?.text ?? '',
      wasm,
    })),
  };
}
export type TranslationData = NonNullable<ReturnType<typeof translationData>>;

const TIERS = {
  interpreted: 'interpreted: each instruction is a function that reads its operands from a record',
  checked: 'interpreted behind a comparison of its bytes, because its page is often written',
  compiled: 'compiled',
} as const;

export function translationHeadline({ linear, tier, samples, wasmBytes, blocks }: TranslationData): string {
  const together = tier === 'compiled' ? ` into one function of ${blocks === 1 ? '1 block' : `${blocks} blocks`}` : '';
  return `The block at ${linear} is ${TIERS[tier]}${together}; ${wasmBytes} bytes of WebAssembly; met in ${samples === 1 ? '1 sample' : `${samples} samples`}.`;
}

export const NO_TRANSLATION = 'Nothing has been translated there in the present mode, or only across the end of a page.';

export function translationText(data: TranslationData | undefined): string {
  if (data === undefined) return NO_TRANSLATION;
  return [translationHeadline(data), ...data.instructions.flatMap(({ linear, bytes, text, wasm }) => ['', `${linear}  ${text}    (${bytes})`, ...wasm.map((line) => `    ${line}`)])].join('\n');
}
