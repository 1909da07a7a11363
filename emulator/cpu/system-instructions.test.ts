import assert from 'node:assert/strict';
import type { Device } from '../memory/bus.js';
import { FEATURES } from './cpuid.js';
import { Exception, STOP_BEFORE_DELIVERY, VECTORS } from './events.js';
import { DF, getRflags, IF, IOPL, setRflags, setStatusFlags, TF } from './flags.js';
import { beginStep, endStep, eventsPending, mustStep, serviceInterrupts } from './interrupts.js';
import { CS, S, SS } from './layout.js';
import { ACTIVITY, BLOCKING, CR0, CR4, EFER } from './modes.js';
import { allMsrs, readMsr, registerMsrs, writeMsr } from './msrs.js';
import { resetProcessor } from './reset.js';
import { HANDLER, longMode, PML4, protectedMode, SELECTOR, TestProcessor, TSS } from './test-processor.js';

const faultOf = (act: () => void): [string, number] => {
  try { act(); } catch (e) {
    if (e instanceof Exception) return [Object.entries(VECTORS).find(([, v]) => v === e.vector)![0], e.errorCode];
    throw e;
  }
  throw new Error('no exception');
};
const GP0 = ['#GP', 0];
const writeCr = (cpu: TestProcessor, n: number, value: bigint) => {
  cpu.setReg(3, value);
  cpu.perform('MOV to CR', n, 3);
};

describe('control registers', () => {
  it('CR0 refuses PG without PE and NW without CD', () => {
    const cpu = protectedMode();
    assert.deepEqual(faultOf(() => { writeCr(cpu, 0, BigInt(CR0.PG)); }), GP0);
    assert.deepEqual(faultOf(() => { writeCr(cpu, 0, BigInt(CR0.PE | CR0.NW)); }), GP0);
  });
  it('turns IA-32e mode on with CR0.PG and off again', () => {
    const cpu = protectedMode();
    cpu.efer = EFER.LME;
    cpu.cr3 = PML4;
    assert.deepEqual(faultOf(() => { writeCr(cpu, 0, BigInt(cpu.cr0 | CR0.PG) & 0xffffffffn); }), GP0, 'without PAE');
    writeCr(cpu, 4, BigInt(CR4.PAE));
    writeCr(cpu, 0, BigInt((cpu.cr0 | CR0.PG) >>> 0));
    assert.equal(cpu.efer, EFER.LME | EFER.LMA);
    assert.equal(cpu.cr0, (CR0.PE | CR0.ET | CR0.PG) >>> 0);
    assert.deepEqual(faultOf(() => { writeCr(cpu, 4, 0n); }), GP0, 'PAE stays');
    writeCr(cpu, 0, BigInt(CR0.PE));
    assert.equal(cpu.efer, EFER.LME);
  });
  it('loads the PDPTEs of PAE paging and refuses reserved bits in them', () => {
    const cpu = protectedMode();
    writeCr(cpu, 4, BigInt(CR4.PAE));
    cpu.cr3 = 0x20000;
    cpu.poke(0x20000, 0x21001, 0);
    writeCr(cpu, 0, BigInt((cpu.cr0 | CR0.PG) >>> 0));
    assert.equal(cpu.low(S.pdpte), 0x21001);
    cpu.poke(0x20020, 0x21003, 0);
    assert.deepEqual(faultOf(() => { writeCr(cpu, 3, 0x20020n); }), GP0);
    assert.equal(cpu.cr3, 0x20000);
  });
  it('CR3 keeps translations with bit 63 only when PCIDs are enabled', () => {
    const cpu = longMode();
    assert.deepEqual(faultOf(() => { writeCr(cpu, 3, (1n << 63n) | BigInt(PML4)); }), GP0);
    writeCr(cpu, 4, BigInt(CR4.PAE | CR4.PCIDE));
    writeCr(cpu, 3, (1n << 63n) | BigInt(PML4) | 5n);
    assert.equal(cpu.cr3, PML4 | 5);
    assert.deepEqual(faultOf(() => { writeCr(cpu, 3, 1n << 50n); }), GP0);
    assert.deepEqual(faultOf(() => { writeCr(cpu, 0, BigInt(CR0.PE)); }), GP0, 'PG stays in 64-bit mode');
  });
  it('CR4 refuses bits without a feature', () => {
    const cpu = protectedMode();
    assert.deepEqual(faultOf(() => { writeCr(cpu, 4, BigInt(CR4.LA57)); }), GP0);
    assert.deepEqual(faultOf(() => { writeCr(cpu, 4, BigInt(CR4.PCIDE)); }), GP0);
    writeCr(cpu, 4, BigInt(CR4.VMXE));
    cpu.features = new Set();
    assert.deepEqual(faultOf(() => { writeCr(cpu, 4, BigInt(CR4.VMXE)); }), GP0);
  });
  it('VMX operation fixes CR0.PE, NE, PG and CR4.VMXE', () => {
    const cpu = longMode();
    cpu.cr4 |= CR4.VMXE;
    cpu.u32[S.vmxOn >> 2] = 1;
    assert.deepEqual(faultOf(() => { writeCr(cpu, 4, BigInt(CR4.PAE)); }), GP0);
    assert.deepEqual(faultOf(() => { writeCr(cpu, 0, BigInt(cpu.cr0)); }), GP0, 'NE is 0');
  });
  it('are read as the VMCS has them, are #UD when they do not exist and #GP at level 3', () => {
    const cpu = longMode();
    cpu.rootIntercepts = { ...cpu.intercepts, readCr: () => 0x1234 };
    cpu.perform('MOV from CR', 4, 7);
    assert.equal(cpu.regNumber(7), 0x1234);
    assert.deepEqual(faultOf(() => { cpu.perform('MOV from CR', 1, 7); }), ['#UD', 0]);
    assert.deepEqual(faultOf(() => { longMode(3).perform('MOV from CR', 3, 7); }), GP0);
  });
  it('LMSW can set PE but not clear it', () => {
    const cpu = new TestProcessor();
    cpu.perform('LMSW', 1, 0, 0, 0);
    assert.equal(cpu.protectedMode, true);
    cpu.perform('LMSW', 0xe, 0, 0, 0);
    assert.equal(cpu.cr0 & 0xf, 0xf);
  });
});

