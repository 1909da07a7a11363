import assert from 'node:assert/strict';
import { COMMANDS, helpText, readCount, readOptions, readSize, unknown, UsageError } from './options.js';

const complains = (action: () => unknown, message: RegExp): void => {
  assert.throws(action, (error) => error instanceof UsageError && message.test(error.message));
};

describe('the options of the command line', () => {
  it('are read in any order, and lists gather', () => {
    const { values, positionals } = readOptions(COMMANDS.run, ['--memory', '128M', 'kernel.elf', '--module', 'a b', '--module', 'c', '--stats', '--append', '-v quiet']);
    assert.deepEqual(positionals, ['kernel.elf']);
    assert.deepEqual({ ...values }, { memory: '128M', module: ['a b', 'c'], stats: true, append: '-v quiet' });
  });

  it('that do not exist are named with the nearest that does', () => {
    complains(() => readOptions(COMMANDS.run, ['x', '--memry', '5']), /^There is no option "--memry"; is "--memory" meant\?/);
    complains(() => readOptions(COMMANDS.run, ['x', '--stat=1']), /"--stat"; is "--stats" meant/);
    complains(() => readOptions(COMMANDS.dap, ['--stdio-please']), /^There is no option "--stdio-please": there are --help, --port\./);
    assert.match(unknown('rum', ['run', 'dap'], 'command'), /no command "rum"; is "run" meant/);
  });

  it('that lack their value say so', () => {
    complains(() => readOptions(COMMANDS.run, ['x', '--append']), /^--append wants a value: write --append TEXT\.$/);
  });

  it('know sizes', () => {
    const most = 3072 * 2 ** 20;
    for (const [text, bytes] of [['64M', 64 << 20], ['64MiB', 64 << 20], ['1g', 2 ** 30], ['4096K', 4 << 20], ['16777216', 1 << 24]] as const) assert.equal(readSize(text, most), bytes);
    for (const text of ['1M', '4G', 'much', '-5M', '3000001', '']) complains(() => readSize(text, most), /--memory must be a size from 2M to 3072M in whole pages, such as 64M/);
  });

  it('know counts', () => {
    assert.equal(readCount('max-instructions', '1_000'), 1000);
    complains(() => readCount('port', '70000', 65535), /--port must be a whole number up to 65535, not "70000"/);
    complains(() => readCount('max-instructions', '-1'), /whole number/);
  });

  it('all stand in the help', () => {
    const help = helpText();
    for (const { options } of Object.values(COMMANDS)) for (const name of Object.keys(options)) assert.ok(help.includes(`--${name}`), name);
  });
});
