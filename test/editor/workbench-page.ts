/** Hands and eyes in the workbench: what a person does with mouse and keyboard. */
import path from 'node:path';
import type { Browser, Frame, Locator, Page } from 'playwright-core';
import { launchBrowser, screenshots } from '../../tools/editor.mjs';
import { root } from '../../tools/run.mjs';
import { serveWorkbench, type ServedWorkbench } from '../../tools/workbench.mjs';

const LIMIT_MS = 45_000;

export class WorkbenchPage {
  private constructor(
    private readonly served: ServedWorkbench,
    private readonly browser: Browser,
    readonly page: Page,
  ) {}

  static async open(folder: string): Promise<WorkbenchPage> {
    const served = await serveWorkbench({ extension: root });
    const browser = await launchBrowser();
    const page = await browser.newPage({ viewport: { width: 1500, height: 950 } });
    page.setDefaultTimeout(LIMIT_MS);
    await page.goto(`${served.address}?folder=${folder}`);
    await page.locator('.explorer-folders-view .monaco-list-row').first().waitFor();
    return new WorkbenchPage(served, browser, page);
  }

  async close(): Promise<void> {
    await this.browser.close();
    await this.served.stop();
  }

  shoot(name: string): Promise<unknown> {
    return this.page.screenshot({ path: path.join(screenshots, `workbench-${name}.png`) });
  }

  async command(title: string): Promise<void> {
    await this.page.keyboard.press('F1');
    const input = this.page.locator('.quick-input-widget input.input');
    await input.waitFor();
    await input.fill(`>${title}`);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: title }).first().click();
  }

  async openFile(name: string): Promise<void> {
    await this.page.keyboard.press('Control+P');
    const input = this.page.locator('.quick-input-widget input.input');
    await input.waitFor();
    await input.fill(name);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: name }).first().click();
    await this.page.locator('.tab.active', { hasText: path.basename(name) }).waitFor();
  }

  /** Puts a breakpoint on the first line in sight that holds the text. */
  async breakAt(text: string): Promise<void> {
    await this.page.locator('.monaco-editor .view-line', { hasText: text }).first().click();
    await this.page.keyboard.press('F9');
    await this.page.locator('.codicon-debug-breakpoint, .codicon-debug-breakpoint-unverified').first().waitFor();
  }

  callStack(text: string): Locator {
    return this.page.locator('.debug-call-stack .monaco-list-row', { hasText: text });
  }

  /** The document of a panel: the innermost frame of its web view. */
  async panel(id: string): Promise<Frame> {
    for (const end = Date.now() + LIMIT_MS; Date.now() < end; await this.page.waitForTimeout(100)) {
      for (const frame of this.page.frames()) {
        const found = await frame.evaluate((wanted) => document.body.dataset['panel'] === wanted, id).catch(() => false);
        if (found) return frame;
      }
    }
    throw new Error(`the panel ${id} did not appear`);
  }
}
