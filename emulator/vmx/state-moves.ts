/**
 * What VM entries and VM exits move between the VMCS and the processor's state, in WebAssembly made from tables: they happen a million times, and as TypeScript
 * they would be most of what a JavaScript engine has to compile first. What needs thought (checks, MSR areas, injection, address spaces) is in entry.ts and exit.ts.
 * SDM Vol. 3C, "Loading Guest State", "Saving Guest State", "Loading Host State", "Updating Non-Register State".
 */
import { DR7_FIXED, dr } from '../cpu/debug-registers.js';
import { RF, VM } from '../cpu/flags.js';
import { gpr, S, SEGMENT, SEGMENT_NAMES, segment, SS } from '../cpu/layout.js';
import { CR4 as CR4_BITS, EFER } from '../cpu/modes.js';
import { UNUSABLE } from '../cpu/processor.js';
import { isQuick, QUICK_READ, QUICK_WRITE } from '../cpu/segments.js';
import { statusFunction } from '../meaning/emit-status.js';
import { EXPLICIT, STATUS_FLAGS } from '../meaning/flags.js';
import { FunctionBody, I32, I64, ModuleWriter } from '../wasm/module.js';
import { PROCESSOR_2, VM_ENTRY, VM_EXIT } from './controls.js';
import { HOST_SEGMENTS, RFLAGS_AFTER_EXIT, TABLE_LIMIT } from './host-state.js';
import { VMX_STATE } from './state.js';
import { DIRTY_OFFSET, PART, partsOf, slot } from './vmcs.js';
import type { FieldName } from './vmcs-fields.js';

interface Move { readonly field: FieldName; readonly at: number; readonly bits: 32 | 64 }
const RSP = 4;
const move = (field: FieldName, at: number, bits: 32 | 64): Move => ({ field, at, bits });

/** Between the guest-state area and the registers, in both directions. */
const GUEST_MOVES: readonly Move[] = [
  move('guest CR3', S.cr3, 64),
  move('guest IA32_SYSENTER_CS', S.sysenterCs, 64), move('guest IA32_SYSENTER_ESP', S.sysenterEsp, 64), move('guest IA32_SYSENTER_EIP', S.sysenterEip, 64),
  move('guest GDTR base', S.gdtrBase, 64), move('guest IDTR base', S.idtrBase, 64), move('guest GDTR limit', S.gdtrLimit, 32), move('guest IDTR limit', S.idtrLimit, 32),
  move('guest RIP', S.rip, 64), move('guest RSP', gpr(RSP), 64),
];
/** Of each segment register, in the order of the state. */
const segmentMoves = (s: number): readonly Move[] => {
  const name = SEGMENT_NAMES[s]!, at = segment(s);
  return [
    move(`guest ${name} selector`, at + SEGMENT.selector, 32), move(`guest ${name} base`, at + SEGMENT.base, 64),
    move(`guest ${name} limit`, at + SEGMENT.limit, 32), move(`guest ${name} access rights`, at + SEGMENT.attributes, 32),
  ];
};
/** Only saved: loading these depends on more than the field. */
const GUEST_SAVES: readonly Move[] = [
  move('guest CR0', S.cr0, 32), move('guest CR4', S.cr4, 32), move('guest activity state', S.activity, 32), move('guest interruptibility state', S.interruptibility, 32),
  move('guest pending debug exceptions', S.pendingDebug, 64),
];
const NON_REGISTER_LOADS: readonly Move[] = [
  move('guest activity state', S.activity, 32), move('guest interruptibility state', S.interruptibility, 32), move('guest pending debug exceptions', S.pendingDebug, 64),
];
const DEBUG_REGISTERS: readonly Move[] = [move('guest DR7', dr(7), 64), move('guest IA32_DEBUGCTL', S.debugControl, 64)];
const PDPTES: readonly Move[] = [0, 1, 2, 3].map((n) => move(`guest PDPTE${n as 0 | 1 | 2 | 3}`, S.pdpte + 8 * n, 64));
const GUEST_PAT = move('guest IA32_PAT', S.pat, 64), GUEST_EFER = move('guest IA32_EFER', S.efer, 64);
/** From the host-state area to the registers. */
const HOST_MOVES: readonly Move[] = [
  move('host CR3', S.cr3, 64),
  move('host IA32_SYSENTER_CS', S.sysenterCs, 64), move('host IA32_SYSENTER_ESP', S.sysenterEsp, 64), move('host IA32_SYSENTER_EIP', S.sysenterEip, 64),
  move('host GDTR base', S.gdtrBase, 64), move('host IDTR base', S.idtrBase, 64), move('host RIP', S.rip, 64), move('host RSP', gpr(RSP), 64),
];

