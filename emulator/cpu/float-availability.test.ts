import assert from 'node:assert/strict';
import { ENTRY_SEGMENTS, GENERAL_REGISTERS, type BootPlan, type EntryState } from '../boot/plan.js';
import { meaningOf, type Context } from '../isa/build.js';
import { encode } from '../isa/encode.js';
import { type Form, forms } from '../isa/encoding.js';
import { AVX } from '../isa/avx/index.js';
import type { Instruction } from '../isa/instruction.js';
import { MMX } from '../isa/mmx/index.js';
import { SSE } from '../isa/sse/index.js';
import { X87 } from '../isa/x87/index.js';
import { PersonalComputer } from '../machine/machine.js';
import type { Step } from '../meaning/meaning.js';
import { VECTORS } from './events.js';
import { FLOAT_OPERATIONS } from './float-operations.js';
import { MAP, S, xmm } from './layout.js';
import { IF, setRflags } from './flags.js';
import { CR0, CR4 } from './modes.js';

const CODE = 0x1000, DATA = 0x2000, FLAT_CODE = 0xc09b, FLAT_DATA = 0xc093, TSS = 0x8b, UNUSABLE = 0x10082;
const RBX = 3;

/** Flat 32-bit protected mode without paging. */
function computer(): PersonalComputer {
  const machine = new PersonalComputer({ memoryBytes: 1 << 20, cpus: 1, onSerial: () => undefined, onDebugConsole: () => undefined });
  const segments = Object.fromEntries(ENTRY_SEGMENTS.map((name) => [name, {
    selector: name === 'cs' ? 8 : 16, base: 0n, limit: name === 'tr' ? 0x67 : 0xffffffff, attributes: name === 'cs' ? FLAT_CODE : name === 'tr' ? TSS : name === 'ldtr' ? UNUSABLE : FLAT_DATA,
  }])) as EntryState['segments'];
  const entry: EntryState = {
    mode: 'protected32', registers: Object.fromEntries(GENERAL_REGISTERS.map((name) => [name, name === 'rbx' ? BigInt(DATA) : 0n])) as EntryState['registers'], rip: BigInt(CODE), rflags: 2n, segments,
    cr0: 0x33n, cr3: 0n, cr4: 0x600n, efer: 0n, gdtr: { base: 0n, limit: 0 }, idtr: { base: 0n, limit: 0 },
  };
  const plan: BootPlan = { kind: 'test', writes: [], entry, notes: [] };
  machine.load(plan);
  machine.conditions.add({ kind: 'exception' });
  return machine;
}
const machine = computer(), { cpu } = machine;

/** One instruction under these control registers: the vector it raises, or undefined. */
function run(code: Uint8Array, state: { cr0?: number; cr4?: number; before?: () => void } = {}): number | undefined {
  cpu.codeWritten(CODE, 16);
  cpu.u8.set(code, MAP.guestMemory + CODE);
  cpu.cr0 = 0x33 | (state.cr0 ?? 0);
  cpu.cr4 = state.cr4 ?? 0x600;
  cpu.u32[S.fcw >> 2] = 0x37f;
  cpu.u32[S.fsw >> 2] = 0;
  cpu.u32[S.ftw >> 2] = 0;
  cpu.u32[S.mxcsr >> 2] = 0x1f80;
  cpu.rip = CODE;
  state.before?.();
  cpu.modeChanged();
  machine.engine.setRetired(machine.instructions + 1);
  const stop = machine.step(0);
  if (stop.kind === 'event') return stop.event.fields['vector'] as number;
  assert.equal(stop.kind, 'budget', JSON.stringify(stop));
  return undefined;
}

/** A form with registers 0 and 1, or with memory at EBX. */
function encoded(form: Form): Uint8Array {
  const memory = form.operands.some((o) => o.kind === 'memory');
  return encode(form, {
    mode: 32, operandSize: 32, addressSize: 32, reg: 0, rm: 1, opcodeRegister: 1, immediate: 0n, immediate2: 0, ...(memory ? { memory: { base: RBX, index: -1, scale: 0, displacement: 0 } } : {}),
  });
}
const firstForms = (instructions: readonly Instruction[]): Form[] => instructions.flatMap((i) => forms(i)).filter((f) => !f.rexW && !f.vex);
const usesState = (f: Form): boolean => f.instruction.name !== 'MOVNTI';
const isWait = (f: Form): boolean => f.instruction.name === 'WAIT';
const isImage = (f: Form): boolean => /^FX(SAVE|RSTOR)$/.test(f.instruction.name);
const usesMm = (f: Form): boolean => f.operands.some((o) => o.kind === 'mm') || f.instruction.name === 'EMMS';
const usesXmm = (f: Form): boolean => f.operands.some((o) => o.kind === 'xmm');
const names = (list: readonly Form[]): string[] => list.map((f) => f.text);

