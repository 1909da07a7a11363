/** Whether a session's machine runs or stands, read from the protocol messages that pass. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Emitter } from './event.js';

const STARTS_RUNNING = new Set(['continue', 'next', 'stepIn', 'stepOut', 'stepBack', 'reverseContinue', 'goto', 'restart', 'restartFrame']);
const CHANGES_STATE = new Set(['setVariable', 'setExpression', 'writeMemory']);

/** `stopped` fires at every stop and whenever what was shown at this stop is no longer true. */
export class RunState {
  private readonly stopped = new Emitter<void>();
  private readonly started = new Emitter<void>();
  readonly onStopped = this.stopped.event;
  readonly onStarted = this.started.event;
  private running = true;

  get isRunning(): boolean {
    return this.running;
  }

  toDebugger(message: DebugProtocol.ProtocolMessage): void {
    if (message.type === 'request' && STARTS_RUNNING.has((message as DebugProtocol.Request).command)) this.start();
  }

  fromDebugger(message: DebugProtocol.ProtocolMessage): void {
    if (message.type === 'event') {
      switch ((message as DebugProtocol.Event).event) {
        case 'stopped':
          this.stop();
          break;
        case 'continued':
          this.start();
          break;
        case 'invalidated':
        case 'memory':
          if (!this.running) this.stop();
          break;
      }
    } else if (message.type === 'response') {
      const { command, success } = message as DebugProtocol.Response;
      if (STARTS_RUNNING.has(command) && !success) this.stop();
      if (CHANGES_STATE.has(command) && success && !this.running) this.stop();
    }
  }

  private start(): void {
    if (this.running) return;
    this.running = true;
    this.started.fire();
  }

  private stop(): void {
    this.running = false;
    this.stopped.fire();
  }
}
