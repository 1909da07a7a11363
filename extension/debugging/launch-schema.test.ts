import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { memberFaults, type Schema } from './launch-schema.js';

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { contributes: { debuggers: { configurationAttributes: { launch: Schema } }[] } };
const schema = manifest.contributes.debuggers[0]!.configurationAttributes.launch;
const faults = (configuration: Record<string, unknown>) => memberFaults({ program: 'kernel.elf', ...configuration }, schema);

describe('the judgement of launch configurations', () => {
  it('accepts every attribute used as documented', () => {
    assert.deepEqual(faults({ initrd: 'initrd.gz', boot: 'bzimage', memory: 128, cpus: 1, quantum: 100, nanoseconds: 8, disks: ['d.img'], net: ['user'], share: ['f,tag'], args: 'quiet', modules: ['a'], symbols: [{ file: 'g.elf', world: 'guest', base: '0x200000' }], stopOnEntry: false }), []);
  });

  const cases: [string, Record<string, unknown>, RegExp][] = [
    ['a program that is a number', { program: 5 }, /"program" must be text in quotes, and is 5/],
    ['an unknown protocol', { boot: 'efi' }, /"boot" must be one of "multiboot1", .*, and is "efi"/],
    ['memory as text', { memory: '64' }, /"memory" must be a whole number, and is "64"/],
    ['no memory at all', { memory: 0 }, /"memory" is 0, but must be between 2 and/],
    ['half a processor', { cpus: 0.5 }, /"cpus" must be a whole number/],
    ['disks that are no list', { disks: 'd.img' }, /"disks" must be a list/],
    ['a network that is no text', { net: [true] }, /"net\[0\]" must be text in quotes/],
    ['a quantum of nothing', { quantum: 0 }, /"quantum" is 0, but must be between 1 and 1000000/],
    ['modules that are no list', { modules: 'initrd' }, /"modules" must be a list/],
    ['a symbol file without a name', { symbols: [{ world: 'guest' }] }, /"symbols\[0\]\.file" is missing/],
    ['an unknown world', { symbols: [{ file: 'x', world: 'moon' }] }, /"symbols\[0\]\.world" must be one of "host", "guest", and is "moon"/],
    ['a base that is a number', { symbols: [{ file: 'x', base: 4096 }] }, /"symbols\[0\]\.base" must be text/],
    ['a base that is not hexadecimal', { symbols: [{ file: 'x', base: '4096' }] }, /"symbols\[0\]\.base" is "4096".*hexadecimal/],
    ['a misspelt member of symbols', { symbols: [{ file: 'x', adress: '0x0' }] }, /"symbols\[0\]\.adress" is not known here/],
    ['stopOnEntry as text', { stopOnEntry: 'yes' }, /"stopOnEntry" must be true or false/],
    ['null', { args: null }, /"args" must be text in quotes, and is null/],
  ];
  for (const [what, configuration, expected] of cases) {
    it(`refuses ${what}`, () => {
      const found = faults(configuration);
      assert.equal(found.length, 1, found.join('\n'));
      assert.match(found[0]!, expected);
    });
  }
});
