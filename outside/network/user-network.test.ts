import assert from 'node:assert/strict';
import { EVERYBODY, GATEWAY, GUEST, ipv4, NAME_SERVER } from './addresses.js';
import { readNetwork } from './options.js';
import { ETHER_TYPE, join, PROTOCOL, readDatagram, readFrame, readPacket, viewOf, writeDatagram, writeFrame, writePacket, type Packet } from './packets.js';
import type { Sockets, Stream, StreamEvents } from './sockets.js';
import { FLAG, readSegment, writeSegment, type Segment } from './tcp-segment.js';
import { UserNetwork } from './user-network.js';

const CARD = Uint8Array.of(0x52, 0x54, 0, 0x12, 0x34, 0x56), ELSEWHERE = ipv4('192.0.2.7'), NONE = new Uint8Array(0);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes), bytesOf = (said: string): Uint8Array => new TextEncoder().encode(said);

/** A network whose outside is written down, and a guest that sends what a test says. */
async function outside(options = 'user,hostfwd=tcp::8080-:80') {
  const log: string[] = [], streams: StreamEvents[] = [], datagrams: ((bytes: Uint8Array, address: string, port: number) => void)[] = [], clock = { now: 0, waiting: 0 };
  let accept: ((take: (events: StreamEvents) => Stream) => void) | undefined;
  const stream = (events: StreamEvents): Stream => {
    streams.push(events);
    return { write: (bytes) => { log.push(`write ${text(bytes)}`); }, get waiting() { return clock.waiting; }, end: () => { log.push('end'); }, destroy: () => { log.push('destroy'); }, flow: () => undefined };
  };
  const sockets: Sockets = {
    addresses: () => Promise.resolve(['192.0.2.1']), names: () => Promise.resolve([]),
    connect: (address, port, events) => { log.push(`connect ${address}:${port}`); return stream(events); },
    listen: (address, port, taken) => { log.push(`listen ${address}:${port}`); accept = taken; return Promise.resolve({ port, close: () => { log.push('close'); } }); },
    datagrams: (received) => { datagrams.push(received); return { send: (bytes, address, port) => { log.push(`datagram ${address}:${port} ${text(bytes)}`); }, close: () => { log.push('closed'); } }; },
  };
  const network = await UserNetwork.open(readNetwork(options), sockets, () => clock.now);
  const send = (type: number, payload: Uint8Array) => { network.cable.sent(writeFrame({ destination: new Uint8Array(6).fill(0xff), source: CARD, type, payload })); };
  const sendPacket = (packet: Packet) => { send(ETHER_TYPE.ipv4, writePacket(packet)); };
  const frames = () => { const all: Uint8Array[] = []; network.deliver((frame) => { all.push(frame); return true; }); return all.map((frame) => readFrame(frame)!); };
  const packets = () => frames().map(({ payload }) => readPacket(payload)!);
  const segments = () => packets().map((packet) => readSegment(packet)!);
  const segment = (to: number, port: number, more: Partial<Segment>) => { sendPacket(writeSegment(GUEST, to, { sourcePort: 4000, destinationPort: port, sequence: 0, acknowledgment: 0, flags: FLAG.ACK, window: 8000, payload: NONE, ...more })); };
  return { log, streams, datagrams, clock, network, send, sendPacket, frames, packets, segments, segment, accept: () => { accept!(stream); } };
}

/** A connection of the guest to the outside, up to its last handshake. */
async function connected(window = 8000) {
  const all = await outside(), { segment, segments, streams } = all;
  segment(ELSEWHERE, 99, { sequence: 1000, flags: FLAG.SYN, maximumSegmentSize: 100 });
  streams[0]!.connected();
  const [syn] = segments();
  assert.deepEqual([syn!.flags, syn!.acknowledgment, syn!.maximumSegmentSize], [FLAG.SYN | FLAG.ACK, 1001, 1460]);
  const first = (syn!.sequence + 1) >>> 0, say = (more: Partial<Segment>) => { segment(ELSEWHERE, 99, { sequence: 1001, acknowledgment: first, window, ...more }); };
  say({});
  return { ...all, first, say, stream: streams[0]! };
}

