import { strict as assert } from 'node:assert';
import { VirtualClock } from '../machine/clock.js';
import { ApicBus } from './apic-bus.js';
import { IoApic } from './io-apic.js';
import { LocalApic } from './local-apic.js';

const ID = 0x20, TPR = 0x80, PPR = 0xa0, EOI = 0xb0, LDR = 0xd0, DFR = 0xe0, SVR = 0xf0, ISR = 0x100, TMR = 0x180, IRR = 0x200, ESR = 0x280;
const ICR = 0x300, ICR_HIGH = 0x310, LVT_TIMER = 0x320, LVT_LINT0 = 0x350, LVT_ERROR = 0x370, INITIAL = 0x380, CURRENT = 0x390, DIVIDE = 0x3e0;
const MASKED = 0x10000, ENABLE = 0x1ff;

function board(processors = 1) {
  const clock = new VirtualClock(), bus = new ApicBus(), log: string[] = [];
  const ioApic = new IoApic((message) => { bus.send(message); });
  for (let id = 0; id < processors; id++) {
    const said = (what: string) => () => { log.push(`${what} to ${id}`); };
    const apic: LocalApic = new LocalApic(id, {
      clock, tsc: () => BigInt(clock.now()) + 1000n, acknowledgeExternal: () => 0x99,
      send: (message, shorthand) => { bus.send(message, shorthand, apic); },
      endOfInterrupt: (vector) => { ioApic.endOfInterrupt(vector); },
      NMI: said('NMI'), SMI: said('SMI'), INIT: said('INIT'), startUp: (vector) => { log.push(`start-up ${vector} to ${id}`); },
    });
    apic.reset();
    apic.write(SVR, 4, ENABLE);
    bus.apics.push(apic);
  }
  return { clock, bus, log, ioApic, apic: bus.apics[0]!, apics: bus.apics };
}

const bit = (apic: LocalApic, register: number, vector: number) => (apic.read(register + 16 * (vector >>> 5), 4) >>> (vector & 31)) & 1;
const selfIpi = (apic: LocalApic, vector: number) => { apic.write(ICR, 4, 0x40000 | vector); };

