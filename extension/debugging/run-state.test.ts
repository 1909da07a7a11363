import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { RunState } from './run-state.js';

const event = (name: string) => ({ seq: 0, type: 'event', event: name }) as DebugProtocol.Event;
const request = (command: string) => ({ seq: 0, type: 'request', command }) as DebugProtocol.Request;
const response = (command: string, success: boolean) => ({ seq: 0, type: 'response', command, success, request_seq: 0 }) as DebugProtocol.Response;

function watch() {
  const state = new RunState();
  const log: string[] = [];
  state.onStopped(() => log.push('stopped'));
  state.onStarted(() => log.push('started'));
  return { state, log };
}

describe('the run state of a session', () => {
  it('follows stops and continues', () => {
    const { state, log } = watch();
    assert.ok(state.isRunning);
    state.fromDebugger(event('stopped'));
    state.toDebugger(request('next'));
    state.fromDebugger(response('next', true));
    state.fromDebugger(event('stopped'));
    assert.deepEqual(log, ['stopped', 'started', 'stopped']);
  });

  it('stands again when the debugger refuses to run', () => {
    const { state, log } = watch();
    state.fromDebugger(event('stopped'));
    state.toDebugger(request('stepBack'));
    state.fromDebugger(response('stepBack', false));
    assert.ok(!state.isRunning);
    assert.deepEqual(log, ['stopped', 'started', 'stopped']);
  });

  it('refreshes after a write, and never while running', () => {
    const { state, log } = watch();
    state.fromDebugger(event('invalidated'));
    state.fromDebugger(response('writeMemory', true));
    assert.deepEqual(log, []);
    state.fromDebugger(event('stopped'));
    state.fromDebugger(response('setVariable', true));
    assert.deepEqual(log, ['stopped', 'stopped']);
  });
});
