import assert from 'node:assert/strict';
import { ABANDON, Exception } from '../cpu/events.js';
import { S } from '../cpu/layout.js';
import { timeStampCounter } from '../cpu/msrs.js';
import { offered } from './controls.js';
import { ENABLED_BY, INSTRUCTION_EXITS } from './instruction-exits.js';
import { AT, CONTROLS, exited, type Fields, guest, HOST_CR4, PIN, primary, secondary, TestProcessor } from './test-processor.js';

/** Asks an intercept; tells whether it exited. */
function exits(t: TestProcessor, ask: () => unknown): boolean {
  t.cpu.nextRip = t.cpu.rip + 3;
  try { ask(); }
  catch (thrown) {
    if (thrown !== ABANDON) throw thrown;
  }
  return !t.cpu.nonRoot;
}
describe('instructions that exit', () => {
  for (const [name, row] of Object.entries(INSTRUCTION_EXITS)) {
    it(name, () => {
      const enabledBy = ENABLED_BY[name], enabled = enabledBy === undefined ? [] : [enabledBy];
      const off = guest(secondary(...enabled));
      off.code(AT.guestRip, 0x0f, 0x01, 0x00);
      const always = row.control === undefined && row.secondary === undefined && !row.byXss;
      assert.equal(exits(off, () => { off.cpu.intercepts.instruction(off.cpu, name); }), always);
      const control = row.control ?? row.secondary;
      if (control !== undefined && !offered(control)) return;
      const on = guest({ ...primary(...(row.control ? [row.control] : [])), ...secondary(...enabled, ...(row.secondary ? [row.secondary] : [])), 'XSS-exiting bitmap': 0x100n });
      on.cpu.setBig(S.xss, 0x100n);
      on.cpu.setReg(0, 0x100n);
      on.code(AT.guestRip, 0x0f, 0x01, 0x00);
      assert.ok(exits(on, () => { on.cpu.intercepts.instruction(on.cpu, name); }));
      assert.equal(on.read('exit reason'), BigInt(row.reason));
      assert.equal(on.read('VM-exit instruction length'), 3n);
    });
  }
  for (const [name, control] of Object.entries(ENABLED_BY)) {
    it(`${name} is #UD without "${control}"`, () => {
      const disabled = guest();
      assert.throws(() => { disabled.cpu.intercepts.instruction(disabled.cpu, name); }, (e) => e instanceof Exception && e.vector === 6);
    });
  }
  it('in root operation none does', () => {
    const t = new TestProcessor().enterVmx();
    for (const name of Object.keys(INSTRUCTION_EXITS)) t.cpu.intercepts.instruction(t.cpu, name);
  });
  it('PAUSE loops that last too long', () => {
    const t = guest({ ...secondary('PAUSE-loop exiting'), PLE_Gap: 100, PLE_Window: 250 });
    const pause = (at: bigint) => { t.tsc = at; return exits(t, () => { t.cpu.intercepts.instruction(t.cpu, 'PAUSE'); }); };
    assert.deepEqual([1000n, 1090n, 1180n, 1500n, 1590n, 1680n].map(pause), [false, false, false, false, false, false]);
    assert.equal(pause(1770n), true);
    exited(t, 'PAUSE');
  });
});

