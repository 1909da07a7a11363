/** docs/conformance.md: what the processor has, what each entry was compared with, and what is missing; all of it from the tables and the sources. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { ALL_FEATURES, FEATURES } from '../../emulator/cpu/cpuid.js';
import { forms } from '../../emulator/isa/encoding.js';
import { INSTRUCTIONS } from '../../emulator/isa/index.js';
import type { Instruction } from '../../emulator/isa/instruction.js';
import { CONTROL_FIELDS } from '../../emulator/vmx/controls.js';
import { KNOWN_DECODER_DIFFERENCES } from '../oracles/decoder-differences.js';
import { KNOWN_DIFFERENCES } from '../oracles/known-differences.js';
import { readResults, type Results } from '../oracles/results.js';
import { BOCHS_DIFFERENCES } from '../system/differences.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Source { readonly file: string; readonly text: string }
function sources(folder: string, wanted: RegExp): Source[] {
  return readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`).filter((file) => wanted.test(file)).sort()
    .map((file) => ({ file, text: readFileSync(`${ROOT}${file}`, 'utf8') }));
}

/** Mnemonics of an entry: of its rows, which may be several (`Jcc`). */
const mnemonics = (i: Instruction): string[] => [...new Set([i.name, ...forms(i).map(({ syntax }) => syntax.split(' ')[0]!)])];
/** Whether a pattern, of which the first group is a mnemonic, finds the instruction in one of these files. */
function named(files: readonly Source[], pattern: RegExp): (i: Instruction) => boolean {
  const words = new Set(files.flatMap(({ text }) => [...text.matchAll(pattern)].map(([, word]) => word!.toUpperCase())));
  return (i) => mnemonics(i).some((name) => ['', 'B', 'W', 'L', 'Q'].some((suffix) => words.has(`${name}${suffix}`)));
}
/** Where a statement of assembly may begin: a line, or a piece of a string in C. */
const ASSEMBLY = /(?:^|["';]|\\n|\\t)\s*(?:rep\w*\s+|lock\s+)?([a-z][a-z0-9]+)(?=[\s;"\\])/gm, CAPITALS = /\b([A-Z][A-Z0-9]+)\b/g;

function oracles(results: Results): (i: Instruction) => string[] {
  const system = named(sources('test/system/guest', /\.[cS]$/), ASSEMBLY), unit = named(sources('emulator', /\.test\.ts$/), CAPITALS);
  return (i) => [
    ...((results.cases[i.name] ?? 0) > 0 ? ['native processor'] : []),
    ...(system(i) ? ['system programs'] : []),
    ...(unit(i) ? ['unit tests'] : []),
  ];
}

const grouped = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ',');
const sumOf = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((sum, n) => sum + n, 0);
const cell = (text: string): string => text.replace(/\|/g, '\\|');

function entries(results: Results): string[] {
  const oracle = oracles(results), byName = new Map<string, Instruction[]>();
  for (const i of INSTRUCTIONS) byName.set(i.name, [...(byName.get(i.name) ?? []), i]);
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, all]) => {
    const features = [...new Set(all.map(({ feature }) => feature ?? ''))].filter(Boolean).map((f) => (FEATURES.has(f) ? f : `${f} (absent)`));
    const cases = results.cases[name] ?? 0;
    return `| ${name} | ${cell(all[0]!.summary)} | ${all.flatMap(forms).length} | ${features.join(', ')} | ${[...new Set(all.flatMap(oracle))].join(', ')} | ${cases > 0 ? grouped(cases) : ''} |`;
  });
}

/** The sentences with which the emulator refuses something, each with its file. */
function refusals(): string[] {
  const found = new Map<string, Set<string>>();
  for (const { file, text } of sources('emulator', /^(?!.*\.test\.ts$).*\.ts$/)) {
    for (const [, , thrown, , said] of text.matchAll(/NotImplemented\((['`])(.*?)\1|(['`])[^'`\n]*?not implemented: (.*?)\3/g)) {
      const what = (thrown ?? said ?? '').replace(/\$\{.*?\}+/g, '…').replace(/\.ts.*$/, '').trim();
      if (/\w{3}/.test(what)) found.set(what, (found.get(what) ?? new Set()).add(file));
    }
  }
  return [...found].sort(([a], [b]) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)).map(([what, files]) => `- ${what} (\`${[...files].join('`, `')}\`)`);
}

const absentControls = (): string[] => Object.values(CONTROL_FIELDS).map(({ field, controls }) => {
  const absent = Object.entries(controls).filter(([, control]) => control.offered !== true).map(([name]) => name);
  return `- ${field}: ${absent.join(', ') || 'none'}.`;
});

export function conformance(results = readResults()): string {
  const native = KNOWN_DIFFERENCES.map(({ forms: rows, because }) => `| \`${cell(rows.source)}\` | ${cell(because)} |`);
  return `# Conformance

This page is written by \`npm run conformance\` from the instruction definitions, the results of the fuzzers (\`test/oracles/results.json\`) and the sources.

| compared | with | how much |
|---|---|---|
| instructions in user mode, registers and flags, x87, MXCSR, YMM, memory | the native processor (\`npm run fuzz\`) | ${grouped(sumOf(results.cases))} random cases |
| decoding in 16-, 32- and 64-bit mode | iced-x86 (\`npm run fuzz:decoder\`) | ${['16', '32', '64'].map((mode) => grouped(results.decoded[mode] ?? 0)).join(', ')} byte strings |
| compiled code | the interpreter (\`npm run fuzz:tiers\`) | ${grouped(results.loops)} random loops |
| VM entries | the rules of the manual, each by itself and the first of all (\`npm run fuzz:entry\`) | ${grouped(results.entries)} random VMCSs |
| gates, task state, interrupts, segmentation | Bochs (\`test/system\`) | guest programs that print what happened |

No run is recorded that found a difference without a reason. The reasons are at the end of this page.

## Instructions

By entry of the instruction reference: rows of its opcode table, the feature that CPUID must show, what it was compared with, and the random cases that ran
on the native processor. *System programs* are compared with Bochs. A feature that is absent makes its instructions #UD.

| entry | summary | rows | feature | oracle | cases |
|---|---|---|---|---|---|
${entries(results).join('\n')}

## What is not implemented

The emulator stops and says so by name where a guest asks for one of these:

${refusals().join('\n')}

Features that CPUID does not show: ${ALL_FEATURES.filter((name) => !FEATURES.has(name)).join(', ')}.

VMX controls that the capability MSRs do not offer:

${absentControls().join('\n')}

## Differences from the native processor, with their reasons

The rows are patterns over the opcode tables.

| rows | why |
|---|---|
${native.join('\n')}

## Differences from iced-x86

${KNOWN_DECODER_DIFFERENCES.map(({ because }) => `- ${because}`).join('\n')}

## Differences from Bochs

${BOCHS_DIFFERENCES.map(({ because }) => `- ${because}`).join('\n')}
`;
}
