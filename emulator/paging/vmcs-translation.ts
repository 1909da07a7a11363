import { ExitDue } from '../cpu/events.js';
import type { AccessKind } from './outcome.js';

/** What the current VMCS says about translation: given to the Mmu by vmx/. */
export interface VmcsTranslation {
  /** The VPID, 0 when "enable VPID" is 0. */
  vpid(): number;
  /** The EPT pointer, 0 when "enable EPT" is 0. */
  eptp(): number;
  /** "mode-based execute control for EPT". */
  modeBased(): boolean;
  /** The physical address of the APIC-access page, -1 when there is none. */
  apicAccessPage(): number;
  /** Where an access to that page goes instead, or a VM exit. `bytes`: 0 when the size is not known. */
  accessApic(linear: number, bytes: number, kind: AccessKind): number;
  /** The VM exit after a walk, or a load of PDPTEs, has led to that page. */
  walkedToApic(why: string): ExitDue;
  /** A guest-physical page is about to become dirty in EPT: page-modification logging, or a VM exit. */
  logDirty(guestPhysical: number): void;
}

export const WITHOUT_VMX: VmcsTranslation = { vpid: () => 0, eptp: () => 0, modeBased: () => false, apicAccessPage: () => -1, accessApic: () => 0, walkedToApic: (why) => new ExitDue(() => { throw new Error(why); }), logDirty: () => undefined };
