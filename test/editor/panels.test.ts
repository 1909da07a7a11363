/** The panels' views in a real browser: what they draw, how the keyboard moves through them, and what they ask for. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import type { TableEntry, WalkStep } from '../../extension/panels/page-tables/protocol.js';
import type { TrapRow } from '../../extension/panels/traps/protocol.js';
import type { VmcsState } from '../../extension/panels/vmcs/protocol.js';
import { launchBrowser, screenshots } from '../../tools/editor.mjs';
import { PanelPage, type Answers } from './panel-page.js';

const rights = { r: true, w: true, x: true, u: false };

const vmcs: VmcsState = {
  present: true,
  pointer: '0x5000',
  launchState: 'launched',
  groups: [
    {
      name: 'Guest state',
      fields: [
        { encoding: '0x681e', name: 'guest RIP', width: 64, value: '0x400123', changedFrom: '0x400120' },
        { encoding: '0x6820', name: 'guest RFLAGS', width: 64, value: '0x0', bits: [{ name: 'ZF', value: '0', set: false, meaning: 'zero flag' }, { name: 'IF', value: '0', set: false }] },
      ],
    },
    { name: 'Controls', fields: [{ encoding: '0x4000', name: 'pin-based VM-execution controls', width: 32, value: '0x16' }] },
  ],
  failedChecks: [{ says: 'Bit 1 of the RFLAGS field must be 1.', field: 'guest RFLAGS' }],
};

const entry = (index: number, more: Partial<TableEntry> = {}): TableEntry => ({ index, entryAddress: '0x403000', value: '0x404003', present: true, leaf: false, target: '0x404000', linear: '0x0', size: '0x8000000000', rights, accessed: true, dirty: false, global: false, ...more });

const EPT = ['EPT PML4E', 'EPT PDPTE', 'EPT PDE', 'EPT PTE'];
const GUEST = ['PML4E', 'PDPTE', 'PDE', 'PTE'];
const step = (stage: 'guest' | 'ept', index: number, of?: string): WalkStep => ({ stage, level: 4 - index, name: (stage === 'ept' ? EPT : GUEST)[index]!, entryAddress: '0x403ff8', value: '0x404067', rights, ...(of !== undefined && { for: of }) });
const walkSteps = [...GUEST.flatMap((name, index) => [...EPT.map((_, each) => step('ept', each, name)), step('guest', index)]), ...EPT.map((_, each) => step('ept', each))];

const trap = (index: number): TrapRow => ({ at: 1000 + index, cpu: 0, kind: 'VM exit', name: index % 3 === 0 ? 'VMCALL' : 'I/O instruction', rip: '0x400020', symbol: 'print+0x10', detail: `port 0xe9, ${index}`, world: 'guest' });

const ANSWERS: Answers = {
  'ringside/vmcs': () => vmcs,
  'ringside/tlb': () => ({
    entries: [
      { linear: '0x400000', physical: '0x1200000', guestPhysical: '0x400000', size: 4096, rights, vpid: 1, pcid: 0, eptp: '0x11000', global: false },
      { linear: '0xffff800000000000', physical: '0x1300000', size: 2097152, rights, vpid: 0, pcid: 0, eptp: '', global: true, stale: 'the PDE is not present now' },
    ],
  }),
  'ringside/pageTable': ({ root, table }: { root: string; table?: string }) => ({
    levels: 4,
    entries: table === undefined ? [entry(0), entry(256, { linear: '0xffff800000000000', target: '0x405000' })] : [entry(3, { leaf: true, size: '0x40000000', target: '0x80000000', linear: root === 'ept' ? '0xc0000000' : '0xffff8000c0000000', dirty: true })],
  }),
  'ringside/walk': ({ access }: { access: string }) =>
    access === 'read'
      ? { steps: walkSteps, outcome: { kind: 'mapped', physical: '0x1200020', sentence: 'The access is allowed.' } }
      : { steps: [...walkSteps.slice(0, 6), { ...walkSteps[6]!, denied: 'no write access' }], outcome: { kind: 'EPT violation', qualification: '0x82', sentence: 'The EPT PDPTE does not allow writes.' } },
  'ringside/traps': ({ start, count, filter }: { start: number; count: number; filter?: string }) => {
    const all = Array.from({ length: 100_000 }, (_, index) => trap(index)).filter(({ name }) => filter === undefined || name.includes(filter));
    return { total: all.length, rows: all.slice(start, start + count), counts: [{ name: 'VMCALL', count: 33_334 }, { name: 'I/O instruction', count: 66_666 }] };
  },
};

describe('The panels in a browser', () => {
  let browser: Browser;
  before(async () => {
    browser = await launchBrowser();
    mkdirSync(screenshots, { recursive: true });
  });
  after(() => browser.close());

  async function open(panel: string): Promise<PanelPage> {
    const made = await PanelPage.open(browser, panel, ANSWERS);
    await made.settle();
    return made;
  }
  const shoot = (panel: PanelPage, name: string) => panel.page.screenshot({ path: path.join(screenshots, `panel-${name}.png`) });

  it('VMCS: fields, changes, failing checks, and the keyboard', async () => {
    const panel = await open('vmcs');
    const rows = await panel.rows('VMCS fields');
    assert.deepEqual(rows[1]!.slice(0, 3), ['guest RIP', '0x400123', 'was 0x400120']);
    await panel.page.getByRole('button', { name: 'guest RFLAGS' }).click();
    await panel.page.keyboard.press('ArrowRight');
    assert.deepEqual((await panel.rows('VMCS fields')).map(([name]) => name), ['Guest state', 'guest RIP', 'guest RFLAGS', 'ZF', 'IF', 'Controls', 'pin-based VM-execution controls']);
    assert.equal(await panel.page.evaluate(() => document.activeElement?.getAttribute('data-key')), 'field 0x6820');
    await shoot(panel, 'vmcs');
    await panel.page.getByLabel('changed only').check();
    assert.equal((await panel.rows('VMCS fields')).length, 2);
  });

  it('VMCS: asks at every stop and never while the machine runs', async () => {
    const panel = await open('vmcs');
    assert.equal(panel.asked.length, 1);
    await panel.become('running');
    assert.equal(panel.asked.length, 1);
    assert.match(await panel.page.getByRole('status').innerText(), /^Running/);
    await panel.become('stopped');
    assert.equal(panel.asked.length, 2);
    await panel.become('no session');
    assert.match(await panel.page.getByRole('status').innerText(), /Start one with F5/);
  });

  it('Page tables: a table is fetched when it is unfolded', async () => {
    const panel = await open('page-tables');
    const label = 'Page tables; press Enter on a page to see its walk';
    assert.deepEqual(panel.asked, [['ringside/pageTable', { root: 'guest' }]]);
    await panel.page.locator('.rows [data-key="256"]').focus();
    await panel.page.keyboard.press('ArrowDown');
    await panel.page.keyboard.press('ArrowRight');
    await panel.settle();
    assert.deepEqual(panel.asked.at(-1), ['ringside/pageTable', { root: 'guest', table: '0x405000', level: 3 }]);
    assert.deepEqual((await panel.rows(label)).map(([name]) => name), ['PML4E 0', 'PML4E 256', 'PDPTE 3']);
    await panel.page.keyboard.press('ArrowDown');
    await panel.page.keyboard.press('Enter');
    await panel.settle();
    assert.deepEqual(panel.asked.at(-1), ['ringside/walk', { linear: '0xffff8000c0000000', access: 'read', user: false, space: 'linear' }]);
  });

  it('Page tables: the walk is a matrix of 24 loads', async () => {
    const panel = await open('page-tables');
    await panel.show({ linear: '0x400020', space: 'linear' });
    assert.equal(await panel.page.locator('td.load').count(), 24);
    assert.match(await panel.page.locator('.verdict').innerText(), /^24 loads: The access is allowed/);
    await shoot(panel, 'walk');
    await panel.page.locator('td.load').first().focus();
    await panel.page.keyboard.press('ArrowDown');
    assert.match((await panel.page.evaluate(() => document.activeElement?.getAttribute('aria-label'))) ?? '', /^Load 6, EPT PML4E/);
    await panel.page.getByLabel('access').selectOption('write');
    await panel.settle();
    assert.match(await panel.page.locator('td.denied').innerText(), /no write access/);
    await shoot(panel, 'walk-denied');
  });

  it('Page tables: what is no address is refused in words', async () => {
    const panel = await open('page-tables');
    await panel.page.getByLabel('Address to walk').fill('rsp');
    await panel.page.keyboard.press('Enter');
    assert.match(await panel.page.locator('.verdict').innerText(), /“rsp” is not an address/);
  });

  it('TLB: a stale entry says how it differs, and Enter shows the walk', async () => {
    const panel = await open('tlb');
    const rows = await panel.rows('TLB entries; press Enter to see the walk of an address');
    assert.equal(rows[1]!.at(-1), 'stale: the PDE is not present now');
    await panel.page.locator('.rows [role=row]').first().focus();
    await panel.page.keyboard.press('End');
    await panel.page.keyboard.press('Enter');
    await panel.settle();
    assert.deepEqual(panel.executed, [['ringside.showWalk', { linear: '0xffff800000000000', space: 'linear' }]]);
    await shoot(panel, 'tlb');
  });

  it('Traps: a long ledger is fetched where it is looked at, and begins at its end', async () => {
    const panel = await open('traps');
    assert.deepEqual(panel.asked.map(([, args]) => (args as { start: number }).start), [0, 99_800]);
    assert.equal((await panel.rows('Trap ledger')).filter(([at]) => at === '…').length, 0);
    await panel.page.locator('[aria-label="Trap ledger"] .rows [data-index="99990"]').click();
    assert.match(await panel.page.locator('.details').innerText(), /port 0xe9, 99990/);
    await shoot(panel, 'traps');
  });

  it('Traps: a count filters the ledger', async () => {
    const panel = await open('traps');
    await panel.page.locator('aside [data-key="VMCALL"]').dblclick();
    await panel.settle();
    assert.match(await panel.page.getByRole('status').innerText(), /^33\u202f334 traps matching “VMCALL”/);
  });

  it('says what the debugger refuses', async () => {
    const panel = await PanelPage.open(browser, 'tlb', {});
    await panel.settle();
    assert.equal(await panel.page.getByRole('status').innerText(), 'ringside/tlb is not known');
  });
});
