/** Debian's own drivers with what connects a machine to the outside: its network. */
import assert from 'node:assert/strict';
import { connect, createServer, type AddressInfo } from 'node:net';
import { hostSockets } from '../../outside/network/host-sockets.js';
import { readNetwork } from '../../outside/network/options.js';
import { UserNetwork } from '../../outside/network/user-network.js';
import { shellOf, VIRTIO_MODULES } from './shell.js';
import type { Terminal } from './terminal.js';

const MODULES = [...VIRTIO_MODULES, 'net/core/failover', 'drivers/net/net_failover', 'drivers/net/virtio_net'];
const BOOT_INSTRUCTIONS = 2_000e6;
/** What busybox's DHCP client does with what it learns. */
const LEASE_SCRIPT = `#!/bin/sh
[ "$1" = bound ] || exit 0
ip address add $ip/$mask dev $interface
ip route add default via $router
echo nameserver $dns >/etc/resolv.conf
`;

describe('Debian’s drivers of virtio devices', function () {
  this.timeout(600_000);
  let terminal: Terminal, network: UserNetwork;

  before(async function () {
    network = await UserNetwork.open(readNetwork('user,hostfwd=tcp::0-:80'), hostSockets, () => performance.now());
    const shell = await shellOf('linux-image-amd64', {
      modules: MODULES, commandLine: 'console=ttyS0 cryptomgr.notests quiet', files: { 'etc/lease': new TextEncoder().encode(LEASE_SCRIPT) }, devices: { cables: [network.cable] },
    });
    if (!shell) this.skip();
    ({ terminal } = shell);
    terminal.serve = () => { network.deliver((frame) => terminal.machine.receive(0, frame)); };
    terminal.until('ready> ', BOOT_INSTRUCTIONS);
  });
  after(() => { network.close(); });

  describe('network', () => {
    it('gets an address by DHCP', () => {
      assert.equal(terminal.command('cat /sys/class/net/eth0/address; ip link set eth0 up; chmod +x /etc/lease; udhcpc -q -n -i eth0 -s /etc/lease 2>&1 | tail -1'), '52:54:00:12:34:56\nudhcpc: lease of 10.0.2.15 obtained from 10.0.2.2, lease time 86400');
      assert.match(terminal.command('ip -4 -o address show eth0; ip route'), /inet 10\.0\.2\.15\/24 .*\ndefault via 10\.0\.2\.2 dev eth0/);
    });

    it('reaches the gateway and the name server by ping', () => {
      assert.match(terminal.command('ping -c 3 10.0.2.2; ping -c 1 -s 1400 10.0.2.3'), /3 packets transmitted, 3 packets received, 0% packet loss[^]*1 packets transmitted, 1 packets received/);
      assert.match(terminal.command('ping -c 1 -W 1 10.0.2.77'), /100% packet loss/);
    });

    it('resolves names as the host does', async () => {
      assert.match(await terminal.commandServed('nslookup -type=a localhost'), /Name:\s+localhost\nAddress: 127\.0\.0\.1$/);
      assert.match(await terminal.commandServed('nslookup -type=a nothing.invalid'), /NXDOMAIN|SERVFAIL|can't resolve/);
    });

    it('takes connections to a forwarded port, and gives all that it is sent back', async () => {
      await terminal.commandServed('nc -l -p 80 -e cat &');
      const text = 'all the way there and back\n'.repeat(8000);
      const answer = new Promise<string>((resolve, reject) => {
        let received = '';
        const socket = connect(network.ports[0]!, '127.0.0.1', () => { socket.end(text); });
        socket.on('data', (bytes: Buffer) => { received += bytes.toString(); });
        socket.on('end', () => { resolve(received); });
        socket.on('error', reject);
      });
      await terminal.commandServed('wait');
      assert.ok((await answer) === text);
    });

    it('connects to the host by the gateway, and is refused where nobody listens', async () => {
      const server = createServer((socket) => { socket.end('welcome\n'); });
      await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
      const { port } = server.address() as AddressInfo;
      assert.equal(await terminal.commandServed(`nc 10.0.2.2 ${port} </dev/null`), 'welcome');
      server.close();
      assert.match(await terminal.commandServed(`nc 10.0.2.2 ${port} </dev/null`), /Connection refused/);
    });
  });
});
