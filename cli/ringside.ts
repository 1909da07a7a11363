/** The command line. */
import { BadImage } from '../emulator/boot/index.js';
import { NotImplemented } from '../emulator/cpu/events.js';
import { COMMANDS, helpText, readCount, readOptions, unknown, UsageError, type CommandName } from './options.js';
import { TiersDiffer } from '../emulator/machine/both-tiers.js';
import { run, STATUS } from './run.js';

declare const RINGSIDE_VERSION: string | undefined;

const LARGEST_PORT = 65535;

async function main(args: readonly string[]): Promise<number | undefined> {
  const [name, ...rest] = args;
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(`${helpText()}\n`);
    return name === undefined ? STATUS.badInput : 0;
  }
  if (name === '--version') {
    process.stdout.write(`ringside ${typeof RINGSIDE_VERSION === 'string' ? RINGSIDE_VERSION : '(not built)'}\n`);
    return 0;
  }
  if (!Object.hasOwn(COMMANDS, name)) throw new UsageError(unknown(name, [...Object.keys(COMMANDS), '--help', '--version'], name.startsWith('-') ? 'option' : 'command'));
  const given = readOptions(COMMANDS[name as CommandName], rest);
  if (given.values['help'] === true) {
    process.stdout.write(`${helpText()}\n`);
    return 0;
  }
  if (name === 'run') return run(given);
  const port = given.values['port'] as string | undefined;
  if (given.positionals.length > 0) throw new UsageError(`"dap" takes no "${given.positionals[0]}": what to boot is said by the client's launch request.`);
  const { servePort, serveStandardStreams } = await import('./dap.js');
  if (port === undefined) serveStandardStreams();
  else process.stderr.write(`Listening on 127.0.0.1:${await servePort(readCount('port', port, LARGEST_PORT))}.\n`);
  return undefined;
}

/** What a person did wrong is a sentence; what we did wrong keeps its stack trace. */
function explain(error: unknown): string {
  if (error instanceof UsageError || error instanceof BadImage || error instanceof TiersDiffer || (error instanceof Error && error.cause !== undefined)) return error.message;
  if (error instanceof NotImplemented) return `Not implemented: ${error.what}.`;
  if (error instanceof Error && (error as NodeJS.ErrnoException).code === 'EADDRINUSE') return 'The port is in use: choose another by --port.';
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
});

main(process.argv.slice(2)).then(
  (status) => {
    if (status === undefined) return;
    process.exitCode = status;
    process.stdout.write('', () => process.exit(status));
  },
  (error: unknown) => {
    process.stderr.write(`${explain(error)}\n`);
    const status = error instanceof TiersDiffer ? STATUS.tiersDiffer : STATUS.badInput;
    process.exitCode = status;
    process.stderr.write('', () => process.exit(status));
  },
);
