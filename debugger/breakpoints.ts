/** Breakpoints on sources, functions and instructions: where they are, and whether to stop when one is reached. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { readHitCondition } from './hit-condition.js';
import type { World } from './launch-arguments.js';
import type { Place } from './place.js';
import { RequestError } from './request-error.js';
import type { Runner, Stop } from './runner.js';

export type BreakpointKind = 'breakpoint' | 'function breakpoint' | 'instruction breakpoint';

export interface Location {
  readonly linear: number;
  /** Absent: in any world. */
  readonly world?: World;
}

/** Where a breakpoint came to be, or why it has no place. */
export interface Resolution {
  readonly locations: readonly Location[];
  readonly line?: number;
  readonly column?: number;
  readonly source?: DebugProtocol.Source;
  readonly message?: string;
}

export interface BreakpointRequest {
  readonly condition?: string | undefined;
  readonly hitCondition?: string | undefined;
  readonly logMessage?: string | undefined;
  resolve(): Resolution;
}

/** Whoever can evaluate at the place where the processor stands. */
export interface Evaluator {
  /** Throws what is wrong with the condition. */
  isTrue(condition: string, cpu: number): boolean;
  /** Text with {expressions} filled in. */
  fill(message: string, cpu: number): string;
  /** Throws when the text is no expression. */
  check(condition: string): void;
  log(text: string, place: Place): void;
}

class Breakpoint {
  locations: readonly Location[] = [];
  hits = 0;
  private readonly isHit: ((hits: number) => boolean) | undefined;
  private readonly fault: string | undefined;
  private last: Resolution = { locations: [] };

  constructor(
    readonly id: number,
    readonly kind: BreakpointKind,
    readonly request: BreakpointRequest,
    evaluator: Evaluator,
  ) {
    try {
      this.isHit = request.hitCondition === undefined || request.hitCondition.trim() === '' ? undefined : readHitCondition(request.hitCondition);
      if (request.condition !== undefined && request.condition.trim() !== '') evaluator.check(request.condition);
    } catch (error) {
      this.fault = error instanceof Error ? error.message : String(error);
    }
  }

  resolve(): void {
    this.last = this.fault === undefined ? this.request.resolve() : { locations: [], message: this.fault };
    this.locations = this.last.locations;
  }

  describe(): DebugProtocol.Breakpoint {
    const { locations, line, column, source, message } = this.last;
    const first = locations[0];
    return {
      id: this.id,
      verified: locations.length > 0,
      ...(message !== undefined && { message }),
      ...(line !== undefined && { line }),
      ...(column !== undefined && { column }),
      ...(source !== undefined && { source }),
      ...(first !== undefined && { instructionReference: `0x${BigInt.asUintN(64, BigInt(first.linear)).toString(16)}` }),
    };
  }

  /** Counts; the condition comes before the hit count. */
  reached(place: Place, evaluator: Evaluator): boolean {
    const { condition, logMessage } = this.request;
    try {
      if (condition !== undefined && condition.trim() !== '' && !evaluator.isTrue(condition, place.cpu)) return false;
    } catch (error) {
      evaluator.log(`The condition "${condition}" cannot be evaluated here: ${error instanceof Error ? error.message : String(error)}. The machine stops.\n`, place);
      return true;
    }
    this.hits++;
    if (this.isHit && !this.isHit(this.hits)) return false;
    if (logMessage === undefined || logMessage === '') return true;
    evaluator.log(`${evaluator.fill(logMessage, place.cpu)}\n`, place);
    return false;
  }
}

export class BreakpointTable {
  private nextId = 1;
  /** By what one request replaces: a source's path, or the kind itself. */
  private readonly sets = new Map<string, Breakpoint[]>();
  private runner: Runner | undefined;

  constructor(private readonly evaluator: Evaluator) {}

  set(kind: BreakpointKind, key: string, requests: readonly BreakpointRequest[]): DebugProtocol.Breakpoint[] {
    for (const old of this.sets.get(`${kind} ${key}`) ?? []) this.forget(old);
    const breakpoints = requests.map((request) => new Breakpoint(this.nextId++, kind, request, this.evaluator));
    this.sets.set(`${kind} ${key}`, breakpoints);
    for (const breakpoint of breakpoints) this.place(breakpoint);
    return breakpoints.map((breakpoint) => breakpoint.describe());
  }

  /** From now on they act on this machine. Answers those that found their place only now. */
  attach(runner: Runner): DebugProtocol.Breakpoint[] {
    this.runner = runner;
    return this.all.map((breakpoint) => {
      this.place(breakpoint);
      return breakpoint.describe();
    });
  }

  /** A new run counts anew. */
  restart(): void {
    for (const breakpoint of this.all) breakpoint.hits = 0;
  }

  judge(place: Place): Stop | undefined {
    const hit = this.all.filter((breakpoint) => breakpoint.locations.some(({ linear, world }) => linear === place.rip && (world === undefined || world === place.world)) && breakpoint.reached(place, this.evaluator));
    const first = hit[0];
    return first && { reason: first.kind, cpu: place.cpu, description: DESCRIPTIONS[first.kind], hitBreakpointIds: hit.map(({ id }) => id) };
  }

  private get all(): Breakpoint[] {
    return [...this.sets.values()].flat();
  }

  private place(breakpoint: Breakpoint): void {
    this.forget(breakpoint);
    breakpoint.resolve();
    if (this.runner) for (const { linear } of breakpoint.locations) this.runner.watch(linear);
  }

  private forget(breakpoint: Breakpoint): void {
    if (this.runner) for (const { linear } of breakpoint.locations) this.runner.unwatch(linear);
    breakpoint.locations = [];
  }
}

const DESCRIPTIONS: Readonly<Record<BreakpointKind, string>> = {
  breakpoint: 'Paused on breakpoint',
  'function breakpoint': 'Paused on function breakpoint',
  'instruction breakpoint': 'Paused on instruction breakpoint',
};

const BRACES = /\\([{}])|\{([^{}]*)\}/g;

/** Fills in what stands between braces; `\{` is a brace. */
export function fillMessage(message: string, evaluate: (expression: string) => string): string {
  return message.replace(BRACES, (_, brace: string | undefined, expression: string | undefined) => brace ?? evaluate(expression!));
}

export function readAddress(text: string): bigint {
  if (!/^(0x[0-9a-f]{1,16}|\d{1,20})$/i.test(text.trim())) throw new RequestError(`"${text}" is not an address: write it as 0x1234.`);
  return BigInt(text.trim());
}
