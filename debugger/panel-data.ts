/** What the panels and the console show: the VMCS, walks, paging structures, the TLB and the trap ledger, as plain data. 64-bit values are hexadecimal text. */
import { vectorName } from '../emulator/cpu/events.js';
import { S } from '../emulator/cpu/layout.js';
import { getRflags } from '../emulator/cpu/flags.js';
import { bitField } from '../emulator/observe/bits.js';
import type { TrapEvent } from '../emulator/cpu/trap-events.js';
import { interruptThreads, type ThreadEvent } from '../emulator/observe/interrupt-threads.js';
import { currentPagingState } from '../emulator/observe/memory.js';
import type { ServiceTime } from '../emulator/observe/service-times.js';
import { readTable, rootOf, type TableEntry } from '../emulator/observe/page-tables.js';
import { bitsOfField, guestPagingState, meaningOfField, observedVmcs, readVmcs } from '../emulator/observe/vmcs.js';
import { walkGuestPhysical, walkLinear, type Access, type ObservedWalk } from '../emulator/observe/walk.js';
import type { WalkStep } from '../emulator/paging/outcome.js';
import type { PagingState } from '../emulator/paging/walk.js';
import { listTlb } from '../emulator/paging/tlb-listing.js';
import { allFailures } from '../emulator/vmx/entry-checks/entry-checks.js';
import { exitReason } from '../emulator/vmx/exit-reasons.js';
import type { Processor } from '../emulator/cpu/processor.js';
import type { Debuggee } from './debuggee.js';
import { compileCondition } from './event-conditions.js';
import { EXCEPTION_FILTERS } from './exception-filters.js';
import { fieldLines, nameOfEvent } from './explain.js';
import { ExpressionError } from './expressions/expression-error.js';
import { unsignedAddress } from './images.js';
import { hex } from './memory-reference.js';

const physicalText = (value: number): string => hex(value);

export function vmcsData(debuggee: Debuggee, cpu: Processor) {
  const vmcs = observedVmcs(cpu);
  if (!vmcs) return { present: false, pointer: '', launchState: '', groups: [], failedChecks: [] };
  const groups = readVmcs(cpu).map(({ name, fields }) => ({
    name,
    fields: fields.map((field) => {
      const before = debuggee.changedFrom(field.name, field.value);
      const meaning = meaningOfField(cpu, field.name, field.value);
      const bits = bitsOfField(field.name).map(([bitName, bit, width]) => {
        const value = bitField(field.value, bit, width);
        return { name: bitName, value: String(value), set: value !== 0n, ...(bitName === 'basic exit reason' && meaning !== undefined && { meaning }) };
      });
      return { encoding: hex(field.encoding), name: field.name, width: field.width, value: hex(field.value), ...(before !== undefined && { changedFrom: hex(before) }), ...(bits.length > 0 && { bits }), ...(bits.length === 0 && meaning !== undefined && { meaning }) };
    }),
  }));
  const failedChecks = allFailures(cpu, vmcs).map(({ check }) => ({ says: check.says, ...(check.fields[0] !== undefined && { field: check.fields[0] as string }) }));
  return { present: true, pointer: physicalText(cpu.unsigned(S.currentVmcs)), launchState: vmcs.launched ? 'launched' : 'clear', groups, failedChecks };
}

/** The guest's address space: where there is a guest, its own; otherwise the processor's. */
export function guestState(cpu: Processor): PagingState {
  return (cpu.nonRoot ? undefined : observedVmcs(cpu)?.launched ? guestPagingState(cpu) : undefined) ?? currentPagingState(cpu);
}

const LEVELS: readonly (readonly [pattern: RegExp, level: number])[] = [[/PML4E$/, 4], [/PDPTE$/, 3], [/PDE$/, 2], [/PTE$/, 1]];
const levelOf = (name: string): number => LEVELS.find(([pattern]) => pattern.test(name))?.[1] ?? 0;

