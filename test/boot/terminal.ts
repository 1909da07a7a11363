/** Somebody at the serial port of a machine: waits for what the guest writes, and types. */
import type { Machine, MachineOptions } from '../../emulator/machine/contract.js';
import { createMachine } from '../../emulator/machine/machine.js';
import type { FirmwarePlan } from '../../emulator/boot/firmware.js';
import type { BootPlan } from '../../emulator/boot/index.js';

const SLICE = 1_000_000;
/** How long a machine may sleep before what is outside has its turn. */
const SHORT_SLEEP = 1e6;
/** The editor of a shell asks the terminal where the cursor is, and goes on without an answer. */
const WHERE_IS_THE_CURSOR = '\x1b[6n';

export type Devices = Pick<MachineOptions, 'disks' | 'ataDisks' | 'cd' | 'cables' | 'shares' | 'onReset'>;

export class Terminal {
  readonly machine: Machine;
  /** All that came so far. */
  output = '';
  /** What is outside the machine serves it between two runs. */
  serve: () => void = () => undefined;
  private seen = 0;

  constructor({ plan, memoryBytes }: { readonly plan: BootPlan | FirmwarePlan; readonly memoryBytes: number }, readonly prompt: string, devices: Devices = {}) {
    this.machine = createMachine({ memoryBytes, cpus: 1, onSerial: (port, byte) => { if (port === 1) this.output += String.fromCharCode(byte); }, onDebugConsole: () => undefined, ...devices });
    this.machine.load(plan);
  }

  /** Runs until this comes, and gives what came before it. */
  until(text: string, mostInstructions: number): string {
    const runs = this.runs(text, mostInstructions);
    for (;;) {
      const { done, value } = runs.next();
      if (done === true) return value;
    }
  }
  /** The same, while what is outside goes on as well. */
  async untilServed(text: string, mostInstructions: number): Promise<string> {
    const runs = this.runs(text, mostInstructions, SHORT_SLEEP);
    for (;;) {
      const { done, value } = runs.next();
      if (done === true) return value;
      await new Promise((resolve) => { setTimeout(resolve, 1); });
    }
  }

  private* runs(text: string, mostInstructions: number, mostSleep?: number): Generator<undefined, string, undefined> {
    const limit = this.machine.instructions + mostInstructions;
    for (;;) {
      const at = this.output.indexOf(text, this.seen);
      if (at >= 0) {
        const before = this.output.slice(this.seen, at);
        this.seen = at + text.length;
        return before;
      }
      const reason = this.machine.run(SLICE, mostSleep);
      if (reason.kind !== 'budget' && reason.kind !== 'paused') throw new Error(`the machine stopped (${JSON.stringify(reason)}) while "${text}" was waited for:\n${this.output.slice(-2000)}`);
      if (this.machine.instructions >= limit) throw new Error(`"${text}" did not come in ${mostInstructions} instructions:\n${this.output.slice(-2000)}`);
      this.serve();
      yield;
    }
  }

  type(text: string): void {
    this.machine.input(1, new TextEncoder().encode(text));
  }

  /** What a command prints, up to the next prompt. */
  command(text: string, mostInstructions = 200_000_000): string {
    this.type(`${text}\r`);
    this.until('\n', mostInstructions);
    return clean(this.until(this.prompt, mostInstructions));
  }
  /** The same, while what is outside goes on as well. */
  async commandServed(text: string, mostInstructions = 200_000_000): Promise<string> {
    this.type(`${text}\r`);
    await this.untilServed('\n', mostInstructions);
    return clean(await this.untilServed(this.prompt, mostInstructions));
  }
}

const clean = (text: string): string => text.replaceAll(WHERE_IS_THE_CURSOR, '').replaceAll('\r', '').trimEnd();
