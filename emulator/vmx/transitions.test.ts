import assert from 'node:assert/strict';
import { EptFault } from '../cpu/events.js';
import { getRflags } from '../cpu/flags.js';
import { CS, FS, gpr, S, SS, TR } from '../cpu/layout.js';
import { UNUSABLE } from '../cpu/processor.js';
import { serviceInterrupts } from '../cpu/interrupts.js';
import { EXECUTE } from '../paging/mmu.js';
import { VM_ENTRY_FAILURE } from './exit-reasons.js';
import { eptFault } from './intercepts.js';
import { AT, CONTROLS, exited, type Fields, guest, HOST_CR0, HOST_CR4, inject, LONG_EFER, mapByEpt, pin, primary, PROCESSOR_2, secondary, TestProcessor, VM_ENTRY, VM_EXIT } from './test-processor.js';

const ZF = 0x40;
/** The quadword at the guest's stack pointer plus 8n. */
const stacked = (t: TestProcessor, n: number): bigint => t.get64(Number(t.reg(4)) + 8 * n);

describe('VM entry', () => {
  it('loads what the guest-state area says', () => {
    const t = guest({ 'guest FS base': -0x800000000000n, 'guest FS access rights': 0xc093 | UNUSABLE, 'guest RFLAGS': 0x8d7, 'guest IA32_SYSENTER_EIP': 0x1234, 'guest CR3': AT.pml4 });
    const { cpu } = t;
    assert.equal(cpu.nonRoot, true);
    assert.equal(cpu.rip, AT.guestRip);
    assert.equal(t.reg(4), BigInt(AT.guestStack));
    assert.equal(cpu.base(FS), -0x800000000000);
    assert.equal(cpu.attributes(FS), 0xc093 | UNUSABLE);
    assert.equal(getRflags(cpu), 0x8d7);
    assert.equal(cpu.number(S.sysenterEip), 0x1234);
    assert.equal(t.last.kind, 'VM entry');
    assert.equal(t.vmcs.launched, true);
  });

  it('leaves CD and NW of CR0 alone, and takes CPL from the DPL of SS', () => {
    const t = new TestProcessor().enterVmx();
    t.cpu.cr0 = (HOST_CR0 | 0x4000_0000) >>> 0;
    t.write({ 'guest SS access rights': 0xc0f3, 'guest SS selector': 0x13, 'guest CS access rights': 0xa0fb, 'guest CS selector': 0xb });
    t.launch();
    assert.equal(t.cpu.cr0, (HOST_CR0 | 0x4000_0000) >>> 0);
    assert.equal(t.cpu.cpl, 3);
  });

  it('sets LMA and LME by the "IA-32e mode guest" control when IA32_EFER is not loaded', () => {
    const entry = (CONTROLS.entry & ~(VM_ENTRY['load IA32_EFER'] | VM_ENTRY['IA-32e mode guest'])) >>> 0;
    const t = guest({ 'VM-entry controls': entry, 'guest CR4': 0x2000, 'guest CS access rights': 0xc09b });
    assert.equal(t.cpu.efer, 0);
    assert.equal(t.cpu.longMode, false);
  });

  it('fails VMLAUNCH of a launched VMCS, VMRESUME of a clear one, and entry in the shadow of MOV SS', () => {
    const t = new TestProcessor().enterVmx();
    t.perform('VMRESUME');
    assert.deepEqual([t.flags, t.read('VM-instruction error')], [ZF, 5n]);
    t.cpu.interruptibility = 2;
    t.perform('VMLAUNCH');
    assert.deepEqual([t.flags, t.read('VM-instruction error')], [ZF, 26n]);
    t.cpu.interruptibility = 0;
    t.launch();
    t.perform('CPUID');
    t.perform('VMLAUNCH');
    assert.deepEqual([t.flags, t.read('VM-instruction error')], [ZF, 4n]);
  });

  it('reports wrong controls as error 7, wrong host state as error 8', () => {
    const t = new TestProcessor().enterVmx();
    t.write({ 'CR3-target count': 9, 'host CR4': 0 });
    t.perform('VMLAUNCH');
    assert.deepEqual([t.flags, t.read('VM-instruction error'), t.last.kind], [ZF, 7n, 'VM-entry failure']);
    t.write({ 'CR3-target count': 0 });
    t.perform('VMLAUNCH');
    assert.deepEqual([t.flags, t.read('VM-instruction error')], [ZF, 8n]);
    assert.match(t.last.says, /The host CR4 field must not set any bit/);
  });

  it('fails with exit reason 33 when guest state is wrong: host state is loaded, the VMCS stays clear', () => {
    const t = guest({ 'guest RFLAGS': 0 });
    assert.equal(t.read('exit reason'), BigInt((33 | VM_ENTRY_FAILURE) >>> 0));
    assert.equal(t.cpu.rip, AT.hostRip);
    assert.equal(t.vmcs.launched, false);
    assert.equal(t.last.kind, 'VM-entry failure');
    assert.match(t.last.says, /reserved bit 1 must be 1/);
    assert.equal(t.read('guest RIP'), BigInt(AT.guestRip));
  });

  it('gives qualification 4 for the VMCS link pointer', () => {
    assert.equal(guest({ 'VMCS link pointer': 4 }).read('exit qualification'), 4n);
  });

  it('loads MSRs, and fails with reason 34 and the number of the entry that is wrong', () => {
    const t = new TestProcessor().enterVmx();
    t.put64(AT.msrArea, 0xc0000082n);
    t.put64(AT.msrArea + 8, 0x5555n);
    t.put64(AT.msrArea + 16, 0xc0000100n);
    t.put64(AT.msrArea + 24, 0n);
    t.write({ 'VM-entry MSR-load address': AT.msrArea, 'VM-entry MSR-load count': 2 });
    t.launch();
    assert.equal(t.read('exit reason'), BigInt((34 | VM_ENTRY_FAILURE) >>> 0));
    assert.equal(t.read('exit qualification'), 2n);
    assert.match(t.last.says, /IA32_FS_BASE may not be loaded/);
    t.write({ 'VM-entry MSR-load count': 1 });
    t.launch();
    assert.equal(t.cpu.nonRoot, true);
    assert.equal(t.cpu.big(S.lstar), 0x5555n);
  });
});

