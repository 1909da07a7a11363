import assert from 'node:assert/strict';
import { MAP, S } from '../cpu/layout.js';
import { createMachine } from '../machine/machine.js';
import { listTlb } from '../paging/tlb-listing.js';
import { pagingState } from '../paging/walk.js';
import { EXIT_REASON_NUMBERS } from '../vmx/exit-reasons.js';
import { currentPagingState, ObservedMemory } from './memory.js';
import { readTable, rootOf } from './page-tables.js';
import { decodeQualification } from './qualification.js';
import { findRegister, fromExtended, REGISTER_GROUPS } from './registers.js';
import { walkLinear } from './walk.js';

const MEMORY = 4 << 20;
const PRESENT = 1n, WRITABLE = 2n, LARGE = 0x80n;
const PML4 = 0x1000, PDPT = 0x2000, PD = 0x3000, PT = 0x4000;

/** Linear 0x400000 is at 0x10000, read-only; 0x401000 is absent; 0x600000 is a page of 2 MiB at 0x200000; 0x402000 belongs to no memory. */
function paged() {
  const machine = createMachine({ memoryBytes: MEMORY, cpus: 1, onSerial() {}, onDebugConsole() {} });
  const cpu = machine.processors[0]!;
  const entry = (table: number, index: number, value: bigint): void => { cpu.view.setBigUint64(MAP.guestMemory + table + 8 * index, value, true); };
  entry(PML4, 0, BigInt(PDPT) | PRESENT | WRITABLE);
  entry(PDPT, 0, BigInt(PD) | PRESENT | WRITABLE);
  entry(PD, 2, BigInt(PT) | PRESENT | WRITABLE);
  entry(PD, 3, 0x200000n | PRESENT | WRITABLE | LARGE);
  entry(PT, 0, 0x10000n | PRESENT);
  entry(PT, 2, 0xfee00000n | PRESENT | WRITABLE);
  cpu.u8.set([1, 2, 3, 4, 5, 6, 7, 8], MAP.guestMemory + 0x10ff8);
  const state = Object.assign(pagingState(), { cr0: 0x80000001 | 0, cr3: PML4, cr4: 0x20, efer: 0x500 });
  return { machine, cpu, state, memory: new ObservedMemory(cpu, state) };
}

describe('observed memory', () => {
  it('is read through the walker, and nothing changes: no flag, no TLB entry, no state', () => {
    const { machine, cpu, memory } = paged();
    const hash = machine.stateHash();
    assert.deepEqual([...memory.read(0x400ff8, 8).bytes], [1, 2, 3, 4, 5, 6, 7, 8]);
    assert.equal(memory.readUnsigned(0x400ffc, 4), 0x08070605n);
    assert.equal(cpu.view.getBigUint64(MAP.guestMemory + PT, true), 0x10001n, 'the accessed flag stays clear');
    assert.deepEqual(listTlb(cpu.mmu), []);
    assert.equal(machine.stateHash(), hash);
  });

  it('ends where a page is missing, and says why and how far', () => {
    const { memory } = paged();
    const { bytes, unreadable, why } = memory.read(0x400ff8, 16);
    assert.equal(bytes.length, 8);
    assert.equal(unreadable, 8);
    assert.match(why!, /^page fault: PTE at 0x4008 .*not present/);
    assert.equal(memory.read(0x5ff000, 0x2000).unreadable, 0x1000, 'up to where it goes on');
  });

  it('never reads a device', () => {
    const { memory } = paged();
    assert.match(memory.read(0x402000, 4).why!, /there is no memory at physical 0xfee00000|belongs to a device/);
  });

  it('is written whatever the rights', () => {
    const { cpu, memory } = paged();
    assert.deepEqual(memory.write(0x400ffc, Uint8Array.of(9, 9, 9, 9, 9)), { written: 4, why: memory.read(0x401000, 1).why! });
    assert.equal(cpu.u8[MAP.guestMemory + 0x10fff], 9);
    assert.equal(cpu.view.getBigUint64(MAP.guestMemory + PT, true), 0x10001n);
  });

  it('of a processor without paging is physical memory', () => {
    const { machine } = paged();
    const cpu = machine.processors[0]!;
    assert.equal(new ObservedMemory(cpu, currentPagingState(cpu)).readUnsigned(0x10ff8, 1), 1n);
  });
});

