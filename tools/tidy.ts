/** The house rules that a program can check. Each rule takes the sources and gives back sentences about what is wrong. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface Source {
  /** Path from the root of the repository, with slashes. */
  readonly file: string;
  readonly text: string;
}

/** What each folder may import besides itself. Types cross borders inside the emulator freely: they leave nothing behind. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'emulator/wasm': [],
  'emulator/float': [],
  'emulator/memory': [],
  'emulator/meaning': ['emulator/wasm', 'emulator/cpu'],
  'emulator/cpu': ['emulator/wasm', 'emulator/float', 'emulator/meaning', 'emulator/memory', 'emulator/paging', 'emulator/vmx'],
  'emulator/isa': ['emulator/meaning', 'emulator/cpu', 'emulator/vmx'],
  'emulator/devices': ['emulator/memory'],
  'emulator/paging': ['emulator/cpu', 'emulator/memory', 'emulator/vmx'],
  'emulator/vmx': ['emulator/wasm', 'emulator/cpu', 'emulator/meaning', 'emulator/memory', 'emulator/paging'],
  'emulator/translate': ['emulator/isa', 'emulator/meaning', 'emulator/wasm', 'emulator/cpu', 'emulator/paging', 'emulator/memory'],
  'emulator/boot': ['emulator/cpu', 'emulator/memory'],
  'emulator/machine': ['emulator'],
  'emulator/observe': ['emulator'],
  outside: ['emulator'],
  debugger: ['emulator', 'language', 'outside'],
  language: ['emulator/isa', 'emulator/meaning', 'emulator/cpu', 'emulator/vmx'],
  syntaxes: ['emulator/isa', 'language'],
  extension: ['emulator', 'debugger', 'language'],
  cli: ['emulator', 'debugger', 'language', 'outside'],
  bench: ['emulator', 'cli'],
  labs: ['emulator', 'cli', 'debugger'],
  tools: ['emulator', 'language'],
};

/** The entry files of the debugger and the language server stand with one foot in Node; all else there runs in any worker. */
const NODE_ALLOWED = [/^(extension|cli|test|tools|bench|labs|outside)\//, /\.test\.ts$/, /^debugger\/(worker|files|stdio|tcp)\.ts$/, /^language\/server\.ts$/, /^(emulator|debugger|language|syntaxes)\/.*\.(mjs|node\.ts)$/];
const VSCODE_ALLOWED = [/^extension\//, /^test\/editor\/suite\.ts$/];
const DOM_ALLOWED = [/^extension\/panels\/(kit\/|[a-z-]+\/([a-z]+-)?view\.ts$)/, /^test\/editor\//];

/** Files longer than the limit, each with the reason why it is better whole. */
export const LONG_FILES: Readonly<Record<string, string>> = {
  'emulator/paging/mmu.test.ts': 'its cases share one machine with tables built by hand',
};
const LONGEST = 400;

const CODE = /\.(ts|mts|mjs|cjs|js)$/;
const IGNORED = new Set(['node_modules', 'dist', '.cache', '.git']);
const IMPORT = /^(?:import|export)\b([^;'"]*?)from ['"]([^'"]+)['"]|^import ['"]([^'"]+)['"]|(?<![.\w])import\(\s*(?:\/\*.*?\*\/\s*)?['"]([^'"]+)['"]/gm;

export function readSources(root: string): Source[] {
  const sources: Source[] = [];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(path.join(root, folder), { withFileTypes: true })) {
      const file = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (IGNORED.has(entry.name)) continue;
      if (entry.isDirectory()) visit(file);
      else if (entry.isFile() && /\.(ts|mts|mjs|cjs|js|json|md|css|S|s|asm|c|h|rs|yml)$/.test(entry.name)) sources.push({ file, text: readFileSync(path.join(root, file), 'utf8') });
    }
  };
  visit('');
  return sources;
}

interface Import {
  readonly target: string;
  readonly isType: boolean;
}

function importsOf({ file, text }: Source): Import[] {
  return [...text.matchAll(IMPORT)].map((match) => {
    const name = match[2] ?? match[3] ?? match[4]!;
    const target = name.startsWith('.') ? path.posix.join(path.posix.dirname(file), name).replace(/\.js$/, '.ts') : name;
    return { target, isType: (match[1] ?? '').trimStart().startsWith('type') };
  });
}

const folderOf = (file: string): string => {
  const parts = file.split('/');
  return parts[0] === 'emulator' && parts.length > 2 ? parts.slice(0, 2).join('/') : parts[0]!;
};

const within = (file: string, folder: string): boolean => file === folder || file.startsWith(`${folder}/`);
const isTest = (file: string): boolean => /\.test\.ts$/.test(file) || file.startsWith('test/');
const code = (sources: readonly Source[]): Source[] => sources.filter(({ file }) => CODE.test(file));
const matchesAny = (file: string, patterns: readonly RegExp[]): boolean => patterns.some((pattern) => pattern.test(file));

