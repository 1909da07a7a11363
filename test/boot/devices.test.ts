/** Debian's own drivers with what connects a machine to the outside: a network, and shared folders. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { hostSockets } from '../../outside/network/host-sockets.js';
import { readNetwork } from '../../outside/network/options.js';
import { UserNetwork } from '../../outside/network/user-network.js';
import { FileServer } from '../../outside/share/file-server.js';
import { openFolder } from '../../outside/share/folder.js';
import { shellOf, VIRTIO_MODULES } from './shell.js';
import type { Terminal } from './terminal.js';

const MODULES = [...VIRTIO_MODULES, 'net/core/failover', 'drivers/net/net_failover', 'drivers/net/virtio_net', 'net/9p/9pnet', 'net/9p/9pnet_virtio', 'fs/netfs/netfs', 'fs/fscache/fscache', 'fs/9p/9p'];
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
  let terminal: Terminal, network: UserNetwork, folder: string;
  const inShare = (name: string): string => path.join(folder, 'share', name);

  before(async function () {
    folder = mkdtempSync(path.join(tmpdir(), 'ringside-devices-'));
    mkdirSync(inShare('below'), { recursive: true });
    writeFileSync(inShare('below/file'), 'from the host\n');
    writeFileSync(path.join(folder, 'secret'), 'not for guests\n');
    symlinkSync(path.join(folder, 'secret'), inShare('link'));
    symlinkSync('..', inShare('up'));
    const shares = [['rw', true], ['ro', false]].map(([tag, writable]) => new FileServer(tag as string, openFolder(inShare(''), writable as boolean)));
    network = await UserNetwork.open(readNetwork('user,hostfwd=tcp::0-:80'), hostSockets, () => performance.now());
    const shell = await shellOf('linux-image-amd64', {
      modules: MODULES, commandLine: 'console=ttyS0 cryptomgr.notests quiet', files: { 'etc/lease': new TextEncoder().encode(LEASE_SCRIPT) }, devices: { cables: [network.cable], shares },
    });
    if (!shell) this.skip();
    ({ terminal } = shell);
    terminal.serve = () => { network.deliver((frame) => terminal.machine.receive(0, frame)); };
    terminal.until('ready> ', BOOT_INSTRUCTIONS);
  });
  after(() => {
    network.close();
    rmSync(folder, { recursive: true });
  });

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

  describe('shared folders', () => {
    it('are mounted and read', () => {
      assert.equal(terminal.command('mkdir /rw /ro; mount -t 9p -o trans=virtio,version=9p2000.L rw /rw; mount -t 9p -o trans=virtio,version=9p2000.L ro /ro; find /ro | sort; cat /ro/below/file'), '/ro\n/ro/below\n/ro/below/file\n/ro/link\n/ro/up\nfrom the host');
      assert.match(terminal.command('df /ro | tail -1; stat -c "%s %F" /ro/below/file /ro/below'), /^ro .*\/ro\n14 regular file\n\d+ directory$/);
    });

    it('are written where that is allowed, and only there', () => {
      assert.match(terminal.command('echo no >/ro/file; mkdir /ro/folder; rm /ro/below/file; chmod 777 /ro/below; mv /ro/below /ro/other'), /(.*Read-only file system\n?){5}/);
      const sum = terminal.command('seq 1 300 | md5sum');
      assert.equal(terminal.command('cd /rw; mkdir -p a/b; seq 1 300 >a/b/numbers; cat a/b/numbers | md5sum; mv a/b a/c; ln -s c/numbers a/link; md5sum <a/link; echo more >>below/file; chmod 700 a/c; truncate -s 4 a/c/numbers; cat a/c/numbers; rm -r a/link; cd /'), `${sum}\n${sum}\n1\n2`);
      assert.equal(readFileSync(inShare('below/file'), 'utf8'), 'from the host\nmore\n');
      assert.equal(readFileSync(inShare('a/c/numbers'), 'utf8'), '1\n2\n');
      assert.ok(!existsSync(inShare('a/link')));
    });

    it('end at their own root', () => {
      assert.match(terminal.command('cat /rw/link; cat /rw/up/secret; ls /rw/..'), /No such file[^]*No such file[^]*\bbin\b/);
      assert.match(terminal.command('ln -s /etc/passwd /rw/new; cat /rw/new; rm /rw/new'), /No such file/);
    });

    it('hold a big file', () => {
      const bytes = Uint8Array.from({ length: 1_000_001 }, (_, n) => n * 7 + (n >>> 9));
      writeFileSync(inShare('big'), bytes);
      assert.equal(terminal.command('cp /rw/big /rw/copy; md5sum </rw/big >/tmp/1; md5sum </rw/copy | cmp - /tmp/1 && echo same'), 'same');
      assert.ok(readFileSync(inShare('copy')).equals(bytes));
    });
  });
});
