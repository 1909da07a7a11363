/** Functions, lines, variables and frames of compiled programs, against their sources and against real processes. */
import assert from 'node:assert/strict';
import type { SymbolImage } from './image.js';
import { stopAt } from './live-process.test.js';
import type { FrameContext } from './location-expression.js';
import { compile, lineOf, PROGRAM, run, WAYS, type Compiled } from './toolchain.test.js';
import { displayVariable } from './value.js';

/** The path that an editor on another machine gives to the same file. */
const ELSEWHERE = '/home/somebody/project/program.c';
const MISSING = /^(optimized out|a part of it: .*|.* not known in this frame|not readable at .*)$/;

function addressOf(image: SymbolImage, marker: string, functionName?: string): bigint {
  const line = lineOf(PROGRAM, marker);
  const found = image.addressesOfLine(ELSEWHERE, line).find(({ address }) => !functionName || image.functionAt(address)?.name === functionName);
  assert.ok(found, `line ${line} has code`);
  return found.address;
}

function variables(image: SymbolImage, frame: FrameContext, inlineDepth = 0): Record<string, string> {
  const shown = image.variablesAt(frame.address, inlineDepth).map((variable) => displayVariable(variable, frame));
  return Object.fromEntries(shown.map(({ name, value }) => [name, value]));
}

function frames(image: SymbolImage, innermost: FrameContext): FrameContext[] {
  const found = [innermost];
  for (let frame = image.callerOf(innermost); frame && image.functionAt(frame.address); frame = image.callerOf(frame)) found.push(frame);
  return found;
}

/** Symbols of type FUNC: name, address and size as readelf lists them. */
function readelfFunctions({ path }: Compiled): { name: string; start: bigint; end: bigint }[] {
  return run('readelf', ['-sW', path]).split('\n').flatMap((line) => {
    const match = /^\s*\d+:\s+([0-9a-f]+)\s+(\d+)\s+FUNC\s+\S+\s+\S+\s+\d+\s+(\S+)/.exec(line);
    return match ? [{ name: match[3]!, start: BigInt(`0x${match[1]}`), end: BigInt(`0x${match[1]}`) + BigInt(match[2]!) }] : [];
  });
}

const WITHOUT_EH_FRAME = ['-gdwarf-5', '-O2', '-m64', '-fno-asynchronous-unwind-tables'];
const TYPE_UNITS = [['-gdwarf-4', '-O0', '-fdebug-types-section'], ['-gdwarf-5', '-O0', '-fdebug-types-section']];

