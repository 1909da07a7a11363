/** What the debugger needs of the place where it runs: files, time, and a machine. */
import type { Machine, MachineOptions } from '../emulator/machine/contract.js';
import type { Devices, Wanted } from '../outside/devices.js';

export interface Host {
  /** Rejects with an error whose message a person can read. */
  readFile(path: string): Promise<Uint8Array>;
  exists(path: string): Promise<boolean>;
  absolute(path: string): string;
  /** What the machine is connected to; rejects as readFile does. */
  openDevices(wanted: Wanted): Promise<Devices>;
  createMachine(options: MachineOptions): Machine | Promise<Machine>;
  /** Calls back after messages that have come in were served, and so many milliseconds later. */
  later(callback: () => void, milliseconds?: number): void;
  /** Milliseconds. */
  now(): number;
}
