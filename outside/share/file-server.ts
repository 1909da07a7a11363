/** Serves a folder by 9P2000.L, as Linux's client speaks it: diod's "protocol.md", and QEMU's "9pfs" for what clients expect. */
import { chmodSync, closeSync, constants, fstatSync, fsyncSync, ftruncateSync, lutimesSync, mkdirSync, readdirSync, readlinkSync, readSync, renameSync, rmdirSync, statfsSync, symlinkSync, unlinkSync, writeSync, type BigIntStats } from 'node:fs';
import type { Share } from '../../emulator/devices/virtio/file-share.js';
import { ERRNO, numberOf, Refused } from './errors.js';
import { checkName, type Folder, type Names } from './folder.js';
import { HEADER_BYTES, MESSAGE, QID_DIRECTORY, QID_SYMLINK, Reader, Writer, type Qid } from './messages.js';

const VERSION = '9P2000.L', MOST_MESSAGE = 1 << 19, MOST_NAMES = 16, MOST_FIDS = 4096;
/** Flags of open as Linux numbers them. */
const LINUX = { access: 3, readOnly: 0, writeOnly: 1, truncate: 0x200, append: 0x400 } as const;
const REMOVE_FOLDER = 0x200, PERMISSIONS = 0o777, NO_FILE_SYSTEM = 0x01021997;
const SET = { mode: 1, owner: 2, group: 4, size: 8, accessTime: 16, modificationTime: 32, accessTimeGiven: 128, modificationTimeGiven: 256 } as const;
/** All fields of getattr that are served: times of birth, generation and data version are not. */
const BASIC = 0x7ffn;
const FILE_TYPE = { directory: 4, link: 10, file: 8, unknown: 0 } as const;
const LOCK_SUCCESS = 0, UNLOCKED = 2;
const ENTRY_BYTES = 24;
const KEPT_NAME = 255;

interface Fid {
  names: Names;
  /** As the guest opened it. */
  flags?: number | undefined;
  file?: number | undefined;
  entries?: readonly string[] | undefined;
}

const qidOf = (stat: BigIntStats): Qid => ({
  type: stat.isDirectory() ? QID_DIRECTORY : stat.isSymbolicLink() ? QID_SYMLINK : 0, version: Number(BigInt.asUintN(32, stat.mtimeNs)), path: BigInt.asUintN(64, stat.ino ^ (stat.dev << 48n)),
});

export class FileServer implements Share {
  private readonly fids = new Map<number, Fid>();
  private mostBytes = MOST_MESSAGE;

  constructor(readonly tag: string, private readonly folder: Folder) {}

  serve(message: Uint8Array, mostBytes: number): Uint8Array {
    const reader = new Reader(message);
    let tag = 0;
    try {
      reader.u32();
      const type = reader.u8(), handler = this.handlers[type];
      tag = reader.u16();
      if (!handler) throw new Refused('EOPNOTSUPP');
      const reply = handler(reader, Math.min(mostBytes, this.mostBytes)).message(type + 1, tag);
      if (reply.length > mostBytes) throw new Refused('EIO');
      return reply;
    } catch (error) {
      return new Writer().u32(numberOf(error)).message(MESSAGE.error + 1, tag).subarray(0, mostBytes);
    }
  }

  /** Files that are open stay so only by their names. */
  save(): unknown { return { mostBytes: this.mostBytes, fids: [...this.fids].sort(([a], [b]) => a - b).map(([number, { names, flags = null }]) => ({ number, names, flags })) }; }
  restore(state: unknown): void {
    const { mostBytes, fids } = state as { mostBytes: number; fids: { number: number; names: Names; flags: number | null }[] };
    this.reset();
    this.mostBytes = mostBytes;
    for (const { number, names, flags } of fids) this.fids.set(number, { names, flags: flags ?? undefined });
  }
  reset(): void {
    for (const fid of this.fids.values()) this.close(fid);
    this.fids.clear();
    this.mostBytes = MOST_MESSAGE;
  }

