/** The host of every panel: one editor tab each, refreshed at every stop, restored when the window is. */
import * as vscode from 'vscode';
import type { Sessions } from '../debugging/sessions.js';
import type { FromView, MachineState, ToView } from './messages.js';
import { route, type PanelDefinition, type Surroundings } from './router.js';

export class PanelHost implements vscode.WebviewPanelSerializer {
  private panel: vscode.WebviewPanel | undefined;
  /** Whether there is a page that listens: a hidden panel has none, and is made anew when it is shown. */
  private ready = false;
  private pending: unknown;

  constructor(
    private readonly definition: PanelDefinition,
    private readonly extensionUri: vscode.Uri,
    private readonly sessions: Sessions,
  ) {}

  get viewType(): string {
    return `ringside.${this.definition.id}`;
  }

  /** Opens the panel or brings it to the front; `what` is handed to its view. */
  show(what?: unknown): void {
    this.pending = what;
    if (this.panel === undefined) {
      this.adopt(vscode.window.createWebviewPanel(this.viewType, this.definition.title, { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true }, {}));
      return;
    }
    this.panel.reveal(undefined, what === undefined);
    this.deliver();
  }

  refresh(): void {
    if (this.ready) this.post({ type: 'state', state: this.state });
  }

  deserializeWebviewPanel(panel: vscode.WebviewPanel): Promise<void> {
    this.adopt(panel);
    return Promise.resolve();
  }

  private get state(): MachineState {
    const current = this.sessions.current;
    if (current === undefined) return 'no session';
    return current.run.isRunning ? 'running' : 'stopped';
  }

  private adopt(panel: vscode.WebviewPanel): void {
    this.panel?.dispose();
    this.panel = panel;
    this.ready = false;
    const { webview } = panel;
    webview.options = { enableScripts: true, localResourceRoots: [vscode.Uri.joinPath(this.extensionUri, 'dist', 'panels')] };
    webview.onDidReceiveMessage((message: FromView) => this.answer(message));
    panel.onDidChangeViewState(() => {
      if (!panel.visible) this.ready = false;
    });
    panel.onDidDispose(() => {
      if (this.panel === panel) this.panel = undefined;
    });
    webview.html = this.page(webview);
  }

  private async answer(message: FromView): Promise<void> {
    const reply = await route(this.definition, message, this.surroundings());
    if (reply !== undefined) this.post(reply);
    if (message.type === 'ready') {
      this.ready = true;
      this.deliver();
    }
  }

  private surroundings(): Surroundings {
    const session = this.sessions.current?.session;
    return {
      state: this.state,
      request: (command, args) => session!.customRequest(command, args),
      execute: (command, args) => vscode.commands.executeCommand(command, ...args),
    };
  }

  private deliver(): void {
    if (!this.ready || this.pending === undefined) return;
    this.post({ type: 'show', what: this.pending });
    this.pending = undefined;
  }

  private post(message: ToView): void {
    void this.panel?.webview.postMessage(message);
  }

  private page(webview: vscode.Webview): string {
    const nonce = crypto.randomUUID();
    const resource = (name: string): string => webview.asWebviewUri(vscode.Uri.joinPath(this.extensionUri, 'dist', 'panels', name)).toString();
    return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'nonce-${nonce}'; style-src ${webview.cspSource}">
<link rel="stylesheet" href="${resource('panel.css')}">
<title>${this.definition.title}</title>
</head>
<body data-panel="${this.definition.id}">
<script nonce="${nonce}" src="${resource(`${this.definition.id}.js`)}"></script>
</body>
</html>`;
  }
}
