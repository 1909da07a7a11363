/**
 * The processor under this very program, asked what an instruction does. The work is done by native/, a C program
 * that is compiled on first use; the records are those of native/machine.h.
 */
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** Two pages each; the pages before and behind are not mapped. */
export const CODE_BASE = 0x20000000;
export const DATA_BASE = 0x10000000;
export const AREA_BYTES = 0x2000;

/** Where code is put unless the case says otherwise. */
export const DEFAULT_RIP = CODE_BASE + 0x800;

/** What a case may choose of RFLAGS, and what of RFLAGS a result tells: CF, PF, AF, ZF, SF, DF, OF, AC, ID. */
export const RFLAGS_MASK = 0x240cd5n;

export const REGISTER_NAMES = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'] as const;
export type RegisterName = (typeof REGISTER_NAMES)[number];

const RFLAGS_OFFSET = 128;
const RIP_OFFSET = 136;
const FS_BASE_OFFSET = 144;
const GS_BASE_OFFSET = 152;
const SELECTORS_OFFSET = 160;
export const FXSAVE_OFFSET = 176;
const FXSAVE_BYTES = 512;
export const YMM_HIGH_OFFSET = FXSAVE_OFFSET + FXSAVE_BYTES;
const YMM_HIGH_BYTES = 256;
const STATE_BYTES = YMM_HIGH_OFFSET + YMM_HIGH_BYTES;

const FCW_OFFSET = 0;
const MXCSR_OFFSET = 24;
export const ST_OFFSET = 32;
export const XMM_OFFSET = 160;
const INITIAL_FCW = 0x37f;
const INITIAL_MXCSR = 0x1f80;

/** Registers before or after an instruction. */
export class State {
  readonly bytes: Uint8Array;
  /** The same in doublewords. */
  readonly words: Uint32Array;
  /** The image of FXSAVE64: x87, MXCSR and XMM. */
  readonly fxsave: DataView;
  private readonly view: DataView;

  /** `bytes` begin at a multiple of four. */
  constructor(bytes?: Uint8Array) {
    this.bytes = bytes ?? new Uint8Array(STATE_BYTES);
    this.words = new Uint32Array(this.bytes.buffer, this.bytes.byteOffset, STATE_BYTES / 4);
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, STATE_BYTES);
    this.fxsave = new DataView(this.bytes.buffer, this.bytes.byteOffset + FXSAVE_OFFSET, FXSAVE_BYTES);
    if (bytes === undefined) {
      this.rip = BigInt(DEFAULT_RIP);
      this.set('rsp', BigInt(DATA_BASE + AREA_BYTES / 2));
      this.fxsave.setUint16(FCW_OFFSET, INITIAL_FCW, true);
      this.mxcsr = INITIAL_MXCSR;
    }
  }

  get(name: RegisterName): bigint {
    return this.view.getBigUint64(8 * REGISTER_NAMES.indexOf(name), true);
  }
  set(name: RegisterName, value: bigint): void {
    this.view.setBigUint64(8 * REGISTER_NAMES.indexOf(name), BigInt.asUintN(64, value), true);
  }

  get rflags(): bigint {
    return this.view.getBigUint64(RFLAGS_OFFSET, true);
  }
  set rflags(value: bigint) {
    this.view.setBigUint64(RFLAGS_OFFSET, value, true);
  }

  get rip(): bigint {
    return this.view.getBigUint64(RIP_OFFSET, true);
  }
  set rip(value: bigint) {
    this.view.setBigUint64(RIP_OFFSET, value, true);
  }

  get fsBase(): bigint {
    return this.view.getBigUint64(FS_BASE_OFFSET, true);
  }
  set fsBase(value: bigint) {
    this.view.setBigUint64(FS_BASE_OFFSET, value, true);
  }

  get gsBase(): bigint {
    return this.view.getBigUint64(GS_BASE_OFFSET, true);
  }
  set gsBase(value: bigint) {
    this.view.setBigUint64(GS_BASE_OFFSET, value, true);
  }

  /** Of a result: by the number of the segment register, ES to GS. */
  selector(n: number): number {
    return this.view.getUint16(SELECTORS_OFFSET + 2 * n, true);
  }
  setSelector(n: number, value: number): void {
    this.view.setUint16(SELECTORS_OFFSET + 2 * n, value, true);
  }

  get mxcsr(): number {
    return this.fxsave.getUint32(MXCSR_OFFSET, true);
  }
  set mxcsr(value: number) {
    this.fxsave.setUint32(MXCSR_OFFSET, value, true);
  }

  xmm(n: number): Uint8Array {
    return this.bytes.subarray(FXSAVE_OFFSET + XMM_OFFSET + 16 * n, FXSAVE_OFFSET + XMM_OFFSET + 16 * n + 16);
  }

  /** The ten bytes of ST(i). */
  st(i: number): Uint8Array {
    return this.bytes.subarray(FXSAVE_OFFSET + ST_OFFSET + 16 * i, FXSAVE_OFFSET + ST_OFFSET + 16 * i + 10);
  }

  /** Bits 255:128 of YMM n. */
  ymmHigh(n: number): Uint8Array {
    return this.bytes.subarray(YMM_HIGH_OFFSET + 16 * n, YMM_HIGH_OFFSET + 16 * n + 16);
  }
}

