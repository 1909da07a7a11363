/** Echoes, as ping wants them. RFC 792, "Echo or Echo Reply Message". */
import { checksum, PROTOCOL, viewOf, type Packet } from './packets.js';

const HEADER_BYTES = 8, ECHO = 8, ECHO_REPLY = 0;

export function answerEcho({ source, destination, payload }: Packet): Packet | undefined {
  if (payload.length < HEADER_BYTES || payload[0] !== ECHO || checksum(payload) !== 0) return undefined;
  const reply = payload.slice();
  reply[0] = ECHO_REPLY;
  viewOf(reply).setUint16(2, 0);
  viewOf(reply).setUint16(2, checksum(reply));
  return { source: destination, destination: source, protocol: PROTOCOL.icmp, payload: reply };
}