/** Each argument `vmcs`: the VMCS's place in the shared memory. Parts of it that change are marked to be checked again. */
export interface StateMoves {
  /** Saves the guest's state but for the preemption timer, and clears the valid bit of event injection. */
  saveGuest(vmcs: number): void;
  /** Leaves VMX non-root operation with that interruptibility. */
  leaveGuest(interruptibility: number): void;
  /** Loads the host's state. Data breakpoints are the caller's. */
  loadHost(vmcs: number): void;
  /** Loads the guest's registers but for DR7 and PDPTEs. */
  loadGuest(vmcs: number): void;
  /** Loads the guest's non-register state and enters VMX non-root operation, without preemption timer and monitor trap. */
  enterGuest(vmcs: number): void;
}

/** CR0 bits that VM entries and exits leave alone: ET, CD, NW and the reserved ones. */
const CR0_UNTOUCHED = 0x7ffa_ffd0, CR0_PG = 0x8000_0000 | 0;
const INJECTION_VALID = 0x8000_0000n;
const VMCS = 0;
const fieldAt = (field: FieldName): number => 4 * slot(field);

export function stateMoves(memory: WebAssembly.Memory): StateMoves {
  const w = new ModuleWriter(), status = w.add(statusFunction());
  w.add(saveGuest(status), { exported: 'saveGuest' });
  w.add(leaveGuest(), { exported: 'leaveGuest' });
  w.add(loadHost(), { exported: 'loadHost' });
  w.add(loadGuest(), { exported: 'loadGuest' });
  w.add(enterGuest(), { exported: 'enterGuest' });
  const table = new WebAssembly.Table({ initial: 0, element: 'anyfunc' });
  return new WebAssembly.Instance(new WebAssembly.Module(w.encode()), { e: { m: memory, t: table } }).exports as unknown as StateMoves;
}

const field32 = (f: FunctionBody, field: FieldName): FunctionBody => f.get(VMCS).memory('i32.load', fieldAt(field));
/** Whether a control is 1. */
const control = (f: FunctionBody, field: FieldName, mask: number): FunctionBody => field32(f, field).i32(mask).op('i32.and');
const EXIT_CONTROLS = 'primary VM-exit controls', ENTRY_CONTROLS = 'VM-entry controls', PRIMARY = 'primary processor-based VM-execution controls', SECONDARY = 'secondary processor-based VM-execution controls';
function when(f: FunctionBody, condition: FunctionBody, then: () => void, otherwise?: () => void): void {
  condition.block('if');
  then();
  if (otherwise) { f.else(); otherwise(); }
  f.end();
}
/** A secondary control counts only if they are activated. */
const secondary = (f: FunctionBody, mask: number): FunctionBody =>
  control(f, SECONDARY, mask).i32(0).op('i32.ne').get(VMCS).memory('i32.load', fieldAt(PRIMARY)).i32(31).op('i32.shr_u').op('i32.and');

/** Fields are eight bytes in the region, zero-extended. */
class Saver {
  private readonly value: number;
  private readonly changed = new Map<number, number>();
  constructor(private readonly f: FunctionBody, private readonly parts: number) { this.value = f.local(I64); }

