/** Answers a panel's messages: only the panel's own requests, and only while the machine stands still. */
import type { FromView, MachineState, ToView } from './messages.js';

export interface PanelDefinition {
  readonly id: string;
  readonly title: string;
  readonly requests: readonly string[];
  readonly commands: readonly string[];
}

export interface Surroundings {
  readonly state: MachineState;
  request(command: string, args: unknown): Thenable<unknown>;
  execute(command: string, args: unknown[]): Thenable<unknown>;
}

const REFUSALS: Record<Exclude<MachineState, 'stopped'>, string> = {
  'no session': 'No session is running.',
  running: 'The machine is running.',
};

export async function route(panel: PanelDefinition, message: FromView, around: Surroundings): Promise<ToView | undefined> {
  switch (message.type) {
    case 'ready':
      return { type: 'state', state: around.state };
    case 'command':
      if (panel.commands.includes(message.command)) await around.execute(message.command, message.args);
      return undefined;
    case 'ask': {
      const { id, request, args } = message;
      if (!panel.requests.includes(request)) return { type: 'refused', id, message: `The panel ${panel.title} may not ask for ${request}.` };
      if (around.state !== 'stopped') return { type: 'refused', id, message: REFUSALS[around.state] };
      try {
        return { type: 'answer', id, body: await around.request(request, args) };
      } catch (error) {
        return { type: 'refused', id, message: error instanceof Error ? error.message : String(error) };
      }
    }
  }
}
