/** What the tests of this folder compile with, and the programs that they compile. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SymbolImage } from './image.js';

const PACKAGES: Readonly<Record<string, string>> = { gcc: 'gcc', readelf: 'binutils', objdump: 'binutils', objcopy: 'binutils' };

let directory: string | undefined;

/** A directory for this run of the tests. */
export function workDirectory(): string {
  directory ??= mkdtempSync(join(tmpdir(), 'symbols-'));
  return directory;
}

after(() => {
  if (directory) rmSync(directory, { recursive: true, force: true });
  directory = undefined;
});

/** Runs a tool and gives its output; fails with the name of the package when the tool is not there. */
export function run(tool: string, args: readonly string[]): string {
  const { error, status, stdout, stderr } = spawnSync(tool, args, { cwd: workDirectory(), encoding: 'utf8', maxBuffer: 1 << 28 });
  if (error && 'code' in error && error.code === 'ENOENT') {
    throw new Error(`${tool} is not installed: these tests need the package ${PACKAGES[tool] ?? tool}`);
  }
  if (error) throw error;
  if (status !== 0) {
    const remedy = /gnu\/stubs-32|cannot find -lgcc|skipping incompatible/.test(stderr) ? ' (the package gcc-multilib may be missing)' : '';
    throw new Error(`${tool} ${args.join(' ')} ended with ${status}${remedy}:\n${stderr}`);
  }
  return stdout;
}

export interface Compiled {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly image: SymbolImage;
}

const FREESTANDING = ['-nostdlib', '-ffreestanding', '-static', '-fno-pie', '-no-pie', '-fno-stack-protector', '-g'];

/** Compiles `name` (a file of C or assembly, by its extension) without any library. */
export function compile(name: string, source: string, ...options: readonly string[]): Compiled {
  const output = `${name}.${options.join('').replaceAll(/[^\w]+/g, '')}.elf`;
  writeFileSync(join(workDirectory(), name), source);
  run('gcc', [...FREESTANDING, ...options, name, '-o', output]);
  const path = join(workDirectory(), output);
  const bytes = new Uint8Array(readFileSync(path));
  return { path, bytes, image: SymbolImage.parse(output, bytes) };
}

/** The lines of a source that hold `marker`, counted from 1. */
export function lineOf(source: string, marker: string): number {
  const index = source.split('\n').findIndex((line) => line.includes(marker));
  if (index < 0) throw new Error(`the source has no line with '${marker}'`);
  return index + 1;
}

export const WAYS: readonly (readonly string[])[] = ['-gdwarf-4', '-gdwarf-5'].flatMap((version) =>
  ['-O0', '-O2'].flatMap((level) => ['-m64', '-m32'].map((width) => [version, level, width])),
);

export const PROGRAM = `typedef unsigned char u8;
typedef unsigned long long u64;
enum color { RED, GREEN = 5, BLUE = -1 };
enum flags { READ = 1, WRITE = 2, EXECUTE = 4 };
struct point { int x; int y; };
typedef struct node {
  struct node *next;
  u64 wide;
  unsigned flag : 3;
  signed low : 5;
  u64 middle : 40;
  enum color color;
  enum flags rights;
  union { int number; u8 bytes[4]; };
  int (*handler)(struct node *, char);
  struct point corners[3];
  char text[8];
  _Bool ready;
  double ratio;
  float half;
  const volatile short shorts[2][3];
} node_t;
struct hidden;
int handle(struct node *self, char letter);
node_t first_node = { 0, 0x123456789abcdef0ull, 5, -3, 0x8000000001ull, GREEN, READ | EXECUTE, { 0x04030201 }, handle,
  { { 1, 2 }, { 3, 4 }, { 5, -6 } }, "abc\\n", 1, 0.25, 0.5f, { { 1, 2, 3 }, { 4, 5, -6 } } };
volatile int sink;
struct hidden *secret;
u8 big[300];
static int table[2][3] = { { 1, 2, 3 }, { 4, 5, 6 } };
int handle(struct node *self, char letter)
{
  return self->corners[1].x + letter;
}
static inline __attribute__((always_inline)) int twice(int amount)
{
  sink += amount; // inside twice
  return amount * 2;
}
__attribute__((noinline, noipa)) int leaf(const struct point *where, const char *text)
{
  struct point copy = { where->x, where->y };
  sink = copy.x; // inside leaf
  return copy.y + text[0];
}
__attribute__((noinline, noipa)) int down(int depth, struct point *where)
{
  if (depth == 0) {
    int inner = leaf(where, "hello");
    sink = inner;
    return inner;
  }
  where->x = depth;
  int result = down(depth - 1, where);
  sink = result; // after the recursion
  return result;
}
__attribute__((noinline, noipa)) int work(int count)
{
  int total = count;
  for (int step = 0; step < count; step++) {
    total += twice(step); // call in the loop
  }
  struct point spot = { 10, 20 };
  total += down(3, &spot);
  return total + table[1][count];
}
void _start(void)
{
  first_node.next = &first_node;
  sink = work(2);
  sink = twice(sink); // call at the end
  secret = 0;
  big[0] = handle(&first_node, 'q');
  for (;;)
    ;
}
`;

describe('the toolchain for symbols', () => {
  it('has gcc and the binary utilities', () => {
    for (const tool of Object.keys(PACKAGES)) run(tool, ['--version']);
  });
});
