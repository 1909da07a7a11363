/** What the network asks of the place where it runs: its sockets and its resolver. */
import type { Resolver } from './dns.js';

export interface StreamEvents {
  connected(): void;
  received(bytes: Uint8Array): void;
  /** The other side has no more to say. */
  ended(): void;
  /** Some of what was written is on its way. */
  drained(): void;
  /** It failed, or both sides are done. */
  closed(): void;
}

export interface Stream {
  write(bytes: Uint8Array): void;
  /** Bytes that were written and are not on their way yet. */
  readonly waiting: number;
  end(): void;
  destroy(): void;
  /** Whether `received` may be called. */
  flow(wanted: boolean): void;
}

export interface DatagramSocket {
  send(bytes: Uint8Array, address: string, port: number): void;
  close(): void;
}

export interface Listener {
  readonly port: number;
  close(): void;
}

export interface Sockets extends Resolver {
  connect(address: string, port: number, events: StreamEvents): Stream;
  /** `accept` is called for each connection with a function that takes it; it is connected already. Rejects with a sentence when the port cannot be had. */
  listen(address: string, port: number, accept: (take: (events: StreamEvents) => Stream) => void): Promise<Listener>;
  datagrams(received: (bytes: Uint8Array, address: string, port: number) => void): DatagramSocket;
}
