/** Every TypeScript operation that a definition may call, by name. */
import type { Operations } from '../cpu/operations.js';
import { FLOAT_OPERATIONS } from '../cpu/float-operations.js';
import { GENERAL_OPERATIONS } from '../cpu/general-operations.js';
import { SYSTEM_OPERATIONS } from '../cpu/system-operations.js';
import { VMX_OPERATIONS } from '../vmx/instructions.js';

export const OPERATIONS: Operations = { ...GENERAL_OPERATIONS, ...SYSTEM_OPERATIONS, ...VMX_OPERATIONS, ...FLOAT_OPERATIONS };
