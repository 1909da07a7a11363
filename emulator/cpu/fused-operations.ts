/** FMA, exactly: what the definitions in isa/avx call when the fast path does not apply. SDM Vol. 2, "VFMADD132PD" and its kin. */
import { multiplyAdd } from '../float/fused.js';
import { isNan, softFloat, type SoftFloat } from '../float/number.js';
import { round } from '../float/round.js';
import type { Operation, Operations } from './operations.js';
import { env } from './sse-environment.js';
import { bySuffix, type Element, elementwise, FIRST, slotsOf } from './sse-operations.js';

const a = softFloat(), b = softFloat(), c = softFloat(), r = softFloat();

/** Which of product and addend are negated; of the addend it may depend on the element. */
interface Signs { readonly product: boolean; addend(n: number): boolean }
const SIGNS: Readonly<Record<string, Signs>> = {
  FMADD: { product: false, addend: () => false }, FMSUB: { product: false, addend: () => true },
  FNMADD: { product: true, addend: () => false }, FNMSUB: { product: true, addend: () => true },
  FMADDSUB: { product: false, addend: (n) => n % 2 === 0 }, FMSUBADD: { product: false, addend: (n) => n % 2 === 1 },
};
/** A NaN keeps its sign. */
function negate(x: SoftFloat, really: boolean): void { if (really && !isNan(x)) x.negative = !x.negative; }

/** Arguments: the factors and the addend, of one slot each or two. */
const fused = ({ product, addend }: Signs) => (element: Element, count: number): Operation => {
  const slots = 16 * slotsOf(element, count);
  return elementwise(element, count, (cpu, offset) => {
    element.load(cpu, FIRST + offset, a);
    element.load(cpu, FIRST + slots + offset, b);
    element.load(cpu, FIRST + 2 * slots + offset, c);
    negate(a, product);
    negate(c, addend(offset / element.bytes));
    multiplyAdd(a, b, c, r, env);
    round(r, element.format, env);
    element.store(cpu, FIRST + offset, r);
  });
};

const isAlternating = (name: string): boolean => /ADDSUB|SUBADD/.test(name);
export const FUSED_OPERATIONS: Operations = Object.fromEntries(Object.entries(SIGNS).flatMap(([name, signs]) =>
  bySuffix(fused(signs), name).filter(([operation]) => !isAlternating(name) || /P[SD](256)?$/.test(operation))));
