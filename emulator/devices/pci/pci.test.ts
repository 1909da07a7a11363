import { strict as assert } from 'node:assert';
import { Bus, type Device } from '../../memory/bus.js';
import type { InterruptMessage } from '../interrupt-message.js';
import { COMMAND, PCI, PciFunction } from './pci-function.js';
import { ConfigurationPorts, EnhancedConfiguration, PciBus } from './pci-bus.js';

const memoryDevice = (name: string): Device => ({ name, read: (offset) => offset, write: () => undefined, reset: () => undefined, save: () => null, restore: () => undefined });

function board() {
  const log: string[] = [], messages: InterruptMessage[] = [];
  const bus: PciBus = new PciBus({
    interrupt: (device, pin) => { log.push(`${device} INT${'ABCD'[pin]!} ${bus.interrupting.length > 0 ? 'up' : 'down'}`); },
    message: (message) => { messages.push(message); },
    decodingChanged: () => undefined,
  });
  const card = new PciFunction({
    name: 'card', vendor: 0x1234, device: 0x5678, classCode: 0x020000, interrupts: true, msiX: { vectors: 3, baseAddress: 1 },
    baseAddresses: { 0: { kind: 'ports', bytes: 32, device: memoryDevice('ports') }, 2: { kind: 'memory', bytes: 0x4000, device: memoryDevice('memory') } },
    capabilities: [{ id: 9, body: [4, 1] }],
  });
  bus.attach(3, card);
  const ecam = new EnhancedConfiguration(bus), ports = new ConfigurationPorts(bus, { read: () => 0x42, write: (_offset, _bytes, value) => { log.push(`reset ${value}`); } });
  ecam.reset();
  bus.assign(0xc0000000, 0xc000, () => 11);
  log.length = 0;
  return { bus, card, ecam, ports, log, messages };
}
const at = (register: number) => (3 << 15) + register;

describe('PCI', () => {
  it('is configured by ports and in memory alike', () => {
    const { ecam, ports, log } = board();
    assert.equal(ecam.read(at(0), 4), 0x56781234);
    assert.equal(ecam.read(0, 4), 0xffffffff);
    assert.equal(ecam.read(at(0x100), 4), 0);
    ports.write(0, 4, 0x80001800);
    assert.equal(ports.read(0, 4), 0x80001800);
    assert.deepEqual([ports.read(4, 4), ports.read(6, 2), ports.read(7, 1)], [0x56781234, 0x5678, 0x56]);
    ports.write(0, 4, 0x1800);
    assert.equal(ports.read(4, 4), 0xffffffff);
    assert.equal(ports.read(1, 1), 0x42);
    ports.write(1, 1, 6);
    assert.deepEqual(log, ['reset 6']);
    assert.equal(ports.read(0, 4), 0x1800);
  });

  it('sizes base address registers and answers where they say', () => {
    const { bus, ecam } = board(), memory = new Bus('memory'), io = new Bus('port');
    memory.behind = (address) => bus.find('memory', address);
    io.behind = (address) => bus.find('ports', address);
    const bar2 = ecam.read(at(PCI.baseAddresses + 8), 4);
    assert.equal(memory.read(bar2 + 0x124, 4), 0x124);
    assert.equal(memory.deviceAt(bar2)?.name, 'memory');
    assert.equal(io.read(0xc005, 1), 5);
    ecam.write(at(PCI.command), 2, 0);
    assert.equal(memory.read(bar2, 4), 0xffffffff);
    ecam.write(at(PCI.baseAddresses + 8), 4, 0xffffffff);
    assert.equal(ecam.read(at(PCI.baseAddresses + 8), 4), 0xffffc000);
    ecam.write(at(PCI.baseAddresses), 4, 0xffffffff);
    assert.equal(ecam.read(at(PCI.baseAddresses), 4), 0xffffffe1);
    ecam.write(at(PCI.baseAddresses + 12), 4, 0xffffffff);
    assert.equal(ecam.read(at(PCI.baseAddresses + 12), 4), 0);
    ecam.write(at(PCI.baseAddresses + 8), 4, 0xd0000000);
    ecam.write(at(PCI.command), 2, COMMAND.memory);
    assert.equal(memory.read(0xd0000010, 4), 0x10);
  });

  it('interrupts by its pin until that is disabled', () => {
    const { card, ecam, log } = board();
    card.setInterrupt(true);
    assert.equal(ecam.read(at(PCI.status), 2), 0x18);
    assert.deepEqual(log, ['3 INTA up']);
    ecam.write(at(PCI.command), 2, COMMAND.noInterrupt);
    assert.equal(log.at(-1), '3 INTA down');
    assert.equal(ecam.read(at(PCI.interruptLine), 1), 11);
  });

  it('interrupts by MSI-X, and keeps what is masked pending', () => {
    const { card, ecam, bus, messages } = board();
    const list: number[] = [];
    for (let pointer = ecam.read(at(PCI.capabilities), 1); pointer !== 0; pointer = ecam.read(at(pointer + 1), 1)) list.push(ecam.read(at(pointer), 1));
    assert.deepEqual(list, [9, 0x11]);
    const control = ecam.read(at(PCI.capabilities), 1) + 4 + 2, base = ecam.read(at(PCI.baseAddresses + 4), 4), table = bus.find('memory', base)!.device;
    assert.equal(ecam.read(at(control), 2), 2);
    assert.equal(card.signal(1), false);
    ecam.write(at(PCI.command), 2, COMMAND.memory | COMMAND.busMaster);
    ecam.write(at(control), 2, 0x8000);
    table.write(16, 4, 0xfee01000);
    table.write(24, 4, 0x45);
    assert.equal(card.signal(1), true);
    assert.equal(messages.length, 0);
    assert.equal(table.read(2048, 4), 2);
    table.write(28, 4, 0);
    assert.deepEqual(messages, [{ vector: 0x45, delivery: 0, level: false, logical: false, destination: 1, wide: false }]);
    assert.equal(table.read(2048, 4), 0);
  });

  it('restores what it saved', () => {
    const first = board(), second = board();
    first.card.write(PCI.baseAddresses + 8, 4, 0xd0000000);
    first.card.setInterrupt(true);
    second.ecam.restore(first.ecam.save());
    assert.deepEqual(second.ecam.save(), first.ecam.save());
    assert.equal(second.bus.find('memory', 0xd0000000)?.device.name, 'memory');
  });
});