describe('a network of its own', () => {
  it('answers ARP for its own addresses only', async () => {
    const { send, frames } = await outside(), ask = (address: number) => {
      const request = join(Uint8Array.of(0, 1, 8, 0, 6, 4, 0, 1), CARD, new Uint8Array(14));
      viewOf(request).setUint32(24, address);
      send(ETHER_TYPE.arp, request);
      return frames();
    };
    const [reply] = ask(GATEWAY);
    assert.deepEqual([[...reply!.destination], viewOf(reply!.payload).getUint16(6), viewOf(reply!.payload).getUint32(14)], [[...CARD], 2, GATEWAY]);
    assert.deepEqual([ask(NAME_SERVER).length, ask(ELSEWHERE).length, ask(GUEST).length], [1, 0, 0]);
  });

  it('leases one address, and refuses another', async () => {
    const { sendPacket, packets } = await outside(), ask = (...options: readonly number[]) => {
      const message = join(Uint8Array.of(1, 1, 6, 0), new Uint8Array(232), Uint8Array.of(0x63, 0x82, 0x53, 0x63), Uint8Array.from(options), Uint8Array.of(255));
      sendPacket(writeDatagram(0, EVERYBODY, { sourcePort: 68, destinationPort: 67, payload: message }));
      return packets().map((packet) => readDatagram(packet)!.payload).map((payload) => [viewOf(payload).getUint32(16), payload[242]]);
    };
    assert.deepEqual(ask(53, 1, 1), [[GUEST, 2]]);
    assert.deepEqual(ask(53, 1, 3, 50, 4, 10, 0, 2, 15), [[GUEST, 5]]);
    assert.deepEqual(ask(53, 1, 3, 50, 4, 10, 0, 2, 99), [[0, 6]]);
    assert.deepEqual(ask(53, 1, 3, 54, 4, 10, 0, 2, 99), []);
    assert.deepEqual(ask(), []);
  });

  it('keeps silent about what is broken', async () => {
    const { network, send, sendPacket, frames } = await outside();
    network.cable.sent(new Uint8Array(9));
    send(ETHER_TYPE.ipv4, new Uint8Array(40));
    send(ETHER_TYPE.ipv4, writePacket({ source: GUEST, destination: GATEWAY, protocol: PROTOCOL.tcp, payload: new Uint8Array(20) }));
    send(ETHER_TYPE.arp, new Uint8Array(3));
    sendPacket({ source: GUEST, destination: GATEWAY, protocol: PROTOCOL.icmp, payload: Uint8Array.of(8, 0, 0) });
    sendPacket({ source: GUEST, destination: GATEWAY, protocol: PROTOCOL.udp, payload: Uint8Array.of(0, 1, 0, 2, 0, 99, 0, 0) });
    assert.equal(frames().length, 0);
  });

  it('carries datagrams by a socket for each port of the guest', async () => {
    const { sendPacket, log, datagrams, packets, clock, network } = await outside(), say = (to: number, said: string) => { sendPacket(writeDatagram(GUEST, to, { sourcePort: 5000, destinationPort: 53, payload: bytesOf(said) })); };
    say(ELSEWHERE, 'a');
    say(GATEWAY, 'b');
    say(ipv4('10.0.2.44'), 'c');
    assert.deepEqual(log.slice(1), ['datagram 192.0.2.7:53 a', 'datagram 127.0.0.1:53 b']);
    datagrams[0]!(bytesOf('back'), '127.0.0.1', 77);
    assert.deepEqual(packets().map((packet) => [packet.source, readDatagram(packet)!.sourcePort, readDatagram(packet)!.destinationPort, text(readDatagram(packet)!.payload)]), [[GATEWAY, 77, 5000, 'back']]);
    assert.equal(network.busy, true);
    clock.now = 61_000;
    packets();
    assert.deepEqual([network.busy, log.at(-1)], [false, 'closed']);
  });

  it('keeps what the machine does not take', async () => {
    const { sendPacket, network, packets } = await outside();
    sendPacket({ source: GUEST, destination: GATEWAY, protocol: PROTOCOL.icmp, payload: Uint8Array.of(8, 0, 0xf7, 0xff, 0, 0, 0, 0) });
    network.deliver(() => false);
    assert.equal(packets().length, 1);
  });

  it('lets nothing out when that is wanted', async () => {
    const { segment, segments, log, sendPacket, packets } = await outside('user,restrict=on');
    segment(ELSEWHERE, 80, { flags: FLAG.SYN, sequence: 7 });
    assert.deepEqual(segments().map(({ flags, acknowledgment }) => [flags, acknowledgment]), [[FLAG.RST | FLAG.ACK, 8]]);
    sendPacket(writeDatagram(GUEST, GATEWAY, { sourcePort: 1, destinationPort: 2, payload: NONE }));
    assert.deepEqual([log, packets()], [[], []]);
  });
});

