/** Location expressions, each as its bytes and the place that it leads to. */
import assert from 'node:assert/strict';
import { ByteReader } from './byte-reader.js';
import { OP } from './dwarf-operations.js';
import { evaluateLocation, evaluateNumber, type ExpressionEnvironment, type Place } from './location-expression.js';
import { SymbolError } from './symbol-error.js';

const ENVIRONMENT: ExpressionEnvironment = {
  addressSize: 8,
  register: (name) => ({ rax: 0x10n, rbp: 0x7000n, rsp: 0x6000n, rdi: 0xffff_ffff_ffff_fff0n })[name],
  read: (address, bytes) => (address < 0x1_0000n ? Uint8Array.from({ length: bytes }, (_, index) => Number(address & 0xffn) + index) : undefined),
  frameBase: () => 0x5000n,
  cfa: () => 0x8000n,
  indexedAddress: (index) => BigInt(index) * 0x100n,
};

const reader = (bytes: readonly number[]) => new ByteReader('test.elf', 'location expression', Uint8Array.from(bytes));
const memory = (address: bigint): Place => ({ is: 'memory', address });
const lit = (value: number) => OP.lit0 + value;
const OPTIMIZED_OUT: Place = { is: 'optimized out' };

const PLACES: readonly [string, number[], Place][] = [
  ['nothing', [], OPTIMIZED_OUT],
  ['addr', [OP.addr, 0x78, 0x56, 0x34, 0x12, 0, 0, 0, 0], memory(0x12345678n)],
  ['fbreg -20', [OP.fbreg, 0x6c], memory(0x4fecn)],
  ['breg6 (rbp) 16', [OP.breg0 + 6, 16], memory(0x7010n)],
  ['bregx 7 (rsp) -8', [OP.bregx, 7, 0x78], memory(0x5ff8n)],
  ['breg5 (rdi) wraps', [OP.breg0 + 5, 0x20], memory(0x10n)],
  ['reg0', [OP.reg0], { is: 'register', register: 'rax' }],
  ['regx 17', [OP.regx, 17], { is: 'register', register: 'xmm0' }],
  ['call_frame_cfa; consts -24; plus', [OP.callFrameCfa, OP.consts, 0x68, OP.plus], memory(0x7fe8n)],
  ['lit5; stack_value', [lit(5), OP.stackValue], { is: 'value', bytes: Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0) }],
  ['implicit_value', [OP.implicitValue, 2, 7, 8], { is: 'value', bytes: Uint8Array.of(7, 8) }],
  ['deref', [OP.const1u, 0x40, OP.deref], memory(0x4746454443424140n)],
  ['deref_size 2', [OP.const1u, 0x40, OP.derefSize, 2], memory(0x4140n)],
  ['constants', [OP.const2u, 0xff, 0xff, OP.const1s, 0xff, OP.plus], memory(0xfffen)],
  ['arithmetic', [lit(7), lit(3), OP.mul, lit(1), OP.minus, lit(4), OP.shl], memory(320n)],
  ['signed division', [lit(7), OP.neg, lit(2), OP.div, OP.neg], memory(3n)],
  ['shra', [lit(8), OP.neg, lit(1), OP.shra, OP.neg], memory(4n)],
  ['dup, over, swap, rot, drop', [lit(1), lit(2), lit(3), OP.rot, OP.swap, OP.over, OP.drop, OP.dup, OP.plus], memory(2n)],
  ['pick', [lit(9), lit(1), lit(2), OP.pick, 2], memory(9n)],
  ['bra taken', [lit(1), OP.bra, 1, 0, lit(7), lit(6)], memory(6n)],
  ['skip', [lit(4), OP.skip, 1, 0, OP.drop], memory(4n)],
  ['comparison is signed', [lit(1), OP.neg, lit(1), OP.lt], memory(1n)],
  ['addrx', [OP.addrx, 3], memory(0x300n)],
  ['entry_value', [OP.entryValue, 1, OP.reg0 + 5, OP.stackValue], OPTIMIZED_OUT],
  ['GNU entry_value', [OP.gnuEntryValue, 1, OP.reg0 + 5, OP.stackValue], OPTIMIZED_OUT],
  ['implicit_pointer', [OP.implicitPointer, 0, 0, 0, 0, 0], OPTIMIZED_OUT],
  ['unknown register', [OP.breg0 + 3, 0], { is: 'unknown', why: 'the register rbx is not known in this frame' }],
  ['unreadable', [OP.const4u, 0, 0, 1, 0, OP.deref], { is: 'unknown', why: 'not readable at 0x10000' }],
  ['thread-local', [lit(0), OP.formTlsAddress], { is: 'unknown', why: 'not implemented: DW_OP formTlsAddress' }],
  [
    'pieces',
    [OP.reg0, OP.piece, 8, OP.piece, 4, OP.fbreg, 0, OP.piece, 4],
    {
      is: 'pieces',
      pieces: [
        { place: { is: 'register', register: 'rax' }, bits: 64, bitOffset: 0 },
        { place: OPTIMIZED_OUT, bits: 32, bitOffset: 0 },
        { place: memory(0x5000n), bits: 32, bitOffset: 0 },
      ],
    },
  ],
  ['bit_piece', [OP.reg0, OP.bitPiece, 3, 5], { is: 'pieces', pieces: [{ place: { is: 'register', register: 'rax' }, bits: 3, bitOffset: 5 }] }],
];

const DAMAGED: readonly [string, number[], RegExp][] = [
  ['a cut operand', [OP.addr, 1, 2], /8 bytes wanted at byte 1/],
  ['an empty stack', [OP.plus], /takes from an empty stack/],
  ['a pick too deep', [lit(1), OP.pick, 5], /reads below its stack/],
  ['an endless loop', [OP.skip, 0xfd, 0xff], /does not end within 10000 steps/],
  ['a jump outside', [OP.skip, 0x10, 0], /offset 19 lies outside/],
  ['division by zero', [lit(1), lit(0), OP.div], /divides by zero/],
  ['a huge piece', [OP.reg0, OP.piece, 0xff, 0xff, 0xff, 0x7f], /a piece of \d+ bits/],
];

describe('location expressions', () => {
  for (const [what, bytes, place] of PLACES) it(what, () => assert.deepEqual(evaluateLocation(reader(bytes), ENVIRONMENT), place));

  for (const [what, bytes, message] of DAMAGED) {
    it(`${what} is a SymbolError`, () => {
      assert.throws(() => evaluateLocation(reader(bytes), ENVIRONMENT), (error) => error instanceof SymbolError && message.test(error.message));
    });
  }

  it('a frame base in a register is what the register holds', () => assert.equal(evaluateNumber(reader([OP.reg0 + 6]), ENVIRONMENT), 0x7000n));
  it('may begin with a value on the stack', () => assert.equal(evaluateNumber(reader([OP.plusUconst, 8]), ENVIRONMENT, [0x100n]), 0x108n));
  it('addresses of 4 bytes wrap at 4 bytes', () => {
    assert.deepEqual(evaluateLocation(reader([OP.const4u, 0xff, 0xff, 0xff, 0xff, lit(2), OP.plus]), { ...ENVIRONMENT, addressSize: 4 }), memory(1n));
  });
});
