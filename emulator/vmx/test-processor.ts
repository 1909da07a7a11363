/** For tests: a processor with VMX over a small memory, in 64-bit mode, a VMCS that VM entry accepts, and operations performed as the engine does. */
import type { LocalApic } from '../devices/local-apic.js';
import { Abandon, EptFault, type Exception, ExitDue } from '../cpu/events.js';
import { deliverException } from '../cpu/exceptions.js';
import { setRflags, statusFlags } from '../cpu/flags.js';
import { CS, DS, ES, FS, GS, gpr, LDTR, MAP, S, SS, TR } from '../cpu/layout.js';
import { Processor, UNUSABLE } from '../cpu/processor.js';
import { resetProcessor } from '../cpu/reset.js';
import { setSegment } from '../cpu/segments.js';
import { SYSTEM_OPERATIONS } from '../cpu/system-operations.js';
import { Bus } from '../memory/bus.js';
import { fieldsOf, TRAP, TRAP_KINDS, type TrapEvent, type TrapKind } from '../cpu/trap-events.js';
import { Mmu } from '../paging/mmu.js';
import { attachVmx } from './attach.js';
import { capability, PIN, PROCESSOR, PROCESSOR_2, VM_ENTRY, VM_EXIT } from './controls.js';
import { exitReasonName, type ExitReasonName } from './exit-reasons.js';
import { eptFault } from './intercepts.js';
import { VMX_OPERATIONS } from './instructions.js';
import { currentVmcs, slot, VMCS_REVISION, type Vmcs } from './vmcs.js';
import type { FieldName } from './vmcs-fields.js';

const OPERATIONS = { ...SYSTEM_OPERATIONS, ...VMX_OPERATIONS };

/** Where things lie in physical memory, and at the same linear addresses. */
export const AT = {
  pml4: 0x1000, pdpt: 0x2000, pd: 0x3000, vmxon: 0x5000, vmcs: 0x6000, otherVmcs: 0x7000, bitmapA: 0x8000, bitmapB: 0x9000, msrBitmaps: 0xa000, msrArea: 0xb000,
  gdt: 0xc000, idt: 0xd000, tss: 0xe000, ept: 0x10000, hostRip: 0x20000, guestRip: 0x21000, handler: 0x22000, hostStack: 0x30000, guestStack: 0x31000,
} as const;
export const HOST_CR0 = 0x8000_0033, HOST_CR4 = 0x2020, LONG_EFER = 0x500;
const GUEST_BYTES = 0x800000, CODE64 = 0xa09b, DATA = 0xc093, BUSY_TSS = 0x8b;
const PRESENT_WRITABLE = 3n, LARGE_PAGE = 0x83n;

export interface Raised { readonly kind: TrapKind; readonly fields: TrapEvent['fields']; readonly says: string }

export class TestProcessor {
  readonly cpu: Processor;
  readonly raised: Raised[] = [];
  retired = 0;
  tsc = 0n;
  interrupts: number[] = [];

  constructor() {
    const memory = new WebAssembly.Memory({ initial: (MAP.guestMemory + GUEST_BYTES) / 65536 });
    const cpu = (this.cpu = new Processor(memory, 0, GUEST_BYTES));
    cpu.observer = {
      raise: (kind, values, says) => {
        const fields = fieldsOf(kind, (place) => values[place]);
        if (kind !== TRAP['TLB flush']) this.raised.push({ kind: TRAP_KINDS[kind]!, fields, says: says({ rip: cpu.rip, fields }) });
        return false;
      },
    };
    cpu.codeWritten = () => undefined;
    cpu.instructionCount = () => this.retired;
    cpu.readTsc = () => this.tsc;
    cpu.interruptRequested = () => this.interrupts.length > 0;
    cpu.acknowledgeInterrupt = () => this.interrupts.shift()!;
    cpu.localApic = { taskPriority: 0, timer: { tscChanged: () => undefined }, read: () => 0 } as unknown as LocalApic;
    cpu.modeChanged = () => undefined;
    cpu.mmu = new Mmu(cpu, new Bus('memory'));
    cpu.modeChanged = () => { cpu.mmu.spaceChanged(); };
    attachVmx(cpu);
    resetProcessor(cpu);
    this.longMode();
  }

