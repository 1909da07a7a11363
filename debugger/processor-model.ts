/** A processor model as people write it: `x86-64-v2`, `max,-VMX`, `x86-64-v1,+SSE4.2`. */
import { FEATURES } from '../emulator/cpu/cpuid.js';
import { MODELS, withFeature, withoutFeature } from '../emulator/cpu/models.js';
import { nearest } from './nearest.js';

/** The features, or a sentence that says what is wrong. */
export function readProcessorModel(text: string): ReadonlySet<string> | string {
  const [first = '', ...rest] = text.split(',').map((part) => part.trim()), byName = first === '' || /^[+-]/.test(first);
  const model = byName ? 'max' : Object.keys(MODELS).find((name) => same(name, first));
  if (model === undefined) return unknown('processor model', first, Object.keys(MODELS));
  let features = MODELS[model]!;
  for (const change of byName && first !== '' ? [first, ...rest] : rest) {
    const [, sign, given = ''] = /^([+-])(.+)$/.exec(change) ?? [];
    if (sign === undefined) return `"${change}" must be a feature with + or - before it, such as -VMX.`;
    const name = [...FEATURES].find((each) => same(each, given));
    if (name === undefined) return unknown('processor feature', given, FEATURES);
    features = sign === '+' ? withFeature(features, name) : withoutFeature(features, name);
  }
  return features;
}

const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();
function unknown(what: string, given: string, known: Iterable<string>): string {
  const guess = nearest(given, known);
  return guess === undefined ? `There is no ${what} "${given}": there are ${[...known].join(', ')}.` : `There is no ${what} "${given}"; is "${guess}" meant?`;
}
