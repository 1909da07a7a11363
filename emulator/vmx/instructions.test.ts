import assert from 'node:assert/strict';
import { Exception, VECTORS } from '../cpu/events.js';
import { MAP, S } from '../cpu/layout.js';
import { readMsr } from '../cpu/msrs.js';
import { VMX } from '../isa/vmx/index.js';
import { forms } from '../isa/encoding.js';
import { read32 } from '../paging/access.js';
import { AT, exited, type Fields, guest, mapByEpt, secondary, TestProcessor } from './test-processor.js';
import { VMX_OPERATIONS } from './instructions.js';
import { slot, VMCS_REVISION, vmcsAt } from './vmcs.js';

const CF = 1, ZF = 0x40;
const error = (t: TestProcessor): bigint => t.read('VM-instruction error');
const inVmx = (): TestProcessor => new TestProcessor().enterVmx();

function raises(name: 'UD' | 'GP', action: () => unknown): void {
  assert.throws(action, (e) => e instanceof Exception && e.vector === VECTORS[`#${name}`] && e.errorCode === 0);
}
function vmread(t: TestProcessor, encoding: number | bigint): [flags: number, value: bigint] {
  t.perform('VMREAD', [encoding]);
  return [t.cpu.low(S.args), t.cpu.big(S.args + 16)];
}

describe('VMXON and VMXOFF', () => {
  const ready = (): TestProcessor => {
    const t = new TestProcessor();
    t.put32(AT.vmxon, VMCS_REVISION);
    return t;
  };
  it('enter and leave VMX operation', () => {
    const t = ready();
    t.perform('VMXON', [AT.vmxon]);
    assert.deepEqual([t.flags, t.cpu.low(S.vmxOn), t.cpu.high(S.currentVmcs)], [0, 1, 0xffff_ffff]);
    t.perform('VMXOFF');
    assert.equal(t.cpu.low(S.vmxOn), 0);
  });
  it('#UD before #GP, in the manual\'s order', () => {
    const t = ready();
    t.cpu.cr4 &= ~0x2000;
    t.cpu.cpl = 3;
    raises('UD', () => t.perform('check VMXON'));
    t.cpu.cr4 |= 0x2000;
    raises('GP', () => t.perform('check VMXON'));
    t.cpu.cpl = 0;
    t.cpu.cr0 &= ~0x20;
    raises('GP', () => t.perform('VMXON', [AT.vmxon]));
    t.cpu.cr0 |= 0x20;
    t.cpu.set(S.featureControl, 4, 0);
    raises('GP', () => t.perform('VMXON', [AT.vmxon]));
    t.cpu.set(S.featureControl, 1, 0);
    raises('GP', () => t.perform('VMXON', [AT.vmxon]));
    t.cpu.set(S.featureControl, 5, 0);
    t.cpu.i32[S.a20Mask >> 2] = ~(1 << 20);
    raises('GP', () => t.perform('VMXON', [AT.vmxon]));
    raises('UD', () => t.perform('VMXOFF'));
  });
  it('VMfailInvalid for a bad region', () => {
    for (const address of [AT.vmxon + 8, 2 ** 40, AT.vmcs, 0xfee00000]) {
      const t = ready();
      t.perform('VMXON', [address]);
      assert.deepEqual([t.flags, t.cpu.low(S.vmxOn)], [CF, 0]);
    }
  });
  it('VMXON in root operation fails with error 15', () => {
    const t = inVmx();
    t.perform('VMXON', [AT.vmxon]);
    assert.deepEqual([t.flags, error(t)], [ZF, 15n]);
  });
});

