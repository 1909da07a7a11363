import assert from 'node:assert/strict';
import { VirtualClock } from '../machine/clock.js';
import { LocalApic } from '../devices/local-apic.js';
import { apicMsrs } from './apic-msrs.js';
import { Exception } from './events.js';
import { cpuid } from './cpuid.js';
import { readMsr, registerMsrs, writeMsr } from './msrs.js';
import { TestProcessor } from './test-processor.js';

const BASE = 0x1b, AT = 0xfee00900n, ENABLED = 0x800n, EXTENDED = 0x400n;

function processor(): TestProcessor {
  const cpu = new TestProcessor(), nothing = () => undefined;
  cpu.localApic = new LocalApic(0, {
    clock: new VirtualClock(), tsc: () => 0n, send: nothing, endOfInterrupt: nothing, acknowledgeExternal: () => 0, NMI: nothing, SMI: nothing, INIT: nothing, startUp: nothing,
  });
  cpu.localApic.reset();
  registerMsrs(cpu, apicMsrs(LocalApic.X2APIC_REGISTERS));
  return cpu;
}

describe('IA32_APIC_BASE', () => {
  const bits = { disabled: 0n, xAPIC: ENABLED, x2APIC: ENABLED | EXTENDED, invalid: EXTENDED };
  const base = AT & ~ENABLED;
  const paths = { disabled: ['disabled'], xAPIC: [], x2APIC: ['x2APIC'] } as const;
  const allowed = { disabled: ['disabled', 'xAPIC'], xAPIC: ['disabled', 'xAPIC', 'x2APIC'], x2APIC: ['disabled', 'x2APIC'] } as const;

  for (const from of ['disabled', 'xAPIC', 'x2APIC'] as const) {
    it(`has the transitions of the manual from ${from}`, () => {
      for (const to of ['disabled', 'xAPIC', 'x2APIC', 'invalid'] as const) {
        const cpu = processor();
        for (const step of paths[from]) writeMsr(cpu, BASE, base | bits[step]);
        const write = () => { writeMsr(cpu, BASE, base | bits[to]); };
        if ((allowed[from] as readonly string[]).includes(to)) {
          write();
          assert.equal(cpu.localApic.mode, to);
        } else {
          assert.throws(write, Exception, `${from} to ${to}`);
          assert.equal(cpu.localApic.mode, from);
        }
        assert.equal((cpuid(cpu, 1, 0).edx >>> 9) & 1, cpu.localApic.mode === 'disabled' ? 0 : 1);
      }
    });
  }

  it('refuses reserved bits, and shows registers as MSRs in x2APIC mode only', () => {
    const cpu = processor();
    for (const bit of [0n, 7n, 9n, 52n, 63n]) assert.throws(() => { writeMsr(cpu, BASE, AT | (1n << bit)); }, Exception);
    assert.throws(() => readMsr(cpu, 0x802), Exception);
    writeMsr(cpu, BASE, AT | EXTENDED);
    assert.equal(readMsr(cpu, 0x802), 0n);
    assert.throws(() => readMsr(cpu, 0x80e), Exception);
    assert.throws(() => { writeMsr(cpu, 0x802, 1n); }, Exception);
  });
});
