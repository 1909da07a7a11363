/** Who has an address that is ours? RFC 826. */
import { isOurs, OUR_HARDWARE_ADDRESS } from './addresses.js';
import { join, viewOf } from './packets.js';

const BYTES = 28, ETHERNET_FOR_IPV4 = Uint8Array.of(0, 1, 8, 0, 6, 4), REQUEST = 1, REPLY = Uint8Array.of(0, 2);
const OPERATION = 6, SENDER = 8, SENDER_END = 18, TARGET_ADDRESS = 24;

/** The reply to a request, if it is for us to answer. */
export function answerArp(request: Uint8Array): Uint8Array | undefined {
  const isAsked = request.length >= BYTES && ETHERNET_FOR_IPV4.every((byte, at) => request[at] === byte) && viewOf(request).getUint16(OPERATION) === REQUEST;
  if (!isAsked || !isOurs(viewOf(request).getUint32(TARGET_ADDRESS))) return undefined;
  return join(ETHERNET_FOR_IPV4, REPLY, OUR_HARDWARE_ADDRESS, request.subarray(TARGET_ADDRESS, BYTES), request.subarray(SENDER, SENDER_END));
}
