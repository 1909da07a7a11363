/** Runs the guest workloads on Ringside and its rivals, interleaved guest by guest, and compares. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { emptyGuest, GUESTS } from './guests.js';
import type { Guest } from './guests.js';
import { bochs } from './machines/bochs.js';
import { ROOT } from './machines/machine.js';
import type { Machine } from './machines/machine.js';
import { qemu } from './machines/qemu.js';
import { ringside, statsOf } from './machines/ringside.js';
import { v86 } from './machines/v86.js';
import { measure } from './measure.js';
import { report } from './report.js';
import type { Column, Run } from './report.js';

const RIVALS: Readonly<Record<string, Machine>> = { bochs, qemu, v86 };
const QUICK_RIVALS = 'qemu,v86';
const TIMEOUT_SECONDS = 300;

const USAGE = `usage: npm run bench -- [options]
  --only alu64,sha64      only these guests
  --rivals bochs,qemu,v86 compare with these (default: all; 'none' for none)
  --runs 3                measure each this often, and take the median (default 1)
  --quick                 without bochs`;

function fail(message: string): never {
  console.error(`${message}\n${USAGE}`);
  process.exit(2);
}

function parse() {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string' },
        rivals: { type: 'string' },
        runs: { type: 'string', default: '1' },
        quick: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    return fail((error as Error).message);
  }
}

function chooseGuests(only: string | undefined): Guest[] {
  if (only === undefined) return [...GUESTS];
  const chosen = only.split(',').map((name) => GUESTS.find((guest) => guest.name === name) ?? fail(`no guest is called '${name}'; there are ${GUESTS.map((guest) => guest.name).join(' ')}`));
  const empty = new Set(chosen.map((guest) => emptyGuest(guest.bits)));
  return [...empty, ...chosen.filter((guest) => !empty.has(guest))];
}

function chooseRivals(rivals: string): Machine[] {
  if (rivals === 'none') return [];
  return rivals.split(',').map((name) => RIVALS[name] ?? fail(`no rival is called '${name}'; there are ${Object.keys(RIVALS).join(' ')}`));
}

function failureOf(guest: Guest, text: string): string | undefined {
  const checksum = /checksum=([0-9a-f]+)/.exec(text)?.[1];
  if (checksum === undefined || !/DONE/.test(text)) return 'no end';
  return checksum === guest.checksum ? undefined : 'BAD';
}

async function runOn(machine: Machine, guest: Guest): Promise<Run> {
  const job = machine.prepare(guest);
  const measured = await measure(job.command, TIMEOUT_SECONDS);
  const failure = failureOf(guest, job.console(measured.stdout));
  const stats = machine === ringside ? statsOf(measured.stderr) : undefined;
  return {
    guest: guest.name,
    machine: machine.name,
    userSeconds: measured.userSeconds,
    ...(failure === undefined ? {} : { failure }),
    ...(stats === undefined ? {} : { stats }),
  };
}

const options = parse();
const guests = chooseGuests(options.only);
const runsWanted = Number(options.runs);
if (!Number.isInteger(runsWanted) || runsWanted < 1) fail(`--runs wants a whole number from 1, not '${options.runs}'`);

const wanted = [ringside, ...chooseRivals(options.rivals ?? (options.quick ? QUICK_RIVALS : Object.keys(RIVALS).join(',')))];
const remarks = wanted.flatMap((machine) => {
  const missing = machine.missing();
  return missing === undefined ? [] : [`${machine.name}: ${missing}.`];
});
for (const remark of remarks) console.error(remark);
const machines = wanted.filter((machine) => machine.missing() === undefined);

const runs: Run[] = [];
for (const guest of guests) {
  for (let i = 0; i < runsWanted; i++) {
    for (const machine of machines) {
      if (!machine.canRun(guest)) continue;
      const run = await runOn(machine, guest);
      runs.push(run);
      console.error(`${guest.name.padEnd(10)} ${machine.name.padEnd(15)} ${run.userSeconds.toFixed(3).padStart(8)} s  ${run.failure ?? 'OK'}`);
    }
  }
}

const columns = wanted.map((machine): Column => (machines.includes(machine) ? { machine: machine.name } : { machine: machine.name, absent: machine.absent }));
const text = report(runs, guests, columns, remarks);
console.log(text);

const folder = join(ROOT, 'bench', 'results');
mkdirSync(folder, { recursive: true });
const name = join(folder, new Date().toISOString().slice(0, 16).replace(':', ''));
const environment = { date: new Date().toISOString(), processor: cpus()[0]?.model ?? 'unknown', node: process.version };
writeFileSync(`${name}.json`, `${JSON.stringify({ environment, remarks, runs }, null, 2)}\n`);
writeFileSync(`${name}.md`, `# Bench of ${environment.date.slice(0, 10)}\n\n${environment.processor}, Node ${environment.node}.\n\n${text}`);
console.error(`written: ${name}.md and .json`);
if (runs.some((run) => run.failure !== undefined)) process.exitCode = 1;