  put64(physical: number, value: bigint): void { this.cpu.view.setBigUint64(MAP.guestMemory + physical, value, true); }
  get64(physical: number): bigint { return this.cpu.view.getBigUint64(MAP.guestMemory + physical, true); }
  put32(physical: number, value: number): void { this.cpu.view.setUint32(MAP.guestMemory + physical, value, true); }
  get32(physical: number): number { return this.cpu.view.getUint32(MAP.guestMemory + physical, true); }
  code(at: number, ...bytes: number[]): void { this.cpu.u8.set(bytes, MAP.guestMemory + at); }

  private longMode(): void {
    const { cpu } = this;
    this.put64(AT.pml4, BigInt(AT.pdpt) | PRESENT_WRITABLE);
    this.put64(AT.pdpt, BigInt(AT.pd) | PRESENT_WRITABLE);
    for (let i = 0; i < 4; i++) this.put64(AT.pd + 8 * i, BigInt(i * 0x200000) | LARGE_PAGE);
    this.put64(AT.gdt + 8, 0x00af9b000000ffffn);
    this.put64(AT.gdt + 16, 0x00cf93000000ffffn);
    for (let vector = 0; vector < 256; vector++) this.gate(vector, AT.handler + 16 * vector);
    cpu.cr0 = HOST_CR0;
    cpu.cr3 = AT.pml4;
    cpu.cr4 = HOST_CR4;
    cpu.efer = LONG_EFER;
    setSegment(cpu, CS, 8, 0, 0xffff_ffff, CODE64);
    for (const s of [SS, DS, ES]) setSegment(cpu, s, 16, 0, 0xffff_ffff, DATA);
    for (const s of [FS, GS]) setSegment(cpu, s, 0, 0, 0xffff_ffff, DATA | UNUSABLE);
    setSegment(cpu, LDTR, 0, 0, 0, UNUSABLE);
    setSegment(cpu, TR, 0x18, AT.tss, 0x67, BUSY_TSS);
    cpu.setNumber(S.gdtrBase, AT.gdt);
    cpu.setNumber(S.idtrBase, AT.idt);
    cpu.u32[S.gdtrLimit >> 2] = 0xffff;
    cpu.u32[S.idtrLimit >> 2] = 0xfff;
    cpu.set(S.featureControl, 5, 0);
    cpu.cpl = 0;
    setRflags(cpu, 2);
    cpu.setRegNumber(4, AT.hostStack);
    cpu.rip = 0x40000;
    cpu.modeChanged();
  }

  gate(vector: number, offset: number): void {
    this.put64(AT.idt + 16 * vector, BigInt(offset & 0xffff) | (8n << 16n) | (0x8e00n << 32n) | (BigInt(offset >>> 16) << 48n));
    this.put64(AT.idt + 16 * vector + 8, 0n);
  }

  /** An operation as an instruction of `length` bytes; arguments in S.args. Exceptions that nobody expects are thrown. */
  perform(name: keyof typeof OPERATIONS | string, args: readonly (number | bigint)[] = [], length = 3): 'retired' | 'abandoned' {
    const { cpu } = this, operation = OPERATIONS[name];
    if (!operation) throw new Error(`no operation is named "${name}"`);
    args.forEach((value, n) => { cpu.setBig(S.args + 16 * n, BigInt.asUintN(64, BigInt(value))); });
    cpu.nextRip = cpu.rip + length;
    try { if (operation(cpu)) return 'abandoned'; }
    catch (thrown) { return this.acted(thrown); }
    cpu.rip = cpu.nextRip;
    this.retired++;
    return 'retired';
  }

