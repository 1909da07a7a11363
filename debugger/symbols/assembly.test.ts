/** Programs in assembly: labels without sizes, with and without debug information. */
import assert from 'node:assert/strict';
import { compile, lineOf, run } from './toolchain.test.js';

const SOURCE = `.globl _start
.text
_start:
  mov $1, %eax       # first
.Lhidden:
  jmp after
start.loop:
  nop
after:
  nop                # second
  nop
.globl sized
.type sized, @function
sized:
  push %rbp          # third
  ret
.size sized, . - sized
  .skip 13, 0x90
last:
  hlt
.data
value: .long 5
.set constant, 0x1234
`;

for (const options of [['-g0'], ['-Wa,-gdwarf-5'], ['-Wa,-gdwarf-4']]) {
  describe(`assembly with ${options.join(' ')}`, () => {
    const build = () => compile('labels.s', SOURCE, ...options);
    const address = (name: string) => build().image.symbol(name)!;

    it('labels are functions that end at the next one', () => {
      const { image } = build();
      assert.deepEqual(image.functionAt(address('_start') + 5n), { name: '_start', start: address('_start'), end: address('after') });
      assert.equal(image.functionAt(address('after'))?.name, 'after');
      assert.deepEqual(image.functionAt(address('sized')), { name: 'sized', start: address('sized'), end: address('sized') + 2n });
      assert.equal(image.functionAt(address('last'))?.name, 'last');
      assert.equal(image.functionAt(address('value')), undefined);
    });

    it('symbols name places and constants', () => {
      const { image } = build();
      assert.deepEqual(image.symbolAt(address('value') + 2n), { name: 'value', offset: 2n });
      assert.equal(image.symbol('constant'), 0x1234n);
      assert.equal(image.symbolAt(0x1234n), undefined);
      assert.equal(image.symbol('nobody'), undefined);
      assert.equal(image.entry, address('_start'));
      assert.ok([...image.symbols()].some(({ name, kind }) => name === 'sized' && kind === 'function'));
    });

    if (options[0] === '-g0') {
      it('without debug information there are no lines', () => {
        const { image } = build();
        assert.equal(image.hasLines, false);
        assert.equal(image.lineAt(image.entry), undefined);
        assert.deepEqual(image.addressesOfLine('labels.s', 4), []);
        assert.deepEqual(image.sourceFiles(), []);
        assert.deepEqual(image.variablesAt(image.entry), []);
        assert.equal(image.debugInfoFault(), undefined);
      });
    } else {
      it('every line is at its instruction, also the first of a function', () => {
        const { image } = build();
        for (const [marker, name] of [['first', '_start'], ['second', 'after'], ['third', 'sized']] as const) {
          const line = lineOf(SOURCE, `# ${marker}`);
          assert.deepEqual(image.addressesOfLine('labels.s', line).map((found) => found.address), [address(name)], marker);
          assert.equal(image.lineAt(address(name))?.line, line);
        }
      });
    }
  });
}

describe('a stripped program', () => {
  it('answers with nothing', () => {
    const { path } = compile('labels.s', SOURCE, '-Wa,-gdwarf-5', '-s');
    assert.match(run('readelf', ['-sW', path]), /^\s*$/);
    const { image } = compile('labels.s', SOURCE, '-s');
    assert.deepEqual([...image.symbols()], []);
    assert.equal(image.functionAt(image.entry), undefined);
    assert.equal(image.symbolAt(image.entry), undefined);
  });
});
