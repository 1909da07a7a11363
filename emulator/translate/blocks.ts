/** Decodes guest code into blocks of records, finds them again, and forgets them when their bytes change. */
import { BLOCK_TABLE_ENTRIES, BLOCK_TABLE_ENTRY_BYTES, gpr, MAP, S, segment, xmm } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import { continuation, type Context, meaningOf, type SegmentKind } from '../isa/build.js';
import { decode, type Decoded, type DecodeTable } from '../isa/decode.js';
import type { Form, OperandSpec } from '../isa/encoding.js';
import { instruction } from '../isa/instruction.js';
import { form } from '../isa/encoding.js';
import type { Meaning } from '../meaning/meaning.js';
import { RECORD, RECORD_BYTES } from '../meaning/record.js';
import { Check, lastImmediate, mostTableBytes } from './checked-code.js';
import { blockSlot, CHECK_SLOT, LEAVE_SLOT, WATCH_SLOT } from './core.js';
import type { Handlers } from './handlers.js';
import type { Mode } from './mode.js';
import { PageWrites } from './page-writes.js';
import type { Region } from './regions.js';
import { writeWatched } from './watched-addresses.js';

const MAX_INSTRUCTIONS = 64;
const PAGE = 4096;
/** The first records of the code cache are for blocks cut short. */
const SCRATCH = MAP.codeCache;
export const FIRST_BLOCK = SCRATCH + (MAX_INSTRUCTIONS + 3) * RECORD_BYTES;
/** Of a block with its check. */
const MOST_BYTES = (MAX_INSTRUCTIONS + 3) * RECORD_BYTES + mostTableBytes(MAX_INSTRUCTIONS);
const MOST_CODE_BYTES = 15;

export interface Block {
  /** How often it was met where a grant of instructions ended. */
  samples: number;
  /** Handler of the first record, while compiled code stands in its place. */
  region?: Region;
  readonly entryHandler: number;
  readonly host: number;
  readonly mode: number;
  readonly record: number;
  readonly count: number;
  /** Records in front of its instructions: a check (checked-code.ts), or a look at breakpoints (watched-addresses.ts). */
  readonly ahead: number;
  /** It is a check. */
  readonly checked: boolean;
  /** Bytes of code in its first page; the rest is in the page at `secondHost`. */
  readonly bytes: number;
  readonly secondHost: number;
  readonly secondBytes: number;
}

/** Stand in for bytes that are no instruction. */
const pseudo = (name: string, vector: number): Form =>
  form({ instruction: instruction(name, name, { encodings: '', operation: (cpu) => cpu.perform('raise', cpu.constant(vector, 64), cpu.constant(0, 64)) }), line: `00 | ${name}` });
const INVALID = pseudo('(invalid)', 6), PROTECTION = pseudo('(protection)', 13);

export interface Fetch {
  /** Host address of the code at a linear address; faults are thrown. */
  hostOf(linear: number): number;
}

export class Blocks {
  private readonly byKey = new Map<number, Block>();
  private readonly byPage = new Map<number, Block[]>();
  private readonly byRecord = new Map<number, Block>();
  private readonly formNumbers = new Map<Form, number>();
  private free = FIRST_BLOCK;
  /** Of the code cache: when it is full, everything is forgotten. */
  end: number = MAP.codeCacheEnd;
  private scratchUsed = 0;
  /** What was cut last. */
  private whole = 0;
  private readonly pages = new PageWrites();
  /** Grows when everything is forgotten: records known before are gone. */
  epoch = 0;
  /** Low twelve bits of the addresses at which execution is to be looked at. */
  readonly watchedOffsets = new Set<number>();

  constructor(private readonly cpu: Processor, private readonly table: DecodeTable, private readonly handlers: Handlers, private readonly fetch: Fetch, private readonly protectCode: (physicalPage: number) => void) {}

  /** The record of the block at a linear address whose code is at `host`; translated now if it is new. */
  find(linear: number, host: number, mode: Mode): number {
    const { u32 } = this.cpu;
    const slot = (MAP.blockTable + blockSlot(host, mode.id)) >> 2;
    if (u32[slot] === host && u32[slot + 1] === mode.id) return u32[slot + 2]!;
    let block = this.byKey.get(key(host, mode.id));
    if (block && block.secondBytes > 0 && this.fetch.hostOf(nextPage(linear)) !== block.secondHost) {
      this.kill(block);
      block = undefined;
    }
    block ??= this.translate(linear, host, mode);
    if (block.secondBytes === 0) { u32[slot] = host; u32[slot + 1] = mode.id; u32[slot + 2] = block.record; }
    return block.record;
  }