describe('event injection', () => {
  it('delivers an external interrupt through the guest\'s IDT', () => {
    const t = guest({ ...inject(0, 0x41), 'guest RFLAGS': 0x202 });
    assert.equal(t.cpu.rip, AT.handler + 16 * 0x41);
    assert.equal(stacked(t, 0), BigInt(AT.guestRip));
    assert.equal(stacked(t, 2) & 0xffffn, 0x202n);
  });
  it('pushes an error code when told to', () => {
    const t = guest(inject(3, 13, 0x18));
    assert.equal(t.cpu.rip, AT.handler + 16 * 13);
    assert.equal(stacked(t, 0), 0x18n);
    assert.equal(stacked(t, 1), BigInt(AT.guestRip));
  });
  it('pushes the address behind the instruction for software interrupts', () => {
    const t = guest({ ...inject(4, 0x80), 'VM-entry instruction length': 2 });
    assert.equal(stacked(t, 0), BigInt(AT.guestRip + 2));
  });
  it('leaves CR2 and DR6 alone', () => {
    const t = guest(inject(3, 14, 2));
    assert.equal(t.cpu.cr2, 0);
    assert.equal(t.cpu.rip, AT.handler + 16 * 14);
  });
  it('an NMI brings virtual-NMI blocking', () => {
    const t = guest({ ...inject(2, 2), ...pin('NMI exiting', 'virtual NMIs') });
    assert.equal(t.cpu.interruptibility, 8);
  });
  it('the VM exit clears the valid bit', () => {
    const t = guest(inject(3, 6));
    t.perform('CPUID', [], 2);
    assert.equal(t.read('VM-entry interruption-information field'), 0x306n);
  });
  it('a fault of the delivery that exits has the event as IDT-vectoring information', () => {
    const t = new TestProcessor().enterVmx();
    t.put64(AT.idt + 16 * 0x41, 0n);
    t.write({ ...inject(0, 0x41), 'guest RFLAGS': 0x202, 'exception bitmap': 1 << 13 });
    t.launch();
    exited(t, 'EXCEPTION_OR_NMI');
    assert.equal(t.read('VM-exit interruption information'), 0x80000b0dn);
    assert.equal(t.read('IDT-vectoring information field'), 0x80000041n);
  });
  it('delivery into an IDT that EPT does not map exits with an EPT violation, IDT vectoring and the guest\'s RIP', () => {
    const t = new TestProcessor().enterVmx();
    t.write({ 'secondary processor-based VM-execution controls': PROCESSOR_2['enable EPT'], ...inject(4, 0x80), 'VM-entry instruction length': 2 });
    mapByEpt(t);
    t.put64(AT.ept + 0x3000 + 8 * (AT.idt >> 12), 0n);
    t.launch();
    assert.equal(t.read('exit reason'), 48n);
    assert.equal(t.read('guest-physical address'), BigInt(AT.idt + 16 * 0x80));
    assert.equal(t.read('IDT-vectoring information field'), 0x80000480n);
    assert.equal(t.read('VM-exit instruction length'), 2n);
    assert.equal(t.read('guest RIP'), BigInt(AT.guestRip));
    assert.equal(t.cpu.rip, AT.hostRip);
  });
});

