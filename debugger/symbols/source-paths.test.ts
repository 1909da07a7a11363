/** Paths of sources from different machines. */
import assert from 'node:assert/strict';
import { commonSuffix, joinPath, matchingPaths, normalisePath } from './source-paths.js';

describe('source paths', () => {
  const normal: readonly [string, string][] = [
    ['/a/./b/../c.c', '/a/c.c'],
    ['a//b/c.c', 'a/b/c.c'],
    ['../a/b.c', '../a/b.c'],
    ['/../a.c', '/a.c'],
    ['a/../../b.c', '../b.c'],
    ['C:\\work\\.\\main.c', 'C:/work/main.c'],
  ];
  for (const [path, expected] of normal) it(`${path} is ${expected}`, () => assert.equal(normalisePath(path), expected));

  const joined: readonly [string[], string][] = [
    [['/build', 'src', 'main.c'], '/build/src/main.c'],
    [['/build', '/usr/include', 'x.h'], '/usr/include/x.h'],
    [['/build', '', '/abs/main.c'], '/abs/main.c'],
    [['/build', '../lib', 'a.c'], '/lib/a.c'],
    [['', '', 'a.c'], 'a.c'],
    [['C:\\b', 'D:/c', 'a.c'], 'D:/c/a.c'],
  ];
  for (const [parts, expected] of joined) it(`${parts.join(' + ')} is ${expected}`, () => assert.equal(joinPath(...parts), expected));

  it('count what they share from the end', () => {
    assert.equal(commonSuffix('/a/b/c.c', '/x/b/c.c'), 2);
    assert.equal(commonSuffix('/a/b/c.c', '/a/b/d.c'), 0);
    assert.equal(commonSuffix('C:\\Work\\Main.c', 'c:/work/main.c'), 3);
    assert.equal(commonSuffix('/a/Main.c', '/a/main.c'), 0);
  });

  it('match by the longest ending, and only with the same name of the file', () => {
    const known = ['/build/kernel/main.c', '/build/boot/main.c', '/build/boot/start.s', '/other/main.c'];
    assert.deepEqual(matchingPaths('/home/me/boot/main.c', known), ['/build/boot/main.c']);
    assert.deepEqual(matchingPaths('/home/me/start.s', known), ['/build/boot/start.s']);
    assert.deepEqual(matchingPaths('/home/me/none.c', known), []);
    assert.equal(matchingPaths('/home/me/main.c', known).length, 3);
  });
});
