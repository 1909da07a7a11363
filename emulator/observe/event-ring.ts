/** The last events in columns of numbers: what happens a million times a second leaves nothing for the garbage collector to carry along. */
import { FIELDS_OF, fieldsOf, type Sentence, TRAP_KINDS, type TrapEvent } from '../cpu/trap-events.js';
import { WORLDS } from '../vmx/state.js';

const MOST_FIELDS = Math.max(...FIELDS_OF.map((names) => names.length));

export class EventRing {
  private readonly kinds: Uint8Array;
  private readonly ats: Float64Array;
  private readonly cpus: Uint8Array;
  private readonly rips: Float64Array;
  private readonly worlds: Uint8Array;
  private readonly sentences: Sentence[];
  /** By event and place, as many as there were given. */
  private readonly values: Float64Array;
  private readonly given: Uint8Array;

  constructor(readonly capacity: number) {
    this.kinds = new Uint8Array(capacity);
    this.ats = new Float64Array(capacity);
    this.cpus = new Uint8Array(capacity);
    this.rips = new Float64Array(capacity);
    this.worlds = new Uint8Array(capacity);
    this.sentences = new Array<Sentence>(capacity).fill(() => '');
    this.values = new Float64Array(capacity * MOST_FIELDS);
    this.given = new Uint8Array(capacity);
  }

  write(number: number, kind: number, at: number, cpu: number, rip: number, world: number, values: ArrayLike<number>, says: Sentence): void {
    const slot = number % this.capacity, first = slot * MOST_FIELDS, count = values.length;
    this.kinds[slot] = kind;
    this.ats[slot] = at;
    this.cpus[slot] = cpu;
    this.rips[slot] = rip;
    this.worlds[slot] = world;
    this.sentences[slot] = says;
    for (let i = 0; i < count; i++) this.values[first + i] = values[i]!;
    this.given[slot] = count;
  }

  read(number: number): TrapEvent {
    const slot = number % this.capacity, kind = this.kinds[slot]!, says = this.sentences[slot]!;
    const event: TrapEvent = {
      kind: TRAP_KINDS[kind]!, at: this.ats[slot]!, cpu: this.cpus[slot]!, rip: this.rips[slot]!, world: WORLDS[this.worlds[slot]!]!,
      fields: fieldsOf(kind, (place) => (place < this.given[slot]! ? this.values[slot * MOST_FIELDS + place] : undefined)), says: () => says(event),
    };
    return event;
  }
}
