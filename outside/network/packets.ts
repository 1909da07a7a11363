/** Frames, packets and datagrams, read and written. RFC 894, RFC 791 "Internet Header Format", RFC 768, RFC 1071. */

export const ETHER_TYPE = { ipv4: 0x0800, arp: 0x0806 } as const;
export const PROTOCOL = { icmp: 1, tcp: 6, udp: 17 } as const;
const HARDWARE_BYTES = 6, ETHERNET_BYTES = 14, IPV4_BYTES = 20, UDP_BYTES = 8;
const VERSION_4 = 4, TIME_TO_LIVE = 64, DO_NOT_FRAGMENT = 0x4000, FRAGMENT = 0x3fff;

export interface Frame {
  readonly destination: Uint8Array;
  readonly source: Uint8Array;
  readonly type: number;
  readonly payload: Uint8Array;
}

export interface Packet {
  readonly source: number;
  readonly destination: number;
  readonly protocol: number;
  readonly payload: Uint8Array;
}

export interface Datagram {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
}

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** The ones' complement of the ones' complement sum of all 16-bit words. */
export function checksum(bytes: Uint8Array, initial = 0): number {
  let sum = initial;
  for (let at = 0; at < bytes.length; at += 2) sum += (bytes[at]! << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** Of UDP and TCP: over addresses, protocol and length as well. */
export function transportChecksum({ source, destination, protocol }: Omit<Packet, 'payload'>, bytes: Uint8Array): number {
  const halves = [source, destination].reduce((sum, address) => sum + (address >>> 16) + (address & 0xffff), 0);
  return checksum(bytes, halves + protocol + bytes.length);
}

export function readFrame(bytes: Uint8Array): Frame | undefined {
  if (bytes.length < ETHERNET_BYTES) return undefined;
  return { destination: bytes.subarray(0, HARDWARE_BYTES), source: bytes.subarray(HARDWARE_BYTES, 2 * HARDWARE_BYTES), type: viewOf(bytes).getUint16(12), payload: bytes.subarray(ETHERNET_BYTES) };
}
export const writeFrame = ({ destination, source, type, payload }: Frame): Uint8Array => join(destination, source, Uint8Array.of(type >>> 8, type & 0xff), payload);

/** Undefined: it is broken, or a piece of a larger one. */
export function readPacket(bytes: Uint8Array): Packet | undefined {
  if (bytes.length < IPV4_BYTES || bytes[0]! >>> 4 !== VERSION_4) return undefined;
  const view = viewOf(bytes), headerBytes = (bytes[0]! & 15) * 4, length = view.getUint16(2);
  if (headerBytes < IPV4_BYTES || headerBytes > length || length > bytes.length || checksum(bytes.subarray(0, headerBytes)) !== 0 || (view.getUint16(6) & FRAGMENT) !== 0) return undefined;
  return { source: view.getUint32(12), destination: view.getUint32(16), protocol: bytes[9]!, payload: bytes.subarray(headerBytes, length) };
}

export function writePacket({ source, destination, protocol, payload }: Packet): Uint8Array {
  const header = new Uint8Array(IPV4_BYTES), view = viewOf(header);
  view.setUint8(0, (VERSION_4 << 4) | (IPV4_BYTES / 4));
  view.setUint16(2, IPV4_BYTES + payload.length);
  view.setUint16(6, DO_NOT_FRAGMENT);
  view.setUint8(8, TIME_TO_LIVE);
  view.setUint8(9, protocol);
  view.setUint32(12, source);
  view.setUint32(16, destination);
  view.setUint16(10, checksum(header));
  return join(header, payload);
}

export function readDatagram(packet: Packet): Datagram | undefined {
  const { payload: bytes } = packet;
  if (bytes.length < UDP_BYTES) return undefined;
  const view = viewOf(bytes), length = view.getUint16(4);
  if (length < UDP_BYTES || length > bytes.length || (view.getUint16(6) !== 0 && transportChecksum(packet, bytes.subarray(0, length)) !== 0)) return undefined;
  return { sourcePort: view.getUint16(0), destinationPort: view.getUint16(2), payload: bytes.subarray(UDP_BYTES, length) };
}

/** The packet that carries a datagram. */
export function writeDatagram(source: number, destination: number, { sourcePort, destinationPort, payload }: Datagram): Packet {
  const header = new Uint8Array(UDP_BYTES), view = viewOf(header), addresses = { source, destination, protocol: PROTOCOL.udp };
  view.setUint16(0, sourcePort);
  view.setUint16(2, destinationPort);
  view.setUint16(4, UDP_BYTES + payload.length);
  const bytes = join(header, payload);
  // Zero would say that there is none.
  viewOf(bytes).setUint16(6, transportChecksum(addresses, bytes) || 0xffff);
  return { ...addresses, payload: bytes };
}
