/** How single values are written. */
import { littleEndian } from './location-expression.js';
import { bare, isSigned, type BaseType, type EnumType, type Type } from './types.js';

/** Unsigned numbers from here on are also shown in hexadecimal: they tend to be addresses and masks. */
const HEXADECIMAL_FROM = 4096n;

/** The number that the bytes of a scalar mean, negative where its type is signed. */
export function numberOf(type: Type, bytes: Uint8Array): bigint {
  const value = littleEndian(bytes);
  return isSigned(type) ? BigInt.asIntN(8 * bytes.length, value) : value;
}

export function formatNumber(type: Type, value: bigint, size: number, hex: boolean): string {
  const inner = bare(type);
  if (inner.is === 'pointer') return hexadecimal(value);
  if (inner.is === 'enum') return formatEnum(inner, value, hex);
  const number = hex ? hexadecimal(BigInt.asUintN(8 * size, value)) : value.toString();
  if (inner.is === 'base' && inner.encoding === 'boolean') return value === 0n ? 'false' : value === 1n ? 'true' : `true (${hexadecimal(value)})`;
  if (isCharacter(type)) return value >= 0x20n && value <= 0x7en ? `${number} '${character(Number(value))}'` : number;
  return !hex && !isSigned(type) && value >= HEXADECIMAL_FROM ? `${number} (${hexadecimal(value)})` : number;
}

export function isCharacter(type: Type): boolean {
  const inner = bare(type);
  return inner.is === 'base' && inner.size === 1 && (inner.encoding === 'character' || inner.encoding === 'unsigned character');
}

export function formatFloat(type: BaseType, bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (type.size === 4) return shortestSingle(view.getFloat32(0, true));
  if (type.size === 8) return String(view.getFloat64(0, true));
  if (bytes.length >= 10) return String(extendedPrecision(view));
  return `not implemented: floating-point numbers of ${type.size} bytes`;
}

/** The bytes up to the first zero as a string in quotation marks; `complete` is false when more follows. */
export function formatText(bytes: Uint8Array, complete: boolean): string {
  const end = bytes.indexOf(0);
  const text = Array.from(end < 0 ? bytes : bytes.subarray(0, end), (byte) => (byte === 0x22 ? '\\"' : byte === 0x27 ? "'" : character(byte))).join('');
  return `"${text}"${end < 0 && !complete ? '…' : ''}`;
}

export function hexadecimal(value: bigint): string {
  return value < 0n ? `-0x${(-value).toString(16)}` : `0x${value.toString(16)}`;
}

function formatEnum({ enumerators }: EnumType, value: bigint, hex: boolean): string {
  const number = hex ? hexadecimal(value) : value.toString();
  const exact = enumerators.find((enumerator) => enumerator.value === value);
  if (exact) return `${exact.name} (${number})`;
  const set = enumerators.filter((flag) => isSingleBit(flag.value) && (value & flag.value) !== 0n);
  const known = set.reduce((sum, flag) => sum | flag.value, 0n);
  return value > 0n && known === value ? `${set.map(({ name }) => name).join(' | ')} (${number})` : number;
}

function isSingleBit(value: bigint): boolean {
  return value > 0n && (value & (value - 1n)) === 0n;
}

const ESCAPES: Readonly<Record<number, string>> = { 0x0a: '\\n', 0x0d: '\\r', 0x09: '\\t', 0x5c: '\\\\', 0x27: "\\'" };

function character(code: number): string {
  const escape = ESCAPES[code];
  if (escape) return escape;
  return code >= 0x20 && code <= 0x7e ? String.fromCharCode(code) : `\\x${code.toString(16).padStart(2, '0')}`;
}

/** The fewest digits that give the same number of single precision again. */
function shortestSingle(value: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === value) return String(rounded);
  }
  return String(value);
}

/** The 80-bit format of the x87: an explicit integer bit, an exponent biased by 16383. */
function extendedPrecision(view: DataView): number {
  const significand = Number(view.getBigUint64(0, true));
  const top = view.getUint16(8, true);
  const sign = top & 0x8000 ? -1 : 1;
  const exponent = top & 0x7fff;
  if (exponent === 0x7fff) return BigInt.asUintN(63, view.getBigUint64(0, true)) === 0n ? sign * Infinity : NaN;
  const scale = exponent - 16383 - 63;
  // Two steps, so that neither factor leaves the range of a double on its own.
  return sign * significand * 2 ** Math.trunc(scale / 2) * 2 ** (scale - Math.trunc(scale / 2));
}