describe('debug registers', () => {
  it('are aliased while CR4.DE is 0', () => {
    const cpu = protectedMode();
    cpu.setReg32(0, 0);
    cpu.perform('MOV to DR', 4, 0);
    cpu.perform('MOV from DR', 6, 1);
    assert.equal(cpu.reg32(1), 0xffff0ff0);
    cpu.cr4 |= CR4.DE;
    assert.deepEqual(faultOf(() => { cpu.perform('MOV from DR', 4, 1); }), ['#UD', 0]);
  });
  it('raise #DB with DR6.BD while DR7.GD is 1', () => {
    const cpu = protectedMode();
    cpu.setReg32(0, 0x2400);
    cpu.perform('MOV to DR', 7, 0);
    assert.throws(() => { cpu.perform('MOV from DR', 0, 1); }, (e) => e instanceof Exception && e.vector === 1 && e.pendingDebug === 0x2000);
  });
});

describe('MSRs', () => {
  const wrmsr = (cpu: TestProcessor, index: number, value: bigint) => {
    cpu.setReg32(1, index);
    cpu.setReg32(0, Number(value & 0xffffffffn));
    cpu.setReg32(2, Number(value >> 32n));
    cpu.perform('WRMSR');
  };
  it('are numbered and named once, and those with a reset value have it', () => {
    const cpu = new TestProcessor(), msrs = allMsrs(cpu);
    assert.equal(new Set(msrs.map(({ index }) => index)).size, msrs.length);
    assert.equal(new Set(msrs.map(({ name }) => name)).size, msrs.length);
    assert.equal(readMsr(cpu, 0x277), 0x0007040600070406n);
    assert.throws(() => { registerMsrs(cpu, [msrs[0]!]); }, /defined twice/);
  });
  it('that do not exist are #GP(0)', () => {
    const cpu = longMode();
    assert.deepEqual(faultOf(() => { wrmsr(cpu, 0x12345, 0n); }), GP0);
    cpu.setReg32(1, 0x12345);
    assert.deepEqual(faultOf(() => { cpu.perform('RDMSR'); }), GP0);
    assert.deepEqual(faultOf(() => { longMode(3).perform('RDMSR'); }), GP0);
  });
  it('IA32_FEATURE_CONTROL is written until it is locked', () => {
    const cpu = longMode();
    wrmsr(cpu, 0x3a, 4n);
    wrmsr(cpu, 0x3a, 5n);
    assert.equal(readMsr(cpu, 0x3a), 5n);
    assert.deepEqual(faultOf(() => { wrmsr(cpu, 0x3a, 1n); }), GP0);
  });
  it('bases must be canonical, memory types must exist', () => {
    const cpu = longMode();
    assert.deepEqual(faultOf(() => { wrmsr(cpu, 0xc0000100, 1n << 47n); }), GP0);
    wrmsr(cpu, 0xc0000101, 0xffff800000000000n);
    assert.equal(cpu.base(5), -0x800000000000);
    assert.deepEqual(faultOf(() => { wrmsr(cpu, 0x277, 2n); }), GP0);
    assert.deepEqual(faultOf(() => { wrmsr(cpu, 0x2ff, 2n); }), GP0);
  });
  it('IA32_EFER.LME cannot change while paging is on; LMA is not written', () => {
    const cpu = longMode();
    assert.deepEqual(faultOf(() => { wrmsr(cpu, 0xc0000080, 0n); }), GP0);
    wrmsr(cpu, 0xc0000080, BigInt(EFER.LME | EFER.NXE));
    assert.equal(cpu.efer, EFER.LME | EFER.LMA | EFER.NXE);
    assert.deepEqual(faultOf(() => { wrmsr(cpu, 0xc0000080, 1n << 20n); }), GP0);
  });
  it('a write to the time-stamp counter is an adjustment', () => {
    const cpu = longMode();
    wrmsr(cpu, 0x10, 5000n);
    assert.equal(readMsr(cpu, 0x3b), 4000n);
    cpu.perform('RDTSC');
    assert.deepEqual([cpu.reg32(0), cpu.reg32(2)], [5000, 0]);
    writeMsr(cpu, 0x3b, 0n);
    assert.equal(readMsr(cpu, 0x10), 1000n);
  });
});

