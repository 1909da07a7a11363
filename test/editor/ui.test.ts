/** The first lab in the real workbench, as a person goes through it. The screenshots are there to be looked at. */
import { mkdirSync } from 'node:fs';
import { labCopy, screenshots } from '../../tools/editor.mjs';
import { WorkbenchPage } from './workbench-page.js';

describe('The first lab in the workbench', function () {
  this.bail(true);
  let workbench: WorkbenchPage;

  before(async () => {
    mkdirSync(screenshots, { recursive: true });
    workbench = await WorkbenchPage.open(labCopy('ui'));
  });
  after(() => workbench.close());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench.shoot('failed');
  });

  it('starts with F5 and stops at the first instruction', async () => {
    await workbench.openFile('boot.S');
    await workbench.page.keyboard.press('F5');
    await workbench.page.locator('.debug-top-stack-frame-line').first().waitFor();
    await workbench.page.locator('.debug-toolbar').waitFor();
    await workbench.shoot('stopped-at-entry');
  });

  it('stops at a breakpoint before the guest is entered', async () => {
    await workbench.openFile('main.c');
    await workbench.command('Go to Symbol in Editor').catch(() => undefined);
    await workbench.page.keyboard.press('Escape');
    await workbench.page.keyboard.press('Control+F');
    await workbench.page.keyboard.type('vm_enter(');
    await workbench.page.keyboard.press('Enter');
    await workbench.page.keyboard.press('Escape');
    await workbench.breakAt('vm_enter(');
    await workbench.page.keyboard.press('F5');
    await workbench.callStack('run_guest').waitFor();
    await workbench.shoot('breakpoint');
  });

  it('shows registers among the variables', async () => {
    const registers = workbench.page.locator('.debug-variables .monaco-list-row', { hasText: 'General' }).first();
    await registers.waitFor();
    if ((await registers.getAttribute('aria-expanded')) === 'false') await registers.click();
    await workbench.page.locator('.debug-variables .monaco-list-row', { hasText: /^RAX/ }).first().waitFor();
    await workbench.shoot('registers');
  });

  for (const [command, id, says] of [
    ['Ringside: Show VMCS', 'vmcs', /^VMCS at 0x/],
    ['Ringside: Show TLB', 'tlb', /translation/],
    ['Ringside: Show Traps', 'traps', /trap/i],
  ] as const) {
    it(`answers ${command}`, async () => {
      await workbench.command(command);
      const panel = await workbench.panel(id);
      await panel.waitForFunction((pattern) => new RegExp(pattern).test(document.querySelector('[role=status]')?.textContent ?? ''), says.source);
      await panel.locator('.rows [role=row]').first().waitFor();
      await workbench.shoot(id);
    });
  }

  async function walk(address: string, says: RegExp): Promise<void> {
    await workbench.command('Ringside: Show Walk of Address');
    await workbench.page.locator('.quick-input-widget input[placeholder^="0x"]').waitFor();
    await workbench.page.keyboard.type(address);
    await workbench.page.keyboard.press('Enter');
    const panel = await workbench.panel('page-tables');
    await panel.waitForFunction((pattern) => new RegExp(pattern).test(document.querySelector('.verdict')?.textContent ?? ''), says.source);
  }

  it('walks an address of the hypervisor', async () => {
    await walk('0x100000', /3 loads: .*physical 0x100000/);
    await workbench.shoot('walk');
  });

  it('disassembles', async () => {
    await workbench.command('Open Disassembly View');
    await workbench.page.locator('.disassembly-view .monaco-table-tr', { hasText: /vmresume|vmlaunch|call/i }).first().waitFor();
    await workbench.shoot('disassembly');
  });

  it('refreshes the panels at the next stop', async () => {
    await workbench.command('Ringside: Show VMCS');
    await workbench.command('Debug: Continue');
    const panel = await workbench.panel('vmcs');
    await panel.waitForFunction(() => /[1-9]\d* fields? changed/.test(document.querySelector('[role=status]')?.textContent ?? ''));
    await panel.locator('.cell.changed').first().waitFor();
    await workbench.shoot('vmcs-changed');
  });

  it('walks an address of the guest in two dimensions', async () => {
    await walk('0x400020', /19 loads: .*guest-physical 0x400020/);
    await workbench.shoot('walk-in-two-dimensions');
  });

  it('ends with Shift+F5', async () => {
    await workbench.page.keyboard.press('Shift+F5');
    await workbench.page.locator('.debug-toolbar').waitFor({ state: 'hidden' });
  });
});
