/** The host's sockets and resolver, by Node. */
import { createSocket } from 'node:dgram';
import { lookup, lookupService } from 'node:dns/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Sockets, Stream, StreamEvents } from './sockets.js';

/** What a resolver says when it knows that there is nothing. */
const NONE = new Set(['ENOTFOUND', 'ENODATA']);
const ANY_PORT = 0;

async function orNone(answer: Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return await answer;
  } catch (error) {
    if (NONE.has((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

function streamOf(socket: Socket, events: StreamEvents): Stream {
  socket.on('connect', () => { events.connected(); });
  socket.on('data', (bytes: Buffer) => { events.received(bytes); });
  socket.on('end', () => { events.ended(); });
  socket.on('drain', () => { events.drained(); });
  socket.on('error', () => { socket.destroy(); });
  socket.on('close', () => { events.closed(); });
  return {
    write: (bytes) => { if (socket.writable) socket.write(bytes); },
    get waiting() { return socket.writableLength; },
    end: () => { socket.end(); },
    destroy: () => { socket.destroy(); },
    flow: (wanted) => { if (wanted) socket.resume(); else socket.pause(); },
  };
}

export const hostSockets: Sockets = {
  addresses: (name, family) => orNone(lookup(name, { family, all: true }).then((all) => all.map(({ address }) => address))),
  names: (address) => orNone(lookupService(address, ANY_PORT).then(({ hostname }) => (hostname === address ? [] : [hostname]))),
  connect: (host, port, events) => streamOf(connect({ host, port, allowHalfOpen: true, noDelay: true }), events),
  listen: (address, port, accept) => new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => { accept((events) => streamOf(socket, events)); });
    server.on('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is in use' : error.code === 'EACCES' ? 'may not be used' : `cannot be had (${error.code ?? error.message})`;
      reject(new Error(`Port ${port} of ${address} ${why}: forward another.`, { cause: error }));
    });
    server.listen(port, address, () => { resolve({ port: (server.address() as AddressInfo).port, close: () => { server.close(); } }); });
  }),
  datagrams(received) {
    const socket = createSocket('udp4', (bytes, { address, port }) => { received(bytes, address, port); });
    socket.on('error', () => undefined);
    socket.bind();
    return { send: (bytes, address, port) => { socket.send(bytes, port, address); }, close: () => { socket.close(); } };
  },
};
