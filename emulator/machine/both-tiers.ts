/**
 * The interpreter against the compiled tier: two machines that are given the same, and must be in the same state after each stretch of
 * instructions. Behind a compilation that is each block; then stretches grow while nothing new is compiled.
 */
import type { BootPlan } from '../boot/plan.js';
import { getRflags } from '../cpu/flags.js';
import { MAP, S } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import type { Share } from '../devices/virtio/file-share.js';
import { REGISTER_GROUPS } from '../observe/registers.js';
import { fastHost } from '../paging/fast-tlb.js';
import type { MachineOptions, RunningMachine, StopReason } from './contract.js';
import { PersonalComputer } from './machine.js';
import { toJson } from './snapshot.js';
import { STATE_WORDS } from './state-hash.js';

/** Blocks that are compared one by one after a compilation. */
const FRESH_BLOCKS = 500;
const FIRST_STRETCH = 64, LONGEST_STRETCH = 20_000;
/** Instructions after which memory and devices are compared, too. */
const WHOLE_STATE = 20_000_000;
const MOST_NAMED = 8;

/** Says where the tiers are in different states, and what differs. */
export class TiersDiffer extends Error {}

export class BothTiers implements RunningMachine {
  readonly interpreted: PersonalComputer;
  readonly compiled: PersonalComputer;
  /** What each has sent since the last comparison. */
  private readonly sent: readonly [string[], string[]] = [[], []];
  /** Of shared folders to the first, for the second. */
  private readonly replies: Uint8Array[] = [];
  private made = 0;
  private fresh = FRESH_BLOCKS;
  private stretch = FIRST_STRETCH;
  private nextWhole = WHOLE_STATE;

  constructor(options: MachineOptions) {
    const [first, second] = this.sent, { cables = [], shares = [] } = options;
    this.interpreted = new PersonalComputer({
      ...options, tier: 'interpreter', ...(options.disks && { disks: options.disks.map((disk) => disk.copy()) }),
      cables: cables.map(({ address }, card) => ({ address, sent: (frame) => { first.push(`network ${card}: ${frame.join(' ')}`); } })),
      shares: shares.map((share, n) => ({ ...delegated(share), serve: (message, most) => {
        first.push(`shared folder ${n}: ${message.join(' ')}`);
        const reply = share.serve(message, most);
        this.replies.push(reply);
        return reply;
      } })),
      onSerial: (port, byte) => { first.push(`serial port ${port}: ${byte}`); },
      onDebugConsole: (byte) => { first.push(`debug console: ${byte}`); },
    });
    this.compiled = new PersonalComputer({
      ...options, tier: 'compiled',
      cables: cables.map(({ address, sent }, card) => ({ address, sent: (frame) => { second.push(`network ${card}: ${frame.join(' ')}`); sent(frame); } })),
      shares: shares.map((share, n) => ({ ...delegated(share), serve: (message) => {
        second.push(`shared folder ${n}: ${message.join(' ')}`);
        return this.replies.shift() ?? new Uint8Array(0);
      } })),
      onSerial: (port, byte) => { second.push(`serial port ${port}: ${byte}`); options.onSerial(port, byte); },
      onDebugConsole: (byte) => { second.push(`debug console: ${byte}`); options.onDebugConsole(byte); },
    });
  }

  get instructions(): number { return this.compiled.instructions; }
  get idleNanoseconds(): number { return this.compiled.idleNanoseconds; }
  get ledger(): PersonalComputer['ledger'] { return this.compiled.ledger; }
  get conditions(): PersonalComputer['conditions'] { return this.compiled.conditions; }
  load(plan: BootPlan): void {
    this.interpreted.load(plan);
    this.compiled.load(plan);
  }
  input(port: 1 | 2, bytes: Uint8Array): void {
    this.interpreted.input(port, bytes);
    this.compiled.input(port, bytes);
  }
  receive(card: number, frame: Uint8Array): boolean {
    this.interpreted.receive(card, frame);
    return this.compiled.receive(card, frame);
  }
  translation(linear: number): ReturnType<PersonalComputer['translation']> { return this.compiled.translation(linear); }
  stateHash(): string {
    this.compare(this.instructions, this.compiled.cpu.rip, true);
    return this.compiled.stateHash();
  }

