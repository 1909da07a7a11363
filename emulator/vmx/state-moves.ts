/**
 * What VM entries and VM exits only copy between the VMCS and the processor's state, as a table; two WebAssembly functions made
 * from it do the copying. What needs thought is in guest-state.ts and host-state.ts.
 * SDM Vol. 3C, "Guest Register State", "Loading Guest Registers and Descriptor-Table Registers", "Saving Guest State", "Loading Host State".
 */
import { gpr, S, SEGMENT, SEGMENT_NAMES, segment } from '../cpu/layout.js';
import { UNUSABLE } from '../cpu/processor.js';
import { isQuick, QUICK_READ, QUICK_WRITE } from '../cpu/segments.js';
import { FunctionBody, I32, I64, ModuleWriter } from '../wasm/module.js';
import { HOST_SEGMENTS } from './host-state.js';
import { partsOf, slot } from './vmcs.js';
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
];
/** From the host-state area to the registers. */
const HOST_MOVES: readonly Move[] = [
  move('host CR3', S.cr3, 64),
  move('host IA32_SYSENTER_CS', S.sysenterCs, 64), move('host IA32_SYSENTER_ESP', S.sysenterEsp, 64), move('host IA32_SYSENTER_EIP', S.sysenterEip, 64),
  move('host GDTR base', S.gdtrBase, 64), move('host IDTR base', S.idtrBase, 64), move('host RIP', S.rip, 64), move('host RSP', gpr(RSP), 64),
];

export interface StateMoves {
  /** Saves GUEST_MOVES, GUEST_SAVES and the segment registers; the argument is the VMCS's place in the shared memory. Returns the parts of the VMCS that changed. */
  saveGuest(vmcs: number): number;
  /** Loads GUEST_MOVES and the segment registers with what follows from them. */
  loadGuest(vmcs: number): void;
  /** Loads HOST_MOVES and HOST_SEGMENTS; `long`: 1 for a host in 64-bit mode. */
  loadHost(vmcs: number, long: number): void;
}

const VMCS = 0;
const fieldAt = (field: FieldName): number => 4 * slot(field);

export function stateMoves(memory: WebAssembly.Memory): StateMoves {
  const w = new ModuleWriter();
  w.add(saveGuest(), { exported: 'saveGuest' });
  w.add(loadGuest(), { exported: 'loadGuest' });
  w.add(loadHost(), { exported: 'loadHost' });
  const table = new WebAssembly.Table({ initial: 0, element: 'anyfunc' });
  return new WebAssembly.Instance(new WebAssembly.Module(w.encode()), { e: { m: memory, t: table } }).exports as unknown as StateMoves;
}

/** Fields are eight bytes in the region, zero-extended. */
function saveGuest(): FunctionBody {
  const f = new FunctionBody([I32], [I32]);
  const value = f.local(I64), parts = f.local(I32), changed = new Map<number, number>();
  for (const each of [...GUEST_MOVES, ...GUEST_SAVES, ...SEGMENT_NAMES.flatMap((_, s) => segmentMoves(s))]) {
    const part = partsOf([each.field]), at = fieldAt(each.field);
    f.get(VMCS).i32(0).memory(each.bits === 64 ? 'i64.load' : 'i64.load32_u', each.at).tee(value);
    if (part !== 0) {
      let difference = changed.get(part);
      if (difference === undefined) changed.set(part, (difference = f.local(I64)));
      f.get(VMCS).memory('i64.load', at).op('i64.xor').get(difference).op('i64.or').set(difference).get(value);
    }
    f.memory('i64.store', at);
  }
  for (const [part, difference] of changed) f.get(difference).i64(0n).op('i64.ne').op('i32.eqz').i32(1).op('i32.sub').i32(part).op('i32.and').get(parts).op('i32.or').set(parts);
  f.get(parts);
  return f;
}

function copy(f: FunctionBody, { field, at, bits }: Move): void {
  f.i32(0).get(VMCS);
  if (bits === 64) f.memory('i64.load', fieldAt(field)).memory('i64.store', at);
  else f.memory('i32.load', fieldAt(field)).memory('i32.store', at);
}

function loadGuest(): FunctionBody {
  const f = new FunctionBody([I32], []);
  for (const each of GUEST_MOVES) copy(f, each);
  SEGMENT_NAMES.forEach((name, s) => {
    for (const each of segmentMoves(s)) copy(f, each);
    const rights = (): void => { f.get(VMCS).memory('i32.load', fieldAt(`guest ${name} access rights`)); };
    const quickLimit = (which: typeof QUICK_READ, at: number): void => {
      f.i32(0).get(VMCS).memory('i64.load32_u', fieldAt(`guest ${name} limit`)).i64(-1n);
      which.forEach(([mask, value], n) => {
        rights();
        f.i32(mask).op('i32.and').i32(value).op('i32.eq');
        if (n > 0) f.op('i32.or');
      });
      f.op('select').memory('i64.store', segment(s) + at);
    };
    quickLimit(QUICK_READ, SEGMENT.readLimit);
    quickLimit(QUICK_WRITE, SEGMENT.writeLimit);
  });
  return f;
}

function loadHost(): FunctionBody {
  const LONG = 1, f = new FunctionBody([I32, I32], []);
  for (const each of HOST_MOVES) copy(f, each);
  for (const { s, selector, base, limit, rights, rights32 = rights, unusableIfNull = false } of HOST_SEGMENTS) {
    const at = segment(s), pushSelector = (): void => { if (selector) f.get(VMCS).memory('i32.load', fieldAt(selector)); else f.i32(0); };
    f.i32(0);
    pushSelector();
    f.memory('i32.store', at + SEGMENT.selector).i32(0);
    if (base) f.get(VMCS).memory('i64.load', fieldAt(base)); else f.i64(0n);
    f.memory('i64.store', at + SEGMENT.base).i32(0).i32(limit).memory('i32.store', at + SEGMENT.limit);
    // Whether the segment is usable, on which all that follows depends.
    const choose = (usable: () => void, unusable: () => void): void => {
      usable();
      if (!unusableIfNull) return;
      unusable();
      pushSelector();
      f.op('select');
    };
    f.i32(0);
    choose(() => f.i32(rights).i32(rights32).get(LONG).op('select'), () => f.i32(rights | UNUSABLE));
    f.memory('i32.store', at + SEGMENT.attributes);
    for (const [which, place] of [[QUICK_READ, SEGMENT.readLimit], [QUICK_WRITE, SEGMENT.writeLimit]] as const) {
      f.i32(0);
      choose(() => f.i64(isQuick(which, rights) ? BigInt(limit) : -1n), () => f.i64(-1n));
      f.memory('i64.store', at + place);
    }
  }
  return f;
}