  move({ field, at, bits }: Move): void { this.save(field, () => this.f.i32(0).memory(bits === 64 ? 'i64.load' : 'i64.load32_u', at)); }
  save(field: FieldName, push: () => void): void {
    const { f, value } = this, part = partsOf([field]), at = fieldAt(field);
    f.get(VMCS);
    push();
    f.tee(value);
    if (part !== 0) {
      let difference = this.changed.get(part);
      if (difference === undefined) this.changed.set(part, (difference = f.local(I64)));
      f.get(VMCS).memory('i64.load', at).op('i64.xor').get(difference).op('i64.or').set(difference).get(value);
    }
    f.memory('i64.store', at);
  }
  /** Of RFLAGS the status flags do not count, and the VM flag is a part of its own. */
  rflags(push: () => void): void {
    const { f, value } = this, difference = f.local(I64), at = fieldAt('guest RFLAGS');
    push();
    f.set(value).get(VMCS).memory('i64.load', at).get(value).op('i64.xor').set(difference);
    f.get(VMCS).get(value).memory('i64.store', at);
    this.mark(() => f.get(difference).i64(~BigInt(STATUS_FLAGS)).op('i64.and'), PART.RFLAGS);
    this.mark(() => f.get(difference).i64(BigInt(VM)).op('i64.and'), PART['VM flag']);
  }
  /** Marks what has changed. */
  end(): void {
    const { f, parts } = this;
    for (const [part, difference] of this.changed) this.mark(() => f.get(difference), part);
    f.get(VMCS).get(VMCS).memory('i32.load', DIRTY_OFFSET).get(parts).op('i32.or').memory('i32.store', DIRTY_OFFSET);
  }
  private mark(difference: () => void, part: number): void {
    const { f, parts } = this;
    difference();
    f.i64(0n).op('i64.ne').op('i32.eqz').i32(1).op('i32.sub').i32(part).op('i32.and').get(parts).op('i32.or').set(parts);
  }
}

function saveGuest(status: number): FunctionBody {
  const f = new FunctionBody([I32], []), saver = new Saver(f, f.local(I32));
  saver.save('VM-entry interruption-information field', () => f.get(VMCS).memory('i64.load', fieldAt('VM-entry interruption-information field')).i64(~INJECTION_VALID).op('i64.and'));
  for (const each of [...GUEST_MOVES, ...GUEST_SAVES, ...SEGMENT_NAMES.flatMap((_, s) => segmentMoves(s))]) saver.move(each);
  when(f, control(f, EXIT_CONTROLS, VM_EXIT['save debug controls']), () => { for (const each of DEBUG_REGISTERS) saver.move(each); });
  when(f, control(f, EXIT_CONTROLS, VM_EXIT['save IA32_PAT']), () => saver.move(GUEST_PAT));
  when(f, control(f, EXIT_CONTROLS, VM_EXIT['save IA32_EFER']), () => saver.move(GUEST_EFER));
  saver.rflags(() => f.i32(0).memory('i32.load', S.rflags).call(status).op('i32.or').op('i64.extend_i32_u'));
  when(f, secondary(f, PROCESSOR_2['enable EPT']), () => { for (const each of PDPTES) saver.move(each); });
  when(f, secondary(f, PROCESSOR_2['unrestricted guest']), () => saver.save(ENTRY_CONTROLS, () => {
    f.get(VMCS).memory('i64.load', fieldAt(ENTRY_CONTROLS)).i64(~BigInt(VM_ENTRY['IA-32e mode guest'])).op('i64.and').i64(BigInt(VM_ENTRY['IA-32e mode guest'])).i64(0n);
    f.i32(0).memory('i32.load', S.efer).i32(EFER.LMA).op('i32.and').op('select').op('i64.or');
  }));
  saver.end();
  return f;
}