describe('VM exit', () => {
  it('saves the guest and loads the host', () => {
    const t = guest({ 'guest RFLAGS': 0x246, 'guest CS access rights': 0xa0bb, 'guest SS access rights': 0xc0b3, 'guest CS selector': 9, 'guest SS selector': 0x11 });
    t.cpu.setRegNumber(4, 0x3333);
    t.cpu.rip = 0x21010;
    t.perform('CPUID', [], 2);
    exited(t, 'CPUID');
    assert.equal(t.read('guest RIP'), 0x21010n);
    assert.equal(t.read('guest RSP'), 0x3333n);
    assert.equal(t.read('guest RFLAGS'), 0x246n);
    assert.equal(t.read('VM-exit instruction length'), 2n);
    assert.equal(t.read('guest SS access rights'), 0xc0b3n);
    const { cpu } = t;
    assert.equal(cpu.cpl, 0);
    assert.equal(getRflags(cpu), 2);
    assert.deepEqual([cpu.selector(CS), cpu.attributes(CS), cpu.limit(CS)], [8, 0xa09b, 0xffff_ffff]);
    assert.deepEqual([cpu.selector(SS), cpu.attributes(SS)], [16, 0xc093]);
    assert.deepEqual([cpu.selector(TR), cpu.attributes(TR), cpu.limit(TR), cpu.base(TR)], [0x18, 0x8b, 0x67, AT.tss]);
    assert.equal(cpu.attributes(FS) & UNUSABLE, UNUSABLE);
    assert.deepEqual([cpu.low(S.gdtrLimit), cpu.low(S.idtrLimit)], [0xffff, 0xffff]);
    assert.equal(cpu.low(S.dr + 56), 0x400);
    assert.equal(t.reg(4), BigInt(AT.hostStack));
    assert.equal(cpu.cr4, HOST_CR4);
    assert.equal(cpu.efer, LONG_EFER);
  });

  it('says which control bit was the cause', () => {
    const t = guest(primary('HLT exiting'));
    t.perform('HLT', [], 1);
    exited(t, 'HLT');
    assert.equal(t.last.says, 'HLT: the "HLT exiting" VM-execution control is 1.');
    assert.deepEqual({ ...t.last.fields }, { reason: 12, qualification: 0, gpa: 0, gla: 0, length: 1, intr_info: 0, instruction: 0 });
  });

  it('stores and loads MSRs', () => {
    const t = new TestProcessor().enterVmx();
    t.put64(AT.msrArea, 0xc0000082n);
    t.put64(AT.msrArea + 16, 0xc0000083n);
    t.put64(AT.msrArea + 24, 0x7777n);
    t.write({ 'VM-exit MSR-store address': AT.msrArea, 'VM-exit MSR-store count': 1, 'VM-exit MSR-load address': AT.msrArea + 16, 'VM-exit MSR-load count': 1 });
    t.launch();
    t.cpu.setBig(S.lstar, 0x4444n);
    t.perform('CPUID');
    assert.equal(t.get64(AT.msrArea + 8), 0x4444n);
    assert.equal(t.cpu.big(S.cstar), 0x7777n);
  });

  it('ends in a VMX abort when a host MSR cannot be loaded', () => {
    const t = new TestProcessor().enterVmx();
    t.put64(AT.msrArea, 0xc0000101n);
    t.write({ 'VM-exit MSR-load address': AT.msrArea, 'VM-exit MSR-load count': 1 });
    t.launch();
    t.perform('CPUID');
    assert.equal(t.vmcs.abortIndicator, 4);
    assert.equal(t.cpu.activity, 2);
    assert.match(t.cpu.autopsy[0]!, /^VMX abort 4: .*IA32_GS_BASE may not be loaded/);
  });

  it('keeps blocking by NMI after an exit by NMI, and drops virtual-NMI blocking', () => {
    const t = guest({ ...pin('NMI exiting', 'virtual NMIs'), 'guest interruptibility state': 8 });
    t.cpu.u32[S.pendingNmi >> 2] = 1;
    assert.equal(serviceInterrupts(t.cpu), true);
    exited(t, 'EXCEPTION_OR_NMI');
    assert.equal(t.read('VM-exit interruption information'), 0x80000202n);
    assert.equal(t.read('guest interruptibility state'), 8n);
    assert.equal(t.cpu.interruptibility, 8);
    t.perform('VMRESUME');
    t.perform('CPUID');
    assert.equal(t.cpu.interruptibility, 0);
  });

  it('goes back to a 32-bit host', () => {
    const t = new TestProcessor().enterVmx();
    t.cpu.efer = 0;
    t.write({
      'primary VM-exit controls': (CONTROLS.exit & ~VM_EXIT['host address-space size']) >>> 0, 'host IA32_EFER': 0, 'host CR4': 0x2000,
      'VM-entry controls': (CONTROLS.entry & ~VM_ENTRY['IA-32e mode guest']) >>> 0, 'guest IA32_EFER': 0, 'guest CR4': 0x2000, 'guest CS access rights': 0xc09b,
    });
    t.launch();
    t.perform('CPUID');
    exited(t, 'CPUID');
    assert.equal(t.cpu.attributes(CS), 0xc09b);
    assert.equal(t.cpu.longMode, false);
  });

  it('updates "IA-32e mode guest" for an unrestricted guest', () => {
    const t = new TestProcessor().enterVmx();
    mapByEpt(t);
    t.write({ 'secondary processor-based VM-execution controls': PROCESSOR_2['enable EPT'] | PROCESSOR_2['unrestricted guest'] });
    t.launch();
    t.cpu.efer = 0;
    t.cpu.cr0 = 0x30;
    t.perform('CPUID');
    assert.equal(t.read('VM-entry controls') & BigInt(VM_ENTRY['IA-32e mode guest']), 0n);
    assert.equal(t.read('guest CR0'), 0x30n);
    t.write({ 'guest CS access rights': 0x93, 'guest CS limit': 0xffff, 'guest IA32_EFER': 0 });
    for (const s of ['SS', 'DS', 'ES', 'FS', 'GS'] as const) t.write({ [`guest ${s} access rights`]: 0x93, [`guest ${s} limit`]: 0xffff });
    t.perform('VMRESUME');
    assert.equal(t.cpu.nonRoot, true);
    assert.equal(t.cpu.protectedMode, false);
  });

  it('uses mode-based execute control while the control is 1', () => {
    const t = new TestProcessor().enterVmx();
    mapByEpt(t);
    t.write(secondary('enable EPT', 'mode-based execute control for EPT'));
    t.launch();
    assert.equal(t.cpu.mmu.inspect(AT.guestRip, EXECUTE).is, 'mapped');
    t.write(secondary('enable EPT'));
    t.perform('CPUID');
    t.perform('VMRESUME');
    assert.deepEqual([t.cpu.mmu.currentState().modeBased, t.cpu.mmu.inspect(AT.guestRip, EXECUTE).is], [false, 'mapped']);
  });

  it('reports EPT violations with address, qualification and sentence', () => {
    const t = guest();
    const fault = new EptFault('EPT violation', 0x1234_5000, -0x1000, 0x182, 'EPT PTE at 0x13000: bit 1 (write) is 0');
    t.cpu.nextRip = t.cpu.rip;
    eptFault(t.cpu, fault);
    exited(t, 'EPT_VIOLATION', 0x182n);
    assert.equal(t.read('guest-physical address'), 0x1234_5000n);
    assert.equal(t.read('guest-linear address'), 0xffff_ffff_ffff_f000n);
    assert.match(t.last.says, /^EPT violation: guest-physical address 0x12345000: EPT PTE at 0x13000: bit 1 \(write\) is 0\.$/);
  });
});

