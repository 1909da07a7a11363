/** The Ringside session that the panels follow: the active one, or the last one that is still alive. */
import * as vscode from 'vscode';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Emitter } from './event.js';
import { RunState } from './run-state.js';

export const DEBUG_TYPE = 'ringside';

export interface FollowedSession {
  readonly session: vscode.DebugSession;
  readonly run: RunState;
}

export class Sessions {
  private readonly followed = new Map<string, FollowedSession>();
  private readonly changed = new Emitter<void>();
  /** Fires when the current session starts, stops, runs or gives way to another. */
  readonly onChanged = this.changed.event;

  constructor(context: vscode.ExtensionContext) {
    context.subscriptions.push(
      vscode.debug.registerDebugAdapterTrackerFactory(DEBUG_TYPE, { createDebugAdapterTracker: (session) => this.follow(session) }),
      vscode.debug.onDidTerminateDebugSession((session) => {
        if (this.followed.delete(session.id)) this.changed.fire();
      }),
      vscode.debug.onDidChangeActiveDebugSession(() => {
        this.changed.fire();
      }),
    );
  }

  get current(): FollowedSession | undefined {
    const active = vscode.debug.activeDebugSession;
    return (active && this.followed.get(active.id)) ?? [...this.followed.values()].at(-1);
  }

  private follow(session: vscode.DebugSession): vscode.DebugAdapterTracker {
    const run = new RunState();
    this.followed.set(session.id, { session, run });
    const tell = (): void => {
      if (this.current?.session === session) this.changed.fire();
    };
    run.onStopped(tell);
    run.onStarted(tell);
    return {
      onWillReceiveMessage: (message: DebugProtocol.ProtocolMessage) => {
        run.toDebugger(message);
      },
      onDidSendMessage: (message: DebugProtocol.ProtocolMessage) => {
        run.fromDebugger(message);
      },
    };
  }
}
