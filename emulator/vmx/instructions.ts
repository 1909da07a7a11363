import type { Operations } from '../cpu/operations.js';

/** The VMX instructions. SDM Vol. 3D, "VMX Instruction Reference". */
export const VMX_OPERATIONS: Operations = {};