export function layering(sources: readonly Source[]): string[] {
  return code(sources).flatMap((source) => {
    const from = folderOf(source.file);
    return importsOf(source).flatMap(({ target, isType }) => {
      const to = folderOf(target);
      if (!target.includes('/') || from === to || target.startsWith('node:') || !(to in MAY_IMPORT || to === 'test' || to === 'emulator')) return [];
      if (to === 'test' && !source.file.startsWith('test/')) return [`${source.file} imports ${target}: nothing imports test`];
      if (isTest(source.file) || (isType && from.startsWith('emulator/') && to.startsWith('emulator/'))) return [];
      const allowed = MAY_IMPORT[from];
      return allowed === undefined || allowed.some((folder) => within(to, folder)) ? [] : [`${source.file} imports ${target}: ${from} may import ${allowed.join(', ') || 'nothing of ours'}`];
    });
  });
}

export function viewsKeepToThemselves(sources: readonly Source[]): string[] {
  return sources
    .filter(({ file }) => /^extension\/panels\/[a-z-]+\/.*view\.ts$/.test(file))
    .flatMap((source) => {
      const own = path.posix.dirname(source.file);
      return importsOf(source)
        .filter(({ target }) => !within(target, own) && !within(target, 'extension/panels/kit'))
        .map(({ target }) => `${source.file} imports ${target}: a view has its own folder and the kit`);
    });
}

export function platforms(sources: readonly Source[]): string[] {
  return code(sources)
    .filter(({ file }) => file.includes('/'))
    .flatMap((source) => {
      const faults: string[] = [];
      for (const { target, isType } of importsOf(source)) {
        if (target === 'vscode' && !matchesAny(source.file, VSCODE_ALLOWED)) faults.push(`${source.file} imports vscode: only extension does`);
        if (target.startsWith('node:') && !isType && !matchesAny(source.file, NODE_ALLOWED)) faults.push(`${source.file} imports ${target}: this folder runs without Node`);
        if (source.file.startsWith('emulator/') && !isTest(source.file) && !target.includes('/') && !target.startsWith('node:')) faults.push(`${source.file} imports ${target}: the emulator has no dependencies`);
      }
      if (/\b(document|window)\.\w/.test(withoutComments(source.text)) && !matchesAny(source.file, DOM_ALLOWED) && /\.ts$/.test(source.file) && !within(source.file, 'language') && !within(source.file, 'extension/debugging') && !importsOf(source).some(({ target }) => target === 'vscode')) faults.push(`${source.file} uses the document: only a panel's view does`);
      return faults;
    });
}

const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '').replace(/(['"`])(?:\\.|(?!\1).)*\1/g, '""');

const lengths = (sources: readonly Source[]): Map<string, number> => new Map(code(sources).map(({ file, text }) => [file, text.split('\n').length - 1]));

export const fileLength = (sources: readonly Source[]): string[] =>
  [...lengths(sources)].filter(([file, count]) => count > LONGEST && !(file in LONG_FILES)).map(([file, count]) => `${file} has ${count} lines: split it, or list it in tools/tidy.ts with a reason`);

export function longFilesAreLong(sources: readonly Source[], listed = LONG_FILES): string[] {
  const found = lengths(sources);
  return Object.keys(listed).filter((file) => (found.get(file) ?? 0) <= LONGEST).map((file) => `${file} is listed as long, and is not`);
}

export function names(sources: readonly Source[]): string[] {
  return code(sources)
    .filter(({ file }) => !file.split('/').every((part) => /^\.?[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*$/.test(part)))
    .map(({ file }) => `${file} is not in kebab-case`);
}

const UNFINISHED = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X', 'HA' + 'CK'].join('|')})\\b`);

const lineFaults = (sources: readonly Source[], pattern: RegExp, says: string): string[] =>
  sources.flatMap(({ file, text }) => text.split('\n').flatMap((line, index) => (pattern.test(line) ? [`${file}:${index + 1} ${says}: ${line.trim().slice(0, 90)}`] : [])));

export const unfinished = (sources: readonly Source[]): string[] => lineFaults(code(sources), UNFINISHED, 'is unfinished');

/** The manual's sections are renumbered with each edition; titles stay. */
export const sectionNumbers = (sources: readonly Source[]): string[] => lineFaults(code(sources), /\b(?:[Ss]ections?|[Cc]hapters?|§)\s*\d|SDM Vol\. \d[A-D]?,? \d/, 'cites a section by number');

export const lockFile = (sources: readonly Source[]): string[] => lineFaults(sources.filter(({ file }) => path.posix.basename(file) === 'package-lock.json'), /"resolved"|https?:\/\/[^"]*\.tgz/, 'holds a download address');

export const RULES: Readonly<Record<string, (sources: readonly Source[]) => string[]>> = {
  'folders import only what the house allows': layering,
  "a panel's view imports only its own folder and the kit": viewsKeepToThemselves,
  'Node, vscode and the document stay where they belong': platforms,
  'files are short': fileLength,
  'the list of long files is true': longFilesAreLong,
  'file names are in kebab-case': names,
  'nothing is left unfinished': unfinished,
  'the manual is cited by titles': sectionNumbers,
  'lock files hold no download addresses': lockFile,
};
