/**
 * One TCP connection of the guest, which ends here and goes on as a stream of the host. RFC 9293, "State Machine Overview". The cable loses nothing and keeps
 * the order, so what the guest sends out of order is not kept; what it does not acknowledge is sent again.
 */
import { FLAG, type Segment } from './tcp-segment.js';
import { join } from './packets.js';
import type { Stream, StreamEvents } from './sockets.js';

/** What an Ethernet frame holds. */
const SEGMENT_BYTES = 1460;
const DEFAULT_SEGMENT_BYTES = 536;
const MOST_WINDOW = 0xffff;
/** Bytes from the host that wait for the guest before the host has to wait. */
const MOST_UNSENT = 1 << 18;
const RETRY_MS = 1000, MOST_RETRIES = 30, RETRANSMIT_AFTER = 3;
const NOTHING = new Uint8Array(0);

/** How far b is from a, on the circle of sequence numbers. */
const distance = (a: number, b: number): number => (b - a) | 0;

export interface TcpWires {
  send(segment: Pick<Segment, 'sequence' | 'acknowledgment' | 'flags' | 'window' | 'payload' | 'maximumSegmentSize'>): void;
  /** Milliseconds. */
  now(): number;
  /** It is over and forgotten. */
  over(): void;
}

export class TcpConnection implements StreamEvents {
  /** `opening`: the host connects for the guest; `calling`: the guest was sent our SYN; `answering`: it has our SYN and its own is acknowledged. */
  private state: 'opening' | 'calling' | 'answering' | 'open' | 'over' = 'opening';
  private stream: Stream | undefined;
  /** The first byte that the guest has not acknowledged, and the next to be sent. */
  private unacknowledged: number;
  private next: number;
  /** From `unacknowledged` on: what the host said. */
  private outgoing: Uint8Array = NOTHING;
  private hostEnded = false;
  private fin: 'unsent' | 'sent' | 'acknowledged' = 'unsent';
  private expected = 0;
  private guestEnded = false;
  private guestWindow = 0;
  private segmentBytes = DEFAULT_SEGMENT_BYTES;
  private repeated = 0;
  private retries = 0;
  private since: number;

  /** `initial`: our first sequence number. */
  constructor(initial: number, private readonly wires: TcpWires) {
    this.unacknowledged = this.next = initial;
    this.since = wires.now();
  }

  /** The guest has sent this SYN; `open` connects to where it wants to go. */
  answer(syn: Segment, open: (events: StreamEvents) => Stream): void {
    this.synchronize(syn);
    this.stream = open(this);
  }

  /** Somebody outside wants to talk to the guest. */
  call(take: (events: StreamEvents) => Stream): void {
    this.state = 'calling';
    this.stream = take(this);
    this.stream.flow(false);
    this.sendSyn();
  }

  /** A segment of the guest. */
  arrived(segment: Segment): void {
    const { flags } = segment;
    if ((flags & FLAG.RST) !== 0) {
      if (this.state !== 'calling' || segment.acknowledgment === ((this.unacknowledged + 1) >>> 0)) this.finish();
      return;
    }
    if (this.state === 'opening' || this.state === 'over') return;
    if (this.state === 'calling') {
      if ((flags & (FLAG.SYN | FLAG.ACK)) !== (FLAG.SYN | FLAG.ACK) || segment.acknowledgment !== ((this.unacknowledged + 1) >>> 0)) return;
      this.synchronize(segment);
      this.opened(segment);
      this.acknowledge();
      this.push();
      return;
    }
    if ((flags & FLAG.SYN) !== 0) { this.repeatSyn(); return; }
    if ((flags & FLAG.ACK) === 0) return;
    if (this.state === 'answering') {
      if (segment.acknowledgment !== ((this.unacknowledged + 1) >>> 0)) return;
      this.opened(segment);
    }
    this.acknowledged(segment);
    this.take(segment);
    this.push();
    this.finishWhenDone();
  }

  // What the host's side says.
  connected(): void {
    if (this.state !== 'opening') return;
    this.state = 'answering';
    this.stream!.flow(false);
    this.sendSyn();
  }
  received(bytes: Uint8Array): void {
    this.outgoing = join(this.outgoing, bytes);
    if (this.outgoing.length > MOST_UNSENT) this.stream!.flow(false);
    if (this.state === 'open') this.push();
  }
  ended(): void {
    this.hostEnded = true;
    if (this.state === 'open') this.push();
  }
  drained(): void { if (this.state === 'open' && !this.guestEnded) this.acknowledge(); }
  closed(): void {
    if (!this.hostEnded || !this.guestEnded) this.abort();
  }

  /** Tells the guest that it is over. */
  abort(): void {
    if (this.state === 'over') return;
    this.wires.send({ sequence: this.next, acknowledgment: this.expected, flags: FLAG.RST | FLAG.ACK, window: 0, payload: NOTHING });
    this.finish();
  }

