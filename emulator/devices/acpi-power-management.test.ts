import { strict as assert } from 'node:assert';
import { VirtualClock } from '../machine/clock.js';
import { AcpiPowerManagement } from './acpi-power-management.js';

function board() {
  const clock = new VirtualClock(), log: string[] = [];
  const pm = new AcpiPowerManagement(clock, { interrupt: (raised) => { log.push(raised ? 'SCI' : '-'); }, powerOff: () => { log.push('off'); } });
  pm.reset();
  log.length = 0;
  return { clock, log, pm };
}

describe('AcpiPowerManagement', () => {
  it('counts 3,579,545 a second', () => {
    const { clock, pm } = board();
    clock.runDue(1e9);
    assert.equal(pm.read(8, 4), 3_579_545);
    assert.equal(pm.read(9, 1), (3_579_545 >> 8) & 0xff);
  });

  it('sets the timer status at the carry, interrupts, and is cleared by a one', () => {
    const { clock, log, pm } = board();
    pm.write(2, 2, 1);
    assert.equal(pm.read(0, 4), 0x10000);
    log.length = 0;
    clock.runDue(601e9);
    assert.deepEqual([log.at(-1), pm.read(0, 2)], ['SCI', 1]);
    pm.write(0, 2, 1);
    assert.deepEqual([log.at(-1), pm.read(0, 2)], ['-', 0]);
    clock.runDue(1300e9);
    assert.equal(log.at(-1), 'SCI');
  });

  it('is in ACPI mode, and powers off at sleep type 0 only', () => {
    const { log, pm } = board();
    assert.equal(pm.read(4, 2), 1);
    pm.write(4, 2, 0x2400);
    assert.ok(!log.includes('off'));
    assert.equal(pm.read(4, 2), 0x401);
    pm.write(4, 2, 0x2000);
    assert.ok(log.includes('off'));
  });
});