function stepData(step: WalkStep, index: number, steps: readonly WalkStep[]) {
  const isEpt = step.stage === 'EPT';
  const served = isEpt ? steps.slice(index).find(({ stage }) => stage === 'guest') : undefined;
  const { read, write, execute, user, executeUser } = step.rights;
  return {
    stage: isEpt ? ('ept' as const) : ('guest' as const),
    ...(isEpt && { for: served ? `the ${served.level} at guest-physical ${physicalText(step.translates)}` : `guest-physical ${physicalText(step.translates)}` }),
    level: levelOf(step.level),
    name: step.level,
    entryAddress: physicalText(step.guestPhysical ?? step.physical ?? 0),
    ...(step.guestPhysical !== undefined && step.physical !== undefined && step.guestPhysical !== step.physical && { entryHostAddress: physicalText(step.physical) }),
    value: hex((BigInt(step.high >>> 0) << 32n) | BigInt(step.low >>> 0)),
    rights: { r: read, w: write, x: execute, u: user, ...(executeUser !== undefined && { xu: executeUser }) },
    ...(step.denied !== undefined && { denied: step.denied }),
  };
}

export function walkData(cpu: Processor, state: PagingState, address: number, access: Access, user: boolean, space: 'linear' | 'guest-physical') {
  const walked = space === 'guest-physical' && state.eptp !== 0 ? walkGuestPhysical(cpu, state, address, access, user) : space === 'guest-physical' ? identity(address) : walkLinear(cpu, state, address, access, user, getRflags(cpu));
  const { kind, physical, errorCode, qualification } = walked;
  return {
    steps: walked.steps.map(stepData),
    outcome: {
      kind,
      sentence: sentenceOf(walked, address, access, space),
      ...(kind === 'mapped' && { physical: physicalText(physical) }),
      ...(kind === 'page fault' && { errorCode: hex(errorCode) }),
      ...(kind === 'EPT violation' && { qualification: hex(qualification) }),
    },
  };
}

const identity = (address: number): ObservedWalk => ({ steps: [], kind: 'mapped', guestPhysical: address, physical: address, pageShift: 12, errorCode: 0, qualification: 0, why: '' });

function sentenceOf(walked: ObservedWalk, address: number, access: Access, space: string): string {
  const from = `${space} ${hex(address)}`;
  if (walked.kind === 'mapped') return `${from} is at physical ${physicalText(walked.physical)}${walked.guestPhysical !== walked.physical && space === 'linear' ? `, guest-physical ${physicalText(walked.guestPhysical)}` : ''}.`;
  const article = walked.kind === 'page fault' ? 'a' : 'an';
  const code = walked.kind === 'page fault' ? ` with error code ${hex(walked.errorCode)}` : walked.kind === 'EPT violation' ? ` with qualification ${hex(walked.qualification)}` : '';
  return `To ${access} ${from} causes ${article} ${walked.kind}${code}: ${walked.why}.`;
}

/** First addresses of tables that were shown, by root, level and place: a client unfolds only what it has seen. */
export class TableBases {
  private readonly bases = new Map<string, bigint>();

  pageTable(cpu: Processor, root: 'guest' | 'ept', table?: number, level?: number) {
    const state = guestState(cpu);
    const top = rootOf(state, root);
    if (top.levels === 0) return { levels: 0, entries: [] };
    const at = table ?? top.table, depth = level ?? top.levels;
    const entries = readTable(cpu, state, root, at, depth);
    if (typeof entries === 'string') return entries;
    const base = depth === top.levels ? 0n : (this.bases.get(key(root, depth, at)) ?? 0n);
    const isSigned = root === 'guest' && top.levels === 4;
    for (const entry of entries) if (entry.present && !entry.leaf) this.bases.set(key(root, depth - 1, entry.target), base + BigInt(entry.offset));
    return { levels: top.levels, entries: entries.map((entry) => entryData(entry, isSigned ? BigInt.asIntN(48, base + BigInt(entry.offset)) : base + BigInt(entry.offset))) };
  }
}

const key = (root: string, level: number, table: number): string => `${root} ${level} ${table}`;

const entryData = (entry: TableEntry, first: bigint) => ({
  index: entry.index,
  entryAddress: physicalText(entry.entryAddress),
  value: hex(entry.value),
  present: entry.present,
  leaf: entry.leaf,
  target: physicalText(entry.target),
  linear: hex(first),
  size: entry.size,
  rights: entry.rights,
  accessed: entry.accessed,
  dirty: entry.dirty,
  global: entry.global,
});