const MODES = { step: 1, direct: 2 } as const;
const AUTOMATIC = 0;

/** Bytes at an offset in the data area. */
export interface Patch {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export interface Case {
  /** One instruction of at most 15 bytes. */
  readonly code: Uint8Array;
  readonly bits?: 64 | 32;
  /**
   * 'step': TF traps behind the first instruction; anything may follow it. 'direct': the code is exactly one instruction, and not a
   * branch; ten times faster. Without a mode, branches are stepped and all else runs directly. PUSHF, when stepped, shows TF.
   */
  readonly mode?: keyof typeof MODES;
  readonly state: State;
  /** The data area is zero elsewhere. */
  readonly data?: readonly Patch[];
}

export interface Result {
  /** 'lost': the case killed its process, hung, or was a system call. */
  readonly outcome: 'completed' | 'exception' | 'lost';
  readonly vector: number;
  /** Of a page fault: bit 2 (user) is always set, since the case runs at CPL 3. */
  readonly errorCode: number;
  readonly cr2: bigint;
  readonly state: State;
  /** The aligned quadwords of the data area that differ from before. */
  readonly data: readonly Patch[];
}

const CASE_HEADER_BYTES = 24;
const RESULT_HEADER_BYTES = 24;
const MAX_CODE_BYTES = 15;
const CODE_OFFSET = 8;
const OUTCOMES = ['completed', 'exception', 'lost'] as const;

const align = (bytes: number, to: number): number => (bytes + to - 1) & -to;

function recordBytes(one: Case): number {
  let bytes = CASE_HEADER_BYTES + STATE_BYTES;
  for (const patch of one.data ?? []) bytes += 4 + align(patch.bytes.length, 4);
  return align(bytes, 8);
}

function assertRunnable(one: Case): void {
  if (one.code.length === 0 || one.code.length > MAX_CODE_BYTES) throw new RangeError(`a case has 1 to ${MAX_CODE_BYTES} bytes of code, not ${one.code.length}`);
  const rip = Number(one.state.rip);
  if (rip < CODE_BASE || rip >= CODE_BASE + AREA_BYTES) throw new RangeError(`RIP ${rip.toString(16)} lies outside of the code area at ${CODE_BASE.toString(16)}`);
  for (const { offset, bytes } of one.data ?? []) {
    if (offset < 0 || offset + bytes.length > AREA_BYTES) throw new RangeError(`${bytes.length} bytes at ${offset} do not fit into the data area`);
  }
}

export function encodeBatch(cases: readonly Case[]): Uint8Array {
  const lengths = cases.map(recordBytes), bytes = lengths.reduce((sum, length) => sum + length, 0);
  const out = new Uint8Array(8 + bytes);
  const view = new DataView(out.buffer);
  view.setUint32(0, cases.length, true);
  view.setUint32(4, bytes, true);
  let at = 8;
  cases.forEach((one, i) => {
    assertRunnable(one);
    const patches = one.data ?? [];
    view.setUint32(at, lengths[i]!, true);
    out.set([one.bits ?? 64, one.mode === undefined ? AUTOMATIC : MODES[one.mode], one.code.length, patches.length], at + 4);
    out.set(one.code, at + CODE_OFFSET);
    out.set(one.state.bytes, at + CASE_HEADER_BYTES);
    let patchAt = at + CASE_HEADER_BYTES + STATE_BYTES;
    for (const patch of patches) {
      view.setUint16(patchAt, patch.offset, true);
      view.setUint16(patchAt + 2, patch.bytes.length, true);
      out.set(patch.bytes, patchAt + 4);
      patchAt += 4 + align(patch.bytes.length, 4);
    }
    at += lengths[i]!;
  });
  return out;
}

export function decodeResults(answer: Uint8Array, count: number): Result[] {
  const records = answer.byteOffset % 4 === 0 ? new Uint8Array(answer.buffer, answer.byteOffset, answer.byteLength) : Uint8Array.from(answer);
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  const results: Result[] = [];
  for (let at = 0; results.length < count; at += view.getUint32(at, true)) {
    const patchCount = view.getUint16(at + 6, true);
    const stateAt = at + RESULT_HEADER_BYTES;
    const data: Patch[] = [];
    let patchAt = stateAt + STATE_BYTES;
    for (let i = 0; i < patchCount; i++) {
      const length = view.getUint16(patchAt + 2, true);
      data.push({ offset: view.getUint16(patchAt, true), bytes: records.subarray(patchAt + 4, patchAt + 4 + length) });
      patchAt += 4 + length;
    }
    results.push({
      outcome: OUTCOMES[view.getUint8(at + 4)] ?? 'lost',
      vector: view.getUint8(at + 5),
      errorCode: view.getUint32(at + 8, true),
      cr2: view.getBigUint64(at + 16, true),
      state: new State(records.subarray(stateAt, stateAt + STATE_BYTES)),
      data,
    });
  }
  return results;
}

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, 'native');
const cache = join(here, '..', '..', '.cache', 'oracles');
const FLAGS = ['-O2', '-Wall', '-Wextra', '-no-pie', '-fno-stack-protector', '-fcf-protection=none'];