  /** Asks for the handler of an instruction before it is met: see `Handlers.together`. */
  prepare(code: Uint8Array, linear: number, mode: Mode): void {
    const d = decode(this.table, code, 0, code.length, mode.mode), offset = linear & (PAGE - 1);
    if (typeof d !== 'string') this.handlerOf(d, mode, offset, linear - offset);
  }

  /** The same block cut after `count` instructions: it then leaves. */
  cut(record: number, count: number): number {
    const { u8, u32 } = this.cpu;
    const block = this.byRecord.get(record), last = count + (block?.ahead ?? 0);
    u8.copyWithin(SCRATCH, record, record + (last + 1) * RECORD_BYTES);
    if (block?.region) u32[SCRATCH >> 2] = block.entryHandler;
    for (let i = 0; i <= last; i++) u32[(SCRATCH + i * RECORD_BYTES + RECORD.remaining.offset) >> 2] = Math.min(count, last - i);
    u32[(SCRATCH + last * RECORD_BYTES) >> 2] = LEAVE_SLOT;
    this.scratchUsed = last;
    this.whole = record;
    return SCRATCH;
  }

  /** One instruction at that address, translated for this once, whatever is watched there. */
  single(linear: number, host: number, mode: Mode): number {
    const watched = [...this.watchedOffsets];
    this.watchedOffsets.clear();
    const block = this.translate(linear, host, mode, 1);
    for (const w of watched) this.watchedOffsets.add(w);
    return block.record;
  }

  /** Bytes of the store changed: blocks made from them are forgotten, even the one being run. */
  written(place: number, bytes: number): void {
    for (let page = Math.floor(place / PAGE); page <= Math.floor((place + bytes - 1) / PAGE); page++) {
      const blocks = this.byPage.get(page);
      if (!blocks) continue;
      const start = MAP.guestMemory + place, end = start + bytes;
      const concerned = blocks.filter((b) => (start < b.host + b.bytes && end > b.host) || (b.secondBytes > 0 && start < b.secondHost + b.secondBytes && end > b.secondHost));
      for (const b of this.pages.written(page, concerned.length > 0) ? [...blocks] : concerned) this.kill(b);
    }
  }
  /** A check has found other code than the block was made from. */
  changed(record: number): void {
    const block = this.byRecord.get(record === SCRATCH ? this.whole : record);
    if (block) this.kill(block);
  }
  /** A checked block is run often: what is written no more is trusted again. */
  sampled(block: Block): void {
    const page = pagesOf(block)[0]!;
    if (!this.pages.sampled(page)) return;
    for (const b of [...this.byRecord.values()]) if (b.checked && pagesOf(b).includes(page)) this.kill(b);
  }
  /** Execution is to be looked at at these linear addresses, and no longer at others: what was translated across one that changed is forgotten. */
  watch(linears: ReadonlySet<number>): void {
    writeWatched(this.cpu, linears);
    const { watchedOffsets } = this, offsets = new Set(Array.from(linears, (linear) => linear & (PAGE - 1))), changed = [...offsets].filter((o) => !watchedOffsets.has(o)).concat([...watchedOffsets].filter((o) => !offsets.has(o)));
    watchedOffsets.clear();
    for (const o of offsets) watchedOffsets.add(o);
    for (const b of [...this.byRecord.values()]) {
      const first = b.host & (PAGE - 1);
      if (changed.some((o) => (o >= first && o < first + b.bytes) || o < b.secondBytes)) this.kill(b);
    }
  }
  /** Whether any block was made from that page of the store. */
  inPage(page: number): boolean { return this.byPage.has(page); }

  clear(): void {
    for (const block of this.byRecord.values()) block.region?.dissolve();
    this.byKey.clear();
    this.byPage.clear();
    this.byRecord.clear();
    this.free = FIRST_BLOCK;
    this.cpu.u8.fill(0, MAP.blockTable, MAP.blockTable + BLOCK_TABLE_ENTRIES * BLOCK_TABLE_ENTRY_BYTES);
    this.epoch++;
  }

