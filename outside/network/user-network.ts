/**
 * A network of which nobody outside knows: the guest, a gateway that stands for the host, and a name server. What goes beyond goes by the host's own sockets.
 * Frames come as the machine sends them, and wait here until somebody hands over the answers between two runs of the machine.
 */
import type { Cable } from '../../emulator/machine/contract.js';
import { BROADCAST_HARDWARE_ADDRESS, EVERYBODY, GATEWAY, GUEST, ipv4, ipv4Text, isIpv4, isOnSubnet, isOurs, LOOPBACK, NAME_SERVER, OUR_HARDWARE_ADDRESS } from './addresses.js';
import { answerArp } from './arp.js';
import { answerDhcp, DHCP_PORT } from './dhcp.js';
import { answerDns, DNS_PORT } from './dns.js';
import { answerEcho } from './icmp.js';
import { ETHER_TYPE, PROTOCOL, readDatagram, readFrame, readPacket, writeDatagram, writeFrame, writePacket, type Packet } from './packets.js';
import type { NetworkOptions } from './options.js';
import type { DatagramSocket, Listener, Sockets, Stream, StreamEvents } from './sockets.js';
import { TcpConnection } from './tcp-connection.js';
import { FLAG, readSegment, writeSegment, type Segment } from './tcp-segment.js';

/** Sequence numbers of connections begin so far apart. */
const BETWEEN_CONNECTIONS = 64_000;
const FIRST_PORT = 49_152, PORTS = 16_384;
const DATAGRAM_SOCKET_MS = 60_000, MOST_DATAGRAM_SOCKETS = 256, LARGEST_DATAGRAM = 1472;

interface Ends {
  readonly guest: number;
  readonly guestPort: number;
  readonly remote: number;
  readonly remotePort: number;
}
const keyOf = ({ guest, guestPort, remote, remotePort }: Ends): string => [guest, guestPort, remote, remotePort].join(':');

export class UserNetwork {
  readonly cable: Cable;
  private guestHardwareAddress: Uint8Array;
  private readonly waiting: Uint8Array[] = [];
  private readonly connections = new Map<string, TcpConnection>();
  private readonly datagramSockets = new Map<string, { readonly socket: DatagramSocket; used: number }>();
  private listeners: readonly Listener[] = [];
  private questions = 0;
  private opened = 0;

  /** `now`: milliseconds. */
  private constructor(private readonly options: NetworkOptions, private readonly sockets: Sockets, private readonly now: () => number) {
    this.guestHardwareAddress = options.address;
    this.cable = { address: options.address, sent: (frame) => { this.sent(frame); } };
  }

  static async open(options: NetworkOptions, sockets: Sockets, now: () => number): Promise<UserNetwork> {
    const network = new UserNetwork(options, sockets, now);
    network.listeners = await Promise.all(options.forwards.map(({ address, port, guest, guestPort }) => sockets.listen(address, port, (take) => { network.call(guest, guestPort, take); })));
    return network;
  }

  /** Where the forwarded ports are, in the order of the options. */
  get ports(): readonly number[] { return this.listeners.map(({ port }) => port); }

  /** Whether something may come from outside: virtual time must not run ahead of it. */
  get busy(): boolean { return this.questions > 0 || this.connections.size > 0 || this.datagramSockets.size > 0; }

  /** Hands over what waits for the machine, as far as it takes it. */
  deliver(receive: (frame: Uint8Array) => boolean): void {
    for (const connection of [...this.connections.values()]) connection.tick();
    for (const [key, { socket, used }] of this.datagramSockets) if (this.now() - used > DATAGRAM_SOCKET_MS) this.forget(key, socket);
    while (this.waiting.length > 0 && receive(this.waiting[0]!)) this.waiting.shift();
  }

  close(): void {
    for (const listener of this.listeners) listener.close();
    for (const connection of [...this.connections.values()]) connection.abort();
    for (const [key, { socket }] of this.datagramSockets) this.forget(key, socket);
  }

  private sent(bytes: Uint8Array): void {
    const frame = readFrame(bytes);
    if (!frame) return;
    this.guestHardwareAddress = frame.source.slice();
    if (frame.type === ETHER_TYPE.arp) {
      const reply = answerArp(frame.payload);
      if (reply) this.toGuest(ETHER_TYPE.arp, reply);
    } else if (frame.type === ETHER_TYPE.ipv4) {
      const packet = readPacket(frame.payload);
      if (packet) this.route(packet);
    }
  }

  private route(packet: Packet): void {
    if (packet.protocol === PROTOCOL.icmp) {
      const reply = isOurs(packet.destination) ? answerEcho(packet) : undefined;
      if (reply) this.packetToGuest(reply);
    } else if (packet.protocol === PROTOCOL.udp) this.routeDatagram(packet);
    else if (packet.protocol === PROTOCOL.tcp) this.routeSegment(packet);
  }

  private toGuest(type: number, payload: Uint8Array, destination = this.guestHardwareAddress): void {
    this.waiting.push(writeFrame({ destination, source: OUR_HARDWARE_ADDRESS, type, payload }));
  }
  private packetToGuest(packet: Packet): void {
    this.toGuest(ETHER_TYPE.ipv4, writePacket(packet), packet.destination === EVERYBODY ? BROADCAST_HARDWARE_ADDRESS : undefined);
  }