describe('VMCLEAR, VMPTRLD, VMPTRST', () => {
  it('fail with the error of the operand', () => {
    const t = inVmx();
    t.put32(AT.otherVmcs, VMCS_REVISION + 1);
    const cases = [['VMCLEAR', 8, 2], ['VMCLEAR', 2 ** 40, 2], ['VMCLEAR', AT.vmxon, 3], ['VMPTRLD', 8, 9], ['VMPTRLD', AT.vmxon, 10], ['VMPTRLD', AT.gdt, 11], ['VMPTRLD', AT.otherVmcs, 11], ['VMPTRLD', 0xfee00000, 11]] as const;
    for (const [name, address, expected] of cases) {
      t.perform(name, [address]);
      assert.deepEqual([name, address, t.flags, error(t)], [name, address, ZF, BigInt(expected)]);
    }
  });
  it('VMCLEAR of the current VMCS leaves none; a failure then is VMfailInvalid', () => {
    const t = inVmx();
    t.perform('VMCLEAR', [AT.vmcs]);
    assert.equal(t.flags, 0);
    t.perform('VMPTRST');
    assert.equal(t.cpu.big(S.args), 0xffff_ffff_ffff_ffffn);
    t.perform('VMCLEAR', [8]);
    assert.equal(t.flags, CF);
    t.perform('VMLAUNCH');
    assert.equal(t.flags, CF);
  });
  it('each VMCS keeps its own fields and launch state', () => {
    const t = inVmx();
    t.write({ 'guest RSP': 0x1111 });
    t.put32(AT.otherVmcs, VMCS_REVISION);
    t.perform('VMCLEAR', [AT.otherVmcs]);
    t.perform('VMPTRLD', [AT.otherVmcs]);
    assert.equal(t.read('guest RSP'), 0n);
    t.perform('VMPTRLD', [AT.vmcs]);
    assert.equal(t.read('guest RSP'), 0x1111n);
  });
});

describe('VMREAD and VMWRITE', () => {
  const write = (t: TestProcessor, encoding: number, value: number | bigint): number => {
    t.perform('VMWRITE', [encoding, value]);
    return t.flags;
  };
  it('cut a value to the width of the field', () => {
    const t = inVmx(), ones = 0xffff_ffff_ffff_ffffn;
    for (const [encoding, expected] of [[0x0802, 0xffffn], [0x4802, 0xffff_ffffn], [0x2802, ones], [0x681e, ones]] as const) {
      assert.equal(write(t, encoding, ones), 0);
      assert.deepEqual(vmread(t, encoding), [0, expected]);
    }
  });
  it('reach each half of a 64-bit field', () => {
    const t = inVmx();
    write(t, 0x2802, 0x1111_2222_3333_4444n);
    assert.deepEqual(vmread(t, 0x2803), [0, 0x1111_2222n]);
    write(t, 0x2803, 0xffff_ffff_9999_9999n);
    assert.deepEqual(vmread(t, 0x2802), [0, 0x9999_9999_3333_4444n]);
  });
  it('fail with 12 for what does not exist, and reach the VM-exit information', () => {
    const t = inVmx();
    for (const encoding of [0x2000_0000, 0x1802, 0x2030, 0x6803, 0x7000]) {
      assert.deepEqual([vmread(t, encoding)[0], error(t)], [ZF, 12n], `VMREAD ${encoding.toString(16)}`);
      assert.equal(write(t, encoding, 1), ZF);
    }
    assert.equal(vmread(t, 0x1_0000_0800n)[0], ZF);
    assert.equal(write(t, 0x4402, 1), 0);
    assert.deepEqual(vmread(t, 0x4402), [0, 1n]);
  });
  it('VMfailInvalid without a current VMCS', () => {
    const t = inVmx();
    t.perform('VMCLEAR', [AT.vmcs]);
    assert.equal(vmread(t, 0x681e)[0], CF);
    assert.equal(write(t, 0x681e, 1), CF);
  });
});

describe('INVEPT and INVVPID', () => {
  it('VMfail 28 for wrong types and descriptors', () => {
    const t = inVmx(), eptp = AT.ept | 0x1e;
    const wrong = [['INVEPT', 0, eptp, 0], ['INVEPT', 3, eptp, 0], ['INVEPT', 1, AT.ept, 0], ['INVEPT', 1, eptp, 1], ['INVVPID', 4, 1, 0], ['INVVPID', 1, 0, 0], ['INVVPID', 3, 0, 0], ['INVVPID', 1, 0x10001, 0], ['INVVPID', 0, 1, 2 ** 47]] as const;
    for (const [name, type, low, high] of wrong) {
      t.perform(name, [type, low, high]);
      assert.deepEqual([name, type, t.flags, error(t)], [name, type, ZF, 28n]);
    }
    for (const [name, type, low, high] of [['INVEPT', 1, eptp, 0], ['INVEPT', 2, 0, 0], ['INVVPID', 0, 1, 0x1000], ['INVVPID', 1, 1, 0], ['INVVPID', 2, 0, 0], ['INVVPID', 3, 1, 0]] as const) {
      t.perform(name, [type, low, high]);
      assert.deepEqual([name, type, t.flags], [name, type, 0]);
    }
  });
});

