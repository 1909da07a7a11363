/** A network as it is asked for, in the words of other emulators: user,hostfwd=tcp:ADDRESS:PORT-ADDRESS:PORT,restrict=on,mac=52:54:00:12:34:56. */
import { ipv4, isIpv4, LOOPBACK } from './addresses.js';

export interface Forward {
  /** Of the host, where it listens. */
  readonly address: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Undefined: the guest's, as it got it by DHCP. */
  readonly guest: number | undefined;
  readonly guestPort: number;
}

export interface NetworkOptions {
  /** The card's. */
  readonly address: Uint8Array;
  readonly forwards: readonly Forward[];
  /** Nothing reaches the host but by forwarded ports. */
  readonly restrict: boolean;
}

const FIRST_ADDRESS = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56] as const;
const LARGEST_PORT = 65_535;

/** What is wrong is thrown as a sentence. */
export class NetworkError extends Error {}

/** `card`: its number, which tells the addresses of several apart. */
export function readNetwork(given: string, card = 0): NetworkOptions {
  const [kind, ...parts] = given.split(',');
  if (kind !== 'user') throw new NetworkError(`there is no network "${kind}": only "user" is there, as in user,hostfwd=tcp::8080-:80`);
  let address = Uint8Array.from(FIRST_ADDRESS), restrict = false;
  address[5]! += card;
  const forwards: Forward[] = [];
  for (const part of parts) {
    const [name, value] = [part.replace(/=.*/s, ''), part.includes('=') ? part.replace(/^[^=]*=/, '') : undefined];
    if (name === 'hostfwd' && value !== undefined) forwards.push(readForward(value));
    else if (name === 'restrict' && (value === 'on' || value === 'off')) restrict = value === 'on';
    else if (name === 'mac' && value !== undefined) address = readHardwareAddress(value);
    else throw new NetworkError(`"${part}" is not understood: there are hostfwd=tcp:[ADDRESS]:PORT-[ADDRESS]:PORT, restrict=on or off, and mac=52:54:00:12:34:56`);
  }
  return { address, forwards, restrict };
}

function readForward(value: string): Forward {
  const [, protocol, address, port, guest, guestPort] = /^(\w*):([\d.]*):(\d+)-([\d.]*):(\d+)$/.exec(value) ?? [];
  const ports = [Number(port), Number(guestPort)] as const, addresses = [address, guest].every((each) => each === '' || (each !== undefined && isIpv4(each)));
  if (!addresses || ports.some((each) => !(each <= LARGEST_PORT)) || ports[1] === 0) throw new NetworkError(`"hostfwd=${value}" must be as in hostfwd=tcp:127.0.0.1:8080-:80, with addresses that may be left out`);
  if (protocol !== 'tcp' && protocol !== '') throw new NetworkError(`"hostfwd=${value}": not implemented: only TCP is forwarded, and this is ${protocol}`);
  return { address: address === '' ? LOOPBACK : address!, port: ports[0], guest: guest === '' ? undefined : ipv4(guest!), guestPort: ports[1] };
}

function readHardwareAddress(value: string): Uint8Array<ArrayBuffer> {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(value) || (parseInt(value, 16) & 1) !== 0) throw new NetworkError(`"mac=${value}" must be six pairs of hexadecimal digits of one card, as in mac=52:54:00:12:34:56`);
  return Uint8Array.from(value.split(':'), (pair) => parseInt(pair, 16));
}
