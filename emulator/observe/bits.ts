/** The bits of registers and fields by the manual's names. SDM Vol. 3, "Control Registers", "Debug Registers"; Vol. 1, "EFLAGS Register". */

/** Name, least significant bit, and width where it is more than one bit. */
export type BitNames = readonly (readonly [name: string, bit: number, width?: number])[];

export const RFLAGS: BitNames = [
  ['CF', 0], ['PF', 2], ['AF', 4], ['ZF', 6], ['SF', 7], ['TF', 8], ['IF', 9], ['DF', 10], ['OF', 11], ['IOPL', 12, 2], ['NT', 14], ['RF', 16], ['VM', 17], ['AC', 18], ['VIF', 19], ['VIP', 20], ['ID', 21],
];
export const CR0: BitNames = [['PE', 0], ['MP', 1], ['EM', 2], ['TS', 3], ['ET', 4], ['NE', 5], ['WP', 16], ['AM', 18], ['NW', 29], ['CD', 30], ['PG', 31]];
export const CR4: BitNames = [
  ['VME', 0], ['PVI', 1], ['TSD', 2], ['DE', 3], ['PSE', 4], ['PAE', 5], ['MCE', 6], ['PGE', 7], ['PCE', 8], ['OSFXSR', 9], ['OSXMMEXCPT', 10], ['UMIP', 11], ['LA57', 12], ['VMXE', 13], ['SMXE', 14],
  ['FSGSBASE', 16], ['PCIDE', 17], ['OSXSAVE', 18], ['KL', 19], ['SMEP', 20], ['SMAP', 21], ['PKE', 22], ['CET', 23], ['PKS', 24],
];
export const EFER: BitNames = [['SCE', 0], ['LME', 8], ['LMA', 10], ['NXE', 11]];
export const XCR0: BitNames = [['x87', 0], ['SSE', 1], ['AVX', 2], ['PKRU', 9]];
export const DR6: BitNames = [['B0', 0], ['B1', 1], ['B2', 2], ['B3', 3], ['BD', 13], ['BS', 14], ['BT', 15]];
export const DR7: BitNames = [['L0', 0], ['G0', 1], ['L1', 2], ['G1', 3], ['L2', 4], ['G2', 5], ['L3', 6], ['G3', 7], ['LE', 8], ['GE', 9], ['GD', 13], ['R/W0', 16, 2], ['LEN0', 18, 2], ['R/W1', 20, 2], ['LEN1', 22, 2], ['R/W2', 24, 2], ['LEN2', 26, 2], ['R/W3', 28, 2], ['LEN3', 30, 2]];
export const MXCSR: BitNames = [['IE', 0], ['DE', 1], ['ZE', 2], ['OE', 3], ['UE', 4], ['PE', 5], ['DAZ', 6], ['IM', 7], ['DM', 8], ['ZM', 9], ['OM', 10], ['UM', 11], ['PM', 12], ['RC', 13, 2], ['FTZ', 15]];
export const FCW: BitNames = [['IM', 0], ['DM', 1], ['ZM', 2], ['OM', 3], ['UM', 4], ['PM', 5], ['PC', 8, 2], ['RC', 10, 2]];
export const FSW: BitNames = [['IE', 0], ['DE', 1], ['ZE', 2], ['OE', 3], ['UE', 4], ['PE', 5], ['SF', 6], ['ES', 7], ['C0', 8], ['C1', 9], ['C2', 10], ['TOP', 11, 3], ['C3', 14], ['B', 15]];

export const bitField = (value: bigint, bit: number, width = 1): bigint => (value >> BigInt(bit)) & ((1n << BigInt(width)) - 1n);

/** The names of the bits that are set, with the numbers of wider fields. */
export const namesOfBits = (bits: BitNames) => (value: bigint): string =>
  bits.filter(([, bit, width]) => bitField(value, bit, width) !== 0n).map(([name, bit, width]) => (width === undefined ? name : `${name}=${bitField(value, bit, width)}`)).join(' ');