describe('x87, MMX and SSE are available', () => {
  const x87 = firstForms(X87).filter((f) => !isWait(f)), mmx = firstForms(MMX), sse = firstForms(SSE).filter(usesState);

  it('not to x87 while CR0.EM or CR0.TS is set: #NM', () => {
    for (const cr0 of [CR0.EM, CR0.TS]) assert.deepEqual(names(x87.filter((f) => run(encoded(f), { cr0 }) !== VECTORS['#NM'])), []);
  });
  it('to WAIT unless CR0.MP and CR0.TS are set', () => {
    const wait = Uint8Array.of(0x9b);
    cpu.cr0 = 0x31;
    assert.equal(run(wait, { cr0: CR0.TS | CR0.MP }), VECTORS['#NM']);
    assert.equal(run(wait, { before: () => { cpu.cr0 = (0x31 | CR0.TS) & ~CR0.MP; } }), undefined);
    assert.equal(run(wait, { cr0: CR0.EM }), undefined);
  });
  it('not to MMX while CR0.EM (#UD) or CR0.TS (#NM) is set', () => {
    assert.deepEqual(names(mmx.filter((f) => run(encoded(f), { cr0: CR0.EM }) !== VECTORS['#UD'])), []);
    assert.deepEqual(names(mmx.filter((f) => run(encoded(f), { cr0: CR0.TS }) !== VECTORS['#NM'])), []);
  });
  it('not to SSE while CR0.EM is set or CR4.OSFXSR clear (#UD), or CR0.TS set (#NM)', () => {
    const arithmetic = sse.filter((f) => !isImage(f));
    assert.deepEqual(names(arithmetic.filter((f) => run(encoded(f), { cr0: CR0.EM }) !== VECTORS['#UD'])), []);
    assert.deepEqual(names(arithmetic.filter((f) => run(encoded(f), { cr4: 0 }) !== VECTORS['#UD'])), []);
    assert.deepEqual(names(sse.filter((f) => run(encoded(f), { cr0: CR0.TS }) !== VECTORS['#NM'])), []);
    for (const f of sse.filter(isImage)) assert.equal(run(encoded(f), { cr4: 0 }), undefined, f.text);
  });
  it('to MOVNTI always', () => {
    const [movnti] = firstForms(SSE).filter((f) => !usesState(f));
    assert.equal(run(encoded(movnti!), { cr0: CR0.EM | CR0.TS, cr4: 0 }), undefined);
  });

  it('a pending x87 exception is met by waiting instructions and MMX alone', () => {
    const pending = { before: () => { cpu.u32[S.fcw >> 2] = 0x37e; cpu.u32[S.fsw >> 2] = 0x8081; } };
    const met = new Set([...x87, ...mmx, ...sse].filter((f) => run(encoded(f), pending) === VECTORS['#MF']).map((f) => f.text));
    const waits = (f: Form) => !/^FN(INIT|CLEX|ST|SAVE)/.test(f.instruction.name);
    const fromMemory = (f: Form) => /^CVTPI2P[SD]$/.test(f.instruction.name);
    const expected = [...x87.filter(waits), ...mmx.filter((f) => usesMm(f) || !usesXmm(f) || !fromMemory(f))].map((f) => f.text);
    assert.deepEqual([...met].sort(), [...new Set(expected)].sort());
  });
  it('without CR0.NE a pending exception is interrupt line 13, until which the processor waits', () => {
    // WAIT; MOV BYTE PTR [7000H], 5; JMP to itself. The handler of vector 75H: OUT F0H, FNCLEX, IRET.
    cpu.u8.set([0x9b, 0xc6, 0x05, 0x00, 0x70, 0x00, 0x00, 5, 0xeb, 0xfe], MAP.guestMemory + CODE);
    cpu.u8.set([0xe6, 0xf0, 0xdb, 0xe2, 0xb0, 0x20, 0xe6, 0xa0, 0xe6, 0x20, 0xcf], MAP.guestMemory + DATA);
    const gdt = 0x3000, idt = 0x4000;
    cpu.view.setBigUint64(MAP.guestMemory + gdt + 8, 0x00cf9b000000ffffn, true);
    cpu.view.setBigUint64(MAP.guestMemory + idt + 8 * 0x75, 0x00008e0000080000n | BigInt(DATA), true);
    cpu.set(S.gdtrBase, gdt, 0);
    cpu.u32[S.gdtrLimit >> 2] = 0xf;
    cpu.set(S.idtrBase, idt, 0);
    cpu.u32[S.idtrLimit >> 2] = 0x7ff;
    cpu.setReg32(4, 0x6000);
    for (const [port, value] of [[0x20, 0x11], [0x21, 8], [0x21, 4], [0x21, 1], [0x21, 0xfb], [0xa0, 0x11], [0xa1, 0x70], [0xa1, 2], [0xa1, 1], [0xa1, 0xdf]] as const) cpu.ports.write(port, 1, value);
    cpu.localApic.write(0xf0, 4, 0x1ff);
    cpu.localApic.write(0x350, 4, 0x700);
    setRflags(cpu, 2 | IF);
    cpu.codeWritten(CODE, 16);
    cpu.codeWritten(DATA, 16);
    cpu.rip = CODE;
    cpu.cr0 = 0x11;
    cpu.u32[S.fcw >> 2] = 0x37e;
    cpu.u32[S.fsw >> 2] = 0x8081;
    cpu.modeChanged();
    assert.equal(machine.run(100).kind, 'budget');
    assert.deepEqual([cpu.u8[MAP.guestMemory + 0x7000], cpu.low(S.fsw) & 0x80ff, cpu.rip], [5, 0, CODE + 8]);
    setRflags(cpu, 2);
  });

  it('an unmasked SIMD exception is #XM, or #UD without CR4.OSXMMEXCPT, and leaves the destination', () => {
    const divide = Uint8Array.of(0xf3, 0x0f, 0x5e, 0xc1);
    const before = () => {
      cpu.u32[S.mxcsr >> 2] = 0x1f80 & ~(1 << 9);
      cpu.view.setFloat32(xmm(0), 3, true);
      cpu.view.setFloat32(xmm(1), 0, true);
    };
    assert.equal(run(divide, { before }), VECTORS['#XM']);
    assert.equal(cpu.view.getFloat32(xmm(0), true), 3);
    assert.equal(cpu.low(S.mxcsr) & 0x3f, 4);
    assert.equal(run(divide, { before, cr4: CR4.OSFXSR }), VECTORS['#UD']);
  });

  it('demands alignment of the packed operands that the manual says, and of no others', () => {
    const outcomes = sse.filter((f) => f.operands.some((o) => o.mayBeMemory && o.memoryBits === 128)).map((f) => {
      const code = encode(f, { mode: 32, operandSize: 32, addressSize: 32, reg: 0, rm: 0, opcodeRegister: 0, immediate: 0n, immediate2: 0, memory: { base: RBX, index: -1, scale: 0, displacement: 4 } });
      return [f.instruction.name, run(code)] as const;
    });
    assert.deepEqual([...new Set(outcomes.filter(([, vector]) => vector === undefined).map(([name]) => name))].sort(), ['LDDQU', 'MOVDQU', 'MOVUPD', 'MOVUPS', 'PCMPESTRI', 'PCMPESTRM', 'PCMPISTRI', 'PCMPISTRM']);
    assert.ok(outcomes.every(([, vector]) => vector === undefined || vector === VECTORS['#GP']));
  });

  it('LDMXCSR refuses reserved bits', () => {
    cpu.view.setUint32(MAP.guestMemory + DATA, 0x10000, true);
    assert.equal(run(Uint8Array.of(0x0f, 0xae, 0x13)), VECTORS['#GP']);
  });
});