describe('LocalApic', () => {
  it('begins with all entries masked and disabled by software, with version 14H and six entries', () => {
    const { apic } = board();
    apic.reset();
    assert.equal(apic.read(SVR, 4), 0xff);
    assert.equal(apic.read(0x30, 4) & 0xff00ff, 0x50014);
    for (let entry = LVT_TIMER; entry <= LVT_ERROR; entry += 16) assert.equal(apic.read(entry, 4), MASKED);
    apic.write(LVT_LINT0, 4, 0x700);
    assert.equal(apic.read(LVT_LINT0, 4), MASKED | 0x700, 'the mask cannot be cleared while it is disabled');
    selfIpi(apic, 0x40);
    assert.equal(apic.interruptRequested, false);
  });

  it('moves an interrupt from IRR to ISR and out, by priority', () => {
    const { apic } = board();
    selfIpi(apic, 0x41);
    selfIpi(apic, 0x62);
    selfIpi(apic, 0x62);
    assert.deepEqual([bit(apic, IRR, 0x41), bit(apic, IRR, 0x62), bit(apic, TMR, 0x62)], [1, 1, 0]);
    assert.equal(apic.acknowledge(), 0x62);
    assert.deepEqual([bit(apic, IRR, 0x62), bit(apic, ISR, 0x62)], [0, 1]);
    assert.equal(apic.read(PPR, 4), 0x60);
    assert.equal(apic.interruptRequested, false, '41H waits for 62H');
    apic.write(EOI, 4, 0);
    assert.equal(apic.acknowledge(), 0x41);
    apic.write(EOI, 4, 0);
    assert.equal(apic.read(PPR, 4), 0);
  });

  it('holds back what the task priority forbids, and answers with the spurious vector when the request has gone', () => {
    const { apic } = board();
    apic.write(TPR, 4, 0x4f);
    selfIpi(apic, 0x4e);
    assert.equal(apic.interruptRequested, false);
    assert.equal(apic.acknowledge(), 0xff);
    assert.equal(bit(apic, ISR, 0xff), 0);
    apic.taskPriority = 0x30;
    assert.equal(apic.read(TPR, 4), 0x30);
    assert.equal(apic.interruptRequested, true);
  });

  it('collects errors, and shows them when the register is written', () => {
    const { apic } = board();
    apic.write(LVT_ERROR, 4, 0x33);
    selfIpi(apic, 3);
    assert.equal(apic.read(ESR, 4), 0);
    apic.write(ESR, 4, 0);
    assert.equal(apic.read(ESR, 4), 0x20);
    assert.equal(apic.acknowledge(), 0x33);
    apic.write(EOI, 4, 0);
    apic.read(0x40, 4);
    apic.write(ESR, 4, 0);
    assert.equal(apic.read(ESR, 4), 0x80);
  });

  it('finds destinations: physical, flat and cluster logical, broadcast', () => {
    const { apics } = board(3);
    apics.forEach((apic, n) => { apic.write(LDR, 4, (0x11 << n) << 24 >>> 0); });
    const sent = (high: number, low: number) => {
      apics[0]!.write(ICR_HIGH, 4, (high << 24) >>> 0);
      apics[0]!.write(ICR, 4, low);
      return apics.map((apic) => {
        if (!apic.interruptRequested) return 0;
        apic.acknowledge();
        apic.write(EOI, 4, 0);
        return 1;
      });
    };
    assert.deepEqual(sent(2, 0x50), [0, 0, 1]);
    assert.deepEqual(sent(0xff, 0x50), [1, 1, 1]);
    assert.deepEqual(sent(0x03, 0x850), [1, 1, 0], 'flat');
    for (const [n, apic] of apics.entries()) { apic.write(DFR, 4, 0x0fffffff); apic.write(LDR, 4, (n < 2 ? 0x11 << (4 * 0) | n : 0x21) << 24 >>> 0); }
    assert.deepEqual(sent(0x21, 0x850), [0, 0, 1], 'cluster 2');
    assert.deepEqual(sent(0xf1, 0x850), [1, 1, 1], 'that processor in every cluster');
    assert.deepEqual(sent(0, 0x80050), [1, 1, 1], 'all');
    assert.deepEqual(sent(0, 0xc0050), [0, 1, 1], 'all but self');
    apics[0]!.taskPriority = 0x20;
    assert.deepEqual(sent(0xff, 0x150), [0, 1, 0], 'lowest priority');
  });

  it('passes NMI, INIT and start-up on, whatever the software enable, and drops the de-assertion of INIT', () => {
    const { apics, log } = board(2);
    apics[1]!.write(SVR, 4, 0xff);
    apics[0]!.write(ICR_HIGH, 4, 1 << 24);
    for (const low of [0x400, 0x4500, 0x8500, 0x69a]) apics[0]!.write(ICR, 4, low);
    assert.deepEqual(log, ['NMI to 1', 'INIT to 1', 'start-up 154 to 1']);
  });

  it('passes the 8259A through LINT0, and alone when it is disabled', () => {
    const { apic, log } = board();
    apic.setLine(0, true);
    assert.equal(apic.interruptRequested, false);
    apic.write(LVT_LINT0, 4, 0x700);
    assert.equal(apic.interruptRequested, true);
    assert.equal(apic.acknowledge(), 0x99);
    apic.setMode('disabled');
    assert.equal(apic.interruptRequested, true);
    apic.setLine(1, true);
    assert.deepEqual(log, ['NMI to 0']);
    apic.setMode('xAPIC');
    assert.equal(apic.interruptRequested, false, 'enabled again, it is as after reset');
    assert.equal(apic.read(LVT_LINT0, 4), MASKED);
  });

  it('counts down once or for ever', () => {
    const { apic, clock } = board();
    apic.write(DIVIDE, 4, 3);
    apic.write(LVT_TIMER, 4, 0x40);
    apic.write(INITIAL, 4, 100);
    clock.runDue(800);
    assert.equal(apic.read(CURRENT, 4), 50);
    clock.runDue(1599);
    assert.equal(apic.interruptRequested, false);
    clock.runDue(1600);
    assert.equal(apic.acknowledge(), 0x40);
    apic.write(EOI, 4, 0);
    assert.equal(apic.read(CURRENT, 4), 0);
    apic.write(DIVIDE, 4, 0xb);
    apic.write(LVT_TIMER, 4, 0x20041);
    apic.write(INITIAL, 4, 100);
    for (const at of [1700, 1800, 1900]) {
      clock.runDue(at);
      assert.equal(apic.acknowledge(), 0x41);
      apic.write(EOI, 4, 0);
    }
    apic.write(INITIAL, 4, 0);
    assert.equal(clock.nextDeadline(), Infinity);
  });

  it('fires at a deadline of the time-stamp counter', () => {
    const { apic, clock } = board();
    apic.timer.deadline = 5000n;
    assert.equal(apic.timer.deadline, 0n, 'only in its mode');
    apic.write(LVT_TIMER, 4, 0x40040);
    apic.write(INITIAL, 4, 7);
    assert.equal(apic.read(INITIAL, 4), 0);
    apic.timer.deadline = 5000n;
    assert.equal(clock.nextDeadline(), 4000);
    clock.runDue(4000);
    assert.equal(apic.acknowledge(), 0x40);
    assert.equal(apic.timer.deadline, 0n);
    apic.timer.deadline = 9000n;
    apic.write(LVT_TIMER, 4, 0x40);
    assert.equal(clock.nextDeadline(), Infinity, 'another mode disarms it');
  });

  it('has registers by number in x2APIC mode, and reserved bits', () => {
    const { apics } = board(2), apic = apics[1]!;
    apic.write(ID, 4, 0x55000000);
    apic.setMode('x2APIC');
    assert.equal(apic.readRegister(0x02), 1n, 'an ID written before is lost');
    assert.equal(apic.readRegister(0x0d), 2n);
    assert.equal(apic.readRegister(0x0e), undefined, 'no DFR');
    assert.equal(apic.readRegister(0x31), undefined, 'no upper half of the ICR');
    assert.equal(apic.readRegister(0x0b), undefined, 'EOI is write-only');
    assert.equal(apic.writeRegister(0x0b, 1n), false);
    assert.equal(apic.writeRegister(0x0d, 1n), false);
    assert.equal(apic.writeRegister(0x08, 0x100n), false);
    assert.equal(apic.writeRegister(0x08, 1n << 32n), false);
    assert.equal(apic.writeRegister(0x3f, 0x77n), true);
    assert.equal(apic.acknowledge(), 0x77);
    assert.equal(apic.writeRegister(0x0b, 0n), true);
    assert.equal(apic.writeRegister(0x30, 0x0000_0000_0000_0871n), true);
    assert.equal(apic.interruptRequested, false, 'logical destination 0 is nobody');
    assert.equal(apic.writeRegister(0x30, (2n << 32n) | 0x871n), true);
    assert.equal(apic.acknowledge(), 0x71);
    assert.equal(apic.readRegister(0x30), (2n << 32n) | 0x871n);
  });

  it('restores what it saved', () => {
    const first = board(), second = board();
    selfIpi(first.apic, 0x80);
    first.apic.write(LVT_TIMER, 4, 0x20041);
    first.apic.write(INITIAL, 4, 100);
    second.apic.restore(first.apic.save());
    assert.deepEqual(second.apic.save(), first.apic.save());
    assert.equal(second.apic.acknowledge(), 0x80);
  });
});

