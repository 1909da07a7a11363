/**
 * VM exits by an instruction and VM entries, in WebAssembly, where nothing out of the ordinary is asked: no event that somebody waits for, no MSR areas, no injection,
 * nothing written to the VMCS that has to be checked, and a destination that is known (destinations.ts). Everything else is left to exit.ts and entry.ts, before anything has
 * changed. Both ways end in the same state.
 */
import { commonSentence, emitCount, emitEntered, emitEvent, emitExited } from '../cpu/event-log.js';
import { EXIT } from '../cpu/exits.js';
import { KEPT } from '../cpu/known-worlds.js';
import { dr } from '../cpu/debug-registers.js';
import { CS, DESTINATION, FAST_TLB_PART_BYTES, gpr, MAP, PLAIN_PAGING, S, SEGMENT, segment, SPACE } from '../cpu/layout.js';
import { BLOCKING, EFER } from '../cpu/modes.js';
import { ATTRIBUTE_L } from '../cpu/processor.js';
import { TRAP } from '../cpu/trap-events.js';
import { RECORD } from '../meaning/record.js';
import { FunctionBody, I32, I64, ModuleWriter } from '../wasm/module.js';
import { PIN, PROCESSOR, VM_ENTRY } from './controls.js';
import { RFLAGS_RESERVED } from './entry-checks/guest-registers.js';
import { ENTRY_SAYS, RESUME } from './entry.js';
import { EXIT_FIELDS, MAX_INSTRUCTION_LENGTH } from './exit.js';
import { EXIT_REASONS } from './exit-reasons.js';
import { HYPERCALL_REGISTERS, HYPERCALL_SAYS } from './instructions.js';
import { INSTRUCTION_SENTENCES } from './intercepts.js';
import { NON_ROOT } from './state.js';
import type { StateMoves } from './state-moves.js';
import { DIRTY_OFFSET, LAUNCH_STATE_OFFSET, PART, REVISION_OFFSET, slot, VMCS_REVISION } from './vmcs.js';
import type { FieldName } from './vmcs-fields.js';

/** Each takes the record of the instruction and returns 0 where it has done nothing: see translate/core.ts. */
export type PlainTransitions = Readonly<Record<'CPUID' | 'HLT' | 'VMCALL' | 'VMRESUME', (record: number) => number>>;

/** What they call: the moves of state, and whether the run loop must look around. */
export interface Surroundings extends Pick<StateMoves, 'saveGuest' | 'leaveGuest' | 'loadHost' | 'loadGuest' | 'enterGuest'> {
  attention(): boolean;
}

const RECORD_PARAMETER = 0, RAX = 0;
const at = (field: FieldName): number => 4 * slot(field);
const PRIMARY = at('primary processor-based VM-execution controls');

export function plainTransitions(memory: WebAssembly.Memory, surroundings: Surroundings): PlainTransitions {
  const w = new ModuleWriter();
  const imported = (name: keyof Surroundings, results: readonly (typeof I32)[] = [], parameters = [I32] as readonly (typeof I32)[]): number => w.import(name, parameters, results);
  const calls: Calls = {
    saveGuest: imported('saveGuest'), leaveGuest: imported('leaveGuest'), loadHost: imported('loadHost'), loadGuest: imported('loadGuest'), enterGuest: imported('enterGuest'),
    attention: imported('attention', [I32], []),
  };
  const mayExit = w.add(mayExitPlainly());
  for (const [name, { asks, first }] of Object.entries(EXITING)) w.add(exitBy(name as keyof typeof EXITING, calls, mayExit, asks, first), { exported: name });
  w.add(resume(calls), { exported: 'VMRESUME' });
  const environment = { ...surroundings, m: memory, t: new WebAssembly.Table({ initial: 0, element: 'anyfunc' }) };
  return new WebAssembly.Instance(new WebAssembly.Module(w.encode()), { e: environment }).exports as unknown as PlainTransitions;
}
type Calls = Readonly<Record<keyof Surroundings, number>>;

const load = (f: FunctionBody, place: number): FunctionBody => f.i32(0).memory('i32.load', place);
function put(f: FunctionBody, place: number, push: () => void): void {
  f.i32(0);
  push();
  f.memory('i32.store', place);
}
/** Gives up if that is not 0. */
const unless = (f: FunctionBody): void => { f.block('if').i32(0).op('return').end(); };
const asked = (f: FunctionBody, kind: number): FunctionBody => load(f, S.unasked).i32(1 << kind).op('i32.and').op('i32.eqz');
const VMCS = (f: FunctionBody): FunctionBody => load(f, S.currentVmcs).i32(MAP.guestMemory).op('i32.add');

