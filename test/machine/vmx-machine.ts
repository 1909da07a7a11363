/** A whole machine that stands before VMLAUNCH: page tables, EPT, IDT, a VMCS of a guest in 64-bit mode. */
import { MAP, S } from '../../emulator/cpu/layout.js';
import { PersonalComputer } from '../../emulator/machine/machine.js';
import { AT, type Fields, mapByEpt, TestProcessor } from '../../emulator/vmx/test-processor.js';
import { currentVmcs, slot } from '../../emulator/vmx/vmcs.js';
import type { FieldName } from '../../emulator/vmx/vmcs-fields.js';

const MEMORY_BYTES = 2 << 20, LOW_MEMORY = 0x40000;
export const LAUNCH_AT = 0x40000, VMLAUNCH = [0x0f, 0x01, 0xc2];
const JUMP_TO_ITSELF = [0xeb, 0xfe], IRETQ = [0x48, 0xcf];

/** `prepare` puts more into memory. */
export function vmxMachine(prepare: (t: TestProcessor) => void = () => undefined): PersonalComputer {
  const machine = new PersonalComputer({ memoryBytes: MEMORY_BYTES, cpus: 1, onSerial: () => undefined, onDebugConsole: () => undefined, tier: 'interpreter' });
  const t = new TestProcessor().enterVmx(), { cpu } = machine;
  mapByEpt(t);
  t.code(AT.hostRip, ...JUMP_TO_ITSELF);
  for (let vector = 0; vector < 256; vector++) t.code(AT.handler + 16 * vector, ...IRETQ);
  prepare(t);
  cpu.u8.set(t.cpu.u8.subarray(0, S.end));
  cpu.u8.set(t.cpu.u8.subarray(MAP.guestMemory, MAP.guestMemory + LOW_MEMORY), MAP.guestMemory);
  cpu.u8.set(VMLAUNCH, MAP.guestMemory + LAUNCH_AT);
  cpu.rip = LAUNCH_AT;
  machine.engine.forget();
  return machine;
}

export function writeVmcs({ cpu }: PersonalComputer, fields: Fields): void {
  const vmcs = currentVmcs(cpu);
  for (const [name, value] of Object.entries(fields)) {
    const bits = BigInt.asUintN(64, BigInt(value));
    vmcs.set(slot(name as FieldName), Number(bits & 0xffff_ffffn), Number(bits >> 32n));
  }
}