describe('CPUID', () => {
  const leaf = (cpu: TestProcessor, eax: number, ecx = 0) => {
    cpu.setReg32(0, eax);
    cpu.setReg32(1, ecx);
    cpu.perform('CPUID');
    return { eax: cpu.reg32(0), ebx: cpu.reg32(3), ecx: cpu.reg32(1), edx: cpu.reg32(2) };
  };
  it('shows the vendor, the brand and the features', () => {
    const cpu = longMode();
    const text = (...words: number[]) => Buffer.from(Uint32Array.from(words).buffer).toString('latin1');
    const zero = leaf(cpu, 0);
    assert.equal(text(zero.ebx, zero.edx, zero.ecx), 'GenuineIntel');
    const brand = [2, 3, 4].map((n) => leaf(cpu, 0x80000000 + n)).map((r) => text(r.eax, r.ebx, r.ecx, r.edx)).join('');
    assert.equal(brand.replaceAll('\0', ''), 'Ringside x86-64 Processor');
    assert.equal((leaf(cpu, 1).ecx >>> 5) & 1, 1, 'VMX');
    cpu.features = new Set([...FEATURES].filter((name) => name !== 'VMX'));
    assert.equal((leaf(cpu, 1).ecx >>> 5) & 1, 0);
  });
  it('shows SYSCALL in 64-bit mode only', () => {
    assert.equal((leaf(longMode(), 0x80000001).edx >>> 11) & 1, 1);
    assert.equal((leaf(protectedMode(), 0x80000001).edx >>> 11) & 1, 0);
  });
});

