import assert from 'node:assert/strict';
import { AREA_BYTES, DATA_BASE, DEFAULT_RIP, NativeOracle, State } from './native.js';
import type { Case, Patch, RegisterName, Result } from './native.js';

const CF = 1n, PF = 4n, AF = 16n, ZF = 64n, SF = 128n, OF = 2048n;
const ARITHMETIC = CF | PF | AF | ZF | SF | OF;

function code(hex: string): Uint8Array {
  return Uint8Array.from(hex.trim().split(/\s+/), (byte) => parseInt(byte, 16));
}

function stateWith(registers: Partial<Record<RegisterName, bigint>>, rflags = 0n): State {
  const state = new State();
  for (const [name, value] of Object.entries(registers)) state.set(name as RegisterName, value);
  state.rflags = rflags;
  return state;
}

function doubles(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  return [view.getFloat64(0, true), view.getFloat64(8, true)];
}

function setDoubles(bytes: Uint8Array, values: [number, number]): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  values.forEach((value, i) => view.setFloat64(8 * i, value, true));
}

describe('the native oracle', () => {
  let oracle: NativeOracle;
  before(async function () {
    this.timeout(30_000);
    oracle = await NativeOracle.start();
  });
  after(() => oracle.stop());

  async function one(instruction: string, state = new State(), more: Partial<Case> = {}): Promise<Result> {
    const [result] = await oracle.run([{ code: code(instruction), state, ...more }]);
    return result!;
  }

  it('adds, with all arithmetic flags', async () => {
    const result = await one('48 01 d8', stateWith({ rax: 0x7fff_ffff_ffff_ffffn, rbx: 1n }, CF));
    assert.equal(result.outcome, 'completed');
    assert.equal(result.state.get('rax'), 0x8000_0000_0000_0000n);
    assert.equal(result.state.rflags & ARITHMETIC, OF | SF | AF | PF);
    assert.equal(result.state.rip, BigInt(DEFAULT_RIP + 3));
  });

  it('keeps every register that the instruction leaves alone', async () => {
    const state = new State();
    for (let n = 0; n < 16; n++) state.bytes.fill(0x11 * n, 8 * n, 8 * n + 8);
    for (let n = 0; n < 16; n++) state.xmm(n).fill(0xf0 + n);
    state.set('rsp', 0x1234_5678_9abcn);
    const result = await one('90', state);
    assert.deepEqual(result.state.bytes.subarray(0, 128), state.bytes.subarray(0, 128));
    for (let n = 0; n < 16; n++) assert.deepEqual(result.state.xmm(n), state.xmm(n));
  });

  it('reports a divide error, with RIP at the instruction', async () => {
    const result = await one('48 f7 f1', stateWith({ rax: 1n, rcx: 0n }));
    assert.deepEqual([result.outcome, result.vector, result.state.rip], ['exception', 0, BigInt(DEFAULT_RIP)]);
  });

  it('reports the address and error code of a page fault', async () => {
    const address = BigInt(DATA_BASE + AREA_BYTES);
    const result = await one('48 89 03', stateWith({ rbx: address }));
    assert.deepEqual([result.outcome, result.vector, result.cr2, result.errorCode], ['exception', 14, address, 6]);
  });

  it('reports a store that crosses into the unmapped page at the page', async () => {
    const result = await one('48 89 03', stateWith({ rbx: BigInt(DATA_BASE + AREA_BYTES - 3), rax: ~0n }));
    assert.equal(result.cr2, BigInt(DATA_BASE + AREA_BYTES));
    assert.deepEqual(result.data, []);
  });

  it('reports general protection for a non-canonical address, and undefined opcodes', async () => {
    const protection = await one('48 8b 03', stateWith({ rbx: 1n << 63n }));
    assert.deepEqual([protection.vector, protection.errorCode], [13, 0]);
    assert.equal((await one('0f 0b')).vector, 6);
    assert.equal((await one('cc')).vector, 3);
  });

  it('adds packed doubles', async () => {
    const state = new State();
    setDoubles(state.xmm(0), [1.5, -2]);
    setDoubles(state.xmm(1), [0.25, 1e300]);
    const result = await one('66 0f 58 c1', state);
    assert.deepEqual(doubles(result.state.xmm(0)), [1.75, 1e300]);
    assert.equal(result.state.mxcsr & 0x3f, 0x20);
  });

  it('raises #XM when the exception is unmasked', async () => {
    const state = new State();
    setDoubles(state.xmm(0), [1, 1]);
    state.mxcsr = 0x1f80 & ~(1 << 9);
    const result = await one('66 0f 5e c1', state);
    assert.equal(result.vector, 19);
    assert.equal(result.state.mxcsr & 4, 4);
  });

  it('adds on the x87 stack', async () => {
    const state = new State();
    const onePointFive = [0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0x3f];
    const tagFull = 0b11;
    state.fxsave.setUint8(4, tagFull);
    for (const register of [0, 1]) onePointFive.forEach((byte, i) => state.fxsave.setUint8(32 + 16 * register + i, byte));
    const result = await one('d8 c1', state);
    const st0 = Array.from({ length: 10 }, (_, i) => result.state.fxsave.getUint8(32 + i));
    assert.deepEqual(st0, [0, 0, 0, 0, 0, 0, 0, 0xc0, 0x00, 0x40]);
    assert.equal(result.state.fxsave.getUint8(4), tagFull);
  });

  it('raises #MF for a pending x87 exception', async () => {
    const state = new State();
    state.fxsave.setUint16(0, 0x37e, true);
    state.fxsave.setUint16(2, 0x8081, true);
    assert.equal((await one('d9 e8', state)).vector, 16);
  });

  it('tells what memory has become, and forgets it for the next case', async () => {
    const increment: Case = {
      code: code('ff 03'),
      state: stateWith({ rbx: BigInt(DATA_BASE + 0xffe) }),
      data: [{ offset: 0xffe, bytes: Uint8Array.of(0xff, 0xff, 0xff, 0) }],
    };
    const results = await oracle.run([increment, increment]);
    const expected: Patch[] = [{ offset: 0xff8, bytes: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) }];
    for (const result of results) {
      assert.deepEqual(result.data.map(({ offset, bytes }) => ({ offset, bytes: Uint8Array.from(bytes) })), expected);
    }
  });

  it('follows branches', async () => {
    assert.equal((await one('eb 7e')).state.rip, BigInt(DEFAULT_RIP + 0x80));
    const call = await one('e8 00 01 00 00', stateWith({ rsp: BigInt(DATA_BASE + 0x100) }));
    assert.deepEqual([call.state.rip, call.state.get('rsp')], [BigInt(DEFAULT_RIP + 0x105), BigInt(DATA_BASE + 0xf8)]);
    assert.equal(call.data[0]!.offset, 0xf8);
  });

  it('runs repeated strings to their end', async () => {
    const result = await one('f3 aa', stateWith({ rax: 0xabn, rcx: 0x20n, rdi: BigInt(DATA_BASE + 0x10) }));
    assert.deepEqual([result.state.get('rcx'), result.state.get('rdi')], [0n, BigInt(DATA_BASE + 0x30)]);
    assert.deepEqual(Uint8Array.from(result.data[0]!.bytes), new Uint8Array(0x20).fill(0xab));
  });

  it('shows no TF to a direct PUSHF', async () => {
    const result = await one('9c', stateWith({ rsp: BigInt(DATA_BASE + 8) }, ZF), { mode: 'direct' });
    assert.equal(result.data[0]!.bytes[0]! & Number(ZF), Number(ZF));
    assert.equal(result.data[0]!.bytes[1]! & 1, 0);
  });

  it('survives POPF, which ends single-stepping', async () => {
    const result = await one('9d', stateWith({ rsp: BigInt(DATA_BASE) }), { mode: 'step', data: [{ offset: 0, bytes: Uint8Array.of(0xd5, 0x08) }] });
    assert.deepEqual([result.outcome, result.state.rip], ['completed', BigInt(DEFAULT_RIP + 1)]);
    assert.equal(result.state.rflags & ARITHMETIC, ARITHMETIC);
  });

  it('steps or runs directly with the same result', async () => {
    const state = stateWith({ rax: 0x8000_0001n, rdx: 0x1234n, rcx: 3n }, CF);
    const results = await oracle.run((['step', 'direct'] as const).map((mode): Case => ({ code: code('0f a5 d0'), state, mode })));
    assert.deepEqual(results[0], results[1]);
  });

  it('has segments with base 0', async () => {
    const read = await one('64 48 8b 03', stateWith({ rbx: BigInt(DATA_BASE) }), { data: [{ offset: 0, bytes: Uint8Array.of(0x5a) }] });
    assert.equal(read.state.get('rax'), 0x5an);
    const selector = await one('8c d8');
    assert.equal(selector.state.get('rax'), 0x2bn);
  });

  it('runs 32-bit code', async () => {
    const adjusted = await one('37', stateWith({ rax: 0x0fn }), { bits: 32 });
    assert.equal(adjusted.state.get('rax') & 0xffffn, 0x105n);
    const incremented = await one('40', stateWith({ rax: 0xffff_ffffn }), { bits: 32, mode: 'direct' });
    assert.deepEqual([incremented.outcome, incremented.state.get('rax')], ['completed', 0n]);
  });

  it('loses system calls and endless loops, and nothing else', async function () {
    this.timeout(10_000);
    const nop: Case = { code: code('90'), state: new State() };
    const results = await oracle.run([
      nop,
      { code: code('0f 05'), state: stateWith({ rax: 39n }) },
      nop,
      { code: code('eb fe'), state: new State(), mode: 'direct' },
      nop,
    ]);
    assert.deepEqual(results.map((result) => result.outcome), ['completed', 'lost', 'completed', 'lost', 'completed']);
  });

  it('knows what this processor can do', () => {
    assert.ok(oracle.features.has('sse2'));
  });

  it('manages 100,000 cases', async function () {
    this.timeout(60_000);
    const cases = Array.from({ length: 100_000 }, (_, i): Case => ({ code: code('48 01 d8'), state: stateWith({ rax: BigInt(i), rbx: 1n }) }));
    const results = await oracle.run(cases);
    results.forEach((result, i) => assert.equal(result.state.get('rax'), BigInt(i + 1)));
  });
});
