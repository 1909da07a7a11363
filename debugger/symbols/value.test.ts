/** Values of a stopped process as people see them. */
import assert from 'node:assert/strict';
import type { Place } from './location-expression.js';
import { bytesOf, partOf } from './place-bytes.js';
import { stopAt } from './live-process.test.js';
import { compile, lineOf, PROGRAM } from './toolchain.test.js';
import { declaration, typeName, VOID, type Type } from './types.js';
import { formatFloat, formatNumber, formatText } from './value-format.js';
import { display, displayVariable, type DisplayedValue, type ValueContext } from './value.js';

function child(value: DisplayedValue, ...names: readonly string[]): DisplayedValue {
  return names.reduce((parent, name) => {
    const found = parent.children().find((each) => each.name === name);
    assert.ok(found, `${parent.name} has ${name}; it has ${parent.children().map((each) => each.name).join(', ')}`);
    return found;
  }, value);
}

for (const way of [['-gdwarf-4'], ['-gdwarf-5'], ['-gdwarf-2'], ['-gdwarf-5', '-m32'], ['-gdwarf-4', '-m32']]) {
  describe(`values of a program built with ${way.join(' ')}`, () => {
    let context: ValueContext;
    let node: DisplayedValue;
    let global: (name: string) => DisplayedValue;

    before(() => {
      const compiled = compile('program.c', PROGRAM, '-O0', ...way);
      const { image } = compiled;
      const [stop] = image.addressesOfLine('program.c', lineOf(PROGRAM, 'inside leaf'));
      context = { ...stopAt(compiled, stop!.address), symbolAt: (address) => image.symbolAt(address) };
      global = (name) => displayVariable(image.global(name)!, context);
      node = global('first_node');
    });

    const members: readonly [string[], string, string, string][] = [
      [['wide'], 'u64', '1311768467463790320 (0x123456789abcdef0)', 'first_node.wide'],
      [['flag'], 'unsigned int : 3', '5', 'first_node.flag'],
      [['low'], 'int : 5', '-3', 'first_node.low'],
      [['middle'], 'u64 : 40', '549755813889 (0x8000000001)', 'first_node.middle'],
      [['color'], 'enum color', 'GREEN (5)', 'first_node.color'],
      [['rights'], 'enum flags', 'READ | EXECUTE (5)', 'first_node.rights'],
      [['(anonymous union)', 'number'], 'int', '67305985', 'first_node.number'],
      [['(anonymous union)', 'bytes', '[2]'], 'u8', '3', 'first_node.bytes[2]'],
      [['corners', '[2]', 'y'], 'int', '-6', 'first_node.corners[2].y'],
      [['corners', '[1]'], 'struct point', '{x = 3, y = 4}', 'first_node.corners[1]'],
      [['text'], 'char [8]', '"abc\\n"', 'first_node.text'],
      [['text', '[0]'], 'char', "97 'a'", 'first_node.text[0]'],
      [['ready'], '_Bool', 'true', 'first_node.ready'],
      [['ratio'], 'double', '0.25', 'first_node.ratio'],
      [['half'], 'float', '0.5', 'first_node.half'],
      [['shorts', '[1]', '[2]'], 'const volatile short', '-6', 'first_node.shorts[1][2]'],
      [['next', 'next', 'wide'], 'u64', '1311768467463790320 (0x123456789abcdef0)', 'first_node.next->next->wide'],
    ];
    for (const [path, type, value, evaluateName] of members) {
      it(`${evaluateName} is ${value}`, () => {
        const shown = child(node, ...path);
        const readable = { type: shown.type.replace('volatile const', 'const volatile').replace('short int', 'short'), value: shown.value, evaluateName: shown.evaluateName };
        assert.deepEqual(readable, { type, value, evaluateName });
      });
    }

    it('a function pointer names its function', () => {
      const handler = child(node, 'handler');
      assert.equal(handler.type, 'int (*)(struct node *, char)');
      assert.match(handler.value, /^0x[0-9a-f]+ <handle>$/);
      assert.equal(handler.namedChildren, 0);
    });

    it('a struct has its address as memory reference, a pointer what it points to', () => {
      assert.equal(child(node, 'next').memoryReference, node.memoryReference);
      assert.equal(child(node, 'next').value, node.memoryReference);
    });

    it('an array gives its elements by pages', () => {
      const big = global('big');
      assert.equal(big.indexedChildren, 300);
      assert.equal(big.children().length, 100);
      assert.deepEqual(big.children(298, 10).map(({ name }) => name), ['[298]', '[299]']);
      assert.equal(global('table').value, '{{…}, {…}}');
      assert.equal(child(global('table'), '[1]').value, '{4, 5, 6}');
    });

    it('a struct that the program only declares says so', () => {
      const secret = global('secret');
      assert.equal(secret.type, 'struct hidden *');
      assert.equal(secret.namedChildren, 0);
      assert.equal(display('hidden', { is: 'record', kind: 'struct', name: 'hidden', size: 0, members: [], incomplete: true }, { is: 'memory', address: 0n }, context, '*secret').value, 'the members of struct hidden are not known');
    });

    it('memory that is not there is said to be missing', () => {
      const wide = child(node, 'wide');
      assert.ok(wide);
      const blind: ValueContext = { ...context, read: () => undefined };
      const int: Type = { is: 'base', name: 'int', size: 4, encoding: 'signed' };
      assert.equal(display('x', int, { is: 'memory', address: 0x1234n }, blind, 'x').value, 'not readable at 0x1234');
    });
  });
}