describe('pending debug exceptions at a VM exit', () => {
  const BS = 0x4000, B0 = 0x1001, TF = 0x100, STI = 1, MOV_SS = 2;
  const saved = (pending: number, blocking: number, flags: number, fields: Fields = {}): bigint => {
    const t = guest(fields);
    t.cpu.set(S.pendingDebug, pending, 0);
    t.cpu.interruptibility = blocking;
    t.cpu.set(S.rflags, t.cpu.low(S.rflags) | flags, 0);
    t.perform('CPUID');
    return t.read('guest pending debug exceptions');
  };
  it('are saved as clear, also behind STI', () => {
    assert.deepEqual([saved(BS, 0, 0), saved(B0, 0, 0), saved(0, STI, TF)], [0n, 0n, 0n]);
  });
  it('are saved behind MOV SS, with the single step that it holds up', () => {
    assert.deepEqual([saved(B0, MOV_SS, 0), saved(B0, MOV_SS, TF), saved(0, MOV_SS, TF)], [BigInt(B0), BigInt(B0 | BS), BigInt(BS)]);
    assert.equal(saved(0, MOV_SS, TF, { 'guest IA32_DEBUGCTL': 2 }), 0n);
  });
});

describe('a state is the same after exit and entry', () => {
  it('registers, flags and segments', () => {
    const t = guest({ 'guest FS base': 0x1234_5678_9abc, 'guest RFLAGS': 0x8d7 });
    for (let n = 0; n < 16; n++) if (n !== 4) t.cpu.setReg(n, 0x1111_1111_1111_1111n * BigInt(n));
    const before = t.cpu.u8.slice(S.gpr, S.mxcsr), { rip } = t.cpu;
    t.perform('CPUID', [], 2);
    t.perform('VMRESUME');
    const after = t.cpu.u8.slice(S.gpr, S.mxcsr);
    for (const [from, to] of [[S.gpr, S.rip], [S.segments, S.pendingNmi]] as const) {
      assert.deepEqual(after.slice(from - S.gpr, to - S.gpr), before.slice(from - S.gpr, to - S.gpr));
    }
    assert.equal(t.cpu.rip, rip);
    assert.equal(t.reg(15), t.cpu.big(gpr(15)));
  });
});