describe('instruction information', () => {
  const information = (bytes: readonly number[], name: string, fields: Fields = {}): [bigint, bigint] => {
    const t = guest(fields);
    t.code(AT.guestRip, ...bytes);
    t.cpu.nextRip = t.cpu.rip + bytes.length;
    try { t.cpu.intercepts.instruction(t.cpu, name); } catch (e) { if (e !== ABANDON) throw e; }
    return [t.read('VM-exit instruction information'), t.read('exit qualification')];
  };
  const DS = 3n << 15n, SS = 2n << 15n, A64 = 2n << 7n, NO_INDEX = 1n << 22n, NO_BASE = 1n << 27n;
  it('VMPTRLD [rbx + rcx*4 - 8]', () => {
    assert.deepEqual(information([0x0f, 0xc7, 0x74, 0x8b, 0xf8], 'VMPTRLD'), [2n | A64 | DS | (1n << 18n) | (3n << 23n), 0xffff_ffff_ffff_fff8n]);
  });
  it('VMPTRLD [rip + 0x10]: the qualification is the address', () => {
    assert.deepEqual(information([0x0f, 0xc7, 0x35, 0x10, 0, 0, 0], 'VMPTRLD'), [A64 | DS | NO_INDEX | NO_BASE, BigInt(AT.guestRip + 7 + 0x10)]);
  });
  it('VMREAD r10, r9', () => {
    assert.deepEqual(information([0x45, 0x0f, 0x78, 0xca], 'VMREAD'), [(10n << 3n) | (1n << 10n) | (9n << 28n), 0n]);
  });
  it('VMWRITE rdx, [rsp + 0x100]', () => {
    assert.deepEqual(information([0x0f, 0x79, 0x94, 0x24, 0, 1, 0, 0], 'VMWRITE'), [A64 | SS | NO_INDEX | (4n << 23n) | (2n << 28n), 0x100n]);
  });
  it('INVEPT rax, fs:[r12]', () => {
    assert.deepEqual(information([0x64, 0x66, 0x41, 0x0f, 0x38, 0x80, 0x04, 0x24], 'INVEPT'), [A64 | (4n << 15n) | NO_INDEX | (12n << 23n), 0n]);
  });
  it('LIDT [eax]', () => {
    assert.deepEqual(information([0x67, 0x0f, 0x01, 0x18], 'LIDT', secondary('descriptor-table exiting')), [(1n << 7n) | (1n << 11n) | DS | NO_INDEX | (3n << 28n), 0n]);
  });
  it('STR bx', () => {
    assert.deepEqual(information([0x66, 0x0f, 0x00, 0xcb], 'STR', secondary('descriptor-table exiting')), [(3n << 3n) | (1n << 10n) | (1n << 28n), 0n]);
  });
});