for (const way of [...WAYS, WITHOUT_EH_FRAME, ...TYPE_UNITS]) {
  describe(`a program built with ${way.join(' ')}`, () => {
    let compiled: Compiled;
    let image: SymbolImage;
    const isUnoptimised = way.includes('-O0');

    before(() => {
      compiled = compile('program.c', PROGRAM, ...way);
      image = compiled.image;
    });

    it('has the functions that readelf lists', () => {
      const functions = readelfFunctions(compiled);
      assert.ok(functions.length >= 5);
      for (const { name, start, end } of functions) {
        assert.deepEqual(image.functionAt(start), { name, start, end });
        assert.deepEqual(image.functionAt(end - 1n), { name, start, end });
        assert.equal(image.symbol(name), start);
        assert.deepEqual(image.symbolAt(start + 1n), { name, offset: 1n });
      }
      assert.equal(image.functionAt(0x10n), undefined);
    });

    it('lists its source file and the lines that have code', () => {
      assert.equal(image.sourceFiles().length, 1);
      assert.match(image.sourceFiles()[0]!, /^\/.*\/program\.c$/);
      const lines = image.linesOf(ELSEWHERE);
      for (const marker of ['inside leaf', 'after the recursion', 'inside twice']) assert.ok(lines.includes(lineOf(PROGRAM, marker)), marker);
      assert.ok(!lines.includes(1));
      assert.deepEqual(image.linesOf('/home/somebody/other.c'), []);
    });

    it('finds for each line an address whose line it is', () => {
      for (const [marker, name] of [['inside leaf', 'leaf'], ['after the recursion', 'down']] as const) {
        const line = lineOf(PROGRAM, marker);
        const [found, ...others] = image.addressesOfLine(ELSEWHERE, line);
        assert.equal(found?.line, line);
        assert.deepEqual(others, []);
        assert.equal(image.functionAt(found.address)?.name, name);
        // Optimised lines may share their first instruction with the next line, which then counts.
        if (isUnoptimised) assert.equal(image.lineAt(found.address)?.line, line);
      }
    });

    it('moves a line without code to the next that has some', () => {
      const line = lineOf(PROGRAM, 'int leaf');
      const [found] = image.addressesOfLine(ELSEWHERE, line - 1);
      assert.ok(found && found.line >= line && found.line <= line + 3);
    });

    it('has an address in each inlined copy of a function, with the calls around it', () => {
      const found = image.addressesOfLine(ELSEWHERE, lineOf(PROGRAM, 'inside twice'));
      const around = found.map(({ address }) => ({ ...image.inlinedAt(address)[0]!, outer: image.functionAt(address)!.name }));
      assert.deepEqual(around.map(({ name, outer }) => `${outer}: ${name}`).sort(), ['_start: twice', 'work: twice']);
      assert.deepEqual(
        around.map(({ callLine }) => callLine).sort((a, b) => a! - b!),
        [lineOf(PROGRAM, 'call in the loop'), lineOf(PROGRAM, 'call at the end')],
      );
      for (const { callFile } of around) assert.equal(callFile, image.sourceFiles()[0]);
    });

    it('shows the variables of a stopped process', () => {
      const frame = stopAt(compiled, addressOf(image, 'inside leaf'));
      const shown = variables(image, frame);
      assert.deepEqual(Object.keys(shown).sort(), ['copy', 'text', 'where']);
      assert.equal(image.variablesAt(frame.address).length, 3);
      check(shown, 'copy', '{x = 1, y = 20}');
      check(shown, 'text', /^0x[0-9a-f]+ "hello"$/);
      const where = image.variablesAt(frame.address).map((variable) => displayVariable(variable, frame)).find(({ name }) => name === 'where')!;
      assert.equal(where.type, 'const struct point *');
      if (!MISSING.test(where.value)) {
        assert.deepEqual(where.children().map(({ name, value, evaluateName }) => [name, value, evaluateName]), [
          ['x', '1', 'where->x'],
          ['y', '20', 'where->y'],
        ]);
      }
    });

    it('finds the callers of a stopped process and their variables', () => {
      const frame = stopAt(compiled, addressOf(image, 'inside leaf'));
      const stack = frames(image, frame);
      assert.deepEqual(stack.map(({ address }) => image.functionAt(address)?.name), ['leaf', 'down', 'down', 'down', 'down', 'work', '_start']);
      const depths = stack.slice(1, 5).map((each) => variables(image, each)['depth']!);
      for (const [index, depth] of depths.entries()) check({ depth }, 'depth', String(index));
      check(variables(image, stack[1]!), 'inner', /^-?\d+$/);
      check(variables(image, stack[5]!), 'count', '2');
      check(variables(image, stack[5]!), 'total', '4');
      assert.match(variables(image, stack[5]!)['spot']!, /^\{x = 1, y = 20\}$/);
      assert.equal(image.lineAt(stack[1]!.address)?.line, lineOf(PROGRAM, 'int inner = leaf'));
    });

    it('shows the variables of an inlined call and those around it', () => {
      const address = addressOf(image, 'inside twice', 'work');
      const frame = stopAt(compiled, address);
      assert.deepEqual(Object.keys(variables(image, frame)), ['amount']);
      check(variables(image, frame), 'amount', '0');
      const outer = variables(image, frame, 1);
      assert.ok(['total', 'count', 'step'].every((name) => name in outer));
      check(outer, 'step', '0');
      check(outer, 'count', '2');
    });

    it('finds the caller from every instruction of a function', () => {
      const { start, end } = image.functionAt(image.symbol('leaf')!)!;
      for (const address of instructions(compiled, start, end)) {
        const stack = frames(image, stopAt(compiled, address));
        assert.deepEqual(stack.map((each) => image.functionAt(each.address)?.name).slice(0, 3), ['leaf', 'down', 'down'], `at ${address.toString(16)}`);
      }
    });

    function check(shown: Record<string, string>, name: string, expected: string | RegExp): void {
      const value = shown[name];
      assert.ok(value !== undefined, `${name} is shown`);
      if (!isUnoptimised && MISSING.test(value)) return;
      if (typeof expected === 'string') assert.equal(value, expected, name);
      else assert.match(value, expected, name);
    }
  });
}

function instructions({ path }: Compiled, start: bigint, end: bigint): bigint[] {
  const text = run('objdump', ['-d', '--no-show-raw-insn', `--start-address=0x${start.toString(16)}`, `--stop-address=0x${end.toString(16)}`, path]);
  return [...text.matchAll(/^\s+([0-9a-f]+):\t/gm)].map((match) => BigInt(`0x${match[1]}`));
}
