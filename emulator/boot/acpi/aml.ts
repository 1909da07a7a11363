/** ACPI machine language, as far as this board's tables need it. Advanced Configuration and Power Interface Specification, "ACPI Machine Language (AML) Specification". */

/** Encoded terms, one after another. */
export type Aml = readonly number[];

const ascii = (text: string): number[] => Array.from(text, (character) => character.charCodeAt(0));
export function little(value: number, bytes: number): number[] {
  const out: number[] = [];
  for (let rest = value; out.length < bytes; rest = Math.floor(rest / 256)) out.push(rest & 0xff);
  return out;
}

/** `\` begins at the root; segments are parted by dots. */
function nameString(name: string): number[] {
  const root = name.startsWith('\\') ? [0x5c] : [], segments = name.replace('\\', '').split('.').filter((segment) => segment !== '').map((segment) => ascii(segment.padEnd(4, '_')));
  const prefix = segments.length === 0 ? [0] : segments.length === 1 ? [] : segments.length === 2 ? [0x2e] : [0x2f, segments.length];
  return [...root, ...prefix, ...segments.flat()];
}

/** The length counts its own bytes. */
function packaged(content: Aml): number[] {
  const { length } = content;
  if (length + 1 < 0x40) return [length + 1, ...content];
  const extra = length + 2 < 1 << 12 ? 1 : 2, total = length + 1 + extra;
  return [(extra << 6) | (total & 15), ...little(Math.floor(total / 16), extra), ...content];
}

export const name = (of: string, value: Aml): Aml => [0x08, ...nameString(of), ...value];
export const scope = (of: string, ...terms: readonly Aml[]): Aml => [0x10, ...packaged([...nameString(of), ...terms.flat()])];
export const device = (of: string, ...terms: readonly Aml[]): Aml => [0x5b, 0x82, ...packaged([...nameString(of), ...terms.flat()])];
export const method = (of: string, parameters: number, ...terms: readonly Aml[]): Aml => [0x14, ...packaged([...nameString(of), parameters, ...terms.flat()])];

export function integer(value: number): Aml {
  if (value < 2) return [value];
  const [opcode, bytes] = value < 0x100 ? [0x0a, 1] : value < 0x10000 ? [0x0b, 2] : [0x0c, 4];
  return [opcode, ...little(value, bytes)];
}
export const string = (text: string): Aml => [0x0d, ...ascii(text), 0];
export const buffer = (bytes: readonly number[]): Aml => [0x11, ...packaged([...integer(bytes.length), ...bytes])];
export const pkg = (...elements: readonly Aml[]): Aml => [0x12, ...packaged([elements.length, ...elements.flat()])];

export const argument = (number: number): Aml => [0x68 + number];
export const reference = (to: string): Aml => nameString(to);
export const store = (source: Aml, target: Aml): Aml => [0x70, ...source, ...target];
export const or = (a: Aml, b: Aml, target: Aml): Aml => [0x7d, ...a, ...b, ...target];
export const equal = (a: Aml, b: Aml): Aml => [0x93, ...a, ...b];
export const dwordField = (source: Aml, index: number, of: string): Aml => [0x8a, ...source, ...integer(index), ...nameString(of)];
export const give = (value: Aml): Aml => [0xa4, ...value];
export const when = (condition: Aml, ...terms: readonly Aml[]): Aml => [0xa0, ...packaged([...condition, ...terms.flat()])];

/** A compressed identifier such as PNP0A03. */
export function eisaId(id: string): Aml {
  const letters = ascii(id.slice(0, 3)).reduce((bits, letter) => (bits << 5) | (letter - 0x40), 0), number = parseInt(id.slice(3), 16);
  return [0x0c, letters >> 8, letters & 0xff, number >> 8, number & 0xff];
}
/** 16 bytes in the mixed order of a GUID. */
export function uuid(text: string): Aml {
  const parts = text.split('-').map((part) => (part.match(/../g) ?? []).map((byte) => parseInt(byte, 16)));
  return buffer(parts.flatMap((bytes, n) => (n < 3 ? bytes.reverse() : bytes)));
}

// Resource descriptors. The same, "Resource Data Types for ACPI".
export const resources = (...descriptors: readonly Aml[]): Aml => buffer([...descriptors.flat(), 0x79, 0]);
export const ports = (base: number, count: number): Aml => [0x47, 1, ...little(base, 2), ...little(base, 2), 1, count];
/** Edge-triggered, active high. */
export const line = (number: number): Aml => [0x22, ...little(1 << number, 2)];
export const memoryFixed = (base: number, bytes: number): Aml => [0x86, 9, 0, 1, ...little(base, 4), ...little(bytes, 4)];

const RANGE = { memory: 0, ports: 1, buses: 2 } as const, MIN_MAX_FIXED = 0x0c;
const range = (tag: number, width: number, kind: number, typeFlags: number, base: number, end: number): Aml =>
  [tag, ...little(3 + 5 * width, 2), kind, MIN_MAX_FIXED, typeFlags, ...[0, base, end - 1, 0, end - base].flatMap((value) => little(value, width))];
export const busRange = (end: number): Aml => range(0x88, 2, RANGE.buses, 0, 0, end);
export const portRange = (base: number, end: number): Aml => range(0x88, 2, RANGE.ports, 3, base, end);
export const memoryRange = (base: number, end: number): Aml => range(0x87, 4, RANGE.memory, 1, base, end);