  private kill(b: Block): void {
    const { u32 } = this.cpu;
    b.region?.dissolve();
    this.byRecord.delete(b.record);
    for (let i = 0; i <= b.count + b.ahead; i++) u32[(b.record + i * RECORD_BYTES) >> 2] = LEAVE_SLOT;
    for (let i = 0; i <= this.scratchUsed; i++) u32[(SCRATCH + i * RECORD_BYTES) >> 2] = LEAVE_SLOT;
    const slot = (MAP.blockTable + blockSlot(b.host, b.mode)) >> 2;
    if (u32[slot] === b.host && u32[slot + 1] === b.mode) u32[slot] = 0;
    if (this.byKey.get(key(b.host, b.mode)) === b) this.byKey.delete(key(b.host, b.mode));
    for (const page of pagesOf(b)) {
      const list = this.byPage.get(page);
      if (!list) continue;
      list.splice(list.indexOf(b), 1);
      if (list.length === 0) this.byPage.delete(page);
    }
  }

  private translate(linear: number, host: number, mode: Mode, most = MAX_INSTRUCTIONS): Block {
    if (this.free + MOST_BYTES > this.end) this.clear();
    const first = host & (PAGE - 1), pageHost = host - first, pageLinear = linear - first, record = this.free;
    const watched = this.watchedOffsets.has(first), check = most === MAX_INSTRUCTIONS && !watched && this.pages.isChecked((pageHost - MAP.guestMemory) / PAGE) ? new Check(this.cpu) : undefined;
    const ahead = watched || check ? 1 : 0, firstRecord = record + ahead * RECORD_BYTES;
    let offset = first, count = 0, at = firstRecord, secondHost = 0, secondBytes = 0, ended = false;
    while (count < most && offset < PAGE && !ended) {
      if (count > 0 && this.watchedOffsets.has(offset)) break;
      let d = decode(this.table, this.cpu.u8, pageHost + offset, PAGE - offset, mode.mode);
      if (d === 'incomplete') {
        if (count > 0) break;
        secondHost = this.fetch.hostOf(pageLinear + PAGE);
        d = this.decodeAcross(pageHost + offset, PAGE - offset, secondHost, mode);
        secondBytes = (typeof d === 'string' ? MOST_CODE_BYTES : d.length) - (PAGE - offset);
      }
      const length = typeof d === 'string' ? 1 : d.length;
      if (!mode.flatCode && pageLinear + offset + length - 1 - mode.codeBase > mode.codeLimit) {
        if (count > 0) break;
        d = 'too long';
      }
      const slot = typeof d === 'string' ? this.fault(d, mode) : this.handlerOf(d, mode, offset, pageLinear);
      this.writeRecord(at, slot, offset, offset + length);
      if (typeof d !== 'string') this.writeFields(at, d, offset + length);
      ended = this.handlers.endsBlock(slot);
      // What is no instruction may become one by any of its bytes.
      const bytes = typeof d === 'string' ? Math.min(MOST_CODE_BYTES, PAGE - offset) : length;
      check?.cover(pageHost + offset, Math.min(bytes, PAGE - offset), typeof d === 'string' || secondBytes > 0 ? 0 : lastImmediate(d), count + 1);
      check?.cover(secondHost, secondBytes);
      offset += bytes;
      at += RECORD_BYTES;
      count++;
      if (secondBytes > 0 || (check && this.handlers.mayStore(slot))) break;
    }
    if (!ended) {
      const context = this.context(INVALID, mode, { nextNear: offset < PAGE });
      this.writeRecord(at, this.handlers.slot(`continue:${mode.mode}:${offset < PAGE ? 1 : 0}`, () => continuation(context)), offset, offset);
    }
    for (let i = 0; i <= count; i++) this.cpu.u32[(firstRecord + i * RECORD_BYTES + RECORD.remaining.offset) >> 2] = count - i;
    this.handlers.flush();
    this.free = at + RECORD_BYTES;
    if (ahead) {
      this.writeRecord(record, check ? CHECK_SLOT : WATCH_SLOT, first, first);
      this.cpu.u32[(record + RECORD.remaining.offset) >> 2] = count;
    }
    if (check) {
      this.free = Math.ceil(check.write(record, this.free) / RECORD_BYTES) * RECORD_BYTES;
    }
    const block: Block = { samples: 0, ahead, checked: check !== undefined, entryHandler: this.cpu.u32[record >> 2]!, host, mode: mode.id, record, count, bytes: Math.min(offset, PAGE) - first, secondHost: secondBytes > 0 ? secondHost : 0, secondBytes };
    // A block for this once is run at once: nobody can find it again, so nothing has to be remembered of it.
    if (most < MAX_INSTRUCTIONS) return block;
    this.byKey.set(key(host, mode.id), block);
    this.byRecord.set(record, block);
    if (check) return block;
    for (const page of pagesOf(block)) {
      const list = this.byPage.get(page);
      if (list) list.push(block); else this.byPage.set(page, [block]);
      this.protectCode(page);
    }
    return block;
  }

