import assert from 'node:assert/strict';
import { ALL_FEATURES, FEATURES } from './cpuid.js';
import { formsWith } from '../isa/encoding.js';
import { INSTRUCTIONS } from '../isa/index.js';
import { MODELS, withFeature, withoutFeature } from './models.js';

describe('processor models', () => {
  it('grow from level to level', () => {
    const levels = ['x86-64-v1', 'x86-64-v2', 'x86-64-v3', 'max'].map((name) => MODELS[name]!);
    levels.slice(1).forEach((level, n) => { assert.ok([...levels[n]!].every((feature) => level.has(feature)) && level.size > levels[n]!.size); });
    assert.equal(MODELS['max'], FEATURES);
  });
  it('have what their level asks for, of what there is', () => {
    assert.ok(!MODELS['x86-64-v1']!.has('SSE3') && MODELS['x86-64-v1']!.has('SSE2') && MODELS['x86-64-v1']!.has('LM'));
    assert.ok(MODELS['x86-64-v2']!.has('SSE4.2') && !MODELS['x86-64-v2']!.has('BMI1') && !MODELS['x86-64-v2']!.has('AES'));
    for (const name of ['AVX', 'AVX2', 'BMI1', 'BMI2', 'F16C', 'FMA', 'LZCNT', 'MOVBE', 'XSAVE']) assert.ok(MODELS['x86-64-v3']!.has(name), name);
    assert.ok(MODELS['x86-64-v3']!.has('BMI2') && MODELS['x86-64-v3']!.has('VMX') && !MODELS['x86-64-v3']!.has('RDRAND'));
  });
  it('lose with a feature what needs it, and gain with one what it needs', () => {
    const without = withoutFeature(FEATURES, 'SSE3');
    for (const name of ['SSE3', 'SSSE3', 'SSE4.1', 'SSE4.2']) assert.ok(!without.has(name), name);
    assert.ok(without.has('SSE2'));
    const again = withFeature(without, 'SSE4.2');
    for (const name of ['SSE3', 'SSSE3', 'SSE4.1', 'SSE4.2']) assert.ok(again.has(name), name);
  });
  it('have rows only where they have all features of them', () => {
    const printed = (model: string) => new Set(formsWith(MODELS[model]!, INSTRUCTIONS).map(({ syntax }) => syntax.split(' ')[0]!)), level2 = printed('x86-64-v2'), level3 = printed('x86-64-v3');
    for (const name of ['VADDPS', 'VPADDD', 'VFMADD231PD', 'VCVTPH2PS', 'XSAVE']) assert.ok(level3.has(name) && !level2.has(name), name);
    for (const name of ['VAESENC', 'AESENC', 'VPCLMULQDQ']) assert.ok(!level3.has(name) && printed('max').has(name), name);
  });
  it('know features by the names of CPUID only', () => {
    for (const name of withFeature(new Set(ALL_FEATURES), 'PKU')) assert.ok(ALL_FEATURES.includes(name), name);
    for (const model of Object.values(MODELS)) for (const name of model) assert.ok(FEATURES.has(name), name);
  });
});
