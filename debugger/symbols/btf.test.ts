import assert from 'node:assert/strict';
import { BtfTypes } from './btf.js';
import { ElfFile } from './elf.js';
import type { SymbolImage } from './image.js';
import { compile } from './toolchain.test.js';
import { bare, sizeOf, typeName, type RecordType, type Type } from './types.js';

const SOURCE = `
struct list { struct list *next, *prev; };
enum colour { RED, GREEN = 7, BLUE = -3 };
union word { unsigned long whole; struct { unsigned char low, high; }; };
typedef int (*handler_t)(const struct list *, enum colour, ...);
struct task {
  volatile unsigned int state; int flags : 3; unsigned wide : 9, rest : 20; char comm[16]; const char *const name;
  struct list tasks; union word word; enum colour colour; handler_t handler; double weight; long grid[3]; _Bool alive; struct unknown *opaque; void *data; signed char level;
};
struct task init;
int start(struct task *task, unsigned long count, handler_t handler) { return task->flags + (int)count + (handler != 0); }
int _start(void) { return start(&init, 1, init.handler); }
`;
const NAMES = ['struct list', 'enum colour', 'union word', 'handler_t', 'struct task'];

/** The type with all that it is made of, once. */
function described(type: Type, seen = new Set<string>()): unknown {
  const inner = bare(type), name = typeName(type);
  if (inner.is === 'record' && !seen.has(name)) {
    if (inner.name !== undefined) seen.add(name);
    return { name, size: inner.size, incomplete: inner.incomplete, members: (inner as RecordType).members.map((member) => ({ name: member.name, offset: member.bits ? undefined : member.offset, bits: member.bits, type: described(member.type, seen) })) };
  }
  if (inner.is === 'array') return { name, count: inner.count, element: described(inner.element, seen) };
  if (inner.is === 'enum') return { name, size: inner.size, enumerators: inner.enumerators };
  return { name, size: sizeOf(type) };
}

describe('BTF', () => {
  let types: BtfTypes, dwarf: SymbolImage;
  before(function () {
    this.timeout(60_000);
    const elf = new ElfFile('types', compile('types.c', SOURCE, '-g0', '-gbtf').bytes);
    types = new BtfTypes('types', elf.contents(elf.section('.BTF')!));
    dwarf = compile('types.c', SOURCE).image;
  });

  for (const name of NAMES) {
    it(`gives ${name} as DWARF does`, () => {
      assert.deepEqual(described(types.named(name)!), described(dwarf.type(name)!));
    });
  }

  it('knows enumerators', () => {
    assert.equal(types.enumerator('BLUE')?.value, -3n);
    assert.equal(types.enumerator('BLACK'), undefined);
  });

  it('knows the parameters of functions', () => {
    assert.deepEqual(types.parametersOf('start')?.map(({ name, type }) => `${name}: ${typeName(type)}`), ['task: struct task *', 'count: long unsigned int', 'handler: handler_t']);
    assert.equal(types.parametersOf('stop'), undefined);
  });

  it('says what is wrong with damaged ones', () => {
    assert.throws(() => new BtfTypes('types', new Uint8Array(24)), /types: \.BTF: it does not begin with the magic number EB9F/);
    assert.throws(() => new BtfTypes('types', Uint8Array.from([0x9f, 0xeb, 1, 0, 24, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])), /\.BTF/);
  });
});