describe('AVX is available', () => {
  const vex = [...SSE, ...AVX].flatMap(forms).filter((f) => f.vex), enabled = { cr4: 0x40600 };
  const code = (f: Form, memory = f.operands.some((o) => o.kind === 'memory'), displacement = 0) => encode(f, {
    mode: 32, operandSize: 32, addressSize: 32, reg: 0, rm: 1, opcodeRegister: 1, vvvv: 2, immediate: 0n, immediate2: 0,
    ...(memory ? { memory: { base: RBX, index: f.operands.some((o) => o.vectorIndex) ? 3 : -1, scale: 0, displacement } } : {}),
  });
  const withXcr0 = (xcr0: number) => ({ before: () => { cpu.set(S.xcr0, xcr0, 0); cpu.u8.fill(0, S.ymm, S.end - 8); } });
  const outcomes = (state: Parameters<typeof run>[1]) => new Set(vex.map((f) => run(code(f), { ...enabled, ...withXcr0(7), ...state })));

  it('with CR4.OSXSAVE and XCR0, whatever CR0.EM and CR4.OSFXSR say', () => {
    assert.deepEqual(names(vex.filter((f) => run(code(f), { ...enabled, ...withXcr0(7) }) !== undefined)), []);
    assert.deepEqual(outcomes({ cr0: CR0.EM, cr4: 0x40400 }), new Set([undefined]));
  });
  it('not without them: #UD; nor while CR0.TS is set: #NM', () => {
    assert.deepEqual(outcomes({ cr4: 0x600 }), new Set([VECTORS['#UD']]));
    assert.deepEqual(outcomes(withXcr0(3)), new Set([VECTORS['#UD']]));
    assert.deepEqual(outcomes({ cr0: CR0.TS }), new Set([VECTORS['#NM']]));
    assert.deepEqual(outcomes({ cr0: CR0.TS, ...withXcr0(1) }), new Set([VECTORS['#UD']]));
  });
  it('not in real-address mode: #UD', () => {
    const unreal = () => { cpu.cr0 = 0x32; cpu.set(S.xcr0, 7, 0); };
    assert.deepEqual(outcomes({ before: unreal }), new Set([VECTORS['#UD']]));
  });
  it('not behind LOCK, 66, F2, F3: #UD', () => {
    for (const prefix of [0xf0, 0x66, 0xf2, 0xf3]) for (const f of vex.slice(0, 40)) assert.equal(run(Uint8Array.of(prefix, ...code(f)), { ...enabled, ...withXcr0(7) }), VECTORS['#UD'], f.text);
  });
  it('with operands that need no alignment, but where the manual says so', () => {
    const wide = vex.filter((f) => f.operands.some((o) => o.mayBeMemory && o.memoryBits >= 128)).map((f) => [f.syntax.split(' ')[0]!, run(code(f, true, 8), { ...enabled, ...withXcr0(7) })] as const);
    assert.deepEqual([...new Set(wide.filter(([, vector]) => vector !== undefined).map(([name]) => name))].sort(), ['VMOVAPD', 'VMOVAPS', 'VMOVDQA', 'VMOVNTDQ', 'VMOVNTDQA', 'VMOVNTPD', 'VMOVNTPS']);
    assert.ok(wide.every(([, vector]) => vector === undefined || vector === VECTORS['#GP']));
  });
});

