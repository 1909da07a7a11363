/** The envelopes between a panel's view and its host; what they carry is typed by each panel's own protocol. */

export type MachineState = 'no session' | 'running' | 'stopped';

export type ToView =
  | { type: 'state'; state: MachineState }
  | { type: 'answer'; id: number; body: unknown }
  | { type: 'refused'; id: number; message: string }
  | { type: 'show'; what: unknown };

export type FromView =
  | { type: 'ready' }
  | { type: 'ask'; id: number; request: string; args: unknown }
  | { type: 'command'; command: string; args: unknown[] };

/** Debug Adapter Protocol requests by name, with what goes in and what comes back. */
export type RequestTypes = Record<string, { arguments: object; body: unknown }>;
