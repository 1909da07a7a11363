/** The MSRs of the local APIC. SDM Vol. 3, "Enabling or Disabling the Local APIC", "Extended XAPIC (x2APIC)", "TSC-Deadline Mode". */
import type { ApicMode } from '../devices/local-apic.js';
import { MAXPHYADDR } from '../paging/capabilities.js';
import { Exception, VECTORS } from './events.js';
import { S } from './layout.js';
import type { Msr } from './msrs.js';
import type { Processor } from './processor.js';

const EXTENDED = 1n << 10n, ENABLED = 1n << 11n;
const BASE_BITS = ((1n << BigInt(MAXPHYADDR)) - 1n) & ~0x2ffn;
const FIRST_REGISTER = 0x800;

const fault = (why: string): Exception => new Exception(VECTORS['#GP'], 0, 0, why);

/** The mode that IA32_APIC_BASE asks for; undefined for the invalid combination, EXTD without EN. */
function modeOf(value: bigint): ApicMode | undefined {
  if ((value & ENABLED) === 0n) return (value & EXTENDED) === 0n ? 'disabled' : undefined;
  return (value & EXTENDED) === 0n ? 'xAPIC' : 'x2APIC';
}

/** SDM Vol. 3, "x2APIC State Transitions": x2APIC mode is entered from xAPIC mode only, and left by disabling the APIC. */
const TRANSITIONS: Readonly<Record<ApicMode, readonly ApicMode[]>> = {
  disabled: ['disabled', 'xAPIC'],
  xAPIC: ['disabled', 'xAPIC', 'x2APIC'],
  x2APIC: ['disabled', 'x2APIC'],
};

function writeApicBase(cpu: Processor, value: bigint): void {
  const reserved = ~(BASE_BITS & (cpu.features.has('x2APIC') ? ~0n : ~EXTENDED));
  if ((value & reserved) !== 0n) throw fault(`IA32_APIC_BASE: 0x${value.toString(16)} sets a reserved bit`);
  const from = modeOf(cpu.big(S.apicBase))!, to = modeOf(value);
  if (to === undefined || !TRANSITIONS[from].includes(to)) throw fault(`IA32_APIC_BASE: there is no transition from ${from} to ${to ?? 'EXTD without EN'}`);
  cpu.setBig(S.apicBase, value);
  cpu.localApic.setMode(to);
  cpu.mmu.remapped();
}

const x2apicRegister = (number: number): Msr => {
  const name = `x2APIC register 0x${(number << 4).toString(16)}`;
  const demandMode = (cpu: Processor): void => { if (cpu.localApic.mode !== 'x2APIC') throw fault(`${name}: the local APIC is not in x2APIC mode`); };
  return {
    index: FIRST_REGISTER + number, name, feature: 'x2APIC',
    read(cpu) {
      demandMode(cpu);
      const value = cpu.localApic.readRegister(number);
      if (value === undefined) throw fault(`${name} cannot be read`);
      return value;
    },
    write(cpu, value) {
      demandMode(cpu);
      if (!cpu.localApic.writeRegister(number, value)) throw fault(`${name}: 0x${value.toString(16)} cannot be written`);
    },
  };
};

/** `x2apicRegisters`: by number, those that exist in x2APIC mode. */
export const apicMsrs = (x2apicRegisters: readonly number[]): readonly Msr[] => [
  { index: 0x1b, name: 'IA32_APIC_BASE', feature: 'APIC', field: S.apicBase, read: (cpu) => cpu.big(S.apicBase), write: writeApicBase },
  {
    index: 0x6e0, name: 'IA32_TSC_DEADLINE', feature: 'TSC-Deadline',
    read: (cpu) => cpu.localApic.timer.deadline,
    write: (cpu, value) => { cpu.localApic.timer.deadline = value; },
  },
  ...x2apicRegisters.map(x2apicRegister),
];