describe('ports', () => {
  class Recorder implements Device {
    readonly name = 'recorder';
    readonly portBytes = 4;
    readonly log: string[] = [];
    read(offset: number, bytes: number): number { this.log.push(`read ${offset} ${bytes}`); return 0xa1b2c3d4; }
    write(offset: number, bytes: number, value: number): void { this.log.push(`write ${offset} ${bytes} ${value.toString(16)}`); }
    reset(): void { this.log.length = 0; }
    save(): unknown { return undefined; }
    restore(): void { this.log.length = 0; }
  }
  function withRecorder(cpu: TestProcessor): Recorder {
    const device = new Recorder();
    cpu.ports.attach(0x100, 8, device);
    return device;
  }
  it('IN changes only as many bytes as it reads; EAX clears the upper half', () => {
    const cpu = longMode();
    withRecorder(cpu);
    cpu.setReg(0, 0x1122334455667788n);
    cpu.perform('IN', 0x100, 1, 0);
    assert.equal(cpu.reg(0), 0x11223344556677d4n);
    cpu.perform('IN', 0x100, 4, 0);
    assert.equal(cpu.reg(0), 0xa1b2c3d4n);
  });
  it('ask the I/O permission bit map when CPL is greater than IOPL', () => {
    const cpu = protectedMode(3), device = withRecorder(cpu);
    cpu.poke(TSS + 0x68 + 0x20, 0xfffffffe);
    cpu.perform('OUT', 0x100, 1, 1);
    assert.deepEqual(device.log, ['write 0 1 0']);
    assert.deepEqual(faultOf(() => { cpu.perform('OUT', 0x100, 2, 1); }), GP0);
    setRflags(cpu, 2 | IOPL);
    cpu.perform('OUT', 0x100, 2, 1);
    assert.equal(device.log.length, 2);
  });
  it('REP OUTS reads memory in the direction of DF, and REP INS writes it', () => {
    const cpu = protectedMode(), device = withRecorder(cpu), ds = S.segments + 3 * 48;
    cpu.poke(0x6000, 0x44332211);
    cpu.setReg32(2, 0x101);
    cpu.setReg32(1, 3);
    cpu.setReg32(6, 0x6002);
    setRflags(cpu, 2 | DF);
    cpu.perform('OUTS', 1, 32, 1, ds);
    assert.deepEqual(device.log, ['write 1 1 33', 'write 1 1 22', 'write 1 1 11']);
    assert.deepEqual([cpu.reg32(1), cpu.reg32(6)], [0, 0x5fff]);
    setRflags(cpu, 2);
    cpu.setReg32(1, 2);
    cpu.setReg32(2, 0x100);
    cpu.setReg32(7, 0x6100);
    cpu.perform('INS', 4, 32, 1, S.segments);
    assert.deepEqual([cpu.peek(0x6104), cpu.reg32(7), cpu.reg32(1)], [0xa1b2c3d4, 0x6108, 0]);
  });
  it('a long repetition is met again', () => {
    const cpu = protectedMode();
    cpu.setReg32(1, 5000);
    cpu.setReg32(7, 0x20000);
    let times = 1;
    for (cpu.perform('INS', 1, 32, 1, S.segments); cpu.rip === 0x100; times++) cpu.perform('INS', 1, 32, 1, S.segments);
    assert.deepEqual([times, cpu.reg32(1), cpu.reg32(7)], [5, 0, 0x20000 + 5000]);
  });
  it('a fault in the middle leaves the registers where it happened', () => {
    const cpu = longMode();
    cpu.setReg32(1, 3);
    cpu.setRegNumber(7, 0xffffe);
    assert.deepEqual(faultOf(() => { cpu.perform('INS', 1, 64, 1, S.segments); }), ['#PF', 2]);
    assert.deepEqual([cpu.regNumber(1), cpu.regNumber(7)], [1, 0x100000]);
  });
});

describe('descriptor queries', () => {
  it('LAR, LSL, VERR and VERW tell by ZF', () => {
    const cpu = protectedMode(3);
    const zf = (name: 'LAR' | 'LSL' | 'VERR' | 'VERW', selector: number) => {
      setStatusFlags(cpu, 0);
      cpu.perform(name, selector, 0, 32);
      return (getRflags(cpu) >> 6) & 1;
    };
    assert.deepEqual([zf('LAR', SELECTOR.data3), cpu.reg32(0)], [1, 0xcff300]);
    assert.equal(zf('LAR', SELECTOR.data0), 0);
    assert.deepEqual([zf('LSL', SELECTOR.data3), cpu.reg32(0)], [1, 0xffffffff]);
    assert.deepEqual([zf('VERR', SELECTOR.code3), zf('VERW', SELECTOR.code3), zf('VERW', SELECTOR.data3), zf('VERR', SELECTOR.tss)], [1, 0, 1, 0]);
    assert.deepEqual([zf('LAR', 0), zf('LAR', 0xf00)], [0, 0]);
  });
});