describe('a TCP connection', () => {
  it('carries bytes both ways, and ends on both sides', async () => {
    const { say, stream, segments, first, log, network } = await connected();
    say({ payload: bytesOf('hello') });
    assert.deepEqual([log.at(-1), segments().map(({ acknowledgment }) => acknowledgment)], ['write hello', [1006]]);
    stream.received(bytesOf('x'.repeat(150)));
    assert.deepEqual(segments().map(({ sequence, payload, flags }) => [sequence - first, payload.length, flags & FLAG.PSH]), [[0, 100, 0], [100, 50, FLAG.PSH]]);
    stream.ended();
    assert.deepEqual(segments().map(({ sequence, flags }) => [sequence - first, flags]), [[150, FLAG.FIN | FLAG.ACK]]);
    say({ sequence: 1006, acknowledgment: first + 151 });
    assert.equal(network.busy, true);
    say({ sequence: 1006, acknowledgment: first + 151, flags: FLAG.FIN | FLAG.ACK });
    assert.deepEqual([log.at(-1), network.busy, segments().map(({ acknowledgment, flags }) => [acknowledgment, flags])], ['end', false, [[1007, FLAG.ACK]]]);
  });

  it('keeps to the window, and asks whether it has opened', async () => {
    const { say, stream, segments, first, clock } = await connected(120);
    stream.received(bytesOf('x'.repeat(200)));
    assert.deepEqual(segments().map(({ payload }) => payload.length), [100, 20]);
    say({ acknowledgment: first + 120, window: 0 });
    assert.equal(segments().length, 0);
    clock.now += 1500;
    assert.deepEqual(segments().map(({ sequence, payload }) => [sequence - first, payload.length]), [[120, 1]]);
    say({ acknowledgment: first + 120, window: 1000 });
    assert.deepEqual(segments().map(({ payload }) => payload.length), [79]);
  });

  it('sends again what is missing, and drops what comes twice or too early', async () => {
    const { say, stream, segments, first, log } = await connected();
    stream.received(bytesOf('y'.repeat(250)));
    assert.equal(segments().length, 3);
    say({ acknowledgment: first + 100 });
    for (let n = 0; n < 3; n++) say({ acknowledgment: first + 100 });
    assert.deepEqual(segments().map(({ sequence, payload }) => [sequence - first, payload.length]), [[100, 100], [200, 50]]);
    say({ sequence: 1011, payload: bytesOf('late') });
    say({ payload: bytesOf('one two th') });
    say({ sequence: 1005, payload: bytesOf('two three') });
    assert.deepEqual([log.slice(2), segments().map(({ acknowledgment }) => acknowledgment)], [['write one two th', 'write ree'], [1001, 1011, 1014]]);
  });

  it('is refused when the host is, and reset when the host’s breaks', async () => {
    const { segment, streams, segments, network } = await outside();
    segment(GATEWAY, 99, { sequence: 5, flags: FLAG.SYN });
    assert.equal(segments().length, 0);
    streams[0]!.closed();
    assert.deepEqual([segments().map(({ flags, acknowledgment }) => [flags, acknowledgment]), network.busy], [[[FLAG.RST | FLAG.ACK, 6]], false]);
    const other = await connected();
    other.stream.closed();
    assert.deepEqual(other.segments().map(({ flags }) => flags), [FLAG.RST | FLAG.ACK]);
  });

  it('that nobody knows is reset', async () => {
    const { segment, segments } = await outside();
    segment(ELSEWHERE, 9, { acknowledgment: 77 });
    assert.deepEqual(segments().map(({ flags, sequence }) => [flags, sequence]), [[FLAG.RST, 77]]);
  });

  it('calls the guest for a forwarded port, until it answers', async () => {
    const { accept, segments, segment, clock, streams, log } = await outside();
    accept();
    const [syn] = segments();
    assert.deepEqual([syn!.flags, syn!.destinationPort], [FLAG.SYN, 80]);
    clock.now += 1500;
    assert.equal(segments().length, 1);
    const port = syn!.sourcePort, say = (more: Partial<Segment>) => { segment(GATEWAY, port, { sourcePort: 80, acknowledgment: (syn!.sequence + 1) >>> 0, ...more }); };
    streams[0]!.received(bytesOf('early'));
    say({ sequence: 50, flags: FLAG.SYN | FLAG.ACK });
    assert.deepEqual(segments().map(({ flags, payload }) => [flags, text(payload)]), [[FLAG.ACK, ''], [FLAG.ACK | FLAG.PSH, 'early']]);
    say({ sequence: 51, flags: FLAG.RST });
    assert.equal(log.at(-1), 'destroy');
  });
});
