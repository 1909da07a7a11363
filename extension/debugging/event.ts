/** An event source with the shape of vscode.Event, usable and testable without vscode. */
export interface Subscription {
  dispose(): void;
}

export class Emitter<T> {
  private readonly listeners = new Set<(value: T) => void>();

  readonly event = (listener: (value: T) => unknown, thisArg?: unknown, subscriptions?: Subscription[]): Subscription => {
    const bound = (value: T): void => void listener.call(thisArg, value);
    this.listeners.add(bound);
    const subscription = { dispose: () => void this.listeners.delete(bound) };
    subscriptions?.push(subscription);
    return subscription;
  };

  fire(value: T): void {
    for (const listener of [...this.listeners]) listener(value);
  }

  dispose(): void {
    this.listeners.clear();
  }
}
