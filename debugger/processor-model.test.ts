import assert from 'node:assert/strict';
import { FEATURES } from '../emulator/cpu/cpuid.js';
import { MODELS } from '../emulator/cpu/models.js';
import { readProcessorModel } from './processor-model.js';

describe('a processor model as text', () => {
  it('is a model, features more or less, or both', () => {
    assert.deepEqual(readProcessorModel(''), FEATURES);
    assert.deepEqual(readProcessorModel('X86-64-V2'), MODELS['x86-64-v2']);
    const fewer = readProcessorModel('-vmx') as ReadonlySet<string>;
    assert.ok(!fewer.has('VMX') && fewer.size === FEATURES.size - 1);
    const both = readProcessorModel('x86-64-v1, +sse4.2, -cmov') as ReadonlySet<string>;
    assert.ok(both.has('SSSE3') && both.has('SSE4.2') && !both.has('CMOV'));
  });
  it('says what is wrong', () => {
    assert.equal(readProcessorModel('x86-64-v9'), 'There is no processor model "x86-64-v9"; is "x86-64-v3" meant?');
    assert.equal(readProcessorModel('max,-VMXX'), 'There is no processor feature "VMXX"; is "VMX" meant?');
    assert.equal(readProcessorModel('max,VMX'), '"VMX" must be a feature with + or - before it, such as -VMX.');
    assert.match(readProcessorModel('haswell') as string, /^There is no processor model "haswell": there are max, x86-64-v3, x86-64-v2, x86-64-v1\.$/);
  });
});
