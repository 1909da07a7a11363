/** I/O, MSR, VMREAD and VMWRITE bitmaps: which bit decides, and whether it is 1. SDM Vol. 3C, "I/O-Bitmap Addresses", "MSR-Bitmap Address", "VMCS Shadowing Bitmap Addresses". */
import type { Processor } from '../cpu/processor.js';
import { readPhysical8 } from '../paging/access.js';
import { PROCESSOR_2 } from './controls.js';
import { secondaryControls } from './guest-state.js';
import { slot, type Vmcs } from './vmcs.js';

const BITMAP_A = slot('address of I/O bitmap A'), BITMAP_B = slot('address of I/O bitmap B'), MSR_BITMAPS = slot('address of MSR bitmaps');
const hex = (n: number): string => `0x${n.toString(16)}`;

/** The sentence that names the bit, if it is 1. */
export type Verdict = (() => string) | undefined;

const PORTS = 0x10000, PORTS_OF_A = 0x8000;

export function ioBitmap(cpu: Processor, vmcs: Vmcs, port: number, bytes: number): Verdict {
  if (port + bytes > PORTS) return () => `the access of ${bytes} bytes at port ${hex(port)} wraps around the I/O-port space`;
  for (let p = port; p < port + bytes; p++) {
    const inA = p < PORTS_OF_A, byte = (p % PORTS_OF_A) >> 3, bit = p & 7;
    if (((readPhysical8(cpu, vmcs.unsigned(inA ? BITMAP_A : BITMAP_B) + byte) >> bit) & 1) !== 0)
      return () => `I/O port ${hex(p)}: bit ${bit} of byte ${hex(byte)} in I/O bitmap ${inA ? 'A' : 'B'} is 1`;
  }
  return undefined;
}

const MSR_RANGE = 0x2000, HIGH_MSRS = 0xc000_0000;
const READ_LOW = 0, READ_HIGH = 0x400, WRITE_LOW = 0x800, WRITE_HIGH = 0xc00;

export function msrBitmap(cpu: Processor, vmcs: Vmcs, index: number, write: boolean): Verdict {
  const name = `${write ? 'WRMSR' : 'RDMSR'} of ${hex(index)}`;
  const low = index < MSR_RANGE, high = index >= HIGH_MSRS && index < HIGH_MSRS + MSR_RANGE;
  if (!low && !high) return () => `${name}: the MSR is in neither range of the MSR bitmaps`;
  const n = low ? index : index - HIGH_MSRS, byte = (write ? (low ? WRITE_LOW : WRITE_HIGH) : low ? READ_LOW : READ_HIGH) + (n >> 3), bit = n & 7;
  if (((readPhysical8(cpu, vmcs.unsigned(MSR_BITMAPS) + byte) >> bit) & 1) === 0) return undefined;
  return () => `${name}: bit ${bit} of byte ${hex(byte)} in the MSR bitmaps is 1`;
}

const SHADOW_BITMAPS = { VMREAD: slot('VMREAD-bitmap address'), VMWRITE: slot('VMWRITE-bitmap address') } as const;
const ENCODING_BITS = 15;

/** Of the instruction whose argument 0 is the encoding. */
export function shadowBitmap(cpu: Processor, vmcs: Vmcs, name: keyof typeof SHADOW_BITMAPS): Verdict {
  if ((secondaryControls(vmcs) & PROCESSOR_2['VMCS shadowing']) === 0) return () => 'the "VMCS shadowing" VM-execution control is 0';
  const encoding = cpu.argumentLow(0), byte = encoding >>> 3, bit = encoding & 7;
  if (cpu.argumentHigh(0) !== 0 || encoding >>> ENCODING_BITS !== 0) return () => `${name}: the encoding has bits above ${ENCODING_BITS - 1}`;
  if (((readPhysical8(cpu, vmcs.unsigned(SHADOW_BITMAPS[name]) + byte) >> bit) & 1) === 0) return undefined;
  return () => `${name} of ${hex(encoding)}: bit ${bit} of byte ${hex(byte)} in the ${name} bitmap is 1`;
}