describe('IoApic', () => {
  const INDEX = 0, DATA = 0x10;
  const entry = (ioApic: IoApic, pin: number, low: number) => {
    ioApic.write(INDEX, 4, 0x10 + 2 * pin);
    ioApic.write(DATA, 4, low);
  };
  const readEntry = (ioApic: IoApic, pin: number) => { ioApic.write(INDEX, 4, 0x10 + 2 * pin); return ioApic.read(DATA, 4); };

  it('sends an edge once, and none while masked', () => {
    const { apic, ioApic } = board();
    ioApic.setLine(4, true);
    ioApic.setLine(4, false);
    assert.equal(apic.interruptRequested, false);
    entry(ioApic, 4, 0x44);
    ioApic.setLine(4, true);
    assert.equal(apic.acknowledge(), 0x44);
    apic.write(EOI, 4, 0);
    assert.equal(apic.interruptRequested, false);
  });

  it('keeps a level until its EOI, and sends it anew while the line is up', () => {
    const { apic, ioApic } = board();
    ioApic.setLine(17, true);
    entry(ioApic, 17, 0x8055);
    assert.equal(readEntry(ioApic, 17), 0xc055);
    assert.equal(bit(apic, TMR, 0x55), 1);
    assert.equal(apic.acknowledge(), 0x55);
    apic.write(EOI, 4, 0);
    assert.equal(apic.acknowledge(), 0x55);
    ioApic.setLine(17, false);
    apic.write(EOI, 4, 0);
    assert.equal(apic.interruptRequested, false);
    assert.equal(readEntry(ioApic, 17), 0x8055);
  });

  it('leaves the EOI to its own register when broadcasts are suppressed', () => {
    const { apic, ioApic } = board();
    apic.write(SVR, 4, 0x11ff);
    ioApic.setLine(17, true);
    entry(ioApic, 17, 0x8055);
    apic.acknowledge();
    ioApic.setLine(17, false);
    apic.write(EOI, 4, 0);
    assert.equal(readEntry(ioApic, 17), 0xc055);
    ioApic.write(0x40, 4, 0x55);
    assert.equal(readEntry(ioApic, 17), 0x8055);
  });

  it('has 24 pins and version 20H', () => {
    const { ioApic } = board();
    ioApic.write(INDEX, 4, 1);
    assert.equal(ioApic.read(DATA, 4), 0x170020);
    assert.equal(readEntry(ioApic, 23), MASKED);
  });
});