function compile(): string {
  const program = join(cache, 'native');
  const files = readdirSync(source).map((name) => join(source, name));
  const newest = Math.max(...files.map((file) => statSync(file).mtimeMs));
  const built = statSync(program, { throwIfNoEntry: false });
  if (built !== undefined && built.mtimeMs >= newest) return program;

  mkdirSync(cache, { recursive: true });
  const gcc = spawnSync('gcc', [...FLAGS, '-o', program, ...files.filter((file) => /\.[cS]$/.test(file))], { encoding: 'utf8' });
  if (gcc.error !== undefined) throw new Error("the native oracle needs gcc; install Debian's packages gcc and libc6-dev", { cause: gcc.error });
  if (gcc.status !== 0) throw new Error(`the native oracle does not compile:\n${gcc.stderr}`);
  return program;
}

function readFeatures(): Set<string> {
  const flags = /^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'));
  return new Set((flags?.[1] ?? '').trim().split(/\s+/));
}

export class NativeOracle {
  /** What CPUID offers, by the names of /proc/cpuinfo. */
  readonly features: ReadonlySet<string> = readFeatures();
  private received: Buffer[] = [];
  private receivedBytes = 0;
  private errors = '';
  private waiting: { cases: number; resolve: (results: Result[]) => void; reject: (reason: Error) => void }[] = [];

  private constructor(private readonly child: ChildProcessByStdio<Writable, Readable, Readable>) {
    child.stdout.on('data', (chunk: Buffer) => {
      this.received.push(chunk);
      this.receivedBytes += chunk.length;
      this.deliver();
    });
    child.stderr.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
    child.stdin.on('error', () => undefined);
    child.on('close', (status) => {
      for (const { reject } of this.waiting.splice(0)) reject(new Error(`the native oracle ended with status ${status}: ${this.errors.trim()}`));
    });
  }

  static start(): Promise<NativeOracle> {
    if (process.platform !== 'linux' || process.arch !== 'x64') {
      return Promise.reject(new Error(`the native oracle runs on x86-64 Linux, not on ${process.platform} ${process.arch}`));
    }
    return Promise.resolve().then(() => new NativeOracle(spawn(compile(), { stdio: ['pipe', 'pipe', 'pipe'] })));
  }

  run(cases: readonly Case[]): Promise<Result[]> {
    const batch = encodeBatch(cases);
    return new Promise((resolve, reject) => {
      this.waiting.push({ cases: cases.length, resolve, reject });
      this.child.stdin.write(batch);
    });
  }

  stop(): void {
    this.child.stdin.end();
  }

  private deliver(): void {
    while (this.waiting.length > 0 && this.receivedBytes >= 8) {
      if (this.received[0]!.length < 8) this.received = [Buffer.concat(this.received)];
      const bytes = this.received[0]!.readUInt32LE(4);
      if (this.receivedBytes < 8 + bytes) return;
      const all = this.received.length === 1 ? this.received[0]! : Buffer.concat(this.received);
      const rest = all.subarray(8 + bytes);
      this.received = rest.length > 0 ? [rest] : [];
      this.receivedBytes = rest.length;
      const { cases, resolve } = this.waiting.shift()!;
      resolve(decodeResults(all.subarray(8, 8 + bytes), cases));
    }
  }
}