describe('control registers', () => {
  it('MOV to CR0 exits when a bit of the host differs from the shadow; else that bit stays', () => {
    const fields = { 'CR0 guest/host mask': 0x20, 'CR0 read shadow': 0 };
    const t = guest(fields);
    assert.equal(t.cpu.intercepts.movToCr(t.cpu, 0, 0, 0x8000_0013), 0x8000_0033);
    assert.equal(t.cpu.intercepts.readCr(t.cpu, 0), 0x8000_0013);
    assert.ok(exits(t, () => t.cpu.intercepts.movToCr(t.cpu, 0, 7, 0x8000_0033)));
    exited(t, 'CONTROL_REGISTER_ACCESSES', 0x700n);
    assert.match(t.last.says, /bit 5 of the CR0 guest\/host mask is 1/);
  });
  it('bits that VMX operation fixes are #GP(0) when the guest owns them', () => {
    const t = guest();
    assert.throws(() => t.cpu.intercepts.movToCr(t.cpu, 0, 0, 0x8000_0013), (e) => e instanceof Exception && e.vector === 13);
    assert.throws(() => t.cpu.intercepts.movToCr(t.cpu, 4, 0, 0x20), (e) => e instanceof Exception && e.vector === 13);
    assert.equal(t.cpu.intercepts.movToCr(t.cpu, 4, 0, HOST_CR4), HOST_CR4);
  });
  it('CR3: CR3-load exiting but for the target values, CR3-store exiting', () => {
    const t = guest({ ...primary('CR3-load exiting', 'CR3-store exiting'), 'CR3-target count': 2, 'CR3-target value 1': 0x7000 });
    t.cpu.setReg(3, 0x7000n);
    assert.equal(t.cpu.intercepts.movToCr(t.cpu, 3, 3, 0x7000), 0x7000);
    t.cpu.setReg(3, 0x8000_0000_0000_7000n);
    assert.ok(exits(t, () => t.cpu.intercepts.movToCr(t.cpu, 3, 3, 0x7000)));
    exited(t, 'CONTROL_REGISTER_ACCESSES', 0x303n);
    t.perform('VMRESUME');
    assert.ok(exits(t, () => { t.cpu.intercepts.movFromCr(t.cpu, 3, 12); }));
    exited(t, 'CONTROL_REGISTER_ACCESSES', 0xc13n);
  });
  it('CR8 by its two controls', () => {
    const t = guest(primary('CR8-load exiting'));
    t.cpu.intercepts.movFromCr(t.cpu, 8, 1);
    assert.ok(exits(t, () => t.cpu.intercepts.movToCr(t.cpu, 8, 1, 5)));
    exited(t, 'CONTROL_REGISTER_ACCESSES', 0x108n);
  });
  it('CLTS: clears, does nothing, or exits', () => {
    assert.equal(guest().cpu.intercepts.clts(guest().cpu), true);
    const ignored = guest({ 'CR0 guest/host mask': 8, 'CR0 read shadow': 0 });
    assert.equal(ignored.cpu.intercepts.clts(ignored.cpu), false);
    const t = guest({ 'CR0 guest/host mask': 8, 'CR0 read shadow': 8 });
    assert.ok(exits(t, () => t.cpu.intercepts.clts(t.cpu)));
    exited(t, 'CONTROL_REGISTER_ACCESSES', 0x20n);
  });
  it('LMSW: cannot clear PE, so that bit exits only when it would be set', () => {
    const t = guest({ 'CR0 guest/host mask': 9, 'CR0 read shadow': 1 });
    assert.equal(t.cpu.intercepts.lmsw(t.cpu, 2, undefined) & 15, 3);
    assert.ok(exits(t, () => t.cpu.intercepts.lmsw(t.cpu, 0xfff9, 0x5000)));
    exited(t, 'CONTROL_REGISTER_ACCESSES', 0xfff9_0070n);
    assert.equal(t.read('guest-linear address'), 0x5000n);
  });
  it('MOV DR', () => {
    const t = guest(primary('MOV-DR exiting'));
    assert.ok(exits(t, () => { t.cpu.intercepts.movDr(t.cpu, 7, 10, true); }));
    exited(t, 'MOV_DR', 0xa17n);
  });
});

describe('ports', () => {
  const io = (t: TestProcessor, port: number, bytes: number, input = true, string = false, rep = false, immediate = false) =>
    exits(t, () => { t.cpu.intercepts.io(t.cpu, port, bytes, input, string, rep, immediate, 0x4444); });
  it('by the I/O bitmaps, naming the bit', () => {
    const t = guest(primary('use I/O bitmaps', 'unconditional I/O exiting'));
    t.code(AT.bitmapA + 0x7f, 1);
    t.code(AT.bitmapB + 0xfff, 0x80);
    assert.equal(io(t, 0x3f9, 1), false);
    assert.equal(io(t, 0x3f4, 4), false);
    assert.equal(io(t, 0x3f8, 1, false, false, false, true), true);
    exited(t, 'IO_INSTRUCTION', 0x3f8_0040n);
    assert.equal(t.last.says, 'I/O instruction: I/O port 0x3f8: bit 0 of byte 0x7f in I/O bitmap A is 1.');
    t.perform('VMRESUME');
    assert.equal(io(t, 0x3f5, 4), true);
    exited(t, 'IO_INSTRUCTION', 0x3f5_000bn);
    t.perform('VMRESUME');
    assert.equal(io(t, 0xfffe, 2), true);
    assert.match(t.last.says, /bit 7 of byte 0xfff in I\/O bitmap B/);
    t.perform('VMRESUME');
    assert.equal(io(t, 0xfffe, 4), true);
    assert.match(t.last.says, /wraps around/);
  });
  it('unconditionally, strings with their address', () => {
    const t = guest(primary('unconditional I/O exiting'));
    t.code(AT.guestRip, 0xf3, 0x64, 0x6e);
    assert.equal(io(t, 0x80, 1, false, true, true), true);
    exited(t, 'IO_INSTRUCTION', 0x80_0030n);
    assert.equal(t.read('guest-linear address'), 0x4444n);
    assert.equal(t.read('VM-exit instruction information'), (2n << 7n) | (4n << 15n));
  });
  it('not at all', () => { assert.equal(io(guest(), 0x80, 1), false); });
});

