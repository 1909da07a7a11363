/** Guests that run without anybody: hand-assembled ones, and the workloads of bench/. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BootPlan, loadImage } from '../../emulator/boot/index.js';
import type { MachineOptions } from '../../emulator/machine/contract.js';
import { PersonalComputer } from '../../emulator/machine/machine.js';

const BENCH = fileURLToPath(new URL('../../bench/guests/out', import.meta.url));
const BENCH_MEMORY = 64 << 20, SMALL_MEMORY = 2 << 20;

export interface Guest { readonly name: string; readonly memoryBytes: number; readonly plan: BootPlan }

export function benchGuest(name: string): Guest {
  const bytes = readFileSync(join(BENCH, `${name}.elf`));
  return { name, memoryBytes: BENCH_MEMORY, plan: loadImage({ name, bytes, memoryBytes: BENCH_MEMORY, args: '', modules: [] }) };
}

export function flatGuest(name: string, hexBytes: string, mode: 'real' | 'protected32' | 'long64' = 'protected32', address = 0x1000): Guest {
  const bytes = Uint8Array.from(Buffer.from(hexBytes.replace(/\s+/g, ''), 'hex'));
  return { name, memoryBytes: SMALL_MEMORY, plan: loadImage({ name, bytes, memoryBytes: SMALL_MEMORY, args: '', modules: [], flat: { address, mode } }) };
}

/**
 * Programs the PIT for an interrupt each 50 µs and sums numbers into a table; HLTs now and then; each interrupt notes how far
 * the sum was, and what the time-stamp counter read. After 60 ticks it halts for ever.
 */
export const TICKING = `
  bc00900000              mov esp, 9000h
  bf00210000              mov edi, 2100h            ; gate 20h of the IDT at 2000h
  c70771100800            mov dword [edi], 00081071h
  c74704008e0000          mov dword [edi+4], 8e00h
  0f011d94100000          lidt [1094h]
  b011 e620 b020 e621 b004 e621 b001 e621 b0fe e621  ; 8259: vectors from 20h, IRQ 0 only
  b034 e643 b03c e640 31c0 e640                      ; 8254: counter 0, mode 2, 60
  31db 31f6 fb            xor ebx, ebx; xor esi, esi; sti
  69db0d661900            imul ebx, ebx, 19660dh
  81c35ff36e3c            add ebx, 3c6ef35fh
  89d8 25fc0f0000         mov eax, ebx; and eax, 0ffch
  019800000400            add [eax+40000h], ebx
  46 f7c6ff3f0000         inc esi; test esi, 3fffh
  7501 f4                 jnz +1; hlt
  833d008000003c          cmp dword [8000h], 60
  72d4 fa f4              jb -44; cli; hlt
  50 52                   push eax; push edx
  ff0500800000            inc dword [8000h]
  a100800000              mov eax, [8000h]
  89348500000200          mov [eax*4+20000h], esi
  0f31 310500000300       rdtsc; xor [30000h], eax
  b020 e620 5a 58 cf      mov al, 20h; out 20h, al; pop edx; pop eax; iret
  ff0700200000            ; limit and base of the IDT
`.split('\n').map((line) => line.replace(/;.*/, '').replace(/^\s*((?:[0-9a-f]{2,}\s)*[0-9a-f]{2,})\s{2,}.*$/, '$1')).join(' ');

export interface Running { readonly machine: PersonalComputer; readonly output: () => string }

export function start(guest: Guest, options: Partial<MachineOptions> = {}): Running {
  let text = '';
  const put = (byte: number) => { text += String.fromCharCode(byte); };
  const machine = new PersonalComputer({ memoryBytes: guest.memoryBytes, cpus: 1, onSerial: (_port, byte) => put(byte), onDebugConsole: put, ...options });
  machine.load(guest.plan);
  return { machine, output: () => text };
}
