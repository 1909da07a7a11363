/** Makes the debug adapter of a session: one worker thread per session. */
import { Worker } from 'node:worker_threads';
import * as vscode from 'vscode';
import { WorkerAdapter } from './worker-adapter.js';

export class AdapterFactory implements vscode.DebugAdapterDescriptorFactory {
  constructor(private readonly extensionUri: vscode.Uri) {}

  createDebugAdapterDescriptor(): vscode.DebugAdapterDescriptor {
    const worker = new Worker(vscode.Uri.joinPath(this.extensionUri, 'dist', 'debugger-worker.js').fsPath);
    return new vscode.DebugAdapterInlineImplementation(new WorkerAdapter(worker) as unknown as vscode.DebugAdapter);
  }
}
