/** The virtio devices of this board, each in its slot on the PCI bus. */
import { ENTROPY_DEVICE, FIRST_DISK_DEVICE, FIRST_NETWORK_DEVICE, FIRST_SHARE_DEVICE } from '../boot/board.js';
import { SPLIT_MIX } from '../cpu/random.js';
import type { PciBus } from '../devices/pci/pci-bus.js';
import { VirtioBlock } from '../devices/virtio/block.js';
import { VirtioEntropy } from '../devices/virtio/entropy.js';
import { VirtioFileShare } from '../devices/virtio/file-share.js';
import { VirtioNetwork } from '../devices/virtio/network.js';
import type { VirtioDevice } from '../devices/virtio/virtio-device.js';
import { VirtioFunction } from '../devices/virtio/virtio-function.js';
import type { DirectMemory } from '../memory/direct-memory.js';
import type { MachineOptions } from './contract.js';

/** Those that something comes to from outside. */
export interface VirtioDevices {
  readonly networks: readonly VirtioNetwork[];
}

/** `left`: something leaves the machine that may be answered. */
export function plugVirtio(bus: PciBus, memory: DirectMemory, { seed = 0, disks = [], cables = [], shares = [] }: MachineOptions, left: () => void): VirtioDevices {
  const plug = (device: number, virtio: VirtioDevice): void => { bus.attach(device, new VirtioFunction(virtio, memory)); };
  const networks = cables.map(({ address, sent }, n) => new VirtioNetwork(`network ${n}`, address, (frame) => {
    left();
    sent(frame);
  }));
  plug(ENTROPY_DEVICE, new VirtioEntropy(seed, SPLIT_MIX));
  networks.forEach((card, n) => { plug(FIRST_NETWORK_DEVICE + n, card); });
  shares.forEach((share, n) => { plug(FIRST_SHARE_DEVICE + n, new VirtioFileShare(`shared folder ${n}`, share)); });
  disks.forEach((disk, n) => { plug(FIRST_DISK_DEVICE + n, new VirtioBlock(`disk ${n}`, disk)); });
  return { networks };
}
