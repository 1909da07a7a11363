/** Scopes put together, and expressions over a compiled program that has stopped. */
import assert from 'node:assert/strict';
import { display } from '../symbols/value.js';
import type { FrameContext } from '../symbols/location-expression.js';
import { stopAt } from '../symbols/live-process.test.js';
import { compile, lineOf, PROGRAM, type Compiled } from '../symbols/toolchain.test.js';
import { evaluate } from './evaluate.js';
import { ExpressionError } from './expression-error.js';
import { parse } from './parser.js';
import type { Scope } from './scope.js';
import { canonicalName, constants, layers, numberValue, placeOfValue, program, registers } from './scopes.js';

function number(text: string, scope: Scope): bigint | undefined {
  const value = evaluate(parse(text), scope);
  return value.is === 'number' ? value.value : undefined;
}

describe('scopes', () => {
  it('in layers: the first that knows a name answers', () => {
    const scope = layers(8, constants([['A', 1]]), constants([['A', 2], ['B', 3]]));
    assert.equal(number('a * 10 + b', scope), 13n);
    assert.deepEqual([...scope.names()], ['A', 'A', 'B']);
  });

  it('spell names in one way', () => {
    for (const name of ['EPT violation', 'EPT_VIOLATION', 'ept-violation']) assert.equal(canonicalName(name), 'ept_violation');
    assert.equal(canonicalName('#PF'), 'pf');
    assert.equal(canonicalName('EPT pointer (EPTP)'), 'ept_pointer_eptp');
  });

  it('have registers that are not there at the moment', () => {
    const scope = layers(8, registers(['rax', 'ymm0'], (name) => (name === 'rax' ? 5n : undefined)));
    assert.equal(number('$rax', scope), 5n);
    assert.throws(() => number('ymm0', scope), ExpressionError);
  });
});

for (const way of [['-gdwarf-5', '-m64'], ['-gdwarf-4', '-m32'], ['-gdwarf-4', '-m64', '-O2']]) {
  describe(`expressions over a program built with ${way.join(' ')}`, () => {
    let compiled: Compiled;
    let frame: FrameContext;
    let scope: Scope;

    before(() => {
      compiled = compile('program.c', PROGRAM, '-O0', ...way);
      const [stop] = compiled.image.addressesOfLine('program.c', lineOf(PROGRAM, 'inside leaf'));
      frame = stopAt(compiled, stop!.address);
      scope = layers(compiled.image.bits === 64 ? 8 : 4, program(compiled.image, frame));
    });

    const values: readonly [string, bigint][] = [
      ['where->y', 20n],
      ["text[0] == 'h'", 1n],
      ['*text', 104n],
      ['copy.x + copy.y', 21n],
      ['first_node.wide >> 60', 1n],
      ['first_node.low', -3n],
      ['first_node.middle == 0x8000000001', 1n],
      ['first_node.next->next == &first_node', 1n],
      ['first_node.color == GREEN', 1n],
      ['first_node.rights & WRITE', 0n],
      ['first_node.handler == handle', 1n],
      ['first_node.bytes[3]', 4n],
      ['table[1][2] * 10', 60n],
      ['((node_t *)&first_node)->corners[2].y', -6n],
      ['((struct node *)&first_node)->number', 0x04030201n],
      ['sizeof(struct point)', 8n],
      ['sizeof(node_t) == sizeof first_node', 1n],
      ['u8[&first_node.text]', 97n],
      ['(u8)first_node.wide', 0xf0n],
      ['&first_node.corners[1] - &first_node.corners[0]', 1n],
    ];
    for (const [text, expected] of values) {
      it(`${text} is ${expected}`, () => assert.equal(number(text, scope), expected));
    }

    it('a function is its address', () => assert.equal(number('leaf + 0', scope), compiled.image.symbol('leaf')));

    it('an unknown name suggests one of the program', () => {
      assert.throws(() => number('first_nod.wide', scope), /'first_nod' is not known here; did you mean 'first_node'\?/);
      assert.throws(() => number('where->z', scope), /struct point: it has no 'z'/);
    });

    it('every evaluateName of a displayed value gives that value again', () => {
      const context = { ...frame, symbolAt: (address: bigint) => compiled.image.symbolAt(address) };
      let count = 0;
      const visit = (text: string, depth: number): void => {
        const value = evaluate(parse(text), scope);
        assert.ok(value.is === 'number' || value.is === 'aggregate');
        for (const child of display(text, value.type, placeOfValue(value).place, context, text).children()) {
          if (child.evaluateName === undefined) {
            for (const inner of child.children()) compare(inner.evaluateName!, inner.value);
            continue;
          }
          compare(child.evaluateName, child.value);
          if (depth > 0) visit(child.evaluateName, depth - 1);
        }
      };
      const compare = (text: string, expected: string): void => {
        const value = evaluate(parse(text), scope);
        assert.ok(value.is === 'number' || value.is === 'aggregate');
        const { value: shown } = display(text, value.type, placeOfValue(value).place, context, text);
        assert.equal(shown, expected, text);
        count++;
      };
      visit('first_node', 2);
      visit('where', 1);
      assert.ok(count > 40);
    });
  });
}

describe('numbers without a place', () => {
  it('are displayed in the width of their type', () => {
    assert.deepEqual(placeOfValue({ is: 'number', type: { is: 'base', name: 'u16', size: 2, encoding: 'unsigned' }, value: 0x1234n }), {
      place: { is: 'value', bytes: Uint8Array.of(0x34, 0x12) },
      space: 'linear',
    });
    const value = numberValue(1n);
    assert.ok(value.is === 'number' && placeOfValue(value).place.is === 'value');
  });
});