/** Whether a VM exit by the current instruction can be plain. */
function mayExitPlainly(): FunctionBody {
  const f = new FunctionBody([], [I32]);
  load(f, S.nonRoot);
  load(f, S.exitsOf);
  load(f, S.currentVmcs).op('i32.eq').op('i32.and');
  load(f, S.unasked).i32(TRAP['VM exit']).op('i32.shr_u').op('i32.and');
  // Nothing waits for the next boundary or is held up, and no breakpoint has to be looked after.
  for (const [n, waits] of [S.pendingNmi, S.pendingInit, S.pendingStartUp, S.acknowledged, S.pendingDebug].entries()) {
    load(f, waits);
    if (n > 0) f.op('i32.or');
  }
  load(f, S.interruptibility).i32(BLOCKING.MOV_SS).op('i32.and').op('i32.or');
  load(f, dr(7)).i32(0xff).op('i32.and').op('i32.or').op('i32.eqz').op('i32.and');
  return f;
}

/** Instructions that exit here, what else each asks (pushed: nonzero if it is not plain), and what it does before. */
const EXITING: Readonly<Record<'CPUID' | 'HLT' | 'VMCALL', { readonly asks?: (f: FunctionBody) => void; readonly first?: (f: FunctionBody) => void }>> = {
  CPUID: {},
  HLT: {
    asks: (f) => {
      VMCS(f).memory('i32.load', PRIMARY).i32(PROCESSOR['HLT exiting']).op('i32.and').op('i32.eqz');
      load(f, S.cpl).op('i32.or');
    },
  },
  VMCALL: {
    asks: (f) => {
      asked(f, TRAP.hypercall);
      f.i32(0).memory('i64.load', gpr(RAX)).i64(255n).op('i64.gt_u').op('i32.or');
    },
    first: (f) => {
      const register = (n: number) => (): void => { f.i32(0).memory('i64.load', gpr(n)).op('f64.convert_i64_s'); };
      emitEvent(f, RECORD_PARAMETER, {
        kind: TRAP.hypercall, world: NON_ROOT, says: HYPERCALL, rip: () => pushRip(f), values: [...HYPERCALL_REGISTERS.map(register), () => { f.f64(EXIT_REASONS.VMCALL.number); }],
      });
      emitCount(f, 'hypercalls', () => { f.i32(0).memory('i32.load', gpr(RAX)); });
    },
  },
};
const HYPERCALL = commonSentence(HYPERCALL_SAYS), ENTRY = commonSentence(ENTRY_SAYS);
const EXITS = Object.fromEntries(Object.keys(EXITING).map((name) => [name, commonSentence(INSTRUCTION_SENTENCES.get(name)!)])) as Readonly<Record<keyof typeof EXITING, number>>;
const pushRip = (f: FunctionBody): void => { f.i32(0).memory('i64.load', S.rip).op('f64.convert_i64_s'); };

/** The guest's present RIP, as the instruction's record says. */
function settleRip(f: FunctionBody): void {
  const linear = f.local(I64);
  f.i32(0).memory('i64.load', S.codePage).get(RECORD_PARAMETER).memory('i64.load16_u', RECORD.offset.offset).op('i64.add').set(linear);
  f.i32(0).get(linear).get(linear).i32(0).memory('i64.load', segment(CS) + SEGMENT.base).op('i64.sub').i64(0xffffffffn).op('i64.and');
  isCode64(f).op('select').memory('i64.store', S.rip);
}
function isCode64(f: FunctionBody): FunctionBody {
  load(f, S.efer).i32(EFER.LMA).op('i32.and').i32(0).op('i32.ne');
  return load(f, segment(CS) + SEGMENT.attributes).i32(ATTRIBUTE_L).op('i32.and').i32(0).op('i32.ne').op('i32.and');
}

