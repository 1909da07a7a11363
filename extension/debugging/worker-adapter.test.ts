import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { WorkerAdapter } from './worker-adapter.js';

class FakeWorker extends EventEmitter {
  readonly received: DebugProtocol.ProtocolMessage[] = [];
  terminated = false;
  postMessage(message: unknown): void {
    this.received.push(message as DebugProtocol.ProtocolMessage);
  }
  terminate(): void {
    this.terminated = true;
  }
}

const request = (seq: number, command: string): DebugProtocol.Request => ({ seq, type: 'request', command });

function connect(patienceMs?: number) {
  const worker = new FakeWorker();
  const adapter = new WorkerAdapter(worker, patienceMs);
  const seen: DebugProtocol.ProtocolMessage[] = [];
  adapter.onDidSendMessage((message) => seen.push(message));
  return { worker, adapter, seen };
}

describe('the proxy to the debugger worker', () => {
  it('passes messages unchanged in both directions', () => {
    const { worker, adapter, seen } = connect();
    adapter.handleMessage(request(1, 'initialize'));
    assert.deepEqual(worker.received, [request(1, 'initialize')]);
    const response = { seq: 1, type: 'response', request_seq: 1, success: true, command: 'initialize' };
    worker.emit('message', response);
    assert.deepEqual(seen, [response]);
  });

  it('refuses open requests and terminates the session when the worker fails', () => {
    const { worker, adapter, seen } = connect();
    adapter.handleMessage(request(7, 'continue'));
    worker.emit('error', new Error('out of memory'));
    worker.emit('exit', 1);
    assert.deepEqual(seen.map((message) => (message as { event?: string; command?: string }).event ?? (message as { command?: string }).command), ['output', 'continue', 'terminated']);
    assert.match((seen[0] as DebugProtocol.OutputEvent).body.output, /out of memory/);
  });

  it('answers later requests of an ended worker', () => {
    const { worker, adapter, seen } = connect();
    worker.emit('exit', 0);
    adapter.handleMessage(request(9, 'threads'));
    assert.equal((seen.at(-1) as DebugProtocol.Response).message, 'The debugger has ended.');
  });

  it('ends a worker that leaves a disconnect unanswered', async () => {
    const { worker, adapter, seen } = connect(5);
    adapter.handleMessage(request(3, 'disconnect'));
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.ok(worker.terminated);
    assert.equal((seen[0] as DebugProtocol.Response).request_seq, 3);
  });

  it('leaves a worker alone that answers its disconnect', async () => {
    const { worker, adapter } = connect(5);
    adapter.handleMessage(request(3, 'disconnect'));
    worker.emit('message', { seq: 1, type: 'response', request_seq: 3, success: true, command: 'disconnect' });
    await new Promise((resolve) => setTimeout(resolve, 30));
    assert.ok(!worker.terminated);
  });
});
