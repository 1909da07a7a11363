import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ERRNO } from './errors.js';
import { FileServer } from './file-server.js';
import { openFolder } from './folder.js';
import { MESSAGE, Reader, Writer } from './messages.js';
import { readShare } from './options.js';

const ROOT = 1, NEW = 2, MOST = 8192, TAG = 7;

describe('a shared folder', () => {
  let outer: string, root: string;
  beforeEach(() => {
    outer = realpathSync(mkdtempSync(path.join(tmpdir(), 'ringside-share-')));
    root = path.join(outer, 'root');
    mkdirSync(path.join(root, 'folder'), { recursive: true });
    writeFileSync(path.join(root, 'folder/file'), 'inside');
    writeFileSync(path.join(outer, 'secret'), 'outside');
    symlinkSync('..', path.join(root, 'up'));
    symlinkSync('../secret', path.join(root, 'link'));
  });
  afterEach(() => { rmSync(outer, { recursive: true }); });

  /** A client that has attached; a request gives the reply's reader, or the number of its error. */
  function client(writable = false, server = new FileServer('tag', openFolder(root, writable))) {
    const ask = (type: number, fields: Writer, most = MOST): Reader | number => {
      const reply = new Reader(server.serve(fields.message(type, TAG), most));
      reply.u32();
      const answered = reply.u8();
      assert.equal(reply.u16(), TAG);
      if (answered === MESSAGE.error + 1) return reply.u32();
      assert.equal(answered, type + 1);
      return reply;
    };
    const walk = (names: readonly string[], from = ROOT, to = NEW) => ask(MESSAGE.walk, names.reduce((fields, name) => fields.text(name), new Writer().u32(from).u32(to).u16(names.length)));
    const open = (fid: number, flags = 0) => ask(MESSAGE.open, new Writer().u32(fid).u32(flags));
    const read = (fid: number) => { const reply = ask(MESSAGE.read, new Writer().u32(fid).u64(0n).u32(100)); return typeof reply === 'number' ? reply : new TextDecoder().decode(reply.bytes(reply.u32())); };
    ask(MESSAGE.version, new Writer().u32(MOST).text('9P2000.L'));
    ask(MESSAGE.attach, new Writer().u32(ROOT).u32(0xffffffff).text('root').text('').u32(0));
    return { server, ask, walk, open, read };
  }
  const isError = (reply: Reader | number, ...names: (keyof typeof ERRNO)[]) => { assert.ok(typeof reply === 'number' && names.some((name) => ERRNO[name] === reply), `${String(reply)} is not ${names.join(' or ')}`); };
  const walked = (reply: Reader | number) => (typeof reply === 'number' ? reply : reply.u16());

  it('speaks one version', () => {
    const { ask } = client(), version = (text: string) => { const reply = ask(MESSAGE.version, new Writer().u32(1 << 30).text(text)) as Reader; return [reply.u32(), reply.text()]; };
    assert.deepEqual([version('9P2000.L'), version('9P2000.u')], [[1 << 19, '9P2000.L'], [1 << 19, 'unknown']]);
  });

  it('gives files, and as much of a path as there is', () => {
    const { walk, open, read } = client();
    assert.equal(walked(walk(['folder', 'file'])), 2);
    open(NEW);
    assert.equal(read(NEW), 'inside');
    assert.equal(walked(walk(['folder', 'none'], ROOT, 3)), 1);
    isError(walk(['none'], ROOT, 3), 'ENOENT');
    isError(open(3), 'EBADF');
  });

  it('has nothing above its root', () => {
    const { walk, ask } = client();
    assert.equal(walked(walk(['..', '..', 'folder', '..', '..', 'folder', 'file'])), 7);
    for (const name of ['../secret', '/etc/passwd', 'folder/file', '.', '', 'a\0b', path.join(outer, 'secret')]) isError(walk([name], ROOT, 9), 'EINVAL');
    const listed = ask(MESSAGE.getattr, new Writer().u32(ROOT).u64(0n)) as Reader;
    assert.equal(listed.u64(), 0x7ffn);
  });

  it('follows no links, whether as the last name or before it', () => {
    const { walk, open } = client(true);
    assert.equal(walked(walk(['link'])), 1);
    isError(open(NEW), 'ELOOP');
    assert.equal(walked(walk(['up', 'secret'], ROOT, 3)), 1);
    isError(walk(['secret'], NEW, 4), 'ENOTDIR');
  });

  it('does not follow a link that took the place of a folder which a guest had walked to', () => {
    const { walk, open, ask } = client(true);
    walk(['folder']);
    walk(['folder', 'file'], ROOT, 3);
    renameSync(path.join(root, 'folder'), path.join(root, 'gone'));
    mkdirSync(path.join(outer, 'elsewhere'));
    writeFileSync(path.join(outer, 'elsewhere/file'), 'outside');
    symlinkSync('../elsewhere', path.join(root, 'folder'));
    isError(open(3), 'ELOOP');
    isError(ask(MESSAGE.create, new Writer().u32(NEW).text('new').u32(1).u32(0o644).u32(0)), 'ELOOP');
    isError(ask(MESSAGE.unlinkat, new Writer().u32(NEW).text('file').u32(0)), 'ELOOP');
    isError(ask(MESSAGE.mkdir, new Writer().u32(NEW).text('new').u32(0o755).u32(0)), 'ELOOP');
    isError(ask(MESSAGE.readdir, new Writer().u32(NEW).u64(0n).u32(1000)), 'ENOTDIR', 'ELOOP');
    assert.deepEqual(readdirSync(path.join(outer, 'elsewhere')), ['file']);
  });

  it('changes nothing unless it may', () => {
    const { walk, open, ask } = client();
    walk(['folder', 'file']);
    for (const flags of [1, 2, 0x200]) isError(open(NEW, flags), 'EROFS');
    isError(ask(MESSAGE.create, new Writer().u32(ROOT).text('new').u32(0).u32(0o644).u32(0)), 'EROFS');
    isError(ask(MESSAGE.mkdir, new Writer().u32(ROOT).text('new').u32(0o755).u32(0)), 'EROFS');
    isError(ask(MESSAGE.symlink, new Writer().u32(ROOT).text('new').text('x').u32(0)), 'EROFS');
    isError(ask(MESSAGE.renameat, new Writer().u32(ROOT).text('folder').u32(ROOT).text('new')), 'EROFS');
    isError(ask(MESSAGE.unlinkat, new Writer().u32(ROOT).text('link').u32(0)), 'EROFS');
    isError(ask(MESSAGE.setattr, [0n, 0n, 0n, 0n, 0n].reduce((fields, value) => fields.u64(value), new Writer().u32(NEW).u32(1).u32(0).u32(0).u32(0))), 'EROFS');
    isError(ask(MESSAGE.remove, new Writer().u32(NEW)), 'EROFS');
    assert.ok(existsSync(path.join(root, 'folder/file')));
  });

  it('refuses what it is asked wrongly', () => {
    const { ask, walk, read, server } = client(true);
    isError(ask(MESSAGE.renameat, new Writer().u32(ROOT).text('folder').u32(ROOT).text('../new')), 'EINVAL');
    isError(ask(MESSAGE.remove, new Writer().u32(ROOT)), 'EINVAL');
    isError(ask(MESSAGE.walk, new Writer().u32(NEW).u32(3).u16(0)), 'EBADF');
    isError(ask(MESSAGE.walk, new Writer().u32(NEW)), 'EPROTO', 'EBADF');
    isError(ask(MESSAGE.xattrwalk, new Writer()), 'EOPNOTSUPP');
    isError(ask(99, new Writer()), 'EOPNOTSUPP');
    walk(['folder', 'file'], ROOT, 3);
    isError(read(3) as number, 'EBADF');
    for (let length = 0; length < 12; length++) assert.ok(server.serve(new Uint8Array(length), 20).length <= 20);
    assert.equal(server.serve(new Writer().u32(ROOT).u64(0n).message(MESSAGE.getattr, 0), 30)[4], MESSAGE.error + 1);
  });

  it('gives its state back, with files open', () => {
    const { walk, open, server } = client();
    walk(['folder', 'file']);
    open(NEW);
    const later = new FileServer('tag', openFolder(root, false)), again = client(false, later);
    later.restore(server.save());
    assert.deepEqual([again.read(NEW), later.save()], ['inside', server.save()]);
    server.reset();
    later.reset();
  });

  it('is asked for by folder and tag', () => {
    assert.deepEqual(readShare('/a,b/c,tag,write'), { folder: '/a,b/c', tag: 'tag', writable: true });
    assert.deepEqual(readShare('.,host'), { folder: '.', tag: 'host', writable: false });
    for (const given of ['', '/a', ',tag', `/a,${'x'.repeat(256)}`]) assert.equal(readShare(given), undefined);
  });
});
