/** What a machine is connected to outside: disks in files, networks, and shared folders. */
import type { MachineOptions, RunningMachine } from '../emulator/machine/contract.js';
import { DiskFile, readDisc } from './disk-file.js';
import { hostSockets } from './network/host-sockets.js';
import type { NetworkOptions } from './network/options.js';
import { UserNetwork } from './network/user-network.js';
import { FileServer } from './share/file-server.js';
import { openFolder } from './share/folder.js';
import type { ShareOptions } from './share/options.js';

export interface Wanted {
  /** Each as DiskFile.open takes it. */
  readonly disks: readonly string[];
  readonly ataDisks?: readonly string[];
  /** The image in the CD drive. */
  readonly cd?: string | undefined;
  readonly networks: readonly NetworkOptions[];
  readonly shares: readonly ShareOptions[];
}

export class Devices {
  private saving: Promise<void> | undefined;

  private constructor(
    private readonly disks: readonly DiskFile[], private readonly ataDisks: readonly DiskFile[], private readonly cd: Uint8Array | undefined,
    private readonly networks: readonly UserNetwork[], private readonly shares: readonly FileServer[],
  ) {}

  /** Rejects with a sentence that names what cannot be had. `now`: milliseconds. */
  static async open({ disks, ataDisks = [], cd, networks, shares }: Wanted, now: () => number): Promise<Devices> {
    const folders = shares.map(({ folder, tag, writable }) => new FileServer(tag, openFolder(folder, writable)));
    const files: DiskFile[] = [], ataFiles: DiskFile[] = [], opened: UserNetwork[] = [];
    for (const given of disks) files.push(await DiskFile.open(given));
    for (const given of ataDisks) ataFiles.push(await DiskFile.open(given));
    const disc = cd === undefined ? undefined : await readDisc(cd);
    for (const options of networks) opened.push(await UserNetwork.open(options, hostSockets, now));
    return new Devices(files, ataFiles, disc, opened, folders);
  }

  /** For the machine that they are connected to. */
  get options(): Pick<MachineOptions, 'disks' | 'ataDisks' | 'cd' | 'cables' | 'shares'> {
    return {
      disks: this.disks.map(({ disk }) => disk), ataDisks: this.ataDisks.map(({ disk }) => disk), ...(this.cd && { cd: this.cd }),
      cables: this.networks.map(({ cable }) => cable), shares: this.shares,
    };
  }

  /** Whether something outside has been asked, and may answer. */
  get busy(): boolean { return this.networks.some(({ busy }) => busy); }

  /** Whether anything may come without the machine asking. */
  get hears(): boolean { return this.busy || this.networks.some(({ ports }) => ports.length > 0); }

  /** Between two runs of the machine: what came from outside goes in, and what has to last is written. */
  serve(machine: Pick<RunningMachine, 'receive'>): Promise<void> {
    this.networks.forEach((network, card) => { network.deliver((frame) => machine.receive(card, frame)); });
    return (this.saving ??= this.save());
  }

  private async save(): Promise<void> {
    try {
      for (const disk of [...this.disks, ...this.ataDisks]) await disk.save();
    } finally { this.saving = undefined; }
  }

  async close(): Promise<void> {
    for (const network of this.networks) network.close();
    for (const share of this.shares) share.reset();
    await this.saving;
    for (const disk of [...this.disks, ...this.ataDisks]) await disk.close();
  }
}