  private readonly handlers: Readonly<Record<number, (from: Reader, mostBytes: number) => Writer>> = {
    [MESSAGE.version]: (from) => {
      this.reset();
      this.mostBytes = Math.min(from.u32(), MOST_MESSAGE);
      return new Writer().u32(this.mostBytes).text(from.text() === VERSION ? VERSION : 'unknown');
    },
    [MESSAGE.attach]: (from) => new Writer().qid(qidOf(this.folder.stat(this.add(from.u32(), []).names))),
    [MESSAGE.flush]: () => new Writer(),
    [MESSAGE.walk]: (from) => this.walk(from),
    [MESSAGE.clunk]: (from) => { this.drop(from.u32()); return new Writer(); },
    [MESSAGE.getattr]: (from) => this.attributes(this.fid(from)),
    [MESSAGE.setattr]: (from) => this.setAttributes(from),
    [MESSAGE.statfs]: (from) => {
      const { bsize, blocks, bfree, bavail, files, ffree } = statfsSync(this.folder.at(this.fid(from).names), { bigint: true });
      return new Writer().u32(NO_FILE_SYSTEM).u32(Number(bsize)).u64(blocks).u64(bfree).u64(bavail).u64(files).u64(ffree).u64(0n).u32(KEPT_NAME);
    },
    [MESSAGE.open]: (from) => {
      const fid = this.fid(from), flags = from.u32();
      if ((flags & LINUX.access) !== LINUX.readOnly || (flags & LINUX.truncate) !== 0) this.folder.requireWritable();
      fid.file = this.folder.open(fid.names, this.hostFlags(flags) | ((flags & LINUX.truncate) !== 0 ? constants.O_TRUNC : 0));
      fid.flags = flags;
      return new Writer().qid(qidOf(this.folder.stat(fid.names))).u32(0);
    },
    [MESSAGE.create]: (from) => {
      const fid = this.fid(from), names = [...fid.names, checkName(from.text())], flags = from.u32(), mode = from.u32();
      this.folder.requireWritable();
      fid.file = this.folder.create(names, this.hostFlags(flags), mode & PERMISSIONS);
      Object.assign(fid, { names, flags });
      return new Writer().qid(qidOf(this.folder.stat(names))).u32(0);
    },
    [MESSAGE.read]: (from, mostBytes) => {
      const fid = this.fid(from), offset = from.u64(), bytes = new Uint8Array(Math.max(0, Math.min(from.u32(), mostBytes - HEADER_BYTES - 4)));
      return new Writer().counted(bytes.subarray(0, readSync(this.file(fid), bytes, 0, bytes.length, offset)));
    },
    [MESSAGE.write]: (from) => {
      const file = this.file(this.fid(from)), offset = Number(from.u64()), bytes = from.bytes(from.u32());
      this.folder.requireWritable();
      if (!Number.isSafeInteger(offset)) throw new Refused('EFBIG');
      return new Writer().u32(writeSync(file, bytes, 0, bytes.length, offset));
    },
    [MESSAGE.fsync]: (from) => { fsyncSync(this.file(this.fid(from))); return new Writer(); },
    [MESSAGE.readdir]: (from, mostBytes) => this.entries(this.fid(from), Number(from.u64()), Math.min(from.u32(), mostBytes - HEADER_BYTES - 4)),
    [MESSAGE.readlink]: (from) => new Writer().text(readlinkSync(this.folder.at(this.fid(from).names))),
    [MESSAGE.mkdir]: (from) => this.make([...this.fid(from).names, checkName(from.text())], (at) => { mkdirSync(at, from.u32() & PERMISSIONS); }),
    [MESSAGE.symlink]: (from) => this.make([...this.fid(from).names, checkName(from.text())], (at) => { symlinkSync(from.text(), at); }),
    [MESSAGE.rename]: (from) => this.rename(this.fid(from).names, [...this.fid(from).names, checkName(from.text())]),
    [MESSAGE.renameat]: (from) => this.rename([...this.fid(from).names, checkName(from.text())], [...this.fid(from).names, checkName(from.text())]),
    [MESSAGE.unlinkat]: (from) => this.unlink([...this.fid(from).names, checkName(from.text())], (from.u32() & REMOVE_FOLDER) !== 0),
    [MESSAGE.remove]: (from) => {
      const number = from.u32(), { names } = this.known(number);
      try {
        return this.unlink(names, this.folder.stat(names).isDirectory());
      } finally { this.drop(number); }
    },
    // There is one guest: nobody else holds a lock.
    [MESSAGE.lock]: (from) => { this.fid(from); return new Writer().u8(LOCK_SUCCESS); },
    [MESSAGE.getlock]: (from) => {
      this.fid(from);
      from.u8();
      return new Writer().u8(UNLOCKED).u64(from.u64()).u64(from.u64()).u32(from.u32()).text(from.text());
    },
  };

  private known(number: number): Fid {
    const fid = this.fids.get(number);
    if (!fid) throw new Refused('EBADF');
    return fid;
  }
  private fid(from: Reader): Fid { return this.known(from.u32()); }
  private add(number: number, names: Names): Fid {
    if (this.fids.has(number)) throw new Refused('EBADF');
    if (this.fids.size >= MOST_FIDS) throw new Refused('EMFILE');
    const fid = { names };
    this.fids.set(number, fid);
    return fid;
  }
  private drop(number: number): void {
    this.close(this.known(number));
    this.fids.delete(number);
  }
  private close(fid: Fid): void {
    if (fid.file !== undefined) closeSync(fid.file);
    fid.file = undefined;
  }

  private hostFlags(flags: number): number {
    const access = flags & LINUX.access;
    return (access === LINUX.readOnly ? constants.O_RDONLY : access === LINUX.writeOnly ? constants.O_WRONLY : constants.O_RDWR) | ((flags & LINUX.append) !== 0 ? constants.O_APPEND : 0);
  }
  private file(fid: Fid): number {
    if (fid.flags === undefined) throw new Refused('EBADF');
    return (fid.file ??= this.folder.open(fid.names, this.hostFlags(fid.flags)));
  }

