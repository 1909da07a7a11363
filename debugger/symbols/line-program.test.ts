/** Rows of line programs against readelf's reading of them. */
import assert from 'node:assert/strict';
import { DwarfInfo } from './dwarf-info.js';
import { DwarfSections } from './dwarf-sections.js';
import { ElfFile } from './elf.js';
import { LineProgram, rowOf } from './line-program.js';
import { AT } from './dwarf-constants.js';
import { compile, PROGRAM, run, WAYS, type Compiled } from './toolchain.test.js';

interface Row {
  file: string;
  line: number | 'end';
  address: bigint;
  isStatement: boolean;
}

function ownRows({ path, bytes }: Compiled): Row[] {
  const elf = new ElfFile(path, bytes);
  const info = new DwarfInfo(new DwarfSections(elf));
  return info.units.flatMap((unit) => {
    const program = new LineProgram(info, unit.root.number(AT.stmtList)!, unit, elf.bits / 8);
    return program.sequences.flatMap((sequence) =>
      Array.from({ length: sequence.lines.length }, (_, index) => {
        const row = rowOf(sequence, index);
        const file = program.path(row.file)!.split('/').at(-1)!;
        return { file, line: row.endSequence ? ('end' as const) : row.line, address: row.address, isStatement: row.isStatement && !row.endSequence };
      }),
    );
  });
}

function readelfRows({ path }: Compiled): Row[] {
  const rows: Row[] = [];
  for (const text of run('readelf', ['--debug-dump=decodedline', '-W', path]).split('\n')) {
    const match = /^(\S+)\s+(\d+|-)\s+(0x[0-9a-f]+|0)(?:\s+\d+)?(\s+x)?(?:\s+END)?\s*$/.exec(text);
    if (!match) continue;
    const [, file, line, address, statement] = match;
    const ended = line === '-' || / END\s*$/.test(text);
    rows.push({ file: file!, line: ended ? 'end' : Number(line), address: BigInt(address!), isStatement: !ended && statement !== undefined });
  }
  return rows;
}

const ASSEMBLY = `.globl _start
.text
_start:
  mov $1, %eax
  cmp $2, %eax
.Lagain:
  jne .Lagain
  hlt
.section .text.other, "ax"
other:
  nop
  ret
`;

describe('line programs', () => {
  const versions = ['-gdwarf-2', '-gdwarf-3'].map((version) => [version, '-O2', '-m64']);
  for (const way of [...WAYS, ...versions, ['-gdwarf-5', '-gdwarf64', '-O2'], ['-gdwarf-5', '-O2', '-ffunction-sections', '-Wl,--gc-sections']]) {
    it(`have the rows that readelf shows: C with ${way.join(' ')}`, () => {
      const compiled = compile('program.c', PROGRAM, ...way);
      const rows = ownRows(compiled);
      assert.ok(rows.length > 30);
      assert.deepEqual(rows, readelfRows(compiled));
    });
  }

  for (const version of [2, 3, 4, 5]) {
    it(`have the rows that readelf shows: assembly with DWARF ${version}`, () => {
      const compiled = compile('start.s', ASSEMBLY, `-Wa,-gdwarf-${version}`);
      const rows = ownRows(compiled);
      assert.equal(rows.filter(({ line }) => line !== 'end').length, 6);
      assert.deepEqual(rows, readelfRows(compiled));
    });
  }
});