  private decodeAcross(host: number, here: number, second: number, mode: Mode): ReturnType<typeof decode> {
    const bytes = new Uint8Array(16);
    bytes.set(this.cpu.u8.subarray(host, host + here));
    bytes.set(this.cpu.u8.subarray(second, second + 16 - here), here);
    return decode(this.table, bytes, 0, 16, mode.mode);
  }

  private fault(kind: 'incomplete' | 'invalid' | 'too long', mode: Mode): number {
    const f = kind === 'invalid' ? INVALID : PROTECTION;
    return this.handlers.slot(`fault:${kind === 'invalid' ? 6 : 13}`, () => meaningOf(this.context(f, mode, {})));
  }

  private context(f: Form, mode: Mode, more: Partial<Context>): Context {
    return {
      form: f, mode: mode.mode, protection: mode.protection, stackSize: mode.stackSize, operandSize: 32, addressSize: mode.mode, flatCode: mode.flatCode, flatData: mode.flatData,
      rep: 'none', lock: false, memory: false, hasBase: false, hasIndex: false, ripRelative: false, segmentKind: 'flat', takenNear: false, nextNear: false, stackReference: false, ...more,
    };
  }

  blockOf(record: number): Block | undefined { return this.byRecord.get(record); }
  /** The block of that mode that begins at a host address, if there is one. */
  blockAt(host: number, mode: number): Block | undefined { return this.byKey.get(key(host, mode)); }

  /** One that holds the byte at a host address: the one that begins there, or a compiled one, or any. */
  around(host: number, mode: number): Block | undefined {
    const holding = [...this.byRecord.values()].filter((b) => b.mode === mode && host >= b.host && host < b.host + b.bytes);
    return this.blockAt(host, mode) ?? holding.find(({ region }) => region) ?? holding[0];
  }

  /** A block's instructions with their meanings, as they are to be compiled: each with its record; the way on is the last. */
  meanings(b: Block, mode: Mode, pageLinear: number): { record: number; meaning: Meaning }[] {
    const made: { record: number; meaning: Meaning }[] = [], { u8 } = this.cpu, page = b.host & ~(PAGE - 1);
    let offset = b.host & (PAGE - 1);
    const first = b.record + b.ahead * RECORD_BYTES;
    for (let i = 0; i < b.count; i++) {
      const record = first + i * RECORD_BYTES, d = decode(this.table, u8, page + offset, PAGE - offset, mode.mode);
      if (typeof d === 'string') {
        made.push({ record, meaning: meaningOf(this.context(d === 'invalid' ? INVALID : PROTECTION, mode, {})) });
        return made;
      }
      made.push({ record, meaning: meaningOf(this.contextOf(d, mode, offset, pageLinear)) });
      offset += d.length;
    }
    const last = made[made.length - 1]!.meaning.steps, op = last[last.length - 1]?.op;
    if (op !== 'jump' && op !== 'perform') made.push({ record: first + b.count * RECORD_BYTES, meaning: continuation(this.context(INVALID, mode, { nextNear: offset < PAGE })) });
    return made;
  }

  private contextOf(d: Decoded, mode: Mode, offset: number, pageLinear: number): Context {
    const next = offset + d.length, taken = next + Number(d.immediate);
    const relative = d.form.operands.some((o) => o.kind === 'relative');
    const ip = pageLinear + taken - mode.codeBase, mask = d.operandSize === 16 ? 0xffff : 0xffffffff;
    return this.context(d.form, mode, {
      operandSize: d.operandSize, addressSize: d.addressSize, rep: d.rep, lock: d.lock, memory: d.memory, hasBase: d.base >= 0, hasIndex: d.index >= 0, ripRelative: d.ripRelative,
      segmentKind: segmentKind(segmentOf(d), mode), stackReference: segmentOf(d) === 2,
      takenNear: relative && taken >= 0 && taken < PAGE && (mode.mode === 64 || (ip >= 0 && ip <= mask && ip <= mode.codeLimit)), nextNear: next < PAGE,
    });
  }

