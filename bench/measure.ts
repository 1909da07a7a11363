/** Runs a program and takes its user CPU time, that of its children included. */
import { spawn } from 'node:child_process';

export interface Measured {
  readonly status: number | null;
  readonly userSeconds: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** bash's own 'time' counts milliseconds; Node does not tell the times of a child. */
const TIMED = 'exec 3>&2; TIMEFORMAT=%U; { time timeout --kill-after=5 "$@" 2>&3; } 2>&4; exit $?';

export function measure(command: readonly string[], timeoutSeconds: number): Promise<Measured> {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-c', TIMED, 'bench', String(timeoutSeconds), ...command], {
      stdio: ['ignore', 'pipe', 'pipe', 'ignore', 'pipe'],
      env: { ...process.env, LC_ALL: 'C', TERM: 'vt100' },
    });
    const texts = { 1: '', 2: '', 4: '' };
    for (const fd of [1, 2, 4] as const) child.stdio[fd]?.on('data', (chunk: Buffer) => (texts[fd] += chunk.toString('latin1')));
    child.on('error', () => reject(new Error("the bench needs bash and timeout; install Debian's packages bash and coreutils")));
    child.on('close', (status) => resolve({ status, userSeconds: Number(texts[4].trim()), stdout: texts[1], stderr: texts[2] }));
  });
}
