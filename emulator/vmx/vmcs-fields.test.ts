import assert from 'node:assert/strict';
import { capability, CONTROL_FIELDS, offered, type ControlFieldName } from './controls.js';
import { EXIT_REASONS } from './exit-reasons.js';
import { describe as describeEncoding, VMCS_FIELDS } from './vmcs-fields.js';
import { EXISTING_FIELDS, findField, slot } from './vmcs.js';

describe('tables of VMX', () => {
  it('encodings and names of VMCS fields are unique, and full accesses', () => {
    assert.equal(new Set(VMCS_FIELDS.map((f) => f.encoding)).size, VMCS_FIELDS.length);
    assert.equal(new Set(VMCS_FIELDS.map((f) => f.name)).size, VMCS_FIELDS.length);
    assert.ok(VMCS_FIELDS.every((f) => (f.encoding & 1) === 0));
    assert.ok(VMCS_FIELDS.length < 255, 'the index of a field fits a byte');
  });

  it('the encoding tells width, area and access', () => {
    assert.deepEqual(describeEncoding(0x681e), { highHalf: false, index: 15, area: 'guest state', width: 'natural', readOnly: false });
    assert.deepEqual(describeEncoding(0x2401), { highHalf: true, index: 0, area: 'VM-exit information', width: 64, readOnly: true });
    assert.deepEqual(describeEncoding(0x4c00), { highHalf: false, index: 0, area: 'host state', width: 32, readOnly: false });
  });

  it('names begin with the area they belong to', () => {
    for (const { encoding, name } of VMCS_FIELDS) {
      const { area } = describeEncoding(encoding);
      if (area === 'host state') assert.match(name, /^host /);
      if (/^host /.test(name)) assert.equal(area, 'host state');
    }
  });

  it('fields of the segment registers follow one another', () => {
    for (const part of ['selector', 'base', 'limit', 'access rights'] as const) {
      (['ES', 'CS', 'SS', 'DS', 'FS', 'GS', 'LDTR', 'TR'] as const).forEach((s, i) => {
        assert.equal(slot(`guest ${s} ${part}`), slot(`guest ES ${part}`) + 2 * i);
      });
    }
  });

  it('fields of controls that are not offered do not exist', () => {
    assert.ok(findField(0x201a) >= 0);
    assert.equal(findField(0x2030), -1, 'sub-page-permission-table pointer');
    assert.equal(findField(0x681f), -1, 'only 64-bit fields have a high half');
    assert.ok(findField(0x201b) >= 0);
    assert.equal(findField(0x1681e), -1);
    assert.ok(EXISTING_FIELDS.every((f) => f.existsIf === undefined || offered(f.existsIf)));
  });

  it('every control has a bit of its own, outside the default1 class unless it may be 0', () => {
    for (const [name, { controls, default1 }] of Object.entries(CONTROL_FIELDS)) {
      const bits = Object.values(controls).map((c) => c.bit);
      assert.equal(new Set(bits).size, bits.length);
      for (const c of Object.values(controls)) assert.equal(((default1 >>> c.bit) & 1) !== 0, c.mayBeZero === true);
      const { allowed0, allowed1 } = capability(name as ControlFieldName);
      assert.equal(allowed0 & ~allowed1, 0);
    }
  });

  it('the default1 classes are the manual\'s', () => {
    assert.equal(capability('pin', 'default').allowed0, 0x16);
    assert.equal(capability('primary', 'default').allowed0, 0x0401e172);
    assert.equal(capability('primary', 'TRUE').allowed0, 0x04006172);
    assert.equal(capability('exit', 'default').allowed0, 0x00036dff);
    assert.equal(capability('exit', 'TRUE').allowed0, 0x00036dfb);
    assert.equal(capability('entry', 'default').allowed0, 0x000011ff);
    assert.equal(capability('entry', 'TRUE').allowed0, 0x000011fb);
  });

  it('exit reasons are numbered once', () => {
    const numbers = Object.values(EXIT_REASONS).map((row) => row.number);
    assert.equal(new Set(numbers).size, numbers.length);
  });
});
