/** What bus masters read and write: the processors' memory, whose translated code goes when it is overwritten. */
import { MAP } from '../cpu/layout.js';
import type { Processor } from '../cpu/processor.js';
import type { DirectMemory } from '../memory/direct-memory.js';

const PAGE = 4096;

export const directMemory = (cpu: Processor): DirectMemory => ({
  read(address, bytes) {
    const result = new Uint8Array(bytes).fill(0xff), end = Math.min(cpu.guestBytes, address + bytes);
    if (address < end) result.set(cpu.u8.subarray(MAP.guestMemory + address, MAP.guestMemory + end));
    return result;
  },
  write(address, bytes) {
    const end = Math.min(cpu.guestBytes, address + bytes.length);
    if (address >= end) return;
    cpu.u8.set(bytes.subarray(0, end - address), MAP.guestMemory + address);
    for (let page = Math.floor(address / PAGE); page * PAGE < end; page++) {
      const from = Math.max(address, page * PAGE);
      if (cpu.mmu.codePages[page] !== 0) cpu.codeWritten(from, Math.min(end, (page + 1) * PAGE) - from);
    }
  },
});
