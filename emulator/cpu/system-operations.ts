/** All operations of cpu/ by name: what isa/ calls. */
import { DESCRIPTOR_QUERY_OPERATIONS } from './descriptor-queries.js';
import { FAST_SYSTEM_CALL_OPERATIONS } from './fast-system-calls.js';
import type { Operations } from './operations.js';
import { PORT_OPERATIONS } from './port-io.js';
import { PROCESSOR_CONTROL_OPERATIONS } from './processor-control.js';
import { SEGMENT_OPERATIONS } from './segment-instructions.js';
import { SYSTEM_REGISTER_OPERATIONS } from './system-registers.js';
import { XSAVE_OPERATIONS } from './xsave.js';

export const SYSTEM_OPERATIONS: Operations = {
  ...SEGMENT_OPERATIONS, ...FAST_SYSTEM_CALL_OPERATIONS, ...SYSTEM_REGISTER_OPERATIONS, ...DESCRIPTOR_QUERY_OPERATIONS,
  ...PROCESSOR_CONTROL_OPERATIONS, ...PORT_OPERATIONS, ...XSAVE_OPERATIONS,
};