describe('privilege and modes', () => {
  const names = ['VMXOFF', 'VMCLEAR', 'VMPTRLD', 'VMPTRST', 'VMREAD', 'VMWRITE', 'VMLAUNCH', 'VMRESUME', 'VMCALL', 'INVEPT', 'INVVPID'];
  it('#UD outside VMX operation', () => { for (const name of names) raises('UD', () => new TestProcessor().perform(name)); });
  it('#GP(0) at CPL 3', () => {
    for (const name of names) {
      const t = inVmx();
      t.cpu.cpl = 3;
      raises('GP', () => t.perform(name));
    }
  });
  it('#UD in compatibility mode', () => {
    for (const name of names) {
      const t = inVmx();
      t.cpu.u32[(S.segments + 48 + 12) >> 2] = 0xc09b;
      raises('UD', () => t.perform(name));
    }
  });
  it('VMCALL in root operation fails with error 1; VMFUNC is #UD', () => {
    const t = inVmx();
    t.perform('VMCALL');
    assert.deepEqual([t.flags, error(t)], [ZF, 1n]);
    raises('UD', () => t.perform('VMFUNC'));
  });
});

describe('VMCS shadowing', () => {
  const READS = AT.bitmapA, WRITES = AT.bitmapB, RIP = 0x681e, RSP = 0x681c, SHADOW = (VMCS_REVISION | 0x8000_0000) >>> 0;
  /** The shadow VMCS holds these fields by encoding; the bitmaps keep the guest from RSP. */
  function shadowing(link = BigInt(AT.otherVmcs)): TestProcessor {
    return guest({ ...secondary('VMCS shadowing'), 'VMREAD-bitmap address': READS, 'VMWRITE-bitmap address': WRITES, 'VMCS link pointer': link }, (t) => {
      t.put32(AT.otherVmcs, SHADOW);
      t.perform('VMPTRLD', [AT.otherVmcs]);
      t.perform('VMWRITE', [RIP, 0x1234]);
      t.perform('VMPTRLD', [AT.vmcs]);
      for (const bitmap of [READS, WRITES]) t.code(bitmap + (RSP >> 3), 1 << (RSP & 7));
      t.code(AT.guestRip, 0x0f, 0x78, 0xc1);
    });
  }
  it('lets a guest read and write the shadow VMCS', () => {
    const t = shadowing();
    assert.deepEqual(vmread(t, RIP), [0, 0x1234n]);
    t.perform('VMWRITE', [RIP, 0x5678]);
    assert.deepEqual(vmread(t, RIP), [0, 0x5678n]);
    assert.equal(t.cpu.nonRoot, true);
  });
  it('exits by the bitmaps, and for encodings beyond them', () => {
    for (const [name, encoding] of [['VMREAD', RSP], ['VMWRITE', RSP], ['VMREAD', 0x8000]] as const) {
      const t = shadowing();
      assert.equal(t.perform(name, [encoding, 0]), 'abandoned');
      assert.equal(t.read('exit reason'), name === 'VMREAD' ? 23n : 25n);
    }
    const t = shadowing();
    t.perform('VMREAD', [RSP]);
    assert.equal(t.last.says, 'VMREAD: VMREAD of 0x681c: bit 4 of byte 0xd03 in the VMREAD bitmap is 1.');
  });
  it('fails without a shadow VMCS, and for fields that do not exist', () => {
    assert.equal(vmread(shadowing(0xffff_ffff_ffff_ffffn), RIP)[0], CF);
    const t = shadowing();
    t.vmcs.report(slot('VM-instruction error'), 0);
    assert.equal(vmread(t, 0x1802)[0], ZF);
    assert.deepEqual([error(t), vmcsAt(t.cpu, AT.otherVmcs).low(slot('VM-instruction error'))], [0n, 12], 'the error is the shadow VMCS’s');
  });
  it('a shadow VMCS can be current, but is not entered', () => {
    const t = inVmx();
    t.put32(AT.otherVmcs, SHADOW);
    t.perform('VMPTRLD', [AT.otherVmcs]);
    assert.equal(t.flags, 0);
    t.perform('VMLAUNCH');
    assert.equal(t.flags, CF);
  });
  it('VM entry wants the indicator of the linked VMCS to agree with the control', () => {
    const t = inVmx();
    t.put32(AT.otherVmcs, SHADOW);
    t.write({ 'VMCS link pointer': AT.otherVmcs });
    t.perform('VMLAUNCH');
    assert.equal(t.read('exit reason'), 0x8000_0021n);
    assert.equal(t.read('exit qualification'), 4n);
  });
});

