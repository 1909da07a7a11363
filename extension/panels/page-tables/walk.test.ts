import assert from 'node:assert/strict';
import type { WalkStep } from './protocol.js';
import { addressFrom, matrixOf } from './walk.js';

const rights = { r: true, w: true, x: true, u: true };
const guest = (level: number, name: string, more: Partial<WalkStep> = {}): WalkStep => ({ stage: 'guest', level, name, entryAddress: '0x1000', value: '0x3', rights, ...more });
const ept = (level: number, name: string, target: string | undefined, more: Partial<WalkStep> = {}): WalkStep => ({ stage: 'ept', level, name, entryAddress: '0x9000', value: '0x7', rights, ...(target !== undefined && { for: target }), ...more });

const EPT = [[4, 'EPT PML4E'], [3, 'EPT PDPTE'], [2, 'EPT PDE'], [1, 'EPT PTE']] as const;
const GUEST = [[4, 'PML4E'], [3, 'PDPTE'], [2, 'PDE'], [1, 'PTE']] as const;
const full = [...GUEST.flatMap(([level, name]) => [...EPT.map(([each, eptName]) => ept(each, eptName, name)), guest(level, name)]), ...EPT.map(([each, eptName]) => ept(each, eptName, undefined))];

describe('the walk as a matrix', () => {
  it('has 24 loads in two dimensions', () => {
    const matrix = matrixOf({ steps: full, outcome: { kind: 'mapped', physical: '0x5000', sentence: '' } });
    assert.equal(matrix.loads, 24);
    assert.deepEqual(matrix.eptColumns, ['EPT PML4E', 'EPT PDPTE', 'EPT PDE', 'EPT PTE']);
    assert.deepEqual(matrix.rows.map(({ name }) => name), ['PML4E', 'PDPTE', 'PDE', 'PTE', 'the page']);
    assert.deepEqual(matrix.rows.map((row) => [...row.ept, row.guest].map((each) => each?.order)), [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10], [11, 12, 13, 14, 15], [16, 17, 18, 19, 20], [21, 22, 23, 24, undefined]]);
    assert.equal(matrix.verdict, 'Mapped to 0x5000.');
    assert.ok(matrix.allowed);
    assert.deepEqual([matrix.rows[0]!.ept[0]!.rights, matrix.rows[0]!.guest!.rights], ['rwx', 'rwxu']);
  });

  it('has one dimension without EPT', () => {
    const matrix = matrixOf({ steps: [guest(4, 'PML4E'), guest(3, 'PDPTE', { denied: 'not present' })], outcome: { kind: 'page fault', errorCode: '0x2', sentence: 'The PDPTE is not present.' } });
    assert.deepEqual(matrix.eptColumns, []);
    assert.deepEqual(matrix.rows.map(({ name, guest: load }) => [name, load?.denied]), [['PML4E', undefined], ['PDPTE', 'not present']]);
    assert.equal(matrix.verdict, 'The PDPTE is not present.');
    assert.ok(!matrix.allowed);
  });

  it('leaves places empty where a large page or a violation ends a walk', () => {
    const matrix = matrixOf({ steps: [ept(4, 'EPT PML4E', 'PML4E'), ept(3, 'EPT PDPTE', 'PML4E'), guest(4, 'PML4E'), ept(4, 'EPT PML4E', 'PDPTE', { denied: 'no read' })], outcome: { kind: 'EPT violation', qualification: '0x1', sentence: '' } });
    assert.equal(matrix.verdict, 'EPT violation, exit qualification 0x1.');
    assert.deepEqual(matrix.rows.map((row) => [row.name, row.ept.map((each) => each?.order), row.guest?.order]), [['PML4E', [1, 2], 3], ['PDPTE', [4, undefined], undefined]]);
  });

  it('tells where in host memory a guest entry lies', () => {
    const matrix = matrixOf({ steps: [guest(4, 'PML4E', { entryHostAddress: '0x77000' })], outcome: { kind: 'mapped', sentence: '' } });
    assert.equal(matrix.rows[0]!.guest!.entryAddress, '0x1000 (host 0x77000)');
  });
});

describe('an address as typed', () => {
  it('may be grouped and have a prefix or not', () => {
    assert.deepEqual(['0x1000', '1000', 'FFFF`8000`0000`0000', '0x0000_1000', ' 0 '].map(addressFrom), ['0x1000', '0x1000', '0xffff800000000000', '0x1000', '0x0']);
  });
  it('is refused when it is none', () => {
    assert.deepEqual(['', 'rip', '0x', '11112222333344445'].map(addressFrom), [undefined, undefined, undefined, undefined]);
  });
});
