/** A panel's view in a bare browser page, with a debugger that answers from a table. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Browser, Page } from 'playwright-core';
import type { FromView, MachineState, ToView } from '../../extension/panels/messages.js';
import { root } from '../../tools/run.mjs';

export type Answers = Record<string, (args: never) => unknown>;

const dist = path.join(root, 'dist/panels');

/** Colours a dark theme would set. */
const THEME = {
  foreground: '#cccccc',
  'editor-background': '#1e1e1e',
  descriptionForeground: '#9d9d9d',
  focusBorder: '#007fd4',
  errorForeground: '#f48771',
  'editorWarning-foreground': '#cca700',
  'panel-border': '#3c3c3c',
  'input-background': '#3c3c3c',
  'input-foreground': '#cccccc',
  'dropdown-background': '#3c3c3c',
  'dropdown-foreground': '#f0f0f0',
  'button-background': '#0e639c',
  'button-foreground': '#ffffff',
  'list-hoverBackground': '#2a2d2e',
  'list-activeSelectionBackground': '#04395e',
  'list-activeSelectionForeground': '#ffffff',
  'list-inactiveSelectionBackground': '#37373d',
  'sideBarSectionHeader-background': '#2a2a2a',
  'inputValidation-errorBackground': '#5a1d1d',
  'textLink-foreground': '#3794ff',
  'font-family': 'DejaVu Sans, sans-serif',
  'font-size': '13px',
  'editor-font-family': 'DejaVu Sans Mono, monospace',
  'editor-font-size': '12px',
};

export class PanelPage {
  readonly asked: [string, unknown][] = [];
  readonly executed: unknown[] = [];
  private state: MachineState = 'stopped';

  private constructor(
    readonly page: Page,
    private readonly answers: Answers,
  ) {}

  static async open(browser: Browser, panel: string, answers: Answers): Promise<PanelPage> {
    const page = await browser.newPage({ viewport: { width: 1250, height: 760 } });
    const made = new PanelPage(page, answers);
    page.on('pageerror', (error) => {
      throw error;
    });
    await page.exposeFunction('toHost', (message: FromView) => made.receive(message));
    const variables = Object.entries(THEME).map(([name, value]) => `--vscode-${name}: ${value};`);
    await page.setContent(`<!doctype html><html lang="en"><head><style>:root { ${variables.join(' ')} }\n${readFileSync(path.join(dist, 'panel.css'), 'utf8')}</style></head><body data-panel="${panel}"></body></html>`);
    await page.addScriptTag({ content: 'let kept; globalThis.acquireVsCodeApi = () => ({ postMessage: (message) => void toHost(message), getState: () => kept, setState: (state) => { kept = state; } });' });
    await page.addScriptTag({ content: readFileSync(path.join(dist, `${panel}.js`), 'utf8') });
    return made;
  }

  /** The machine stops, runs or goes; what the panel then asks is answered before this returns. */
  async become(state: MachineState): Promise<void> {
    this.state = state;
    await this.post({ type: 'state', state });
    await this.settle();
  }

  async show(what: unknown): Promise<void> {
    await this.post({ type: 'show', what });
    await this.settle();
  }

  /** Waits until the panel has asked nothing for longer than its filters wait for further keys. */
  async settle(): Promise<void> {
    for (let before = -1; before !== this.asked.length; ) {
      before = this.asked.length;
      await this.page.waitForTimeout(300);
    }
  }

  /** What the rows on the page say, cell by cell. */
  rows(label: string): Promise<string[][]> {
    return this.page.locator(`[aria-label="${label}"] .rows [role=row]`).evaluateAll((rows) =>
      rows.map((row) =>
        [...row.querySelectorAll('.cell')].map((cell) => [...cell.childNodes].filter((node) => !(node instanceof HTMLElement && node.classList.contains('twistie'))).map((node) => node.textContent).join('')),
      ),
    );
  }

  private async receive(message: FromView): Promise<void> {
    switch (message.type) {
      case 'ready':
        await this.post({ type: 'state', state: this.state });
        break;
      case 'command':
        this.executed.push([message.command, ...message.args]);
        break;
      case 'ask': {
        this.asked.push([message.request, message.args]);
        const answer = this.answers[message.request];
        if (answer === undefined) await this.post({ type: 'refused', id: message.id, message: `${message.request} is not known` });
        else await this.post({ type: 'answer', id: message.id, body: answer(message.args as never) });
        break;
      }
    }
  }

  private post(message: ToView): Promise<void> {
    return this.page.evaluate((data) => {
      window.postMessage(data, '*');
    }, message);
  }
}