function leaveGuest(): FunctionBody {
  const INTERRUPTIBILITY = 0, f = new FunctionBody([I32], []);
  put32(f, S.interruptibility, () => f.get(INTERRUPTIBILITY));
  put32(f, S.activity, () => f.i32(0));
  put64(f, S.pendingDebug, 0n);
  put64(f, VMX_STATE.preemptionDeadline, -1n);
  for (const at of [VMX_STATE.monitorTrap, VMX_STATE.apicWrite, VMX_STATE.virtualInterrupt]) put64(f, at, 0n);
  put32(f, S.nonRoot, () => f.i32(0));
  return f;
}

function put32(f: FunctionBody, at: number, push: () => void): void {
  f.i32(0);
  push();
  f.memory('i32.store', at);
}
const put64 = (f: FunctionBody, at: number, value: bigint): FunctionBody => f.i32(0).i64(value).memory('i64.store', at);

function copy(f: FunctionBody, { field, at, bits }: Move): void {
  f.i32(0).get(VMCS);
  if (bits === 64) f.memory('i64.load', fieldAt(field)).memory('i64.store', at);
  else f.memory('i32.load', fieldAt(field)).memory('i32.store', at);
}
const loadCr0 = (f: FunctionBody, field: FieldName): void =>
  put32(f, S.cr0, () => field32(f.i32(0).memory('i32.load', S.cr0).i32(CR0_UNTOUCHED).op('i32.and'), field).i32(~CR0_UNTOUCHED).op('i32.and').op('i32.or'));
/** IA32_EFER with bits set or cleared, if a control does not load it. */
const changeEfer = (f: FunctionBody, set: number, clear: number): void =>
  put32(f, S.efer, () => f.i32(0).memory('i32.load', S.efer).i32(~clear).op('i32.and').i32(set).op('i32.or'));
/** The status flags as they are given, the others in S.rflags. */
function loadRflags(f: FunctionBody, others: () => void, status: () => void): void {
  put32(f, S.rflags, others);
  put64(f, S.flagRule, BigInt(EXPLICIT));
  f.i32(0);
  status();
  f.op('i64.extend_i32_u').memory('i64.store', S.flagA);
  put64(f, S.flagResult, 0n);
}

function loadGuest(): FunctionBody {
  const f = new FunctionBody([I32], []);
  loadCr0(f, 'guest CR0');
  copy(f, move('guest CR4', S.cr4, 32));
  when(f, control(f, ENTRY_CONTROLS, VM_ENTRY['load debug controls']), () => copy(f, move('guest IA32_DEBUGCTL', S.debugControl, 64)));
  when(f, control(f, ENTRY_CONTROLS, VM_ENTRY['load IA32_EFER']), () => copy(f, move('guest IA32_EFER', S.efer, 32)), () => {
    when(f, control(f, ENTRY_CONTROLS, VM_ENTRY['IA-32e mode guest']), () => changeEfer(f, EFER.LMA | EFER.LME, 0), () => {
      when(f, control(f, 'guest CR0', CR0_PG), () => changeEfer(f, 0, EFER.LMA | EFER.LME), () => changeEfer(f, 0, EFER.LMA));
    });
  });
  when(f, control(f, ENTRY_CONTROLS, VM_ENTRY['load IA32_PAT']), () => copy(f, GUEST_PAT));
  for (const each of GUEST_MOVES) copy(f, each);
  SEGMENT_NAMES.forEach((name, s) => {
    for (const each of segmentMoves(s)) copy(f, each);
    const quickLimit = (which: typeof QUICK_READ, at: number): void => {
      f.i32(0).get(VMCS).memory('i64.load32_u', fieldAt(`guest ${name} limit`)).i64(-1n);
      which.forEach(([mask, value], n) => {
        control(f, `guest ${name} access rights`, mask).i32(value).op('i32.eq');
        if (n > 0) f.op('i32.or');
      });
      f.op('select').memory('i64.store', segment(s) + at);
    };
    quickLimit(QUICK_READ, SEGMENT.readLimit);
    quickLimit(QUICK_WRITE, SEGMENT.writeLimit);
  });
  put32(f, S.cpl, () => f.i32(0).memory('i32.load', segment(SS) + SEGMENT.attributes).i32(5).op('i32.shr_u').i32(3).op('i32.and'));
  // RF counts only where a breakpoint is enabled.
  loadRflags(f, () => {
    field32(f, 'guest RFLAGS').i32(~(STATUS_FLAGS | RF)).op('i32.and').i32(2).op('i32.or');
    control(f, 'guest RFLAGS', RF).i32(0).i32(0).memory('i32.load', dr(7)).i32(0xff).op('i32.and').op('select').op('i32.or');
  }, () => control(f, 'guest RFLAGS', STATUS_FLAGS));
  return f;
}

