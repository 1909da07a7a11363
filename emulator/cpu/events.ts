/** What interrupts the flow of instructions: thrown by the code that judges, acted upon in one place (exceptions.ts, vmx/exit.ts). */

/** SDM Vol. 3, "Exceptions and Interrupts": vectors and their mnemonics. */
export const VECTORS = {
  '#DE': 0, '#DB': 1, NMI: 2, '#BP': 3, '#OF': 4, '#BR': 5, '#UD': 6, '#NM': 7, '#DF': 8, '#TS': 10, '#NP': 11,
  '#SS': 12, '#GP': 13, '#PF': 14, '#MF': 16, '#AC': 17, '#MC': 18, '#XM': 19, '#VE': 20, '#CP': 21,
} as const;
export type ExceptionName = Exclude<keyof typeof VECTORS, 'NMI'>;

const HAS_ERROR_CODE = new Set([8, 10, 11, 12, 13, 14, 17, 21]);
export const hasErrorCode = (vector: number): boolean => HAS_ERROR_CODE.has(vector);
const NAMES = new Map<number, string>(Object.entries(VECTORS).map(([name, vector]) => [vector, name]));
export const vectorName = (vector: number): string => NAMES.get(vector) ?? `vector ${vector}`;

/** An exception of the guest. `cr2` is the linear address of a page fault; `why` is a sentence for the debugger. */
export class Exception {
  constructor(readonly vector: number, readonly errorCode: number, readonly cr2 = 0, readonly why = '', readonly pendingDebug = 0) {}
}

/** A fault of the new task of a task switch, after the commit point: rip and all registers are the new task's. */
export class FaultInNewTask extends Exception {
  constructor({ vector, errorCode, cr2, why, pendingDebug }: Exception) { super(vector, errorCode, cr2, why, pendingDebug); }
}

/** The guest-physical walk failed: judged by paging/, acted upon by vmx/exit.ts. Addresses are bytes. */
export class EptFault {
  constructor(
    readonly kind: 'EPT violation' | 'EPT misconfiguration',
    readonly guestPhysical: number,
    readonly linear: number,
    readonly qualification: number,
    readonly why = '',
    /** Of a violation: whether bit 63 (suppress #VE) of the entry that denied is 1. */
    readonly suppressed = true,
  ) {}
}

/** A VM exit that a translation asks for: to be performed where the instruction is abandoned, since a fetch may be tried before its turn. */
export class ExitDue {
  constructor(readonly perform: () => void) {}
}

/** The instruction has been replaced by a VM exit (already performed), or otherwise must not complete: leave to the run loop. */
export class Abandon { readonly leaves = 'the instruction'; }
export const ABANDON = new Abandon();
/** Throws it where it cannot be returned. */
export function leaveIf(abandoned: Abandon | undefined): void { if (abandoned) throw abandoned; }

/** A stop condition wants the machine to stop before an event is delivered: nothing has changed, the instruction will be met again. */
export class StopBeforeDelivery { readonly stops = 'before delivery'; }
export const STOP_BEFORE_DELIVERY = new StopBeforeDelivery();

export const exception = (name: ExceptionName, errorCode = 0, why = ''): Exception => new Exception(VECTORS[name], errorCode, 0, why);

/** The guest asked for something that the manual describes and this processor does not do yet. */
export class NotImplemented extends Error {
  constructor(readonly what: string) { super(`not implemented: ${what}`); }
}
