/** `ringside dap`: the Debug Adapter Protocol over standard input and output, or over TCP for one client after another. */
import { createServer } from 'node:net';
import { createMachine } from '../emulator/machine/machine.js';
import { nodeHost } from '../debugger/files.js';
import { RingsideSession } from '../debugger/session.js';

export function serveStandardStreams(): void {
  const session = new RingsideSession(nodeHost(createMachine));
  process.stdin.on('end', () => process.exit(0));
  session.start(process.stdin, process.stdout);
}

/** Resolves with the port that is listened on; 0 takes any. */
export function servePort(port: number): Promise<number> {
  const server = createServer((socket) => {
    const session = new RingsideSession(nodeHost(createMachine));
    session.setRunAsServer(true);
    socket.on('close', () => { session.end(0, ''); });
    socket.on('error', () => { socket.destroy(); });
    session.start(socket, socket);
  });
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}