describe('MSRs', () => {
  it('exit without bitmaps', () => {
    const t = guest();
    assert.ok(exits(t, () => { t.cpu.intercepts.readMsr(t.cpu, 0x10); }));
    exited(t, 'RDMSR');
  });
  it('by the four bitmaps, and always outside their ranges', () => {
    const t = guest(primary('use MSR bitmaps'));
    t.code(AT.msrBitmaps + 0xc00 + 0x10, 4);
    const asks = (index: number, write: boolean) => exits(t, () => { if (write) t.cpu.intercepts.writeMsr(t.cpu, index, 0n); else t.cpu.intercepts.readMsr(t.cpu, index); });
    assert.equal(asks(0xc0000082, false), false);
    assert.equal(asks(0xc0000081, true), false);
    assert.equal(asks(0xc0000082, true), true);
    exited(t, 'WRMSR');
    assert.equal(t.last.says, 'WRMSR: WRMSR of 0xc0000082: bit 2 of byte 0xc10 in the MSR bitmaps is 1.');
    t.perform('VMRESUME');
    assert.equal(asks(0x2000, false), true);
  });
});

describe('exceptions', () => {
  it('exit by the exception bitmap', () => {
    const t = guest({ 'exception bitmap': 1 << 6 });
    t.fault(new Exception(6, 0));
    exited(t, 'EXCEPTION_OR_NMI');
    assert.equal(t.read('VM-exit interruption information'), 0x8000_0306n);
    assert.equal(t.read('guest RIP'), BigInt(AT.guestRip));
  });
  it('page faults by mask and match too; CR2 stays', () => {
    for (const [bitmap, mask, match, errorCode, expected] of [[0x4000, 0, 0, 2, true], [0, 0, 0, 2, false], [0x4000, 1, 1, 2, false], [0, 1, 1, 2, true], [0x4000, 2, 2, 2, true]] as const) {
      const t = guest({ 'exception bitmap': bitmap, 'page-fault error-code mask': mask, 'page-fault error-code match': match });
      t.fault(new Exception(14, errorCode, 0x1234));
      assert.equal(!t.cpu.nonRoot, expected);
      assert.equal(t.cpu.cr2, expected ? 0 : 0x1234);
      if (expected) {
        exited(t, 'EXCEPTION_OR_NMI', 0x1234n);
        assert.deepEqual([t.read('VM-exit interruption information'), t.read('VM-exit interruption error code')], [0x8000_0b0en, BigInt(errorCode)]);
      }
    }
  });
  it('INT3 and INTO are software exceptions with a length, INT1 a privileged one', () => {
    for (const [name, vector, type, length] of [['INT3', 3, 6, 1], ['INTO', 4, 6, 1], ['INT1', 1, 5, 1]] as const) {
      const t = guest({ 'exception bitmap': 1 << vector });
      t.perform(name, [], length);
      exited(t, 'EXCEPTION_OR_NMI');
      assert.equal(t.read('VM-exit interruption information'), BigInt(0x8000_0000 + (type << 8) + vector));
      assert.equal(t.read('VM-exit instruction length'), BigInt(length));
    }
  });
  it('a fault of a delivery is looked up in the bitmap before it becomes a double fault', () => {
    const t = guest({ 'exception bitmap': 1 << 13 | 1 << 8, 'guest IDTR limit': 16 * 14 - 1 });
    t.fault(new Exception(14, 2, 0x1234));
    exited(t, 'EXCEPTION_OR_NMI');
    assert.equal(t.read('VM-exit interruption information'), 0x8000_0b0dn);
    assert.equal(t.read('IDT-vectoring information field'), 0x8000_0b0en);
    const doubled = guest({ 'exception bitmap': 1 << 8, 'guest IDTR limit': 16 * 14 - 1 });
    doubled.fault(new Exception(14, 2, 0x1234));
    assert.equal(doubled.read('VM-exit interruption information'), 0x8000_0b08n);
    assert.equal(doubled.read('IDT-vectoring information field'), 0n);
  });
  it('a triple fault exits', () => {
    const t = guest({ 'guest IDTR limit': 0 });
    t.fault(new Exception(13, 0));
    exited(t, 'TRIPLE_FAULT');
    assert.equal(t.read('guest activity state'), 0n);
  });
  it('a task gate in the IDT exits with the selector of the new TSS', () => {
    const t = guest();
    assert.ok(exits(t, () => { t.cpu.intercepts.taskSwitch(t.cpu, 0x28, 'task gate in IDT'); }));
    exited(t, 'TASK_SWITCH', 0xc000_0028n);
  });
});

