/** The line on top of every panel that says what the view stands for. */
import type { MachineState } from '../messages.js';
import { h } from './dom.js';

export const SAYS: Record<MachineState, string> = {
  'no session': 'No machine. Start one with F5.',
  running: 'Running. This is how it was at the last stop.',
  stopped: '',
};

export class Status {
  readonly element = h('p', { role: 'status', class: 'status' });

  show(state: MachineState): void {
    this.say(SAYS[state]);
    document.body.dataset['state'] = state;
  }

  say(text: string): void {
    this.element.textContent = text;
    this.element.classList.remove('failed');
  }

  fail(error: unknown): void {
    this.element.textContent = error instanceof Error ? error.message : String(error);
    this.element.classList.add('failed');
  }
}
