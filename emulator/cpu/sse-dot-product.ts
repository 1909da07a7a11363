/** DPPS and DPPD, exactly: each product and each sum is rounded. SDM Vol. 2, "DPPS—Dot Product of Packed Single Precision Floating-Point Values". */
import { add, multiply } from '../float/arithmetic.js';
import { setZero, softFloat } from '../float/number.js';
import { round } from '../float/round.js';
import type { Operation, Operations } from './operations.js';
import type { Processor } from './processor.js';
import { begin, env, finish } from './sse-environment.js';
import { DOUBLE_ELEMENT, type Element, FIRST, secondOf, SINGLE_ELEMENT, slotsOf } from './sse-operations.js';

const a = softFloat(), b = softFloat(), r = softFloat();

/** "Exceptions are determined separately for each add and multiply operation": all products are one step, and so are sums of the same kind. */
function step(cpu: Processor, action: () => void): void {
  env.flags = 0;
  action();
  finish(cpu);
}

/**
 * Arguments: both sources, and the immediate: bits 7:4 choose products, bits 3:0 where the sum goes. Products and sums take the place of the first source.
 * `count`: elements of 128 bits, of which `total` are two or one.
 */
const dotProduct = (element: Element, count: number, total: number = count): Operation => (cpu) => {
  begin(cpu);
  const second = secondOf(element, total), control = cpu.argumentLow(2 * slotsOf(element, total)), at = (slot: number, i: number) => slot + element.bytes * i;
  const multiplyAt = (i: number) => {
    if (control & (0x10 << (i % count))) {
      element.load(cpu, at(FIRST, i), a);
      element.load(cpu, at(second, i), b);
      multiply(a, b, r, env);
      round(r, element.format, env);
    } else setZero(r, false);
    element.store(cpu, at(FIRST, i), r);
  };
  const addTo = (i: number, j: number) => {
    element.load(cpu, at(FIRST, i), a);
    element.load(cpu, at(FIRST, j), b);
    add(a, b, false, r, env);
    round(r, element.format, env);
    element.store(cpu, at(FIRST, i), r);
  };
  step(cpu, () => { for (let i = 0; i < total; i++) multiplyAt(i); });
  for (let distance = 1; distance < count; distance *= 2) step(cpu, () => { for (let i = 0; i < total; i += 2 * distance) addTo(i, i + distance); });
  for (let first = 0; first < total; first += count) {
    const result = cpu.u8.slice(at(FIRST, first), at(FIRST, first + 1));
    for (let i = 0; i < count; i++) if (control & (1 << i)) cpu.u8.set(result, at(FIRST, first + i)); else cpu.u8.fill(0, at(FIRST, first + i), at(FIRST, first + i + 1));
  }
};

export const SSE_DOT_PRODUCT_OPERATIONS: Operations = { DPPS: dotProduct(SINGLE_ELEMENT, 4), DPPS256: dotProduct(SINGLE_ELEMENT, 4, 8), DPPD: dotProduct(DOUBLE_ELEMENT, 2) };