  private handlerOf(d: Decoded, mode: Mode, offset: number, pageLinear: number): number {
    const c = this.contextOf(d, mode, offset, pageLinear), relative = d.form.operands.some((o) => o.kind === 'relative'), bits = (...flags: boolean[]) => flags.reduce((n, b) => n * 2 + (b ? 1 : 0), 0);
    const handlerKey = `${this.formNumber(d.form)}:${c.mode}${c.stackSize}${c.protection[0]!}${c.operandSize}${c.addressSize}:${c.rep}:${c.segmentKind}:${
      bits(c.flatCode, c.flatData, c.lock, c.memory, c.hasBase, c.hasIndex, c.ripRelative, c.takenNear, relative && c.nextNear, c.stackReference)}`;
    return this.handlers.slot(handlerKey, () => meaningOf(c));
  }

  private formNumber(f: Form): number {
    let n = this.formNumbers.get(f);
    if (n === undefined) this.formNumbers.set(f, n = this.formNumbers.size);
    return n;
  }

  private writeRecord(at: number, slot: number, offset: number, nextOffset: number): void {
    const { u8, u32, view } = this.cpu;
    u8.fill(0, at, at + RECORD_BYTES);
    u32[at >> 2] = slot;
    view.setUint16(at + RECORD.offset.offset, offset, true);
    view.setUint16(at + RECORD.nextOffset.offset, nextOffset, true);
  }

  private writeFields(at: number, d: Decoded, nextOffset: number): void {
    const { u32, view } = this.cpu;
    d.form.operands.forEach((o, i) => { if (i < 3) u32[(at + RECORD.operand0.offset + 4 * i) >> 2] = operandField(o, d); });
    const fourth = d.form.operands[3], vectorIndex = d.form.operands.some((o) => o.vectorIndex !== undefined);
    u32[(at + RECORD.base.offset) >> 2] = d.base < 0 ? S.zero : gpr(d.base);
    u32[(at + RECORD.index.offset) >> 2] = d.index < 0 ? S.zero : vectorIndex ? xmm(d.index) : gpr(d.index);
    view.setUint16(at + RECORD.scale.offset, d.scale, true);
    view.setBigInt64(at + RECORD.displacement.offset, BigInt.asIntN(64, d.displacement + (d.ripRelative ? BigInt(nextOffset) : 0n)), true);
    const relative = d.form.operands.some((o) => o.kind === 'relative');
    view.setBigInt64(at + RECORD.immediate.offset, BigInt.asIntN(64, d.immediate + (relative ? BigInt(nextOffset) : 0n)), true);
    view.setUint16(at + RECORD.segment.offset, segment(segmentOf(d)), true);
    view.setUint16(at + RECORD.immediate2.offset, fourth?.place === 'is4' ? operandField(fourth, d) : d.immediate2 & 0xffff, true);
  }
}

const key = (host: number, mode: number): number => host + mode * 2 ** 32;
const nextPage = (linear: number): number => Math.floor(linear / PAGE) * PAGE + PAGE;
function pagesOf(b: Block): number[] {
  const first = Math.floor((b.host - MAP.guestMemory) / PAGE);
  return b.secondBytes > 0 ? [first, Math.floor((b.secondHost - MAP.guestMemory) / PAGE)] : [first];
}

/** The segment of the memory operand: the override, SS for rBP and rSP bases, else DS. */
function segmentOf(d: Decoded): number {
  if (d.override >= 0) return d.override;
  return d.memory && (d.base === 4 || d.base === 5) ? 2 : 3;
}
function segmentKind(s: number, mode: Mode): SegmentKind {
  if (mode.mode === 64) return s >= 4 ? 'base only' : 'flat';
  return mode.flatData && (s === 0 || s === 2 || s === 3) ? 'flat' : 'segmented';
}

/** State offset of a register operand, or its number where the definition wants that. */
function operandField(o: OperandSpec, d: Decoded): number {
  const n = o.place === 'reg' ? d.reg : o.place === 'rm' ? d.rm : o.place === 'vvvv' ? d.vvvv : o.place === 'is4' ? d.is4 : d.opcodeRegister;
  switch (o.kind) {
    case 'gpr': return o.bits === 8 && !d.hasRex && n >= 4 && n < 8 ? gpr(n - 4) + 1 : gpr(n);
    case 'xmm': case 'ymm': return xmm(n);
    case 'mm': return S.x87 + 16 * (n & 7);
    case 'segment': return n & 7;
    case 'st': return d.rm & 7;
    default: return n;
  }
}
