/** Source files: where those that a program names are on this computer, and which of them a person means. */
import type { Image, Images } from './images.js';
import { isAbsolute, joinPath, matchingPaths, normalisePath } from './symbols/source-paths.js';

export interface SourceFile {
  readonly image: Image;
  /** As the program names it. */
  readonly file: string;
  /** Where it is; undefined when it was not found. */
  readonly path: string | undefined;
}

export class Sources {
  private readonly files: readonly SourceFile[];
  private readonly byImage = new Map<Image, Map<string, SourceFile>>();

  private constructor(files: readonly SourceFile[]) {
    this.files = files;
    for (const file of files) {
      const known = this.byImage.get(file.image) ?? new Map<string, SourceFile>();
      this.byImage.set(file.image, known.set(file.file, file));
    }
  }

  /** `exists` says which files there are; beside the program is where a program that was moved has its sources. */
  static async find(images: Images, exists: (path: string) => Promise<boolean>): Promise<Sources> {
    const found = images.all.flatMap((image) => image.symbols.sourceFiles().map(async (file): Promise<SourceFile> => ({ image, file, path: await locate(image.name, file, exists) })));
    return new Sources(await Promise.all(found));
  }

  pathOf(image: Image, file: string): string | undefined {
    return this.byImage.get(image)?.get(file)?.path;
  }

  get all(): readonly SourceFile[] {
    return this.files;
  }

  /** The files that a path of the client means: the very same, or else those that end most alike. */
  meaning(path: string): SourceFile[] {
    const wanted = normalisePath(path);
    const same = this.files.filter((file) => file.path !== undefined && samePath(file.path, wanted));
    if (same.length > 0) return same;
    return [...this.byImage.values()].flatMap((files) => matchingPaths(wanted, files.keys()).map((file) => files.get(file)!)).filter((file) => file.path === undefined);
  }
}

/** Drive letters and Windows' names come in any case. */
function samePath(one: string, other: string): boolean {
  const left = normalisePath(one), right = normalisePath(other);
  return left === right || (/^[A-Za-z]:/.test(left) && left.toLowerCase() === right.toLowerCase());
}

async function locate(program: string, file: string, exists: (path: string) => Promise<boolean>): Promise<string | undefined> {
  if (file.startsWith('<')) return undefined;
  if (isAbsolute(file) && (await exists(file))) return normalisePath(file);
  const folder = normalisePath(program).replace(/[^/]*$/, '');
  const parts = normalisePath(file).split('/').filter((part) => part !== '');
  for (let from = 0; from < parts.length; from++) {
    const candidate = joinPath(folder, ...parts.slice(from));
    if (await exists(candidate)) return candidate;
  }
  return undefined;
}