  /** Where a guest's address leads to, outside; undefined: nowhere. */
  private outside(address: number): string | undefined {
    if (this.options.restrict) return undefined;
    if (address === GATEWAY) return LOOPBACK;
    const first = address >>> 24;
    return isOnSubnet(address) || first === 0 || first === 127 || first >= 224 ? undefined : ipv4Text(address);
  }

  private routeDatagram(packet: Packet): void {
    const datagram = readDatagram(packet), { source, destination } = packet;
    if (!datagram) return;
    const { sourcePort, destinationPort, payload } = datagram;
    if (destinationPort === DHCP_PORT.server && (destination === EVERYBODY || destination === GATEWAY)) {
      const reply = answerDhcp(payload);
      if (reply) this.packetToGuest(writeDatagram(GATEWAY, reply.destination, { sourcePort: DHCP_PORT.server, destinationPort: DHCP_PORT.client, payload: reply.payload }));
      return;
    }
    if (destination === NAME_SERVER) {
      if (destinationPort === DNS_PORT) void this.ask(packet, sourcePort, payload.slice());
      return;
    }
    const address = this.outside(destination);
    if (address !== undefined) this.socketOf(source, sourcePort)?.send(payload.slice(), address, destinationPort);
  }

  private async ask({ source, destination }: Packet, port: number, query: Uint8Array): Promise<void> {
    this.questions++;
    const payload = await answerDns(query, this.sockets);
    this.questions--;
    if (payload) this.packetToGuest(writeDatagram(destination, source, { sourcePort: DNS_PORT, destinationPort: port, payload }));
  }

  /** The host's socket that stands for a port of the guest. */
  private socketOf(guest: number, port: number): DatagramSocket | undefined {
    const key = `${guest}:${port}`, known = this.datagramSockets.get(key);
    if (known) {
      known.used = this.now();
      return known.socket;
    }
    if (this.datagramSockets.size >= MOST_DATAGRAM_SOCKETS) return undefined;
    const socket = this.sockets.datagrams((payload, address, sourcePort) => {
      if (!isIpv4(address) || payload.length > LARGEST_DATAGRAM) return;
      const source = address === LOOPBACK ? GATEWAY : ipv4(address);
      this.packetToGuest(writeDatagram(source, guest, { sourcePort, destinationPort: port, payload }));
    });
    this.datagramSockets.set(key, { socket, used: this.now() });
    return socket;
  }
  private forget(key: string, socket: DatagramSocket): void {
    this.datagramSockets.delete(key);
    socket.close();
  }

  private routeSegment(packet: Packet): void {
    const segment = readSegment(packet);
    if (!segment) return;
    const ends = { guest: packet.source, guestPort: segment.sourcePort, remote: packet.destination, remotePort: segment.destinationPort };
    const known = this.connections.get(keyOf(ends));
    if (known) { known.arrived(segment); return; }
    const address = this.outside(packet.destination);
    if ((segment.flags & (FLAG.SYN | FLAG.ACK | FLAG.RST)) === FLAG.SYN && address !== undefined) this.connection(ends).answer(segment, (events) => this.sockets.connect(address, ends.remotePort, events));
    else if ((segment.flags & FLAG.RST) === 0) this.refuse(ends, segment);
  }

  private call(guest: number | undefined, guestPort: number, take: (events: StreamEvents) => Stream): void {
    this.connection({ guest: guest ?? GUEST, guestPort, remote: GATEWAY, remotePort: FIRST_PORT + (this.opened % PORTS) }).call(take);
  }

  private connection(ends: Ends): TcpConnection {
    const key = keyOf(ends), initial = (this.opened++ * BETWEEN_CONNECTIONS) >>> 0;
    const connection = new TcpConnection(initial, { now: this.now, send: (segment) => { this.segmentToGuest(ends, segment); }, over: () => { this.connections.delete(key); } });
    this.connections.set(key, connection);
    return connection;
  }

  /** No connection is known by these ends. RFC 9293, "Reset Generation". */
  private refuse(ends: Ends, { flags, sequence, acknowledgment, payload }: Segment): void {
    const length = payload.length + ((flags & FLAG.SYN) !== 0 ? 1 : 0) + ((flags & FLAG.FIN) !== 0 ? 1 : 0), answers = (flags & FLAG.ACK) !== 0;
    this.segmentToGuest(ends, { sequence: answers ? acknowledgment : 0, acknowledgment: answers ? 0 : (sequence + length) >>> 0, flags: FLAG.RST | (answers ? 0 : FLAG.ACK), window: 0, payload: new Uint8Array(0) });
  }

  private segmentToGuest({ guest, guestPort, remote, remotePort }: Ends, segment: Omit<Segment, 'sourcePort' | 'destinationPort'>): void {
    this.packetToGuest(writeSegment(remote, guest, { ...segment, sourcePort: remotePort, destinationPort: guestPort }));
  }
}
