/** A decoded instruction as the interpreter's handlers read it: one record of 64 bytes in the code cache. */
export const RECORD_BYTES = 64;

interface Field { readonly offset: number; readonly bits: 16 | 32 | 64 }
export const RECORD = {
  /** Index of the handler in the function table. */
  handler: { offset: 0, bits: 32 },
  /** Instructions from this one to the end of its block, itself included. */
  remaining: { offset: 4, bits: 32 },
  /** State offsets of register operands, or numbers of segment, control and debug registers. */
  operand0: { offset: 8, bits: 32 },
  operand1: { offset: 12, bits: 32 },
  operand2: { offset: 16, bits: 32 },
  /** State offsets of base and index (a slot that is zero when absent), and the shift of the index. */
  base: { offset: 20, bits: 32 },
  index: { offset: 24, bits: 32 },
  scale: { offset: 28, bits: 16 },
  /** Of a block's first record: its index in the region that holds it. */
  regionIndex: { offset: 30, bits: 16 },
  displacement: { offset: 32, bits: 64 },
  immediate: { offset: 40, bits: 64 },
  /** Records of the blocks that follow, once linked. */
  taken: { offset: 48, bits: 32 },
  next: { offset: 52, bits: 32 },
  /** Offsets in the code page of this instruction and of the one after it. */
  offset: { offset: 56, bits: 16 },
  nextOffset: { offset: 58, bits: 16 },
  /** State offset of the segment register of the memory operand. */
  segment: { offset: 60, bits: 16 },
  immediate2: { offset: 62, bits: 16 },
  /** State offset of a fourth register: no instruction has that and two immediates. */
  operand3: { offset: 62, bits: 16 },
} as const satisfies Record<string, Field>;
