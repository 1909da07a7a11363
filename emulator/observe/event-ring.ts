/** The last events in columns of numbers: what happens a million times a second leaves nothing for the garbage collector to carry along. */
import { FIELDS, type FieldValues, type Sentence, type TrapEvent, type TrapKind } from '../cpu/trap-events.js';

const KINDS = Object.keys(FIELDS) as TrapKind[];
const NAMES = KINDS.map((kind) => FIELDS[kind]);
const MOST_FIELDS = Math.max(...NAMES.map((names) => names.length));
const NUMBER_OF = Object.fromEntries(KINDS.map((kind, number) => [kind, number])) as Record<TrapKind, number>;

export class EventRing {
  private readonly kinds: Uint8Array;
  private readonly ats: Float64Array;
  private readonly cpus: Uint8Array;
  private readonly rips: Float64Array;
  private readonly worlds: TrapEvent['world'][];
  private readonly sentences: Sentence[];
  /** By event and place in FIELDS, as many as there were given; NaN: left out. */
  private readonly values: Float64Array;
  private readonly given: Uint8Array;
  /** One bit a field: its value is a text, and the number that of the text. */
  private readonly areTexts: Uint8Array;
  private readonly texts: string[] = [];

  constructor(readonly capacity: number) {
    this.kinds = new Uint8Array(capacity);
    this.ats = new Float64Array(capacity);
    this.cpus = new Uint8Array(capacity);
    this.rips = new Float64Array(capacity);
    this.worlds = new Array<TrapEvent['world']>(capacity).fill('no VMX');
    this.sentences = new Array<Sentence>(capacity).fill(() => '');
    this.values = new Float64Array(capacity * MOST_FIELDS);
    this.given = new Uint8Array(capacity);
    this.areTexts = new Uint8Array(capacity);
  }

  write(number: number, kind: TrapKind, at: number, cpu: number, rip: number, world: TrapEvent['world'], values: FieldValues, says: Sentence): void {
    const slot = number % this.capacity, first = slot * MOST_FIELDS;
    this.kinds[slot] = NUMBER_OF[kind];
    this.ats[slot] = at;
    this.cpus[slot] = cpu;
    this.rips[slot] = rip;
    this.worlds[slot] = world;
    this.sentences[slot] = says;
    let areTexts = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (typeof value === 'string') {
        areTexts |= 1 << i;
        this.values[first + i] = this.numberOf(value);
      } else this.values[first + i] = value ?? NaN;
    }
    this.given[slot] = values.length;
    this.areTexts[slot] = areTexts;
  }

  read(number: number): TrapEvent {
    const slot = number % this.capacity, kindNumber = this.kinds[slot]!, areTexts = this.areTexts[slot]!, says = this.sentences[slot]!;
    const fields: Record<string, number | string> = {};
    NAMES[kindNumber]!.slice(0, this.given[slot]).forEach((name, i) => {
      const value = this.values[slot * MOST_FIELDS + i]!;
      if (!Number.isNaN(value)) fields[name] = ((areTexts >> i) & 1) !== 0 ? this.texts[value]! : value;
    });
    const event: TrapEvent = {
      kind: KINDS[kindNumber]!, at: this.ats[slot]!, cpu: this.cpus[slot]!, rip: this.rips[slot]!, world: this.worlds[slot]!, fields, says: () => says(event),
    };
    return event;
  }

  /** There are few different ones: names of instructions. */
  private numberOf(text: string): number {
    const known = this.texts.indexOf(text);
    return known >= 0 ? known : this.texts.push(text) - 1;
  }
}