export function tlbData(cpu: Processor) {
  return listTlb(cpu.mmu).map((entry) => {
    const { write, user, execute } = entry.rights, ept = entry.eptRights;
    return {
      linear: entry.linear === undefined ? '' : hex(entry.linear),
      physical: physicalText(entry.physical),
      ...(entry.kind !== 'linear' && { guestPhysical: physicalText(entry.guestPhysical) }),
      size: entry.pageBytes,
      rights: { r: ept?.read ?? true, w: write && (ept?.write ?? true), x: execute && (user ? ept?.executeUser : ept?.execute) !== false, u: user },
      vpid: entry.vpid ?? 0,
      pcid: entry.pcid ?? 0,
      eptp: entry.ep4ta === undefined ? '' : physicalText(entry.ep4ta),
      global: entry.global,
      ...(entry.stale !== undefined && { stale: entry.stale }),
    };
  });
}

const ALL_FIELDS = [...new Set(EXCEPTION_FILTERS.flatMap(({ fields }) => fields))];

/** A condition on the fields, or words that the row must hold. */
function trapFilter(debuggee: Debuggee, filter: string): (event: TrapEvent) => boolean {
  const text = filter.trim();
  if (text === '') return () => true;
  if (/[=<>&|]| in /.test(text)) {
    try {
      return compileCondition(text, 'a trap', ALL_FIELDS);
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
    }
  }
  const words = text.toLowerCase().split(/\s+/);
  return (event) => {
    const row = Object.values(trapRow(debuggee, event)).join(' ').toLowerCase();
    return words.every((word) => row.includes(word));
  };
}

function trapRow(debuggee: Debuggee, event: TrapEvent) {
  const rip = unsignedAddress(event.rip);
  const symbol = debuggee.images.describe(event.world === 'non-root' ? 'guest' : 'host', rip);
  return { at: event.at, cpu: event.cpu, kind: event.kind as string, name: nameOfEvent(event), rip: hex(rip), ...(symbol !== undefined && { symbol }), detail: event.says() || fieldLines(event).join(', '), world: event.world as string };
}

export function trapData(debuggee: Debuggee, filter: string, start: number, count: number) {
  const { ledger } = debuggee.machine;
  const { total, rows } = ledger.page(start, count, filter.trim() === '' ? undefined : trapFilter(debuggee, filter));
  const threads = new Map(interruptThreads(ledger).flatMap((thread) => thread.map((part) => [part.number, thread])));
  return {
    total, counts: trapCounts(debuggee),
    rows: rows.map(({ event, number }) => ({ ...trapRow(debuggee, event), ...(threads.has(number) && { thread: threads.get(number)!.map(threadRow) }) })),
  };
}

const threadRow = ({ event, role }: ThreadEvent) => ({ at: event.at, role, says: event.says() });

/** The last interrupts, each from what came to the processor to the end of what came of it. */
export function interruptData({ machine: { ledger } }: Debuggee, count: number) {
  return interruptThreads(ledger).slice(-count).map((thread) => thread.map(threadRow));
}

interface TrapCount {
  readonly name: string;
  readonly count: number;
  /** Of a VM exit: the instructions that the hypervisor has taken for it, up to the next VM entry. */
  readonly served?: ServiceTime;
}

const exitName = (reason: number): string => exitReason(reason)?.name ?? `reason ${reason}`;

/** VM exits by reason, the most frequent first. */
export function exitData({ machine: { ledger } }: Debuggee): TrapCount[] {
  const { exits, served } = ledger.counts;
  return [...exits].map(([reason, count]) => ({ name: exitName(reason), count, ...(served.has(reason) && { served: served.get(reason)! }) })).sort((a, b) => b.count - a.count);
}

function trapCounts(debuggee: Debuggee): TrapCount[] {
  const { kinds, exceptions, interrupts, hypercalls, otherHypercalls } = debuggee.machine.ledger.counts;
  const entries = (counts: ReadonlyMap<number, number>, name: (key: number) => string) => [...counts].map(([key, count]) => ({ name: name(key), count }));
  return [
    ...Object.entries(kinds).map(([name, count]) => ({ name, count })),
    ...exitData(debuggee).map((exit) => ({ ...exit, name: `VM exit: ${exit.name}` })),
    ...entries(exceptions, (vector) => `exception: ${vectorName(vector)}`),
    ...entries(interrupts, (vector) => `interrupt: ${hex(vector)}`),
    ...entries(hypercalls, (nr) => `hypercall: ${nr}`),
    ...(otherHypercalls > 0 ? [{ name: 'hypercall: other numbers', count: otherHypercalls }] : []),
  ];
}
