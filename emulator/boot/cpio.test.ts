import { strict as assert } from 'node:assert';
import { checkCpio, isCpio } from './cpio.js';
import { bytesOf, cpio } from './test-images.js';

const archive = cpio({ init: Uint8Array.of(1, 2, 3, 4, 5), 'bin/sh': Uint8Array.of(6) });

describe('cpio archives', () => {
  it('are walked to their trailer, one after another', () => {
    assert.ok(isCpio(archive));
    assert.equal(checkCpio('initrd', archive), archive.length);
    assert.equal(checkCpio('initrd', bytesOf(archive, new Uint8Array(512 - (archive.length % 512)), archive)), Math.ceil(archive.length / 512) * 512 + archive.length);
    assert.equal(checkCpio('initrd', bytesOf(archive, [0x1f, 0x8b])), archive.length, 'a compressed one may follow');
  });

  it('are damaged when they end early, or when a header is none', () => {
    for (let length = 1; length < archive.length - 3; length++) {
      const cut = archive.slice(0, length);
      if (isCpio(cut)) assert.throws(() => checkCpio('initrd', cut), /^BadImage: initrd: .*; the file is truncated or corrupt/, `${length} bytes`);
      else assert.equal(checkCpio('initrd', cut), 0);
    }
    const damaged = Uint8Array.from(archive);
    damaged[60] = 0x7a;
    assert.throws(() => checkCpio('initrd', damaged), /^BadImage: initrd: a header of its cpio archive is damaged at 0x36; the file is truncated or corrupt/);
  });
});