describe('walks and tables', () => {
  it('name each load, and the entry that denies', () => {
    const { cpu, state } = paged();
    const read = walkLinear(cpu, state, 0x400123, 'read', false, 0);
    assert.deepEqual(read.steps.map(({ level }) => level), ['PML4E', 'PDPTE', 'PDE', 'PTE']);
    assert.equal(read.physical, 0x10123);
    const user = walkLinear(cpu, state, 0x400123, 'read', true, 0);
    assert.equal(user.kind, 'page fault');
    assert.equal(user.errorCode, 5);
    assert.match(user.why, /U\/S/);
    assert.equal(walkLinear(cpu, state, 0x400123, 'write', false, 0).kind, 'mapped', 'CR0.WP is 0');
    state.cr0 |= 1 << 16;
    assert.equal(walkLinear(cpu, state, 0x400123, 'write', false, 0).errorCode, 3);
  });

  it('unfold level by level', () => {
    const { cpu, state } = paged();
    assert.deepEqual(rootOf(state, 'guest'), { levels: 4, table: PML4 });
    const directory = readTable(cpu, state, 'guest', PD, 2);
    assert.ok(typeof directory !== 'string');
    assert.deepEqual({ ...directory[3], value: undefined, rights: undefined }, {
      index: 3, entryAddress: PD + 24, value: undefined, offset: 0x600000, size: 0x200000, present: true, leaf: true, target: 0x200000, rights: undefined, accessed: false, dirty: false, global: false,
    });
    assert.equal(directory[2]!.leaf, false);
    assert.match(readTable(cpu, state, 'guest', 0x7ffff000, 1) as string, /no memory/);
  });

  it('know the other modes of paging', () => {
    const { cpu, state } = paged();
    cpu.view.setUint32(MAP.guestMemory + 0x5000 + 4, 0x200000 | 0x83 | (0x12 << 13), true);
    const narrow = { ...state, cr3: 0x5000, cr4: 0x10, efer: 0 };
    assert.deepEqual(rootOf(narrow, 'guest'), { levels: 2, table: 0x5000 });
    const table = readTable(cpu, narrow, 'guest', 0x5000, 2);
    assert.ok(typeof table !== 'string');
    assert.equal(table.length, 1024);
    assert.deepEqual([table[1]!.leaf, table[1]!.size, table[1]!.offset], [true, 0x400000, 0x400000]);
    assert.deepEqual(rootOf({ ...narrow, cr4: 0x20, cr3: 0x5020 }, 'guest'), { levels: 3, table: 0x5020 });
    assert.deepEqual(rootOf({ ...narrow, cr0: 1 }, 'guest'), { levels: 0, table: 0 });
    assert.deepEqual(rootOf(narrow, 'ept'), { levels: 0, table: 0 });
  });
});

describe('registers', () => {
  const { cpu } = paged();

  it('are known by every name', () => {
    cpu.setReg(0, 0x1122334455667788n);
    for (const [name, value] of [['RAX', 0x1122334455667788n], ['eax', 0x55667788n], ['ax', 0x7788n], ['ah', 0x77n], ['AL', 0x88n]] as const) assert.equal(findRegister(name)!.read(cpu), value, name);
    for (const name of ['r8d', 'sil', 'eip', 'cs.base', 'fs_base', 'zf', 'xmm15', 'st0', 'cr4', 'dr7', 'efer']) assert.ok(findRegister(name), name);
    assert.equal(findRegister('nothing'), undefined);
  });

  it('keep their other parts when one is written, except for the upper half', () => {
    findRegister('ah')!.write!(cpu, 0xffn);
    assert.equal(cpu.reg(0), 0x112233445566ff88n);
    findRegister('eax')!.write!(cpu, 1n);
    assert.equal(cpu.reg(0), 1n);
    findRegister('ymm2')!.write!(cpu, (1n << 200n) | 5n);
    assert.equal(findRegister('xmm2')!.read(cpu), 5n);
    assert.equal(findRegister('ymm2')!.read(cpu), (1n << 200n) | 5n);
    findRegister('xmm2')!.write!(cpu, 7n);
    assert.equal(findRegister('ymm2')!.read(cpu), (1n << 200n) | 7n);
    findRegister('cf')!.write!(cpu, 1n);
    assert.equal(findRegister('rflags')!.read(cpu) & 1n, 1n);
  });

  it('XCR0 is written by the rule of XSETBV', () => {
    const xcr0 = findRegister('xcr0')!;
    xcr0.write!(cpu, 7n);
    assert.deepEqual([xcr0.read(cpu), xcr0.explain!(7n, cpu)], [7n, 'x87 SSE AVX']);
    assert.throws(() => { xcr0.write!(cpu, 4n); });
    assert.equal(xcr0.read(cpu), 7n);
  });

  it('can all be read', () => {
    for (const { registers } of REGISTER_GROUPS) {
      for (const register of registers) {
        const value = register.read(cpu);
        assert.ok(value >= 0n && value < 1n << BigInt(register.bits), register.name);
        register.explain?.(value, cpu);
      }
    }
    assert.equal(cpu.u32[S.nonRoot >> 2], 0);
  });

  it('of the x87 are numbers', () => {
    assert.equal(fromExtended(0x3fff8000000000000000n), 1);
    assert.equal(fromExtended(0xc000c000000000000000n), -3);
    assert.equal(fromExtended(0x7fff8000000000000000n), Infinity);
    assert.ok(Number.isNaN(fromExtended(0x7fffc000000000000000n)));
    assert.equal(fromExtended(0n), 0);
  });
});

describe('exit qualifications', () => {
  for (const [reason, qualification, text] of [
    ['IO_INSTRUCTION', 0x3f80000n, 'OUT to port 0x3f8, 1 byte, port in DX'],
    ['IO_INSTRUCTION', 0x0060007bn, 'REP string IN from port 0x60, 4 bytes, immediate operand'],
    ['CONTROL_REGISTER_ACCESSES', 0x303n, 'MOV to CR3 from RBX'],
    ['CONTROL_REGISTER_ACCESSES', 0x18n, 'MOV from CR8 to RAX'],
    ['CONTROL_REGISTER_ACCESSES', 0x20n, 'CLTS'],
    ['MOV_DR', 0x117n, 'MOV from DR7 to RCX'],
    ['EPT_VIOLATION', 0x182n, 'write, where the EPT allows nothing; at the translation of the guest-linear address'],
    ['EPT_VIOLATION', 0x8an, 'write, where the EPT allows read; while a guest paging-structure entry was read or its flags were set'],
  ] as const) {
    it(`${reason} ${qualification.toString(16)}: ${text}`, () => {
      assert.equal(decodeQualification(EXIT_REASON_NUMBERS[reason], qualification), text);
    });
  }
});
