/** VMCLEAR, VMPTRLD, VMPTRST, VMREAD, VMWRITE. SDM Vol. 3D, "VMX Instruction Reference", by their names. */
import { MAP, S } from '../../cpu/layout.js';
import { DIRTY_OFFSET } from '../../vmx/vmcs.js';
import { FIELD_ACCESS } from '../../vmx/field-access.js';
import { instruction, type Cpu } from '../instruction.js';
import type { Value } from '../../meaning/meaning.js';
import { FLAGS, LEVEL_0, OUTSIDE_VMX } from './operation.js';

const common = { feature: 'VMX', privileged: true, flags: FLAGS, exceptions: `${OUTSIDE_VMX} ${LEVEL_0}`, vmExit: 'Always.' } as const;

const byBitmap = (name: 'VMREAD' | 'VMWRITE'): string => `If "VMCS shadowing" is 0, or the encoding has bits above 14, or its bit in the ${name} bitmap is 1.`;

const withPointer = (name: 'VMCLEAR' | 'VMPTRLD', summary: string, encoding: string) => instruction(name, summary, {
  encodings: `${encoding} | ${name} m64`,
  ...common,
  operation(cpu, pointer) {
    cpu.compute(`check ${name}`, []);
    cpu.perform(name, pointer.read());
  },
});
export const VMCLEAR = withPointer('VMCLEAR', 'Clear Virtual-Machine Control Structure', '66 0F C7 /6');
export const VMPTRLD = withPointer('VMPTRLD', 'Load Pointer to Virtual-Machine Control Structure', 'NP 0F C7 /6');

/** Status flags where only CF and ZF can be 1. */
function setResult(cpu: Cpu, status: Value): void {
  const zero = cpu.constant(0, 1);
  cpu.setFlags({ CF: status.bit(0), ZF: status.bit(6), PF: zero, AF: zero, SF: zero, OF: zero });
}

export const VMPTRST = instruction('VMPTRST', 'Store Pointer to Virtual-Machine Control Structure', {
  encodings: 'NP 0F C7 /7 | VMPTRST m64',
  ...common,
  operation(cpu, dest) {
    const [pointer] = cpu.compute('VMPTRST', [], [64]);
    dest.write(pointer!);
    setResult(cpu, cpu.constant(0, 32));
  },
});

/**
 * The word of vmx/field-access.ts for an encoding, 0 where something must be looked at more closely: outside 64-bit VMX root
 * operation at CPL 0 with a current VMCS, and for encodings of no field or of the high half of one.
 */
function fieldAccess(cpu: Cpu, encoding: Value): Value {
  const { meaning } = cpu, low = encoding.truncate(32);
  const root = cpu.state(S.vmxOn, 32).eq(1).and(cpu.state(S.nonRoot, 32).isZero).and(cpu.state(S.cpl, 32).isZero).and(cpu.state(S.currentVmcs + 4, 32).ne(0xffffffff));
  const full = encoding.shr(15).isZero.and(low.bit(0).not);
  const word = meaning.get(low.and(0x7ffe).shl(1).add(MAP.vmcsFields), 32);
  return root.and(full).select(word, cpu.constant(0, 32));
}
const placeOf = (cpu: Cpu, word: Value): Value => cpu.state(S.currentVmcs, 32).add(MAP.guestMemory).add(word.and(FIELD_ACCESS.place));
const has = (word: Value, bit: number): Value => word.and(bit).ne(0);

function succeed(cpu: Cpu): void {
  const none = cpu.constant(0, 32);
  cpu.meaning.flags('explicit', 32, none, none);
}

export const VMREAD = instruction('VMREAD', 'Read Field From Virtual-Machine Control Structure', {
  encodings: `
    NP 0F 78 /r | VMREAD r/m32, r32 | 32
    NP 0F 78 /r | VMREAD r/m64, r64 | 64`,
  ...common, vmExit: byBitmap('VMREAD'),
  operation(cpu, dest, encoding) {
    const code = encoding.read().zeroExtend(64);
    const slowly = (): void => {
      const [status, value] = cpu.compute('VMREAD', [code], [32, 64]);
      cpu.when(status!.isZero, () => { dest.write(value!.truncate(dest.bits)); });
      setResult(cpu, status!);
    };
    if (cpu.mode !== 64) { slowly(); return; }
    const word = fieldAccess(cpu, code);
    cpu.when(has(word, FIELD_ACCESS.readable), () => {
      dest.write(cpu.meaning.get(placeOf(cpu, word), 64));
      succeed(cpu);
    }, slowly);
  },
});

export const VMWRITE = instruction('VMWRITE', 'Write Field to Virtual-Machine Control Structure', {
  encodings: `
    NP 0F 79 /r | VMWRITE r32, r/m32 | 32
    NP 0F 79 /r | VMWRITE r64, r/m64 | 64`,
  ...common, vmExit: byBitmap('VMWRITE'),
  operation(cpu, encoding, src) {
    const code = encoding.read().zeroExtend(64);
    if (src.kind === 'memory') cpu.compute('check VMWRITE', [code]);
    const value = src.read().zeroExtend(64);
    const slowly = (): void => { cpu.compute('VMWRITE', [code, value]); };
    if (cpu.mode !== 64) { slowly(); return; }
    const word = fieldAccess(cpu, code);
    cpu.when(has(word, FIELD_ACCESS.writable), () => {
      const { meaning } = cpu, all = cpu.constant(-1, 64), place = placeOf(cpu, word), dirty = cpu.state(S.currentVmcs, 32).add(MAP.guestMemory + DIRTY_OFFSET);
      const mask = has(word, FIELD_ACCESS.bits16).select(cpu.constant(0xffff, 64), has(word, FIELD_ACCESS.bits32).select(cpu.constant(0xffffffff, 64), all));
      const written = value.and(mask), parts = word.shr(FIELD_ACCESS.partsShift);
      const changed = written.ne(meaning.get(place, 64));
      meaning.set(dirty, meaning.get(dirty, 32).or(changed.select(parts, cpu.constant(0, 32))));
      meaning.set(place, written);
      succeed(cpu);
    }, slowly);
  },
});
