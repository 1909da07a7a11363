/** VM entries with random VMCSs on a whole machine: each succeeds, or fails by the check that comes first, and the guest runs on without a crash. */
import { CS, MAP, S, SEGMENT, segment } from '../../emulator/cpu/layout.js';
import type { TrapEvent } from '../../emulator/cpu/trap-events.js';
import { ENTRY_ERRORS } from '../../emulator/vmx/entry.js';
import { allFailures, type Failure } from '../../emulator/vmx/entry-checks/entry-checks.js';
import { EXIT_REASONS } from '../../emulator/vmx/exit-reasons.js';
import { AT } from '../../emulator/vmx/test-processor.js';
import { currentVmcs, slot } from '../../emulator/vmx/vmcs.js';
import { LAUNCH_AT, VMLAUNCH, vmxMachine, writeVmcs } from '../machine/vmx-machine.js';
import { Random } from './random.js';
import { PAE_TABLE, RandomVmcs } from './random-vmcs.js';

const RUN_ON = 40;
/** CPUID; PUSH; POP; RDMSR; IN; MOV from CR0 and from CR3; PAUSE; INT3; VMCALL. In code of any size. */
const GUEST_CODE = [0x0f, 0xa2, 0x50, 0x58, 0x0f, 0x32, 0xec, 0x0f, 0x20, 0xc0, 0x0f, 0x20, 0xd8, 0xf3, 0x90, 0xcc, 0x0f, 0x01, 0xc1];
const ZF = 64, ENTRY_FAILURE = 0x8000_0000;

export interface Entered {
  /** The rule that fails first; undefined when the entry succeeds. */
  readonly rule: string | undefined;
  /** What is not as the rules say. */
  readonly fault: string | undefined;
  /** Why the machine does not go on, where it says that something is not implemented. */
  readonly unimplemented: string | undefined;
}

export class RandomEntries {
  private readonly machine = vmxMachine((t) => {
    for (let i = 0; i < 4; i++) t.put64(PAE_TABLE + 8 * i, BigInt(AT.pd) | 1n);
    t.code(AT.guestRip, ...GUEST_CODE);
  });
  private readonly fresh = this.machine.save();

  /** Entry `n` of a seed. */
  enter(seed: number, n: number): Entered {
    const { machine } = this, { cpu, ledger } = machine, random = new Random(seed, n), host32 = random.chance(8), fields = new RandomVmcs(random).next(host32);
    machine.restore(this.fresh);
    if (host32) this.leaveLongMode();
    if (random.chance(8)) cpu.u32[(MAP.guestMemory + PAE_TABLE + 8 * random.below(4)) >> 2]! ^= 1 << random.below(12);
    writeVmcs(machine, fields);
    const failure = allFailures(cpu)[0], before = ledger.total, state = cpu.u8.slice(S.segments, S.mxcsr);
    const entering = machine.step(0);
    if (entering.kind === 'not implemented') return { rule: failure?.check.says, fault: undefined, unimplemented: entering.what };
    const events = Array.from({ length: ledger.total - before }, (_, i) => ledger.at(before + i)!);
    let fault = failure ? this.faultOfFailure(failure, events, state) : this.faultOfSuccess(events);
    let unimplemented: string | undefined;
    try {
      const stop = machine.run(RUN_ON);
      if (stop.kind === 'not implemented') unimplemented = stop.what;
    } catch (crash) { fault ??= `the machine crashed: ${(crash as Error).stack ?? String(crash)}`; }
    return { rule: failure?.check.says, fault, unimplemented };
  }

  /** 32-bit protected mode with PAE paging. */
  private leaveLongMode(): void {
    const { cpu } = this.machine;
    cpu.efer = 0;
    cpu.cr3 = PAE_TABLE;
    for (let i = 0; i < 4; i++) cpu.setNumber(S.pdpte + 8 * i, AT.pd + 1);
    cpu.u32[(segment(CS) + SEGMENT.attributes) >> 2] = 0xc09b;
    cpu.modeChanged();
  }

  private faultOfFailure({ check, section }: Failure, events: readonly TrapEvent[], state: Uint8Array): string | undefined {
    const { cpu } = this.machine, vmcs = currentVmcs(cpu), event = events[0];
    if (event?.kind !== 'VM-entry failure') return `${event?.kind ?? 'nothing'} instead of a VM-entry failure`;
    if (!event.says().includes(check.says.replace(/\.$/, ''))) return `the event says "${event.says()}"`;
    if (cpu.nonRoot) return 'the processor is in the guest';
    if (vmcs.launched) return 'the VMCS is launched';
    if (section.outcome === 'invalid guest state') {
      const reason = vmcs.low(slot('exit reason')), qualification = vmcs.number(slot('exit qualification'));
      if (reason !== ENTRY_FAILURE + EXIT_REASONS.ENTRY_FAILURE_GUEST_STATE.number) return `exit reason ${reason.toString(16)}`;
      if (qualification !== (check.qualification ?? 0)) return `exit qualification ${qualification}`;
      return cpu.rip === vmcs.number(slot('host RIP')) ? undefined : 'the processor is not at the RIP of the host';
    }
    const error = section.outcome === 'invalid control fields' ? ENTRY_ERRORS.controlFields : ENTRY_ERRORS.hostState;
    if (vmcs.low(slot('VM-instruction error')) !== error) return `VM-instruction error ${vmcs.low(slot('VM-instruction error'))}, not ${error}`;
    if ((this.machine.cpu.low(S.rflags) & ZF) === 0 && cpu.rip !== LAUNCH_AT + VMLAUNCH.length) return 'no VMfailValid';
    return Buffer.compare(state, cpu.u8.subarray(S.segments, S.mxcsr)) === 0 ? undefined : 'the failed instruction changed the state';
  }

  private faultOfSuccess(events: readonly TrapEvent[]): string | undefined {
    const vmcs = currentVmcs(this.machine.cpu), first = events.find(({ kind }) => kind === 'VM entry' || kind === 'VM-entry failure');
    if (first?.kind === 'VM entry') return vmcs.launched ? undefined : 'the VMCS is not launched';
    const byMsrs = first?.fields['reason'] === EXIT_REASONS.ENTRY_FAILURE_MSR_LOADING.number;
    return byMsrs ? undefined : `all rules hold, and ${first ? first.says() : 'nothing'} happened`;
  }
}
