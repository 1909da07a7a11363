/** The interpreter's handlers: made on first use, many to a module, and put into the shared function table. */
import { Emitter, type Imports, type OperationNumber } from '../meaning/emit.js';
import { type RegionBlock, RegionEmitter } from '../meaning/emit-region.js';
import type { Meaning, Step } from '../meaning/meaning.js';
import { FunctionBody, I32, I64, ModuleWriter } from '../wasm/module.js';
import { type Line, textOf } from '../wasm/text.js';
import { FIRST_FREE_SLOT } from './core.js';

/** What handlers import: the core module's functions and TypeScript's slow paths. */
export interface HandlerEnvironment {
  slowReference(record: number, info: number, segment: number): number;
  slowStore(record: number, info: number, segment: number): number;
  compute(record: number, operation: number): number;
  perform(record: number, operation: number): void;
  unlinked(record: number, slot: number, linear: bigint): number;
  outOfBudget(record: number, next: number): number;
  transfer(record: number, linear: bigint): number;
  onward(): number;
  condition(number: number): number;
  status(): number;
}

/** Engines keep a copy of a table for every instance that imports it: handlers, which do not call through the table, get an empty one. */
const NO_TABLE = new WebAssembly.Table({ initial: 0, element: 'anyfunc' });

export class Handlers {
  private readonly slots = new Map<string, number>();
  /** By slot: whether a block ends with it. */
  private readonly ends: boolean[] = [];
  private readonly stores: boolean[] = [];
  private pending: { slot: number; meaning: Meaning }[] = [];
  private gathering = false;
  private nextSlot = FIRST_FREE_SLOT;
  private readonly freeSlots: number[] = [];
  modules = 0;

  constructor(
    private readonly memory: WebAssembly.Memory,
    private readonly table: WebAssembly.Table,
    private readonly environment: HandlerEnvironment,
    private readonly operation: OperationNumber,
  ) {}

  get count(): number { return this.slots.size; }
  /** Those of handlers and of regions. */
  get slotsInUse(): number { return this.nextSlot - this.freeSlots.length; }

  /** The slot of the handler with that key; its function exists after the next `flush`. */
  slot(key: string, meaning: () => Meaning): number {
    let slot = this.slots.get(key);
    if (slot === undefined) {
      const made = meaning();
      slot = this.nextSlot++;
      this.slots.set(key, slot);
      this.pending.push({ slot, meaning: made });
      const last = made.steps[made.steps.length - 1]?.op;
      this.ends[slot] = last === 'jump' || last === 'perform';
      this.stores[slot] = mayStore(made.steps);
    }
    return slot;
  }
  endsBlock(slot: number): boolean { return this.ends[slot]!; }
  /** Whether it may write memory. */
  mayStore(slot: number): boolean { return this.stores[slot]!; }

  /** Does work that asks for handlers but runs none of them: they are compiled at its end. */
  together(work: () => void): void {
    this.gathering = true;
    try { work(); } finally { this.gathering = false; }
    this.flush();
  }

  /** Compiles what has been asked for since the last time. */
  flush(): void {
    if (this.gathering || this.pending.length === 0) return;
    const w = new ModuleWriter(), imports = importsOf(w);
    for (const { slot, meaning } of this.pending) {
      const f = new FunctionBody([I32], [I32]);
      new Emitter(f, imports, this.operation).handler(meaning.steps);
      w.add(f, { exported: String(slot) });
    }
    this.install(w, imports, this.pending.map(({ slot }) => slot));
    this.pending = [];
  }

  /** Compiles a region into a slot of its own, which it returns. */
  region(blocks: readonly RegionBlock[]): number {
    const w = new ModuleWriter(), imports = importsOf(w), f = new FunctionBody([I32], [I32]), slot = this.freeSlots.pop() ?? this.nextSlot++;
    new RegionEmitter(f, imports, this.operation, new DataView(this.memory.buffer), slot).region(blocks);
    w.add(f, { exported: String(slot) });
    this.install(w, imports, [slot]);
    return slot;
  }
  /** What a handler or a region is made of, as text; both are written again for that. */
  handlerText(meaning: Meaning): Line[] {
    const w = new ModuleWriter(), imports = importsOf(w), f = new FunctionBody([I32], [I32]);
    new Emitter(f, imports, this.operation).handler(meaning.steps);
    return textOf(f.code, { local: (n) => (n === 0 ? 'record' : undefined), function: (n) => Object.keys(imports)[n] });
  }
  regionText(blocks: readonly RegionBlock[], slot: number): { lines: Line[]; marks: RegionEmitter['marks'] } {
    const w = new ModuleWriter(), imports = importsOf(w), f = new FunctionBody([I32], [I32]), emitter = new RegionEmitter(f, imports, this.operation, new DataView(this.memory.buffer), slot);
    emitter.region(blocks);
    return { lines: textOf(f.code, { local: (n) => emitter.nameOf(n), function: (n) => Object.keys(imports)[n] }), marks: emitter.marks };
  }
  free(slot: number): void {
    this.table.set(slot, null);
    this.freeSlots.push(slot);
  }

  private install(w: ModuleWriter, imports: Imports, slots: readonly number[]): void {
    if (this.nextSlot > this.table.length) this.table.grow(Math.max(1024, this.nextSlot - this.table.length));
    this.modules++;
    const environment: WebAssembly.ModuleImports = { m: this.memory, t: NO_TABLE };
    for (const name of Object.keys(imports)) environment[name] = this.environment[name as keyof HandlerEnvironment] as WebAssembly.ImportValue;
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(w.encode()), { e: environment });
    for (const slot of slots) this.table.set(slot, exports[String(slot)]);
  }
}

const mayStore = (steps: readonly Step[]): boolean =>
  steps.some((s) => s.op === 'store' || s.op === 'compute' || s.op === 'perform' || (s.op === 'if' && (mayStore(s.then) || mayStore(s.otherwise))));

const importsOf = (w: ModuleWriter): Imports => ({
  slowReference: w.import('slowReference', [I32, I32, I32], [I32]),
  slowStore: w.import('slowStore', [I32, I32, I32], [I32]),
  compute: w.import('compute', [I32, I32], [I32]),
  perform: w.import('perform', [I32, I32], []),
  transfer: w.import('transfer', [I32, I64], [I32]),
  onward: w.import('onward', [], [I32]),
  unlinked: w.import('unlinked', [I32, I32, I64], [I32]),
  outOfBudget: w.import('outOfBudget', [I32, I32], [I32]),
  condition: w.import('condition', [I32], [I32]),
  status: w.import('status', [], [I32]),
});