describe('the definitions of x87, MMX and SSE', () => {
  it('call only operations that exist', () => {
    const called = new Set<string>();
    const visit = (steps: readonly Step[]): void => {
      for (const step of steps) {
        if (step.op === 'compute' || step.op === 'perform') called.add(step.name);
        if (step.op === 'if') { visit(step.then); visit(step.otherwise); }
      }
    };
    for (const form of [...X87, ...MMX, ...SSE, ...AVX].flatMap(forms)) for (const memory of [false, true]) {
      const rm = form.operands.find((o) => o.place === 'rm');
      if (rm && !(memory ? rm.mayBeMemory : rm.mayBeRegister)) continue;
      const context: Context = {
        form, mode: 64, protection: 'protected', stackSize: 64, operandSize: form.size === 0 ? (form.rexW ? 64 : 32) : form.size, addressSize: 64, flatCode: true, flatData: true, rep: 'none', lock: false,
        memory, hasBase: memory, hasIndex: false, ripRelative: false, segmentKind: 'flat', takenNear: false, nextNear: true, stackReference: false,
      };
      visit(meaningOf(context).steps);
    }
    assert.deepEqual([...called].filter((name) => !(name in FLOAT_OPERATIONS)), []);
    assert.deepEqual(Object.keys(FLOAT_OPERATIONS).filter((name) => !called.has(name)), []);
  });
});
