/** The compiled tier: finds out which code is hot, and puts compiled regions in the place of its blocks. */
import { S } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import type { RegionBlock, RegionInstruction } from '../meaning/emit-region.js';
import { RECORD, RECORD_BYTES } from '../meaning/record.js';
import type { Block, Blocks } from './blocks.js';
import { LEAVE_SLOT } from './core.js';
import type { Handlers } from './handlers.js';
import type { Modes } from './mode.js';

const PAGE = 4096;
/** A block that was met so often at the end of a grant is hot. */
const HOT_SAMPLES = 2;
const MOST_BLOCKS = 96;
const MOST_INSTRUCTIONS = 1200;
/** Instructions in all regions together: some 100 MBytes of machine code. */
const MOST_COMPILED = 400_000;

export interface Region {
  readonly blocks: readonly Block[];
  /** Indices of the blocks that each leads to, as they were linked when it was compiled. */
  readonly links: readonly Pick<RegionBlock, 'taken' | 'next'>[];
  readonly slot: number;
  readonly instructions: number;
  dissolve(): void;
}

export class Regions {
  private readonly samples = new Map<number, number>();
  /** The one that was met in a sample longest ago comes first. */
  private readonly regions = new Set<Region>();
  /** Instructions in them, and how many there may be: then those that were met longest ago are given up. */
  compiled = 0;
  most = MOST_COMPILED;
  /** Regions made, and given up again. */
  made = 0;
  dissolved = 0;

  constructor(private readonly cpu: Processor, private readonly blocks: Blocks, private readonly handlers: Handlers, private readonly modes: Modes) {}

  /** Code is about to be run from that record after a grant was used up: so a sample of what is being run. */
  sample(record: number): void {
    const block = this.blocks.blockOf(record);
    if (block) block.samples++;
    if (block?.checked) this.blocks.sampled(block);
    if (block?.region) this.met(block.region);
    if (!block || !this.mayBeCompiled(block)) return;
    const seen = (this.samples.get(record) ?? 0) + 1;
    if (seen < HOT_SAMPLES) { this.samples.set(record, seen); return; }
    this.samples.clear();
    this.compile(block);
  }
  forget(): void { this.samples.clear(); }

  private compile(first: Block): void {
    const blocks = this.reachable(first), { u32, view } = this.cpu;
    const index = new Map(blocks.map((b, i) => [b.record, i]));
    const page = this.cpu.number(S.codePage);
    const links = blocks.map((b) => {
      const last = this.instructions(b, page).at(-1)!.record, link = (offset: number) => index.get(u32[(last + offset) >> 2]!);
      return { taken: link(RECORD.taken.offset), next: link(RECORD.next.offset) };
    });
    const slot = this.handlers.region(this.written(blocks, links, page));
    const made: Region = { blocks, links, slot, instructions: blocks.reduce((n, b) => n + b.count, 0), dissolve: () => { this.dissolve(made); } };
    this.regions.add(made);
    this.compiled += made.instructions;
    blocks.forEach((b, i) => {
      b.region = made;
      view.setUint16(b.record + RECORD.regionIndex.offset, i, true);
      u32[b.record >> 2] = slot;
    });
    this.made++;
    for (const old of this.regions) {
      if (this.compiled <= this.most || old === made) break;
      old.dissolve();
    }
  }

  private instructions(b: Block, page: number): RegionInstruction[] { return this.blocks.meanings(b, this.modes.get(b.mode), page).map(({ record, meaning }) => ({ record, steps: meaning.steps })); }
  private written(blocks: readonly Block[], links: Region['links'], page: number): RegionBlock[] {
    return blocks.map((b, i) => ({ record: b.record, count: b.count, instructions: this.instructions(b, page), ...links[i]! }));
  }
  /** The function as text, with the place at which the code of each record begins; `page` is that of its code. */
  textOf({ blocks, links, slot }: Region, page: number): ReturnType<Handlers['regionText']> { return this.handlers.regionText(this.written(blocks, links, page), slot); }

  private met(region: Region): void {
    this.regions.delete(region);
    this.regions.add(region);
  }

  private dissolve(region: Region): void {
    const { u32 } = this.cpu, { blocks, slot, instructions } = region;
    this.regions.delete(region);
    this.compiled -= instructions;
    for (const b of blocks) {
      delete b.region;
      u32[b.record >> 2] = b.entryHandler;
    }
    u32[S.regionStamp >> 2] = u32[S.regionStamp >> 2]! + 1;
    this.handlers.free(slot);
    this.dissolved++;
  }

  /** Not code that crosses into another page, and not where the interpreter is to stop. */
  private mayBeCompiled(b: Block): boolean { return !b.region && b.ahead === 0 && b.secondBytes === 0 && this.cpu.u32[b.record >> 2] !== LEAVE_SLOT; }

  /** Blocks to which links lead, and those behind calls; all in one page, as links are. */
  private reachable(first: Block): Block[] {
    const found = new Set([first]), { u32, view } = this.cpu;
    let instructions = first.count;
    const add = (b: Block | undefined) => {
      if (!b || found.has(b) || !this.mayBeCompiled(b)) return;
      if (b.mode !== first.mode || found.size >= MOST_BLOCKS || instructions + b.count > MOST_INSTRUCTIONS) return;
      found.add(b);
      instructions += b.count;
    };
    for (const b of found) {
      const end = b.record + b.count * RECORD_BYTES;
      for (const at of [end - RECORD_BYTES, end]) {
        add(this.blocks.blockOf(u32[(at + RECORD.taken.offset) >> 2]!));
        add(this.blocks.blockOf(u32[(at + RECORD.next.offset) >> 2]!));
      }
      const next = view.getUint16(end - RECORD_BYTES + RECORD.nextOffset.offset, true);
      if (next < PAGE) add(this.blocks.blockAt((b.host & ~(PAGE - 1)) + next, b.mode));
    }
    return [...found];
  }
}
