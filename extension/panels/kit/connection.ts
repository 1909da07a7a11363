/** The view's end of the wire: typed questions to the debugger, the machine's state, and what the view remembers. */
import type { FromView, MachineState, RequestTypes, ToView } from '../messages.js';

interface EditorApi {
  postMessage(message: FromView): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): EditorApi;

interface Pending {
  resolve(body: unknown): void;
  reject(error: Error): void;
}

export class Connection<Requests extends RequestTypes> {
  private readonly editor = acquireVsCodeApi();
  private readonly pending = new Map<number, Pending>();
  private lastId = 0;
  onState: (state: MachineState) => void = () => {};
  onShow: (what: unknown) => void = () => {};

  start(): void {
    window.addEventListener('message', ({ data }: MessageEvent<ToView>) => {
      this.receive(data);
    });
    this.editor.postMessage({ type: 'ready' });
  }

  ask<Name extends keyof Requests & string>(request: Name, args: Requests[Name]['arguments']): Promise<Requests[Name]['body']> {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.pending.set(id, { resolve: resolve as Pending['resolve'], reject });
      this.editor.postMessage({ type: 'ask', id, request, args });
    });
  }

  execute(command: string, ...args: unknown[]): void {
    this.editor.postMessage({ type: 'command', command, args });
  }

  recall<State extends object>(initial: State): State {
    return { ...initial, ...(this.editor.getState() as Partial<State> | undefined) };
  }

  remember(state: object): void {
    this.editor.setState(state);
  }

  private receive(message: ToView): void {
    switch (message.type) {
      case 'state':
        if (message.state !== 'stopped') this.pending.clear();
        this.onState(message.state);
        break;
      case 'show':
        this.onShow(message.what);
        break;
      case 'answer':
        this.take(message.id)?.resolve(message.body);
        break;
      case 'refused':
        this.take(message.id)?.reject(new Error(message.message));
        break;
    }
  }

  private take(id: number): Pending | undefined {
    const pending = this.pending.get(id);
    this.pending.delete(id);
    return pending;
  }
}