function exitBy(name: keyof typeof EXITING, calls: Calls, mayExit: number, asks?: (f: FunctionBody) => void, first?: (f: FunctionBody) => void): FunctionBody {
  const f = new FunctionBody([I32], [I32]), vmcs = f.local(I32), length = f.local(I32), reason = EXIT_REASONS[name].number;
  f.call(mayExit).op('i32.eqz');
  unless(f);
  if (asks) {
    asks(f);
    unless(f);
  }
  settleRip(f);
  first?.(f);
  VMCS(f).set(vmcs);
  f.get(RECORD_PARAMETER).memory('i32.load16_u', RECORD.nextOffset.offset).get(RECORD_PARAMETER).memory('i32.load16_u', RECORD.offset.offset).op('i32.sub').set(length);
  const report = (slot: number, push: () => void): void => {
    f.get(vmcs);
    push();
    f.memory('i64.store', 4 * slot);
  };
  report(EXIT_FIELDS.reason, () => f.i64(BigInt(reason)));
  report(EXIT_FIELDS.length, () => f.get(length).i32(0).get(length).i32(MAX_INSTRUCTION_LENGTH).op('i32.le_u').op('select').op('i64.extend_i32_u'));
  for (const none of [EXIT_FIELDS.qualification, EXIT_FIELDS.interruption, EXIT_FIELDS.interruptionError, EXIT_FIELDS.vectoring]) report(none, () => f.i64(0n));
  f.get(vmcs).call(calls.saveGuest);
  const field = (slot: number, convert: string) => (): void => { f.get(vmcs).memory('i64.load', 4 * slot).op(convert); };
  const instant = emitEvent(f, RECORD_PARAMETER, {
    kind: TRAP['VM exit'], world: NON_ROOT, says: EXITS[name], rip: () => pushRip(f),
    values: [
      () => f.f64(reason), () => f.f64(0), field(EXIT_FIELDS.guestPhysical, 'f64.convert_i64_u'), field(EXIT_FIELDS.guestLinear, 'f64.convert_i64_s'),
      field(EXIT_FIELDS.length, 'f64.convert_i64_s'), () => f.f64(0), () => { f.get(vmcs).memory('i32.load', 4 * EXIT_FIELDS.information).op('f64.convert_i32_u'); },
    ],
  });
  emitCount(f, 'exits', () => f.i32(reason));
  emitExited(f, instant, reason);
  f.i32(S.guestRegisters).i32(S.gpr).i32(S.guestVmcs - S.guestRegisters).op('memory.copy').bytes([0, 0]);
  f.i32(0).i32(0).memory('i64.load', S.currentVmcs).memory('i64.store', S.guestVmcs);
  rememberGuest(f);
  // With virtual NMIs, NMIs themselves were not blocked.
  load(f, S.interruptibility).i32(BLOCKING.NMI).op('i32.and').i32(0).get(vmcs).memory('i32.load', at('pin-based VM-execution controls')).i32(PIN['virtual NMIs']).op('i32.and').op('i32.eqz').op('select');
  f.call(calls.leaveGuest).get(vmcs).call(calls.loadHost);
  changeWorld(f, S.exitDestination, -NON_ROOT_PARTS);
  goOn(f, 0, () => f.i32(0).memory('i64.load', S.rip), () => f.i32(1));
  return f;
}

/** As destinations.ts does, for a VMCS whose controls are as they were. */
function rememberGuest(f: FunctionBody): void {
  load(f, S.entriesOf).i32(-1).op('i32.ne').block('if');
  // PDPTEs would have to be loaded: with PAE paging outside IA-32e mode.
  put(f, S.entriesOf, () => {
    load(f, S.currentVmcs).i32(-1);
    load(f, S.cr0).i32(31).op('i32.shr_u');
    load(f, S.cr4).i32(5).op('i32.shr_u').op('i32.and');
    load(f, S.efer).i32(EFER.LMA).op('i32.and').op('i32.eqz').op('i32.and').op('i32.eqz').op('select');
  });
  for (const [at, from] of KEPT) put(f, S.entryDestination + at, () => load(f, from));
  f.end();
}

/** Parts of the fast TLB are those of supervisor and user, outside VMX non-root operation and then in it. What a plain walk needs is not kept: TypeScript makes the first. */
const NON_ROOT_PARTS = 2 * FAST_TLB_PART_BYTES;
function changeWorld(f: FunctionBody, destination: number, parts: number): void {
  for (const [at, to] of KEPT) put(f, to, () => load(f, destination + at));
  put(f, S.plainPaging, () => f.i32(PLAIN_PAGING.none));
  for (const space of [S.supervisorSpace, S.userSpace]) put(f, space + SPACE.part, () => load(f, space + SPACE.part).i32(parts).op('i32.add'));
}

