/** All operations of x87, MMX and SSE by name: what isa/sse, isa/mmx and isa/x87 call. */
import { AVAILABILITY_OPERATIONS } from './float-availability.js';
import { FLOAT_STATE_OPERATIONS } from './float-state.js';
import { FUSED_OPERATIONS } from './fused-operations.js';
import { HALF_PRECISION_OPERATIONS } from './half-precision.js';
import { MASKED_MOVE_OPERATIONS } from './masked-moves.js';
import type { Operations } from './operations.js';
import { SSE_CONVERSION_OPERATIONS } from './sse-conversions.js';
import { SSE_DOT_PRODUCT_OPERATIONS } from './sse-dot-product.js';
import { SSE_ARITHMETIC_OPERATIONS } from './sse-operations.js';
import { STRING_COMPARISON_OPERATIONS } from './string-comparison.js';
import { X87_ARITHMETIC_OPERATIONS } from './x87-arithmetic.js';
import { X87_CONTROL_OPERATIONS } from './x87-control.js';
import { X87_DATA_OPERATIONS } from './x87-data.js';
import { X87_FUNCTION_OPERATIONS } from './x87-functions.js';

export const FLOAT_OPERATIONS: Operations = {
  ...AVAILABILITY_OPERATIONS, ...FLOAT_STATE_OPERATIONS, ...SSE_ARITHMETIC_OPERATIONS, ...SSE_CONVERSION_OPERATIONS, ...SSE_DOT_PRODUCT_OPERATIONS,
  ...X87_ARITHMETIC_OPERATIONS, ...X87_DATA_OPERATIONS, ...X87_CONTROL_OPERATIONS, ...X87_FUNCTION_OPERATIONS,
  ...STRING_COMPARISON_OPERATIONS, ...MASKED_MOVE_OPERATIONS, ...FUSED_OPERATIONS, ...HALF_PRECISION_OPERATIONS,
};
