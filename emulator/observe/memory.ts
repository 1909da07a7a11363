/** Memory as the debugger sees it: through the processor's own walker, but without setting a flag, filling a TLB or touching a device. */
import { MAP, S } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import { NOWHERE } from '../memory/memory-map.js';
import { READ, WalkOutcome, WRITE, type AccessKind } from '../paging/outcome.js';
import { hostOf, maskA20 } from '../paging/physical-memory.js';
import { pagingState, walk, type PagingState } from '../paging/walk.js';

/** `linear` is that of the processor's present world; `guest linear` that of the guest while its hypervisor runs. */
export type MemorySpace = 'linear' | 'guest linear' | 'guest-physical' | 'host-physical';

export interface MemoryRead {
  /** What could be read, from the address on. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** How many bytes after that cannot be, up to where reading would succeed again or the count ends. */
  readonly unreadable: number;
  /** Why the first of them cannot. */
  readonly why?: string;
}

const PAGE = 4096;
const PDPTE_WORDS = 8;

/** The registers on which translation depends, as they are now. */
export function currentPagingState(cpu: Processor): PagingState {
  const state = pagingState();
  Object.assign(state, { cr0: cpu.cr0, cr3: cpu.cr3, cr4: cpu.cr4, efer: cpu.efer, eptp: cpu.nonRoot ? cpu.mmu.vmcs.eptp() : 0, modeBased: cpu.nonRoot && cpu.mmu.vmcs.modeBased() });
  if (cpu.nonRoot) state.apicAccessPage = cpu.mmu.vmcs.apicAccessPage();
  state.pdptes.set(cpu.u32.subarray(S.pdpte >> 2, (S.pdpte >> 2) + PDPTE_WORDS));
  return state;
}

/** One address space, opened for a moment: nothing here outlives the next instruction. */
export class ObservedMemory {
  private readonly outcome = new WalkOutcome();

  /** `state`: absent, addresses are host-physical. Without paging (CR0.PG = 0), they are guest-physical. */
  constructor(private readonly cpu: Processor, private readonly state: PagingState | undefined) {}

  /** Host-physical address, or why there is none. */
  translate(address: number): number | string {
    if (this.state === undefined) return address;
    walk(this.cpu, this.state, address, READ, 0, this.outcome);
    return this.outcome.is === 'mapped' ? this.outcome.physical : `${this.outcome.is}: ${this.outcome.why}`;
  }

  read(address: number, count: number): MemoryRead {
    const bytes = new Uint8Array(count);
    let done = 0;
    while (done < count) {
      const length = Math.min(count - done, PAGE - modulo(address + done));
      const host = this.hostIndex(address + done, READ);
      if (typeof host === 'string') return { bytes: bytes.slice(0, done), unreadable: this.unreadable(address + done, count - done), why: host };
      bytes.set(this.cpu.u8.subarray(host, host + length), done);
      done += length;
    }
    return { bytes, unreadable: 0 };
  }

  /** Whatever the rights of the pages; returns how many bytes could be written. Translated code there is thrown away. */
  write(address: number, bytes: Uint8Array): { written: number; why?: string } {
    let done = 0;
    while (done < bytes.length) {
      const length = Math.min(bytes.length - done, PAGE - modulo(address + done));
      const host = this.hostIndex(address + done, WRITE);
      if (typeof host === 'string') return { written: done, why: host };
      this.cpu.u8.set(bytes.subarray(done, done + length), host);
      const place = host - MAP.guestMemory;
      if (this.cpu.mmu.codePages[Math.floor(place / PAGE)]) this.cpu.codeWritten(place, length);
      done += length;
    }
    return { written: done };
  }

  /** A little-endian number of up to eight bytes; undefined when it cannot be read. */
  readUnsigned(address: number, size: number): bigint | undefined {
    const { bytes } = this.read(address, size);
    if (bytes.length < size) return undefined;
    let value = 0n;
    for (let index = size - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index]!);
    return value;
  }

  private hostIndex(address: number, kind: AccessKind): number | string {
    const physical = this.translate(address);
    if (typeof physical === 'string') return physical;
    const at = maskA20(this.cpu, physical), host = at < 0 ? NOWHERE : hostOf(this.cpu, at, kind);
    if (host !== NOWHERE) return host;
    const device = this.cpu.mmu.mmio.deviceAt(at);
    const where = `physical 0x${at.toString(16)}`;
    return device ? `${where} belongs to a device, the ${device.name}: reading it could change it` : `there is no memory at ${where}`;
  }

  private unreadable(address: number, most: number): number {
    let length = 0;
    while (length < most && typeof this.hostIndex(address + length, READ) === 'string') length += PAGE - modulo(address + length);
    return Math.min(length, most);
  }
}

const modulo = (address: number): number => ((address % PAGE) + PAGE) % PAGE;
