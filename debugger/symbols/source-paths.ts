/** Paths of source files as compilers write them, on any machine. */

export function isAbsolute(path: string): boolean {
  return /^([/\\]|[A-Za-z]:[/\\])/.test(path);
}

/** Joins directories from the outermost in; an absolute part forgets what stood before it. */
export function joinPath(...parts: readonly string[]): string {
  let joined = '';
  for (const part of parts) {
    if (part === '') continue;
    joined = joined === '' || isAbsolute(part) ? part : `${joined}/${part}`;
  }
  return normalisePath(joined);
}

/** Forward slashes, without `.`, `..` and doubled slashes. */
export function normalisePath(path: string): string {
  const slashed = path.replaceAll('\\', '/');
  const kept: string[] = [];
  for (const part of slashed.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..' && kept.length > 0 && kept.at(-1) !== '..') kept.pop();
    else if (part !== '..' || !isAbsolute(slashed)) kept.push(part);
  }
  return (slashed.startsWith('/') ? '/' : '') + kept.join('/');
}

/** How many components two paths share, counted from the file's name. */
export function commonSuffix(left: string, right: string): number {
  const [a, b] = [components(left), components(right)];
  let count = 0;
  while (count < a.length && count < b.length && a[a.length - 1 - count] === b[b.length - 1 - count]) count++;
  return count;
}

function components(path: string): string[] {
  const parts = normalisePath(path).split('/').filter((part) => part !== '');
  const windows = path.includes('\\') || /^[A-Za-z]:/.test(path);
  return windows ? parts.map((part) => part.toLowerCase()) : parts;
}

/** Those of the known paths that share the longest ending with the wanted one; the file's name itself must agree. */
export function matchingPaths(wanted: string, known: Iterable<string>): string[] {
  let best: string[] = [];
  let bestCount = 1;
  for (const path of known) {
    const count = commonSuffix(wanted, path);
    if (count > bestCount) best = [];
    if (count < bestCount) continue;
    bestCount = count;
    best.push(path);
  }
  return best;
}