describe('VMFUNC', () => {
  const LIST = AT.bitmapA, OTHER_EPT = 0x18000, PAGE = 0x60000;
  const fields: Fields = { ...secondary('enable EPT', 'enable VM functions'), 'VM-function controls': 1, 'EPTP-list address': LIST };
  /** In entry 3 tables that map PAGE elsewhere. */
  const prepare = (t: TestProcessor): void => {
    mapByEpt(t);
    t.cpu.u8.copyWithin(MAP.guestMemory + OTHER_EPT, MAP.guestMemory + AT.ept, MAP.guestMemory + AT.ept + 0x4000);
    for (const [at, to] of [[0, 0x1000], [0x1000, 0x2000], [0x2000, 0x3000]] as const) t.put64(OTHER_EPT + at, BigInt(OTHER_EPT + to) | 7n);
    t.put64(OTHER_EPT + 0x3000 + 8 * (PAGE >> 12), 0x70037n);
    t.put64(LIST + 8 * 3, BigInt(OTHER_EPT) | 0x1en);
    t.put64(LIST + 8 * 4, BigInt(OTHER_EPT) | 0x1fn);
    t.put32(0x70000, 7);
  };
  const vmfunc = (t: TestProcessor, eax: number, ecx: number): string => {
    t.cpu.setReg32(0, eax);
    t.cpu.setReg32(1, ecx);
    return t.perform('VMFUNC');
  };

  it('switches the EPT pointer, at any CPL', () => {
    const t = guest(fields, prepare);
    assert.equal(read32(t.cpu, PAGE), 0);
    t.cpu.cpl = 3;
    assert.equal(vmfunc(t, 0, 3), 'retired');
    t.cpu.cpl = 0;
    assert.equal(read32(t.cpu, PAGE), 7);
    assert.equal(t.read('EPT pointer (EPTP)'), BigInt(OTHER_EPT) | 0x1en);
  });
  it('exits for another function, an entry beyond the list, and an EPT pointer that VM entry would not accept', () => {
    for (const [eax, ecx] of [[1, 3], [64, 3], [0, 512], [0, 4]] as const) {
      const t = guest(fields, prepare);
      assert.equal(vmfunc(t, eax, ecx), 'abandoned');
      exited(t, 'VMFUNC');
      assert.equal(t.read('VM-exit instruction length'), 3n);
    }
  });
  it('is undefined without the control, and in root operation', () => {
    raises('UD', () => vmfunc(guest(), 0, 0));
    raises('UD', () => vmfunc(inVmx(), 0, 0));
  });
});

describe('capability MSRs', () => {
  it('describe what is offered', () => {
    const { cpu } = new TestProcessor();
    const msr = (index: number) => readMsr(cpu, index);
    assert.equal(msr(0x480) & 0x7fff_ffffn, BigInt(VMCS_REVISION));
    assert.equal((msr(0x480) >> 32n) & 0x1fffn, 4096n);
    assert.equal((msr(0x480) >> 50n) & 15n, 6n);
    assert.equal((msr(0x480) >> 48n) & 1n, 0n, 'physical addresses are not limited to 32 bits');
    assert.equal(msr(0x481), 0xff_0000_0016n);
    assert.equal(msr(0x486), 0x8000_0021n);
    assert.equal(msr(0x488), 0x2000n);
    assert.equal(msr(0x489) & 0x2020n, 0x2020n);
    assert.equal(msr(0x48c), 0xf01_0633_4141n);
    assert.equal((msr(0x485) >> 16n) & 0x1ffn, 4n);
    assert.equal(msr(0x48a), 0x32n);
    assert.equal(msr(0x491), 1n);
  });
  it('controls of a field whose MSR and TRUE MSR differ only in the default1 class', () => {
    const { cpu } = new TestProcessor();
    for (const [index, fields] of [[0x482, 0x48e], [0x483, 0x48f], [0x484, 0x490]] as const) {
      assert.equal(readMsr(cpu, index) >> 32n, readMsr(cpu, fields) >> 32n);
      assert.notEqual(readMsr(cpu, index) & 0xffff_ffffn, readMsr(cpu, fields) & 0xffff_ffffn);
    }
  });
});

describe('definitions', () => {
  it('have an operation of their name, and rows that are understood', () => {
    for (const definition of VMX) {
      assert.ok(forms(definition).length > 0);
      assert.ok(VMX_OPERATIONS[definition.name], definition.name);
      assert.equal(definition.feature, 'VMX');
    }
  });
});
