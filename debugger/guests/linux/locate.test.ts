import assert from 'node:assert/strict';
import type { ProgramSymbols } from '../../symbols/program-symbols.js';
import { isKernel, locateKernel } from './locate.js';

const BANNER = 0xffffffff82000140n;
const kernel = { symbol: (name: string) => ({ linux_banner: BANNER, init_task: 0xffffffff82a00000n })[name] } as ProgramSymbols;
const mapped = (at: bigint, text: string) => (address: bigint, bytes: number) => (address === at ? new TextEncoder().encode(text).subarray(0, bytes) : undefined);

describe('where a kernel is', () => {
  it('is where its banner can be read', () => {
    assert.equal(locateKernel(kernel, mapped(BANNER, 'Linux version 6.1.0')), 0n);
    assert.equal(locateKernel(kernel, mapped(BANNER + 0xfc00000n, 'Linux version 6.1.0')), 0xfc00000n);
  });
  it('is not known while something else is there, or nothing', () => {
    assert.equal(locateKernel(kernel, mapped(BANNER, 'Linux varsion 6.1.0')), undefined);
    assert.equal(locateKernel(kernel, () => undefined), undefined);
  });
  it('is asked only of kernels', () => {
    assert.equal(isKernel(kernel), true);
    assert.equal(isKernel({ symbol: () => undefined } as unknown as ProgramSymbols), false);
  });
});
