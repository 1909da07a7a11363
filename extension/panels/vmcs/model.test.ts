import assert from 'node:assert/strict';
import { headline, INITIAL, toggle, vmcsRows } from './model.js';
import type { VmcsState } from './protocol.js';

const state: VmcsState = {
  present: true,
  pointer: '0x5000',
  launchState: 'clear',
  groups: [
    {
      name: 'Guest state',
      fields: [
        { encoding: '0x681e', name: 'guest RIP', width: 'natural', value: '0x1003', changedFrom: '0x1000' },
        { encoding: '0x6820', name: 'guest RFLAGS', width: 'natural', value: '0x0', bits: [{ name: 'fixed', value: '0', set: false }, { name: 'ZF', value: '1', set: true }, { name: 'IOPL', value: '3', set: true }] },
      ],
    },
    { name: 'Control', fields: [{ encoding: '0x4000', name: 'pin-based controls', width: 32, value: '0x16' }] },
  ],
  failedChecks: [{ says: 'Reserved bit 1 of RFLAGS must be 1.', field: 'guest RFLAGS' }],
};
const names = (rows: ReturnType<typeof vmcsRows>) => rows.map(({ cells }) => cells[0]!.text);

describe('the rows of the VMCS panel', () => {
  it('show groups and their fields', () => {
    assert.deepEqual(names(vmcsRows(state, INITIAL)), ['Guest state', 'guest RIP', 'guest RFLAGS', 'Control', 'pin-based controls']);
  });
  it('mark what changed with its old value', () => {
    const rip = vmcsRows(state, INITIAL)[1]!;
    assert.deepEqual(rip.cells[1], { text: '0x1003', mark: 'changed' });
    assert.equal(rip.cells[2]!.text, 'was 0x1000');
  });
  it('mark the field of a failing check', () => {
    const rflags = vmcsRows(state, INITIAL)[2]!;
    assert.equal(rflags.cells[1]!.mark, 'failed');
    assert.equal(rflags.cells[2]!.text, 'fails an entry check · ZF, IOPL 3');
  });
  it('say what a value means', () => {
    const exit = { ...state, groups: [{ name: 'VM-exit information', fields: [{ encoding: '0x4402', name: 'exit reason', width: 32, value: '0xc', bits: [{ name: 'basic exit reason', value: '12', set: true, meaning: 'HLT' }] }] }] };
    assert.equal(vmcsRows(exit, INITIAL)[1]!.cells[2]!.text, 'HLT');
    const qualification = { ...state, groups: [{ name: 'VM-exit information', fields: [{ encoding: '0x6400', name: 'exit qualification', width: 'natural', value: '0x2', meaning: 'write' }] }] };
    assert.equal(vmcsRows(qualification, INITIAL)[1]!.cells[2]!.text, 'write');
  });
  it('unfold bits and fold groups', () => {
    assert.deepEqual(names(vmcsRows(state, toggle(INITIAL, 'field 0x6820'))), ['Guest state', 'guest RIP', 'guest RFLAGS', 'fixed', 'ZF', 'IOPL', 'Control', 'pin-based controls']);
    assert.deepEqual(names(vmcsRows(state, toggle(INITIAL, 'group Guest state'))), ['Guest state', 'Control', 'pin-based controls']);
    assert.deepEqual(toggle(toggle(INITIAL, 'group x'), 'group x'), INITIAL);
  });
  it('filter by name, value, group and bit', () => {
    assert.deepEqual(names(vmcsRows(state, { ...INITIAL, filter: '0x16' })), ['Control', 'pin-based controls']);
    assert.deepEqual(names(vmcsRows(state, { ...INITIAL, filter: 'iopl' })), ['Guest state', 'guest RFLAGS']);
    assert.deepEqual(names(vmcsRows(state, { ...INITIAL, filter: 'control' })), ['Control', 'pin-based controls']);
    assert.deepEqual(names(vmcsRows(state, { ...INITIAL, changedOnly: true })), ['Guest state', 'guest RIP']);
  });
  it('are summed up in one sentence', () => {
    assert.equal(headline(state), 'VMCS at 0x5000, launch state clear; 1 field changed since the last stop.');
    assert.match(headline({ ...state, present: false }), /no current VMCS/);
  });
});