  /** From time to time: what was not answered is sent again. */
  tick(): void {
    const waits = this.state === 'calling' || this.state === 'answering' || (this.state === 'open' && (this.outgoing.length > 0 || this.fin === 'sent'));
    if (!waits || this.wires.now() - this.since < RETRY_MS) return;
    if (++this.retries > MOST_RETRIES) { this.abort(); return; }
    this.since = this.wires.now();
    if (this.state === 'open') this.again();
    else this.repeatSyn();
  }

  private synchronize({ sequence, maximumSegmentSize = DEFAULT_SEGMENT_BYTES, window }: Segment): void {
    this.expected = (sequence + 1) >>> 0;
    this.segmentBytes = Math.min(SEGMENT_BYTES, maximumSegmentSize);
    this.guestWindow = window;
  }

  private sendSyn(): void {
    const isAnswer = this.state === 'answering';
    this.wires.send({ sequence: this.unacknowledged, acknowledgment: isAnswer ? this.expected : 0, flags: FLAG.SYN | (isAnswer ? FLAG.ACK : 0), window: this.window, payload: NOTHING, maximumSegmentSize: SEGMENT_BYTES });
    this.next = (this.unacknowledged + 1) >>> 0;
  }
  private repeatSyn(): void { if (this.state === 'open') this.acknowledge(); else this.sendSyn(); }

  private opened({ acknowledgment, window }: Segment): void {
    this.state = 'open';
    this.unacknowledged = this.next = acknowledgment;
    this.guestWindow = window;
    this.progress();
    this.stream!.flow(true);
  }

  private progress(): void {
    this.since = this.wires.now();
    this.retries = 0;
    this.repeated = 0;
  }

  private acknowledged({ acknowledgment, window, payload }: Segment): void {
    const count = distance(this.unacknowledged, acknowledgment), sent = distance(this.unacknowledged, this.next);
    if (count < 0 || count > this.outgoing.length + (this.fin === 'sent' ? 1 : 0)) return;
    if (count === 0) {
      const isRepeated = sent > 0 && payload.length === 0 && window === this.guestWindow;
      this.guestWindow = window;
      if (isRepeated && ++this.repeated === RETRANSMIT_AFTER) this.again();
      return;
    }
    this.guestWindow = window;
    if (count > this.outgoing.length) this.fin = 'acknowledged';
    this.outgoing = this.outgoing.subarray(Math.min(count, this.outgoing.length));
    this.unacknowledged = acknowledgment;
    if (distance(this.next, acknowledgment) > 0) this.next = acknowledgment;
    this.progress();
    if (this.outgoing.length <= MOST_UNSENT) this.stream!.flow(true);
  }

  /** What is new in a segment goes to the host. */
  private take({ sequence, payload, flags }: Segment): void {
    const old = distance(sequence, this.expected), fresh = old >= 0 ? payload.subarray(old) : NOTHING, ends = (flags & FLAG.FIN) !== 0;
    if (payload.length === 0 && !ends) {
      // A probe of the window, or of whether we are still here.
      if (old !== 0) this.acknowledge();
      return;
    }
    if (old >= 0 && old <= payload.length && !this.guestEnded) {
      const bytes = fresh.subarray(0, MOST_WINDOW);
      if (bytes.length > 0) this.stream!.write(bytes.slice());
      this.expected = (this.expected + bytes.length) >>> 0;
      if (ends && bytes.length === fresh.length) {
        this.expected = (this.expected + 1) >>> 0;
        this.guestEnded = true;
        this.stream!.end();
      }
    }
    this.acknowledge();
  }

  /** As much as the guest has room for; a byte to find out whether it has any. */
  private push(least = 0): void {
    for (;;) {
      const at = distance(this.unacknowledged, this.next), room = Math.max(this.guestWindow - at, at === 0 ? least : 0), bytes = Math.min(this.outgoing.length - at, this.segmentBytes, room);
      if (bytes <= 0) break;
      const isLast = at + bytes === this.outgoing.length;
      this.emit(FLAG.ACK | (isLast ? FLAG.PSH : 0), this.outgoing.slice(at, at + bytes));
      this.next = (this.next + bytes) >>> 0;
    }
    if (this.hostEnded && this.fin !== 'acknowledged' && distance(this.unacknowledged, this.next) === this.outgoing.length) {
      this.emit(FLAG.FIN | FLAG.ACK);
      this.next = (this.next + 1) >>> 0;
      this.fin = 'sent';
    }
  }

  private again(): void {
    this.next = this.unacknowledged;
    this.push(1);
  }

  private acknowledge(): void { this.emit(FLAG.ACK); }
  private emit(flags: number, payload: Uint8Array = NOTHING): void { this.wires.send({ sequence: this.next, acknowledgment: this.expected, flags, window: this.window, payload }); }
  private get window(): number { return Math.max(0, MOST_WINDOW - (this.stream?.waiting ?? 0)); }

  private finishWhenDone(): void {
    if (this.fin !== 'acknowledged' || !this.guestEnded) return;
    this.state = 'over';
    this.wires.over();
  }
  private finish(): void {
    this.state = 'over';
    this.stream?.destroy();
    this.wires.over();
  }
}