/** At S.rip, whose linear address is pushed; `retired`: of the instruction; `quiet`: pushed, whether the run loop need not look around. */
function goOn(f: FunctionBody, retired: 0 | 1, linear: () => void, quiet: () => void): void {
  const left = f.local(I32);
  load(f, S.budget).get(RECORD_PARAMETER).memory('i32.load', RECORD.remaining.offset).op('i32.add').i32(retired).op('i32.sub').set(left);
  put(f, S.budget, () => f.get(left));
  put(f, S.exitReason, () => f.i32(EXIT.target));
  put(f, S.exitRecord, () => f.get(RECORD_PARAMETER));
  f.i32(0);
  linear();
  f.memory('i64.store', S.onward);
  put(f, S.resume, () => {
    f.get(left).i32(0).op('i32.gt_s').block('if', I32);
    quiet();
    f.else().i32(0).end();
  });
  f.i32(1);
}

/** Parts of the VMCS that are judged here. */
const JUDGED = PART.RIP | PART.RFLAGS;

function resume(calls: Calls): FunctionBody {
  const f = new FunctionBody([I32], [I32]), vmcs = f.local(I32), high = f.local(I32), sign = f.local(I32);
  // In 64-bit VMX root operation at CPL 0, with nothing that VMRESUME itself would refuse.
  load(f, S.entriesOf);
  load(f, S.currentVmcs).op('i32.ne');
  load(f, S.exitsOf);
  load(f, S.currentVmcs).op('i32.ne').op('i32.or');
  load(f, S.nonRoot).op('i32.or');
  load(f, S.cpl).op('i32.or');
  load(f, S.codeMode);
  load(f, S.exitDestination + DESTINATION.mode).op('i32.ne').op('i32.or');
  load(f, S.interruptibility).i32(BLOCKING.MOV_SS).op('i32.and').op('i32.or');
  asked(f, TRAP['VM entry']).op('i32.or');
  unless(f);
  VMCS(f).tee(vmcs).memory('i32.load', REVISION_OFFSET).i32(VMCS_REVISION).op('i32.ne');
  f.get(vmcs).memory('i32.load', LAUNCH_STATE_OFFSET).op('i32.eqz').op('i32.or');
  f.get(vmcs).memory('i32.load', DIRTY_OFFSET).i32(~JUDGED).op('i32.and').op('i32.or');
  // What saving the guest can have changed of RIP and RFLAGS, and what software may have written to RIP: see entry-checks/guest-registers.ts.
  f.get(vmcs).memory('i64.load', at('guest RFLAGS')).i64((0xffffffffn << 32n) | BigInt(RFLAGS_RESERVED)).op('i64.and').i64(0n).op('i64.ne').op('i32.or');
  f.get(vmcs).memory('i32.load', at('guest RIP') + 4).tee(high).i32(15).op('i32.shr_s').tee(sign).get(sign).i32(1).op('i32.add').op('i32.mul').get(high);
  f.get(vmcs).memory('i32.load', at('VM-entry controls')).i32(VM_ENTRY['IA-32e mode guest']).op('i32.and').i32(0).op('i32.ne');
  f.get(vmcs).memory('i32.load', at('guest CS access rights')).i32(ATTRIBUTE_L).op('i32.and').i32(0).op('i32.ne').op('i32.and').op('select').op('i32.or');
  // A guest with breakpoints of its own.
  f.get(vmcs).memory('i32.load', at('VM-entry controls')).i32(VM_ENTRY['load debug controls']).op('i32.and').i32(0).op('i32.ne');
  f.get(vmcs).memory('i32.load', at('guest DR7'));
  load(f, dr(7)).op('i32.ne').op('i32.and').op('i32.or');
  unless(f);
  f.get(vmcs).i32(0).memory('i32.store', DIRTY_OFFSET);
  f.get(vmcs).call(calls.loadGuest).get(vmcs).call(calls.enterGuest);
  changeWorld(f, S.entryDestination, NON_ROOT_PARTS);
  const instant = emitEvent(f, RECORD_PARAMETER, {
    kind: TRAP['VM entry'], world: NON_ROOT, says: ENTRY, rip: () => pushRip(f),
    values: [
      () => f.f64(RESUME), () => { f.get(vmcs).memory('i32.load', at('VM-entry interruption-information field')).op('f64.convert_i32_u'); },
      () => { f.get(vmcs).memory('i32.load', at('virtual-processor identifier (VPID)')).op('f64.convert_i32_u'); },
    ],
  });
  emitEntered(f, instant);
  goOn(f, 1, () => {
    f.i32(0).memory('i64.load', S.rip).i32(0).memory('i64.load', S.rip).i32(0).memory('i64.load', segment(CS) + SEGMENT.base).op('i64.add').i64(0xffffffffn).op('i64.and');
    isCode64(f).op('select');
  }, () => f.call(calls.attention).op('i32.eqz'));
  return f;
}
