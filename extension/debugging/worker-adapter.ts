/**
 * The debug adapter as the editor sees it: a thin proxy to the worker in which the debugger and the machine live.
 * Messages of the Debug Adapter Protocol pass unchanged in both directions.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Emitter } from './event.js';

/** What the proxy needs of a worker thread. */
export interface WorkerPort {
  postMessage(message: unknown): void;
  terminate(): unknown;
  on(event: 'message', listener: (message: DebugProtocol.ProtocolMessage) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
}

/** A worker that does not answer a disconnect is ended without its consent, so that Stop always stops. */
const DISCONNECT_PATIENCE_MS = 3000;

export class WorkerAdapter {
  private readonly sent = new Emitter<DebugProtocol.ProtocolMessage>();
  readonly onDidSendMessage = this.sent.event;
  private readonly unanswered = new Map<number, DebugProtocol.Request>();
  private alive = true;

  constructor(
    private readonly worker: WorkerPort,
    private readonly patienceMs = DISCONNECT_PATIENCE_MS,
  ) {
    worker.on('message', (message) => {
      this.forward(message);
    });
    worker.on('error', (error) => {
      this.end(`The debugger stopped because of an internal error: ${error.stack ?? error.message}`);
    });
    worker.on('exit', (code) => {
      this.end(code === 0 ? undefined : `The debugger ended unexpectedly with exit code ${code}.`);
    });
  }

  handleMessage(message: DebugProtocol.ProtocolMessage): void {
    if (message.type !== 'request') {
      this.worker.postMessage(message);
      return;
    }
    const request = message as DebugProtocol.Request;
    if (!this.alive) {
      this.refuse(request, 'The debugger has ended.');
      return;
    }
    this.unanswered.set(request.seq, request);
    this.worker.postMessage(request);
    if (request.command === 'disconnect') this.insist(request);
  }

  dispose(): void {
    this.alive = false;
    this.worker.terminate();
    this.sent.dispose();
  }

  private insist(request: DebugProtocol.Request): void {
    setTimeout(() => {
      if (!this.alive || !this.unanswered.has(request.seq)) return;
      this.unanswered.delete(request.seq);
      this.sent.fire({ seq: 0, type: 'response', request_seq: request.seq, success: true, command: 'disconnect' } as DebugProtocol.Response);
      this.worker.terminate();
    }, this.patienceMs).unref();
  }

  private forward(message: DebugProtocol.ProtocolMessage): void {
    if (message.type === 'response') this.unanswered.delete((message as DebugProtocol.Response).request_seq);
    this.sent.fire(message);
  }

  private refuse(request: DebugProtocol.Request, message: string): void {
    this.sent.fire({ seq: 0, type: 'response', request_seq: request.seq, success: false, command: request.command, message } as DebugProtocol.Response);
  }

  private end(reason: string | undefined): void {
    if (!this.alive) return;
    this.alive = false;
    if (reason !== undefined) this.sent.fire({ seq: 0, type: 'event', event: 'output', body: { category: 'important', output: `${reason}\n` } } as DebugProtocol.OutputEvent);
    for (const request of this.unanswered.values()) this.refuse(request, reason ?? 'The debugger has ended.');
    this.unanswered.clear();
    this.sent.fire({ seq: 0, type: 'event', event: 'terminated' } as DebugProtocol.TerminatedEvent);
  }
}
