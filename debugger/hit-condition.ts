/** Hit conditions of breakpoints: how often it must have been reached. */
import { RequestError } from './request-error.js';

const FORM = /^\s*(>=|<=|==?|>|<|%)?\s*(\d+)\s*$/;

/** Whether to stop at the `hits`th time. A plain number stops at that time and ever after. */
export function readHitCondition(text: string): (hits: number) => boolean {
  const match = FORM.exec(text);
  if (!match) throw new RequestError(`The hit count "${text}" is none of 5, >5, >=5, <5, <=5, ==5 and %5.`);
  const count = Number(match[2]);
  switch (match[1]) {
    case '>': return (hits) => hits > count;
    case '<': return (hits) => hits < count;
    case '<=': return (hits) => hits <= count;
    case '=':
    case '==': return (hits) => hits === count;
    case '%':
      if (count === 0) throw new RequestError('The hit count "%0" can never be reached.');
      return (hits) => hits % count === 0;
    default: return (hits) => hits >= count;
  }
}
