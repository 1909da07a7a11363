/** Answers questions about names by what the host knows. RFC 1035, "Messages"; RFC 3596 for addresses of version 6. */
import { join, viewOf } from './packets.js';

export const DNS_PORT = 53;
const HEADER_BYTES = 12, RESPONSE = 0x8000, RECURSION = 0x0180, OPERATION = 0x7800;
const TYPE = { a: 1, ptr: 12, aaaa: 28 } as const, INTERNET = 1;
const CODE = { done: 0, malformed: 1, failed: 2, noSuchName: 3, notImplemented: 4 } as const;
const LONGEST_LABEL = 63, SECONDS = 60;
/** The name of an answer is that of the question. */
const NAME_OF_QUESTION = Uint8Array.of(0xc0, HEADER_BYTES);
const REVERSE = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\.in-addr\.arpa$/i;

export interface Resolver {
  /** In text; none: there is no such name, or it has no such addresses. Rejects when nobody can be asked. */
  addresses(name: string, version: 4 | 6): Promise<readonly string[]>;
  names(address: string): Promise<readonly string[]>;
}

interface Question {
  readonly name: string;
  readonly type: number;
  /** With its type and class, as it was asked. */
  readonly bytes: Uint8Array;
}

function readQuestion(message: Uint8Array): Question | undefined {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (let length = message[at++]; length !== 0; length = message[at++]) {
    if (length === undefined || length > LONGEST_LABEL || at + length > message.length) return undefined;
    labels.push(String.fromCharCode(...message.subarray(at, at + length)));
    at += length;
  }
  if (at + 4 > message.length) return undefined;
  return { name: labels.join('.'), type: viewOf(message).getUint16(at), bytes: message.subarray(HEADER_BYTES, at + 4) };
}

const nameBytes = (name: string): Uint8Array => Uint8Array.from([...name.replace(/\.$/, '').split('.'), ''].flatMap((label) => [label.length, ...Array.from(label, (letter) => letter.charCodeAt(0))]));

/** Eight words, of which a run of zeros may be left out. */
function version6(text: string): Uint8Array {
  const [front = '', back] = text.replace(/%.*/, '').split('::'), words = (part: string): number[] => part.split(':').filter((word) => word !== '').flatMap((word) => (word.includes('.') ? pairs(word) : [parseInt(word, 16)]));
  const before = words(front), after = words(back ?? ''), all = [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Uint8Array.from(all.flatMap((word) => [word >>> 8, word & 0xff]));
}
const pairs = (text: string): number[] => { const [a, b, c, d] = text.split('.').map(Number) as [number, number, number, number]; return [a * 256 + b, c * 256 + d]; };

async function answersTo({ name, type }: Question, resolver: Resolver): Promise<readonly Uint8Array[] | undefined> {
  switch (type) {
    case TYPE.a: return (await resolver.addresses(name, 4)).map((text) => Uint8Array.from(text.split('.'), Number));
    case TYPE.aaaa: return (await resolver.addresses(name, 6)).map(version6);
    case TYPE.ptr: {
      const parts = REVERSE.exec(name);
      return parts ? (await resolver.names(parts.slice(1).reverse().join('.'))).map(nameBytes) : [];
    }
    default: return undefined;
  }
}

/** The response to a query; undefined when it is none. */
export async function answerDns(query: Uint8Array, resolver: Resolver): Promise<Uint8Array | undefined> {
  if (query.length < HEADER_BYTES || (viewOf(query).getUint16(2) & RESPONSE) !== 0) return undefined;
  const question = (viewOf(query).getUint16(2) & OPERATION) === 0 && viewOf(query).getUint16(4) === 1 ? readQuestion(query) : undefined;
  if (!question) return respond(query, CODE.malformed);
  try {
    const answers = await answersTo(question, resolver);
    if (!answers) return respond(query, CODE.notImplemented, question);
    return respond(query, answers.length > 0 || (await isKnown(question, resolver)) ? CODE.done : CODE.noSuchName, question, answers);
  } catch {
    return respond(query, CODE.failed, question);
  }
}

/** A name without such addresses may have others. */
const isKnown = async ({ name, type }: Question, resolver: Resolver): Promise<boolean> => type !== TYPE.ptr && (await resolver.addresses(name, type === TYPE.a ? 6 : 4)).length > 0;

function respond(query: Uint8Array, code: number, question?: Question, answers: readonly Uint8Array[] = []): Uint8Array {
  const header = new Uint8Array(HEADER_BYTES), view = viewOf(header);
  header.set(query.subarray(0, 2));
  view.setUint16(2, RESPONSE | RECURSION | code);
  view.setUint16(4, question ? 1 : 0);
  view.setUint16(6, answers.length);
  const records = answers.flatMap((data) => {
    const fixed = new Uint8Array(10), fields = viewOf(fixed);
    fields.setUint16(0, question!.type);
    fields.setUint16(2, INTERNET);
    fields.setUint32(4, SECONDS);
    fields.setUint16(8, data.length);
    return [NAME_OF_QUESTION, fixed, data];
  });
  return join(header, question?.bytes ?? new Uint8Array(0), ...records);
}
