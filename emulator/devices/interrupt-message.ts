/** What travels between interrupt sources and local APICs. SDM Vol. 3, "Interrupt Command Register (ICR)"; "Message Address Register Format". */

/** As the ICR, the local vector table and the redirection table encode them. */
export const DELIVERY = { fixed: 0, lowestPriority: 1, SMI: 2, NMI: 4, INIT: 5, startUp: 6, ExtINT: 7 } as const;

export interface InterruptMessage {
  readonly vector: number;
  /** One of DELIVERY. */
  readonly delivery: number;
  readonly level: boolean;
  readonly logical: boolean;
  readonly destination: number;
  /** The destination has 32 bits: from an APIC in x2APIC mode. Otherwise 8. */
  readonly wide: boolean;
}

const MSI_LOGICAL = 4, MSI_LEVEL = 1 << 15;

/** A store of a device to FEExxxxxH: the message that it stands for. SDM Vol. 3, "Message Signalled Interrupts". */
export const messageSignalled = (address: number, data: number): InterruptMessage => ({
  vector: data & 0xff, delivery: (data >>> 8) & 7, level: (data & MSI_LEVEL) !== 0, logical: (address & MSI_LOGICAL) !== 0, destination: (address >>> 12) & 0xff, wide: false,
});
