import type { Instruction } from '../instruction.js';
import { INVEPT, INVVPID } from './invalidation.js';
import { VMCALL, VMFUNC, VMLAUNCH, VMRESUME, VMXOFF, VMXON } from './operation.js';
import { VMCLEAR, VMPTRLD, VMPTRST, VMREAD, VMWRITE } from './vmcs.js';

export const VMX: readonly Instruction[] = [INVEPT, INVVPID, VMCALL, VMCLEAR, VMFUNC, VMLAUNCH, VMPTRLD, VMPTRST, VMREAD, VMRESUME, VMWRITE, VMXOFF, VMXON];