function enterGuest(): FunctionBody {
  const f = new FunctionBody([I32], []);
  for (const each of NON_REGISTER_LOADS) copy(f, each);
  put32(f, S.nonRoot, () => f.i32(1));
  for (const at of [VMX_STATE.firstPause, VMX_STATE.lastPause, VMX_STATE.nmisUnblockedAt, VMX_STATE.monitorTrap, VMX_STATE.apicWrite, VMX_STATE.virtualInterrupt]) put64(f, at, 0n);
  put64(f, VMX_STATE.preemptionDeadline, -1n);
  return f;
}

function loadHost(): FunctionBody {
  const f = new FunctionBody([I32], []), LONG = f.local(I32);
  control(f, EXIT_CONTROLS, VM_EXIT['host address-space size']).set(LONG);
  loadCr0(f, 'host CR0');
  put32(f, S.cr4, () => {
    field32(f, 'host CR4').i32(CR4_BITS.PAE).op('i32.or');
    field32(f, 'host CR4').i32(~CR4_BITS.PCIDE).op('i32.and').get(LONG).op('select');
  });
  put64(f, dr(7), BigInt(DR7_FIXED));
  put64(f, S.debugControl, 0n);
  when(f, control(f, EXIT_CONTROLS, VM_EXIT['load IA32_EFER']), () => copy(f, move('host IA32_EFER', S.efer, 32)), () => {
    when(f, f.get(LONG), () => changeEfer(f, EFER.LMA | EFER.LME, 0), () => changeEfer(f, 0, EFER.LMA | EFER.LME));
  });
  when(f, control(f, EXIT_CONTROLS, VM_EXIT['load IA32_PAT']), () => copy(f, move('host IA32_PAT', S.pat, 64)));
  for (const each of HOST_MOVES) copy(f, each);
  for (const { s, selector, base, limit, rights, rights32 = rights, unusableIfNull = false } of HOST_SEGMENTS) {
    const at = segment(s), pushSelector = (): void => { if (selector) field32(f, selector); else f.i32(0); };
    put32(f, at + SEGMENT.selector, pushSelector);
    f.i32(0);
    if (base) f.get(VMCS).memory('i64.load', fieldAt(base)); else f.i64(0n);
    f.memory('i64.store', at + SEGMENT.base);
    put32(f, at + SEGMENT.limit, () => f.i32(limit));
    // Whether the segment is usable, on which all that follows depends.
    const choose = (usable: () => void, unusable: () => void): void => {
      usable();
      if (!unusableIfNull) return;
      unusable();
      pushSelector();
      f.op('select');
    };
    put32(f, at + SEGMENT.attributes, () => choose(() => f.i32(rights).i32(rights32).get(LONG).op('select'), () => f.i32(rights | UNUSABLE)));
    for (const [which, place] of [[QUICK_READ, SEGMENT.readLimit], [QUICK_WRITE, SEGMENT.writeLimit]] as const) {
      f.i32(0);
      choose(() => f.i64(isQuick(which, rights) ? BigInt(limit) : -1n), () => f.i64(-1n));
      f.memory('i64.store', at + place);
    }
  }
  put32(f, S.cpl, () => f.i32(0));
  put32(f, S.gdtrLimit, () => f.i32(TABLE_LIMIT));
  put32(f, S.idtrLimit, () => f.i32(TABLE_LIMIT));
  loadRflags(f, () => f.i32(RFLAGS_AFTER_EXIT), () => f.i32(0));
  return f;
}