  /** Throws TiersDiffer. */
  run(instructions: number, idleNanoseconds = Infinity): StopReason {
    const { interpreted, compiled } = this, end = this.instructions + instructions, idleEnd = this.idleNanoseconds + idleNanoseconds;
    for (;;) {
      const from = this.instructions, { rip } = compiled.cpu, stretch = Math.min(this.nextStretch(), end - from), idle = idleEnd - this.idleNanoseconds;
      const expected = interpreted.run(stretch, idle), reason = compiled.run(stretch, idle);
      if (toJson(endOf(expected)) !== toJson(endOf(reason))) throw new TiersDiffer(`The tiers end differently in the stretch from instruction ${from} at RIP ${hex(rip)}: interpreted “${expected.kind}”, compiled “${reason.kind}”.`);
      const whole = this.instructions >= this.nextWhole;
      this.compare(from, rip, whole);
      if (whole) this.nextWhole = this.instructions + WHOLE_STATE;
      if (reason.kind !== 'budget' || this.instructions >= end) return reason;
    }
  }

  private nextStretch(): number {
    const { engine } = this.compiled;
    if (engine.regions.made !== this.made) {
      this.made = engine.regions.made;
      this.fresh = FRESH_BLOCKS;
      this.stretch = FIRST_STRETCH;
    }
    engine.compiles = this.fresh === 0;
    if (this.fresh > 0) {
      this.fresh--;
      return this.nextBlock();
    }
    return (this.stretch = Math.min(2 * this.stretch, LONGEST_STRETCH));
  }

  /** Instructions of the next block, or 1: what is not known yet is not looked for, which could fault or change the TLB. */
  private nextBlock(): number {
    const { cpu, engine } = this.compiled;
    try {
      const host = fastHost(cpu, engine.linearRip());
      return (host === undefined ? undefined : engine.blocks.blockAt(host, cpu.low(S.codeMode))?.count) ?? 1;
    } catch { return 1; /* RIP is not canonical. */ }
  }

  private compare(from: number, rip: number, whole: boolean): void {
    const { interpreted, compiled } = this, found: string[] = [];
    if (interpreted.instructions !== compiled.instructions) found.push(`instructions: ${interpreted.instructions} and ${compiled.instructions}`);
    compiled.processors.forEach((cpu, n) => {
      const other = interpreted.processors[n]!;
      if (!sameState(other, cpu)) found.push(...differentRegisters(other, cpu).map((text) => (compiled.processors.length > 1 ? `cpu${n} ${text}` : text)));
    });
    const [first, second] = this.sent;
    if (first.length !== second.length || first.some((text, n) => text !== second[n])) found.push(`output: ${first.join(', ') || 'none'} and ${second.join(', ') || 'none'}`);
    first.length = second.length = 0;
    if (whole) {
      found.push(...differentMemory(interpreted.cpu, compiled.cpu));
      if (toJson(interpreted.besides()) !== toJson(compiled.besides())) found.push('devices');
    }
    if (found.length > 0) throw new TiersDiffer(`The tiers differ behind instructions ${from} to ${this.instructions}, from RIP ${hex(rip)}; interpreted and compiled are ${found.slice(0, MOST_NAMED).join('; ')}.`);
  }
}

/** A shared folder stands outside both. */
const delegated = (share: Share): Share => ({ tag: share.tag, serve: (message, most) => share.serve(message, most), reset: () => { share.reset(); }, save: () => share.save(), restore: (state) => { share.restore(state); } });

/** Of an end what must be the same in both. */
const endOf = (reason: StopReason): unknown => (reason.kind === 'event' ? reason.kind : reason);
const hex = (value: number | bigint): string => `0x${BigInt.asUintN(64, BigInt(value)).toString(16)}`;

function sameState(a: Processor, b: Processor): boolean {
  for (const at of STATE_WORDS) if (a.u32[at] !== b.u32[at]) return false;
  return getRflags(a) === getRflags(b);
}

function differentRegisters(a: Processor, b: Processor): string[] {
  const named = REGISTER_GROUPS.flatMap(({ registers }) => registers).filter((r) => r.read(a) !== r.read(b)).map((r) => `${r.name} ${hex(r.read(a))} and ${hex(r.read(b))}`);
  return named.length > 0 ? named : STATE_WORDS.filter((at) => a.u32[at] !== b.u32[at]).map((at) => `the state at ${hex(4 * at)} ${hex(a.u32[at]!)} and ${hex(b.u32[at]!)}`);
}

function differentMemory(a: Processor, b: Processor): string[] {
  const found: string[] = [];
  for (let at = MAP.guestMemory >> 2; at < (MAP.guestMemory + a.guestBytes) >> 2 && found.length < MOST_NAMED; at++) {
    if (a.u32[at] !== b.u32[at]) found.push(`memory at ${hex(4 * at - MAP.guestMemory)} ${hex(a.u32[at]!)} and ${hex(b.u32[at]!)}`);
  }
  return found;
}