  /** Up from the root is the root. */
  private walk(from: Reader): Writer {
    const fid = this.fid(from), number = from.u32(), count = from.u16(), qids: Qid[] = [];
    if (fid.flags !== undefined || count > MOST_NAMES) throw new Refused('EINVAL');
    let { names } = fid;
    for (let n = 0; n < count; n++) {
      const name = from.text();
      try {
        if (!this.folder.stat(names).isDirectory()) throw new Refused('ENOTDIR');
        const next = name === '..' ? names.slice(0, -1) : [...names, checkName(name)];
        qids.push(qidOf(this.folder.stat(next)));
        names = next;
      } catch (error) {
        if (n === 0) throw error;
        break;
      }
    }
    const reply = new Writer().u16(qids.length);
    for (const qid of qids) reply.qid(qid);
    if (qids.length < count) return reply;
    if (this.fids.get(number) === fid) fid.names = names;
    else this.add(number, names);
    return reply;
  }

  private attributes({ file, names }: Fid): Writer {
    const stat = file === undefined ? this.folder.stat(names) : fstatSync(file, { bigint: true });
    const reply = new Writer().u64(BASIC).qid(qidOf(stat)).u32(Number(stat.mode)).u32(Number(stat.uid)).u32(Number(stat.gid)).u64(stat.nlink).u64(0n).u64(stat.size).u64(stat.blksize).u64(stat.blocks);
    for (const time of [stat.atimeNs, stat.mtimeNs, stat.ctimeNs, 0n]) reply.u64(time / 1_000_000_000n).u64(time % 1_000_000_000n);
    return reply.u64(0n).u64(0n);
  }

  private setAttributes(from: Reader): Writer {
    const { names } = this.fid(from), which = from.u32(), mode = from.u32(), owner = from.u32(), group = from.u32(), size = from.u64();
    const [accessTime, modificationTime] = [0, 1].map(() => Number(from.u64()) + Number(from.u64()) / 1e9) as [number, number];
    this.folder.requireWritable();
    const at = this.folder.at(names), stat = this.folder.stat(names), has = (bit: number): boolean => (which & bit) !== 0;
    if ((has(SET.owner) && owner !== Number(stat.uid)) || (has(SET.group) && group !== Number(stat.gid))) throw new Refused('EPERM');
    if (has(SET.mode)) {
      if (stat.isSymbolicLink()) throw new Refused('EOPNOTSUPP');
      chmodSync(at, mode & PERMISSIONS);
    }
    if (has(SET.size)) {
      const file = this.folder.open(names, constants.O_WRONLY);
      try { ftruncateSync(file, Number(size)); } finally { closeSync(file); }
    }
    if (has(SET.accessTime) || has(SET.modificationTime)) {
      const now = Date.now() / 1000, time = (set: number, given: number, value: number, old: bigint): number => (!has(set) ? Number(old) / 1e9 : has(given) ? value : now);
      lutimesSync(at, time(SET.accessTime, SET.accessTimeGiven, accessTime, stat.atimeNs), time(SET.modificationTime, SET.modificationTimeGiven, modificationTime, stat.mtimeNs));
    }
    return new Writer();
  }

  /** A listing is made when it is read from its beginning, so that its offsets stay true. */
  private entries(fid: Fid, offset: number, most: number): Writer {
    if (offset === 0 || !fid.entries) fid.entries = ['.', '..', ...readdirSync(this.folder.at(fid.names)).sort()];
    const reply = new Writer();
    for (let n = offset; n < fid.entries.length; n++) {
      const name = fid.entries[n]!;
      if (reply.length - HEADER_BYTES + ENTRY_BYTES + Buffer.byteLength(name) > most) break;
      const names = name === '.' ? fid.names : name === '..' ? fid.names.slice(0, -1) : [...fid.names, name];
      try {
        const stat = this.folder.stat(names);
        reply.qid(qidOf(stat)).u64(BigInt(n + 1)).u8(stat.isDirectory() ? FILE_TYPE.directory : stat.isSymbolicLink() ? FILE_TYPE.link : stat.isFile() ? FILE_TYPE.file : FILE_TYPE.unknown).text(name);
      } catch (error) {
        // It went away meanwhile.
        if (numberOf(error) !== ERRNO.ENOENT) throw error;
      }
    }
    return new Writer().counted(reply.message(0, 0).subarray(HEADER_BYTES));
  }

  private make(names: Names, make: (at: string) => void): Writer {
    this.folder.requireWritable();
    make(this.folder.at(names));
    return new Writer().qid(qidOf(this.folder.stat(names)));
  }

  /** Those who hold what was renamed know it by its new name. */
  private rename(from: Names, to: Names): Writer {
    this.folder.requireWritable();
    if (from.length === 0) throw new Refused('EINVAL');
    renameSync(this.folder.at(from), this.folder.at(to));
    for (const fid of this.fids.values()) if (from.every((name, n) => fid.names[n] === name)) fid.names = [...to, ...fid.names.slice(from.length)];
    return new Writer();
  }

  private unlink(names: Names, isFolder: boolean): Writer {
    this.folder.requireWritable();
    if (names.length === 0) throw new Refused('EINVAL');
    if (isFolder) rmdirSync(this.folder.at(names));
    else unlinkSync(this.folder.at(names));
    return new Writer();
  }
}
