/** The assembly files that the server knows: open ones as they stand in the editor, others as the reader gives them. */
import { parse, type Parsed, type Span, type Statement } from './parser.js';
import { collectSymbols, type Definition, type Reference, type Symbols } from './symbols.js';

export interface SourceFile extends Parsed, Symbols {}

/** Text of a file that is not open, or undefined when it cannot be had. */
export type Reader = (uri: string) => string | undefined;

export interface Located<T> {
  readonly file: SourceFile;
  readonly item: T;
}

const analyse = (uri: string, text: string): SourceFile => {
  const parsed = parse(uri, text);
  const { definitions, references, includes, globals, externals } = collectSymbols(parsed);
  return { ...parsed, definitions, references, includes, globals, externals };
};

/** Editors escape differently what is the same address: `file:///c%3A/x` and `file:///C:/x`. */
export function normalize(uri: string): string {
  try {
    return decodeURIComponent(uri).replace(/^file:\/\/\/([A-Z]):/, (_, drive: string) => `file:///${drive.toLowerCase()}:`);
  } catch {
    return uri;
  }
}

function besides(uri: string, path: string): string {
  const parts = normalize(uri).split('/').slice(0, -1);
  for (const part of path.split(/[\\/]/)) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

export class Workspace {
  private readonly open = new Map<string, SourceFile>();
  private readonly others = new Map<string, SourceFile | undefined>();
  private readonly uris = new Map<string, string>();

  constructor(private readonly read: Reader = () => undefined) {}

  setOpen(uri: string, text: string): SourceFile {
    const file = analyse(uri, text);
    this.open.set(normalize(uri), file);
    return file;
  }
  close(uri: string): void {
    this.open.delete(normalize(uri));
    this.forget(uri);
  }
  /** Makes a file known that is not open. */
  add(uri: string): void {
    this.uris.set(normalize(uri), uri);
  }
  /** It changed outside the editor: read again when next asked for. */
  forget(uri: string): void {
    this.others.delete(normalize(uri));
  }
  remove(uri: string): void {
    this.forget(uri);
    this.uris.delete(normalize(uri));
  }

  file(uri: string): SourceFile | undefined {
    const key = normalize(uri), opened = this.open.get(key);
    if (opened) return opened;
    if (!this.others.has(key)) {
      const text = this.read(this.uris.get(key) ?? uri);
      this.others.set(key, text === undefined ? undefined : analyse(this.uris.get(key) ?? uri, text));
    }
    return this.others.get(key);
  }

  private keys(): Set<string> {
    return new Set([...this.open.keys(), ...this.uris.keys()]);
  }
  files(): SourceFile[] {
    return [...this.keys()].flatMap((key) => this.file(key) ?? []);
  }

  /** Beside the file, else the one file of the workspace that ends so: search paths of the build are not known here. */
  resolve(from: SourceFile, path: string): SourceFile | undefined {
    const beside = this.file(besides(from.uri, path));
    if (beside) return beside;
    const ending = `/${path.replace(/^(?:\.{1,2}\/)+/, '')}`;
    const candidates = [...this.keys()].filter((key) => key.endsWith(ending));
    return candidates.length === 1 ? this.file(candidates[0]!) : undefined;
  }

  /** The file and everything that it includes, and whether all of that could be found. */
  closure(from: SourceFile): { files: SourceFile[]; isWhole: boolean } {
    const files = new Map([[normalize(from.uri), from]]);
    let isWhole = true;
    for (const file of files.values()) {
      for (const { path } of file.includes) {
        const included = this.resolve(file, path);
        if (included) files.set(normalize(included.uri), included);
        else if (!path.endsWith('.h')) isWhole = false;
      }
    }
    return { files: [...files.values()], isWhole };
  }

  /** Where a name that a file uses is defined: in what it includes, in what includes it, else in a module that makes it global. */
  definitions(from: SourceFile, name: string): Located<Definition>[] {
    const within = (files: readonly SourceFile[]) => files.flatMap((file) => file.definitions.filter((item) => item.name === name).map((item) => ({ file, item })));
    const near = within(this.closure(from).files);
    if (near.length > 0) return near;
    const includers = this.files().filter((file) => this.closure(file).files.includes(from));
    const around = within([...new Set(includers.flatMap((file) => this.closure(file).files))]);
    if (around.length > 0) return around;
    return within(this.files()).filter(({ file, item }) => file.globals.has(name) || item.kind === 'common');
  }

  /** Every place that names what `name` means in a file. */
  references(from: SourceFile, name: string): Located<Reference>[] {
    const owners = this.definitions(from, name).map(({ file }) => file);
    const isGlobal = [from, ...owners].some((file) => file.globals.has(name) || file.externals.has(name)) || owners.length === 0;
    const all = this.files().includes(from) ? this.files() : [from, ...this.files()];
    const visible = all.filter((file) => {
      if (file === from || owners.includes(file)) return true;
      const { files } = this.closure(file);
      if (files.some((other) => other === from && owners.includes(from) || owners.includes(other))) return true;
      if (this.closure(from).files.includes(file)) return true;
      return isGlobal && !file.definitions.some((definition) => definition.name === name && definition.kind !== 'section');
    });
    return visible.flatMap((file) => file.references.filter((item) => item.name === name).map((item) => ({ file, item })));
  }
}

const holds = ({ line, start, end }: Span, at: { line: number; character: number }): boolean => line === at.line && start <= at.character && at.character <= end;

/** What stands at a place in a file. */
export interface Spot {
  readonly statement: Statement | undefined;
  readonly definition: Definition | undefined;
  readonly reference: Reference | undefined;
  readonly include: string | undefined;
}
export function spotAt(file: SourceFile, at: { line: number; character: number }): Spot {
  const statements = file.statements.filter(({ rest }) => rest.line === at.line);
  return {
    statement: statements.findLast(({ head, labels, prefixes }) => ((prefixes[0] ?? labels[0] ?? head)?.start ?? Infinity) <= at.character) ?? statements[0],
    definition: file.definitions.find(({ place }) => holds(place, at)),
    reference: file.references.find(({ place }) => holds(place, at)),
    include: file.includes.find(({ place }) => holds(place, at))?.path,
  };
}