  private acted(thrown: unknown): 'abandoned' {
    if (thrown instanceof Abandon) return 'abandoned';
    if (thrown instanceof ExitDue) { thrown.perform(); return 'abandoned'; }
    if (thrown instanceof EptFault) {
      try { eptFault(this.cpu, thrown); }
      catch (converted) { this.fault(converted as Exception); }
      return 'abandoned';
    }
    throw thrown;
  }

  /** A fault of the current instruction, delivered as the engine does. */
  fault(e: Exception): void {
    try { deliverException(this.cpu, e); this.cpu.rip = this.cpu.nextRip; }
    catch (thrown) { this.acted(thrown); }
  }

  get flags(): number { return statusFlags(this.cpu); }
  get vmcs(): Vmcs { return currentVmcs(this.cpu); }
  read(name: FieldName): bigint { return (BigInt(this.vmcs.high(slot(name))) << 32n) | BigInt(this.vmcs.low(slot(name))); }
  write(fields: Fields): void {
    for (const [name, value] of Object.entries(fields)) {
      const bits = BigInt.asUintN(64, BigInt(value));
      this.vmcs.set(slot(name as FieldName), Number(bits & 0xffff_ffffn), Number(bits >> 32n));
    }
  }
  get last(): Raised { return this.raised.at(-1)!; }
  reg(n: number): bigint { return this.cpu.big(gpr(n)); }

  /** VMXON and a current VMCS that VM entry accepts: a 64-bit guest on the host's page tables. */
  enterVmx(): this {
    this.put32(AT.vmxon, VMCS_REVISION);
    this.put32(AT.vmcs, VMCS_REVISION);
    this.perform('VMXON', [AT.vmxon]);
    this.perform('VMCLEAR', [AT.vmcs]);
    this.perform('VMPTRLD', [AT.vmcs]);
    this.write(validVmcs());
    return this;
  }
  launch(): this {
    this.perform('VMLAUNCH');
    return this;
  }
}

const SEGMENTS = ['ES', 'SS', 'DS', 'FS', 'GS'] as const;
export const CONTROLS = {
  pin: capability('pin').allowed0,
  primary: (capability('primary').allowed0 | PROCESSOR['activate secondary controls']) >>> 0,
  secondary: 0,
  exit: (capability('exit').allowed0 | VM_EXIT['host address-space size'] | VM_EXIT['load IA32_EFER'] | VM_EXIT['save IA32_EFER'] | VM_EXIT['save debug controls']) >>> 0,
  entry: (capability('entry').allowed0 | VM_ENTRY['IA-32e mode guest'] | VM_ENTRY['load IA32_EFER'] | VM_ENTRY['load debug controls']) >>> 0,
};
export { PIN, PROCESSOR, PROCESSOR_2, VM_ENTRY, VM_EXIT };