describe('between instructions', () => {
  function waiting(cpu: TestProcessor, vector: number): void {
    let requested = true;
    cpu.interruptRequested = () => requested;
    cpu.acknowledgeInterrupt = () => { requested = false; return vector; };
  }
  it('an external interrupt waits for IF and for the end of blocking by STI', () => {
    const cpu = protectedMode();
    waiting(cpu, 0x30);
    assert.equal(serviceInterrupts(cpu), false);
    cpu.perform('STI');
    assert.deepEqual([cpu.interruptibility, mustStep(cpu), eventsPending(cpu)], [BLOCKING.STI, true, false]);
    const step = beginStep(cpu);
    cpu.perform('HLT');
    endStep(cpu, step, false);
    assert.deepEqual([cpu.activity, eventsPending(cpu)], [ACTIVITY.HLT, true]);
    assert.equal(serviceInterrupts(cpu), true);
    assert.deepEqual([cpu.rip, cpu.activity, cpu.peek(cpu.reg32(4))], [HANDLER + 0x30, ACTIVITY.active, 0x104]);
  });
  it('an NMI comes first and blocks the next one', () => {
    const cpu = protectedMode();
    waiting(cpu, 0x30);
    setRflags(cpu, 2 | IF);
    cpu.u32[S.pendingNmi >> 2] = 1;
    assert.equal(serviceInterrupts(cpu), true);
    assert.equal(cpu.rip, HANDLER + 2);
    cpu.u32[S.pendingNmi >> 2] = 1;
    assert.equal(serviceInterrupts(cpu), false);
  });
  it('an interrupt before which the machine was stopped is not lost', () => {
    const cpu = protectedMode();
    waiting(cpu, 0x30);
    setRflags(cpu, 2 | IF);
    cpu.stopAt = 'interrupt';
    assert.throws(() => serviceInterrupts(cpu), (e) => e === STOP_BEFORE_DELIVERY);
    assert.equal(cpu.rip, 0x100);
    cpu.stopAt = undefined;
    assert.equal(serviceInterrupts(cpu), true);
    assert.deepEqual([cpu.rip, eventsPending(cpu)], [HANDLER + 0x30, false]);
  });
  it('TF makes a debug trap due after one instruction, but not after MOV SS', () => {
    const cpu = protectedMode();
    setRflags(cpu, 2 | TF);
    let step = beginStep(cpu);
    cpu.perform('MOV to Sreg', SS, SELECTOR.data0);
    endStep(cpu, step, false);
    assert.equal(serviceInterrupts(cpu), false);
    step = beginStep(cpu);
    cpu.perform('RDTSC');
    endStep(cpu, step, false);
    assert.equal(serviceInterrupts(cpu), true);
    assert.deepEqual([cpu.rip, cpu.low(S.dr + 48) & 0xf00f, getRflags(cpu) & TF], [HANDLER + 1, 0x4000, 0]);
  });
  it('an instruction breakpoint is a fault that RF holds back', () => {
    const cpu = protectedMode();
    cpu.set(S.dr, 0x100, 0);
    cpu.set(S.dr + 56, 0x401, 0);
    assert.throws(() => beginStep(cpu), (e) => e instanceof Exception && e.vector === 1 && e.pendingDebug === 1);
    setRflags(cpu, 2 | (1 << 16));
    const step = beginStep(cpu);
    cpu.perform('RDTSC');
    endStep(cpu, step, false);
    assert.equal(getRflags(cpu), 2);
  });
});

describe('reset', () => {
  it('reset is as after power-up', () => {
    const cpu = longMode(3);
    resetProcessor(cpu);
    assert.deepEqual([cpu.rip, cpu.base(CS), cpu.selector(CS), cpu.cr0, cpu.cpl, getRflags(cpu)], [0xfff0, 0xffff0000, 0xf000, 0x60000010, 0, 2]);
    assert.equal(cpu.reg32(2), 0x50654);
  });
});
