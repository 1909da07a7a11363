/** What the VMCS panel asks for. 64-bit values are hexadecimal text. */

export interface VmcsBit {
  name: string;
  value: string;
  set: boolean;
  meaning?: string;
}

export interface VmcsField {
  encoding: string;
  name: string;
  width: number | string;
  value: string;
  changedFrom?: string;
  meaning?: string;
  bits?: VmcsBit[];
}

export interface FailedCheck {
  says: string;
  field?: string;
}

export interface VmcsState {
  present: boolean;
  pointer: string;
  launchState: string;
  groups: { name: string; fields: VmcsField[] }[];
  failedChecks: FailedCheck[];
}

export type VmcsRequests = {
  'ringside/vmcs': { arguments: Record<string, never>; body: VmcsState };
};
