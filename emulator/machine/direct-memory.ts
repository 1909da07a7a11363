/** What bus masters read and write: the processors' memory, whose translated code goes when it is overwritten. */
import { MAP } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import type { DirectMemory } from '../memory/direct-memory.js';
import { NOWHERE } from '../memory/memory-map.js';
import { READ, WRITE, type AccessKind } from '../paging/outcome.js';

const PAGE = 4096;

export function directMemory(cpu: Processor): DirectMemory {
  /** Page by page: where the bytes are in the store, and which of them they are. */
  const each = (address: number, bytes: number, kind: AccessKind, use: (place: number, from: number, to: number) => void): void => {
    for (let done = 0; done < bytes;) {
      const to = Math.min(bytes, done + PAGE - (address + done) % PAGE), place = cpu.mmu.map.place(address + done, kind);
      if (place !== NOWHERE) use(place, done, to);
      done = to;
    }
  };
  return {
    read(address, bytes) {
      const result = new Uint8Array(bytes).fill(0xff);
      each(address, bytes, READ, (place, from, to) => { result.set(cpu.u8.subarray(MAP.guestMemory + place, MAP.guestMemory + place + to - from), from); });
      return result;
    },
    write(address, bytes) {
      each(address, bytes.length, WRITE, (place, from, to) => {
        cpu.u8.set(bytes.subarray(from, to), MAP.guestMemory + place);
        if (cpu.mmu.codePages[Math.floor(place / PAGE)] !== 0) cpu.codeWritten(place, to - from);
      });
    },
  };
}
