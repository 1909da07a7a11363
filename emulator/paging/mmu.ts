import type { Processor } from '../cpu/processor.js';
import type { Bus } from '../memory/bus.js';

/** Kinds of access. */
export const READ = 0, WRITE = 1, EXECUTE = 2;
export type AccessKind = typeof READ | typeof WRITE | typeof EXECUTE;

/** What the current VMCS says about translation: given to the Mmu by vmx/, asked only in non-root operation. */
export interface VmcsTranslation {
  /** The VPID, 0 when "enable VPID" is 0. */
  vpid(): number;
  /** The EPT pointer, 0 when "enable EPT" is 0. */
  eptp(): number;
}

/** Whether bits 63:47 of a 64-bit address are all equal. */
export const isCanonical = (_low: number, high: number): boolean => (high >> 15) === 0 || (high >> 15) === -1;

export class Mmu {
  /** By physical page: nonzero when translated code was read from it. */
  readonly codePages: Uint8Array;
  vmcs: VmcsTranslation = { vpid: () => 0, eptp: () => 0 };

  constructor(readonly cpu: Processor, readonly mmio: Bus) {
    this.codePages = new Uint8Array(cpu.guestBytes >>> 12);
  }

  /** Host-physical address; throws Exception (#PF) or EptFault. `implicit`: an implicit supervisor access, whatever the CPL. */
  translate(_linear: number, _kind: AccessKind, _user: boolean, _implicit = false): number { throw new Error('not implemented: paging'); }
  protectCode(_physicalPage: number): void { throw new Error('not implemented: paging'); }
  /** Recomputes the space tag: after CR0, CR3, CR4, EFER, CPL, EFLAGS.AC, the A20 mask or the current VMCS' EPTP changed. */
  spaceChanged(): void { throw new Error('not implemented: paging'); }

  /** Everything, all VPIDs: RESET. */
  reset(): void { throw new Error('not implemented: paging'); }
  /** All entries of the current VPID, global ones included. */
  flushAll(): void { throw new Error('not implemented: paging'); }
  invlpg(_linear: number): void { throw new Error('not implemented: paging'); }
  /** After CR3 was written. */
  loadCr3(_flushNonGlobal: boolean): void { throw new Error('not implemented: paging'); }
  /** After MOV to CR0 or CR4 (not VM entry or exit): flushes what the change requires. */
  cr0Changed(_old: number): void { throw new Error('not implemented: paging'); }
  cr4Changed(_old: number): void { throw new Error('not implemented: paging'); }
  invpcid(_type: number, _pcid: number, _linear: number): void { throw new Error('not implemented: paging'); }
  invept(_type: number, _eptp: number): void { throw new Error('not implemented: paging'); }
  invvpid(_type: number, _vpid: number, _linear: number): void { throw new Error('not implemented: paging'); }
  /** Last step of a VM entry or VM exit, when all state is loaded. `vpid`: the guest's, 0 when "enable VPID" is 0. */
  vmTransition(_vpid: number): void { throw new Error('not implemented: paging'); }

  /** Reads the four PDPTEs that CR3 points to. False (nothing changed) when a present one has a reserved bit set: #GP(0) or VM-entry failure. */
  loadPdptes(_cr3: number): boolean { throw new Error('not implemented: paging'); }

  save(): unknown { throw new Error('not implemented: paging'); }
  restore(_state: unknown): void { throw new Error('not implemented: paging'); }
}