describe('NMIs', () => {
  it('an IRET that faults reports that it unblocked NMIs', () => {
    const t = guest({ 'pin-based VM-execution controls': CONTROLS.pin | PIN['NMI exiting'] | PIN['virtual NMIs'], 'guest interruptibility state': 8, 'exception bitmap': 1 << 13 });
    assert.equal(t.cpu.intercepts.iretUnblocksNmis(t.cpu), true);
    t.cpu.interruptibility = 0;
    t.fault(new Exception(13, 0));
    assert.equal(t.read('VM-exit interruption information'), 0x8000_1b0dn);
    t.perform('VMRESUME');
    t.fault(new Exception(13, 0));
    assert.equal(t.read('VM-exit interruption information'), 0x8000_0b0dn);
  });
  it('IRET does not unblock them with NMI exiting alone', () => {
    const t = guest({ 'pin-based VM-execution controls': CONTROLS.pin | PIN['NMI exiting'] });
    assert.equal(t.cpu.intercepts.iretUnblocksNmis(t.cpu), false);
  });
});

describe('time and hypercalls', () => {
  it('RDTSC sees the offset', () => {
    const t = guest({ ...primary('use TSC offsetting'), 'TSC offset': -5n });
    t.tsc = 100n;
    assert.equal(timeStampCounter(t.cpu), 95n);
    t.perform('CPUID');
    assert.equal(timeStampCounter(t.cpu), 100n);
  });
  it('RDTSC sees the time scaled, then the offset', () => {
    const t = guest({ ...primary('use TSC offsetting'), ...secondary('use TSC scaling'), 'TSC offset': 7n, 'TSC multiplier': 3n << 47n });
    t.tsc = 101n;
    assert.equal(timeStampCounter(t.cpu), 151n + 7n);
    const unscaled = guest({ ...secondary('use TSC scaling'), 'TSC multiplier': 3n << 47n });
    unscaled.tsc = 101n;
    assert.equal(timeStampCounter(unscaled.cpu), 101n);
  });
  it('VMCALL raises a hypercall with the registers, at any privilege', () => {
    const t = guest({ 'guest SS access rights': 0xc0f3, 'guest SS selector': 0x13, 'guest CS access rights': 0xa0fb, 'guest CS selector': 0xb });
    t.cpu.setReg(0, 7n);
    t.cpu.setReg(2, 5n);
    t.cpu.setReg(6, 9n);
    t.perform('VMCALL');
    assert.deepEqual(t.raised.slice(-2).map((r) => r.kind), ['hypercall', 'VM exit']);
    assert.deepEqual({ ...t.raised.at(-2)!.fields }, { nr: 7, rbx: 0, rcx: 0, rdx: 5, rsi: 9, rdi: 0, reason: 18 });
    exited(t, 'VMCALL');
    assert.equal(t.cpu.low(S.vmxOn), 1);
  });
});
