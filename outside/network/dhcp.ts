/** One address for one guest. RFC 2131, "The Client-Server Protocol"; RFC 2132 for the options. */
import { EVERYBODY, GATEWAY, GUEST, MASK, NAME_SERVER } from './addresses.js';
import { join, viewOf } from './packets.js';

export const DHCP_PORT = { server: 67, client: 68 } as const;
const FIXED_BYTES = 240, REQUEST = 1, REPLY = 2, MAGIC = 0x63825363;
const AT = { yourAddress: 16, serverAddress: 20, serverName: 44, magic: 236 } as const;
const OPTION = { pad: 0, mask: 1, router: 3, nameServer: 6, requestedAddress: 50, leaseTime: 51, type: 53, server: 54, end: 255 } as const;
const TYPE = { discover: 1, offer: 2, request: 3, acknowledge: 5, refuse: 6, inform: 8 } as const;
const DAY = 86_400;

function readOptions(bytes: Uint8Array): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  for (let at = 0; at < bytes.length && bytes[at] !== OPTION.end;) {
    if (bytes[at] === OPTION.pad) { at++; continue; }
    const length = bytes[at + 1] ?? 0;
    options.set(bytes[at]!, bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return options;
}

const number = (value: number): number[] => [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
const option = (code: number, ...bytes: readonly number[]): Uint8Array => Uint8Array.of(code, bytes.length, ...bytes);
const addressOf = (bytes: Uint8Array | undefined): number | undefined => (bytes?.length === 4 ? viewOf(bytes).getUint32(0) : undefined);

/** The reply to a client's message, and where it goes. */
export function answerDhcp(message: Uint8Array): { readonly destination: number; readonly payload: Uint8Array } | undefined {
  if (message.length < FIXED_BYTES || message[0] !== REQUEST || viewOf(message).getUint32(AT.magic) !== MAGIC) return undefined;
  const asked = readOptions(message.subarray(FIXED_BYTES)), type = asked.get(OPTION.type)?.[0], own = viewOf(message).getUint32(12);
  const server = addressOf(asked.get(OPTION.server)), wanted = addressOf(asked.get(OPTION.requestedAddress)) ?? own;
  if (server !== undefined && server !== GATEWAY) return undefined;
  const kind = type === TYPE.discover ? TYPE.offer : type === TYPE.inform ? TYPE.acknowledge : type !== TYPE.request ? undefined : wanted === GUEST ? TYPE.acknowledge : TYPE.refuse;
  if (kind === undefined) return undefined;
  const reply = message.slice(0, FIXED_BYTES), view = viewOf(reply), leases = kind !== TYPE.refuse && type !== TYPE.inform;
  reply[0] = REPLY;
  reply.fill(0, AT.serverName, AT.magic);
  view.setUint32(AT.yourAddress, leases ? GUEST : 0);
  view.setUint32(AT.serverAddress, GATEWAY);
  const options = [option(OPTION.type, kind), option(OPTION.server, ...number(GATEWAY))];
  if (leases) options.push(option(OPTION.leaseTime, ...number(DAY)));
  if (kind !== TYPE.refuse) options.push(option(OPTION.mask, ...number(MASK)), option(OPTION.router, ...number(GATEWAY)), option(OPTION.nameServer, ...number(NAME_SERVER)));
  return { destination: type === TYPE.inform ? own : EVERYBODY, payload: join(reply, ...options, Uint8Array.of(OPTION.end)) };
}
