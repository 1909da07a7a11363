/** Segments, read and written. RFC 9293, "Header Format". */
import { PROTOCOL, transportChecksum, viewOf, type Packet } from './packets.js';

export const FLAG = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16 } as const;
const HEADER_BYTES = 20, OPTION = { end: 0, none: 1, maximumSegmentSize: 2 } as const;

export interface Segment {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  readonly flags: number;
  readonly window: number;
  /** The option of a SYN. */
  readonly maximumSegmentSize?: number | undefined;
  readonly payload: Uint8Array;
}

export function readSegment(packet: Packet): Segment | undefined {
  const { payload: bytes } = packet;
  if (bytes.length < HEADER_BYTES || transportChecksum(packet, bytes) !== 0) return undefined;
  const view = viewOf(bytes), headerBytes = (bytes[12]! >>> 4) * 4;
  if (headerBytes < HEADER_BYTES || headerBytes > bytes.length) return undefined;
  return {
    sourcePort: view.getUint16(0), destinationPort: view.getUint16(2), sequence: view.getUint32(4), acknowledgment: view.getUint32(8), flags: bytes[13]!, window: view.getUint16(14),
    maximumSegmentSize: maximumSegmentSize(bytes.subarray(HEADER_BYTES, headerBytes)), payload: bytes.subarray(headerBytes),
  };
}

function maximumSegmentSize(options: Uint8Array): number | undefined {
  for (let at = 0; at < options.length && options[at] !== OPTION.end; at += options[at] === OPTION.none ? 1 : Math.max(2, options[at + 1] ?? 0)) {
    if (options[at] === OPTION.maximumSegmentSize && at + 4 <= options.length) return viewOf(options).getUint16(at + 2);
  }
  return undefined;
}

/** The packet that carries a segment. */
export function writeSegment(source: number, destination: number, segment: Segment): Packet {
  const { maximumSegmentSize: size, payload } = segment, headerBytes = HEADER_BYTES + (size === undefined ? 0 : 4);
  const bytes = new Uint8Array(headerBytes + payload.length), view = viewOf(bytes), addresses = { source, destination, protocol: PROTOCOL.tcp };
  view.setUint16(0, segment.sourcePort);
  view.setUint16(2, segment.destinationPort);
  view.setUint32(4, segment.sequence);
  view.setUint32(8, segment.acknowledgment);
  view.setUint8(12, (headerBytes / 4) << 4);
  view.setUint8(13, segment.flags);
  view.setUint16(14, segment.window);
  if (size !== undefined) view.setUint32(HEADER_BYTES, (OPTION.maximumSegmentSize << 24) | (4 << 16) | size);
  bytes.set(payload, headerBytes);
  view.setUint16(16, transportChecksum(addresses, bytes));
  return { ...addresses, payload: bytes };
}