describe('how values are written', () => {
  const base = (size: number, encoding: Extract<Type, { is: 'base' }>['encoding']) => ({ is: 'base', name: 't', size, encoding }) as const;
  const numbers: readonly [Type, bigint, boolean, string][] = [
    [base(4, 'signed'), -5n, false, '-5'],
    [base(4, 'signed'), -5n, true, '0xfffffffb'],
    [base(8, 'unsigned'), 4095n, false, '4095'],
    [base(8, 'unsigned'), 4096n, false, '4096 (0x1000)'],
    [base(1, 'unsigned character'), 0x41n, false, "65 'A'"],
    [base(1, 'character'), -1n, false, '-1'],
    [base(1, 'boolean'), 2n, false, 'true (0x2)'],
    [{ is: 'enum', name: 'e', size: 4, signed: false, enumerators: [{ name: 'A', value: 1n }] }, 3n, false, '3'],
    [{ is: 'pointer', size: 8, symbol: '*', target: VOID }, 0xdead_beefn, false, '0xdeadbeef'],
  ];
  for (const [type, value, hex, expected] of numbers) {
    it(`${value} as ${type.is}${hex ? ' in hexadecimal' : ''} is ${expected}`, () => assert.equal(formatNumber(type, value, 4, hex), expected));
  }

  it('floating-point numbers of 4, 8 and 10 bytes', () => {
    const view = new DataView(new ArrayBuffer(16));
    view.setFloat32(0, 0.1, true);
    assert.equal(formatFloat(base(4, 'float'), new Uint8Array(view.buffer, 0, 4)), '0.1');
    view.setFloat64(0, -1e300, true);
    assert.equal(formatFloat(base(8, 'float'), new Uint8Array(view.buffer, 0, 8)), '-1e+300');
    view.setBigUint64(0, 0xc000000000000000n, true);
    view.setUint16(8, 0xc000, true);
    assert.equal(formatFloat(base(16, 'float'), new Uint8Array(view.buffer)), '-3');
    view.setBigUint64(0, 0n, true);
    view.setUint16(8, 0, true);
    assert.equal(formatFloat(base(16, 'float'), new Uint8Array(view.buffer)), '0');
  });

  it('texts end at their zero and are cut where they are long', () => {
    assert.equal(formatText(Uint8Array.of(0x61, 0x22, 0x0a, 0x01, 0, 0x62), false), '"a\\"\\n\\x01"');
    assert.equal(formatText(Uint8Array.of(0x61, 0x62), false), '"ab"…');
    assert.equal(formatText(Uint8Array.of(0x61, 0x62), true), '"ab"');
  });

  const int: Type = base(4, 'signed');
  const pointer = (target: Type): Type => ({ is: 'pointer', size: 8, symbol: '*', target });
  const types: readonly [Type, string][] = [
    [pointer({ is: 'array', element: int, count: 4 }), 't (*)[4]'],
    [{ is: 'array', element: pointer(int), count: 4 }, 't *[4]'],
    [pointer({ is: 'function', result: pointer(VOID), parameters: [int], variadic: true }), 'void *(*)(t, ...)'],
    [{ is: 'qualified', qualifier: 'const', target: pointer({ is: 'qualified', qualifier: 'volatile', target: int }) }, 'volatile t *const'],
    [{ is: 'array', element: { is: 'array', element: int, count: 3 }, count: 2 }, 't [2][3]'],
  ];
  for (const [type, expected] of types) it(`the type ${expected}`, () => assert.equal(typeName(type), expected));
  it('a declaration', () => assert.equal(declaration(types[2]![0], 'handler'), 'void *(*handler)(t, ...)'));
});

describe('places in pieces', () => {
  const machine = { register: (name: string) => ({ rax: 0x1122334455667788n, rdx: 0xaabbccddn })[name], read: () => undefined };
  const inRegisters: Place = {
    is: 'pieces',
    pieces: [
      { place: { is: 'register', register: 'rax' }, bits: 64, bitOffset: 0 },
      { place: { is: 'register', register: 'rdx' }, bits: 32, bitOffset: 0 },
      { place: { is: 'optimized out' }, bits: 32, bitOffset: 0 },
    ],
  };
  const hex = (place: Place, size: number) => {
    const reading = bytesOf(place, size, machine);
    return reading.is === 'bytes' ? Buffer.from(reading.bytes).toString('hex') : reading.why;
  };

  it('are put together', () => {
    assert.equal(hex(inRegisters, 12), '8877665544332211ddccbbaa');
    assert.equal(hex(inRegisters, 16), 'a part of it: optimized out');
  });

  it('give their parts', () => {
    assert.equal(hex(partOf(inRegisters, 6, 4), 4), '2211ddcc');
    assert.equal(hex(partOf(inRegisters, 12, 4), 4), 'optimized out');
    assert.equal(hex(partOf({ is: 'register', register: 'rax' }, 2, 2), 2), '6655');
  });
});
