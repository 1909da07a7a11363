import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadImage } from '../emulator/boot/index.js';
import { EXIT_REASONS } from '../emulator/vmx/exit-reasons.js';
import { VMCS_FIELDS } from '../emulator/vmx/vmcs-fields.js';

interface Lab {
  /** An image of the lab's own, or a kernel of somebody else's. */
  readonly program?: string;
  readonly kernel?: string;
  readonly initrd?: string;
  readonly args?: string;
  readonly symbols: readonly { readonly file: string; readonly world?: string }[];
  readonly memory: number;
  readonly expectedOutput: string;
  readonly expectedExits: Readonly<Record<string, number>>;
}

const labs = dirname(fileURLToPath(import.meta.url));
const folders = readdirSync(labs).filter((name) => existsSync(join(labs, name, 'lab.json')));

/** 'VM-entry interruption-information field' is VM_ENTRY_INTERRUPTION_INFORMATION_FIELD in C. */
const inCapitals = (name: string): string => name.replace(/ \(.*\)/, '').toUpperCase().replace(/[^A-Z0-9]+/g, '_');

for (const name of folders) {
  describe(`lab ${name}`, () => {
    const folder = join(labs, name);
    const read = (file: string): string => readFileSync(join(folder, file), 'utf8');
    const lab = JSON.parse(read('lab.json')) as Lab;

    if (existsSync(join(folder, 'vmcs-fields.h'))) it('calls VMCS fields what the emulator calls them', () => {
      const defined = [...read('vmcs-fields.h').matchAll(/#define (\w+) (0x[0-9a-f]+)/g)];
      assert.ok(defined.length > 0);
      for (const [, constant, encoding] of defined) {
        const field = VMCS_FIELDS.find((one) => one.encoding === Number(encoding));
        assert.equal(constant, inCapitals(field?.name ?? `no field ${encoding}`));
      }
    });

    it('expects exits by the manual’s names', () => {
      const names = new Set<string>(Object.values(EXIT_REASONS).map((reason) => reason.name));
      for (const reason of Object.keys(lab.expectedExits)) assert.ok(names.has(reason), reason);
    });

    const { program } = lab;
    if (program !== undefined) it('expects the exits that its output tells', () => {
      const lines = [...read(lab.expectedOutput).matchAll(/^ +(\d+) {2}(\S.*?) +(\d+)$/gm)];
      const told = lines.map(([, number, reason, count]) => {
        assert.equal(Object.values(EXIT_REASONS).find((one) => one.number === Number(number))?.name, reason);
        return [reason, Number(count)];
      });
      assert.deepEqual(Object.fromEntries(told), lab.expectedExits);
    });

    if (program !== undefined) it('boots from the committed image', () => {
      const bytes = readFileSync(join(folder, program));
      const plan = loadImage({ name: program, bytes, memoryBytes: lab.memory << 20, args: '', modules: [] });
      assert.equal(plan.kind, 'multiboot 1');
    });

    it('is launched with the same program, symbols and memory', () => {
      const { configurations } = JSON.parse(read('.vscode/launch.json')) as { configurations: Record<string, unknown>[] };
      const inWorkspace = (file: string | undefined): string | undefined => file && `\${workspaceFolder}/${file}`;
      const [launched] = configurations;
      assert.deepEqual(
        ['program', 'kernel', 'initrd', 'args', 'symbols', 'memory'].map((key) => launched?.[key]),
        [inWorkspace(program), inWorkspace(lab.kernel), inWorkspace(lab.initrd), lab.args, lab.symbols.map((symbols) => ({ ...symbols, file: inWorkspace(symbols.file) })), lab.memory],
      );
    });
  });
}