export function validVmcs(): Fields {
  const fields: Fields = {
    'pin-based VM-execution controls': CONTROLS.pin,
    'primary processor-based VM-execution controls': CONTROLS.primary,
    'secondary processor-based VM-execution controls': CONTROLS.secondary,
    'primary VM-exit controls': CONTROLS.exit,
    'VM-entry controls': CONTROLS.entry,
    'CR0 guest/host mask': 0, 'CR0 read shadow': HOST_CR0, 'CR4 guest/host mask': 0, 'CR4 read shadow': HOST_CR4,
    'address of I/O bitmap A': AT.bitmapA, 'address of I/O bitmap B': AT.bitmapB, 'address of MSR bitmaps': AT.msrBitmaps, 'EPT pointer (EPTP)': AT.ept | 0x1e,
    'virtual-processor identifier (VPID)': 1,
    'VMCS link pointer': (1n << 64n) - 1n,
    'guest CR0': HOST_CR0, 'guest CR3': AT.pml4, 'guest CR4': HOST_CR4, 'guest DR7': 0x400, 'guest IA32_EFER': LONG_EFER, 'guest IA32_PAT': 0x0007040600070406n,
    'guest CS selector': 8, 'guest CS limit': 0xffff_ffff, 'guest CS access rights': CODE64,
    'guest LDTR access rights': UNUSABLE, 'guest TR selector': 0x18, 'guest TR base': AT.tss, 'guest TR limit': 0x67, 'guest TR access rights': BUSY_TSS,
    'guest GDTR base': AT.gdt, 'guest GDTR limit': 0xffff, 'guest IDTR base': AT.idt, 'guest IDTR limit': 0xfff,
    'guest RIP': AT.guestRip, 'guest RSP': AT.guestStack, 'guest RFLAGS': 2,
    'host CR0': HOST_CR0, 'host CR3': AT.pml4, 'host CR4': HOST_CR4, 'host IA32_EFER': LONG_EFER, 'host IA32_PAT': 0x0007040600070406n,
    'host CS selector': 8, 'host SS selector': 16, 'host TR selector': 0x18, 'host TR base': AT.tss, 'host GDTR base': AT.gdt, 'host IDTR base': AT.idt,
    'host RIP': AT.hostRip, 'host RSP': AT.hostStack,
  };
  for (const s of SEGMENTS) Object.assign(fields, { [`guest ${s} selector`]: 16, [`guest ${s} limit`]: 0xffff_ffff, [`guest ${s} access rights`]: DATA, [`guest ${s} base`]: 0 });
  return fields;
}

export type Fields = Partial<Record<FieldName, number | bigint>>;
export const pin = (...names: (keyof typeof PIN)[]): Fields => ({ 'pin-based VM-execution controls': names.reduce((all, n) => all | PIN[n], CONTROLS.pin) });
export const primary = (...names: (keyof typeof PROCESSOR)[]): Fields =>
  ({ 'primary processor-based VM-execution controls': names.reduce((all, n) => (all | PROCESSOR[n]) >>> 0, CONTROLS.primary) });
export const secondary = (...names: (keyof typeof PROCESSOR_2)[]): Fields =>
  ({ 'secondary processor-based VM-execution controls': names.reduce((all, n) => (all | PROCESSOR_2[n]) >>> 0, 0) });
/** The fields that inject an event. */
export const inject = (type: number, vector: number, errorCode?: number): Fields => ({
  'VM-entry interruption-information field': (0x8000_0000 + (type << 8) + vector + (errorCode === undefined ? 0 : 0x800)) >>> 0,
  ...(errorCode === undefined ? {} : { 'VM-entry exception error code': errorCode }),
});

/** In the guest of a valid VMCS with these fields; `prepare` is called before VM entry. */
export function guest(fields: Fields = {}, prepare?: (t: TestProcessor) => void): TestProcessor {
  const t = new TestProcessor().enterVmx();
  t.write(fields);
  prepare?.(t);
  return t.launch();
}

/** Guest-physical = host-physical for the first 2 MBytes by 4-KByte pages, all rights. */
export function mapByEpt(t: TestProcessor): void {
  t.put64(AT.ept, BigInt(AT.ept + 0x1000) | 7n);
  t.put64(AT.ept + 0x1000, BigInt(AT.ept + 0x2000) | 7n);
  t.put64(AT.ept + 0x2000, BigInt(AT.ept + 0x3000) | 7n);
  for (let page = 0; page < 512; page++) t.put64(AT.ept + 0x3000 + 8 * page, BigInt(page << 12) | 0x37n);
}

/** The processor stands in the host after an exit of this reason. */
export function exited(t: TestProcessor, reason: ExitReasonName, qualification = 0n): void {
  if (t.cpu.nonRoot || t.cpu.rip !== AT.hostRip) throw new Error('the processor does not stand at the RIP of the host');
  const found = [exitReasonName(Number(t.read('exit reason'))), t.read('exit qualification')];
  if (found[0] !== reason || found[1] !== qualification) throw new Error(`exit ${found.join(', ')} instead of ${reason}, ${qualification}`);
}
