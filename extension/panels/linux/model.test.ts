import assert from 'node:assert/strict';
import { COLUMNS, headline, INITIAL, linuxRows } from './model.js';
import { LINUX_PARTS, type LinuxData, type LinuxPart, type LinuxTask } from './protocol.js';

const task = (pid: number, more: Partial<LinuxTask> = {}): LinuxTask => ({ pid, tgid: pid, parent: 0, comm: `task${pid}`, state: 'S (sleeping)', isKernelThread: false, address: '0xffff888000100000', cpus: [], ...more });
const data: LinuxData = {
  slide: '0x1c00000',
  tasks: [task(1, { cpus: [0], comm: 'init' }), task(2, { isKernelThread: true, comm: 'kthreadd' })],
  areas: [{ start: '0x400000', end: '0x401000', rights: 'r-xp', file: 'busybox' }],
  modules: [{ name: 'kvm', base: '0xffffffffc0200000', size: 1048576 }],
  log: [{ time: '0.000000', level: 5, text: 'Linux version' }, { time: '1.500000', level: 3, text: 'something failed' }],
};
const texts = (part: LinuxPart, filter = ''): string[][] => linuxRows(data, { ...INITIAL, part, filter }).map(({ cells }) => cells.map(({ text }) => text));

describe('the rows of the Linux panel', () => {
  it('mark the task that runs and write kernel threads in brackets', () => {
    const rows = linuxRows(data, INITIAL);
    assert.deepEqual(rows.map(({ mark }) => mark), ['changed', 'dim']);
    assert.deepEqual(texts('tasks').map((row) => [row[0], row[1], row[5]]), [['▶ 0', '1', 'init'], ['', '2', '[kthreadd]']]);
  });
  it('have as many cells as columns', () => {
    for (const part of LINUX_PARTS) for (const row of texts(part)) assert.equal(row.length, COLUMNS[part].length, part);
  });
  it('show areas, modules and the log', () => {
    assert.deepEqual(texts('areas'), [['0x400000', '0x401000', 'r-xp', 'busybox']]);
    assert.deepEqual(texts('modules'), [['0xffffffffc0200000', '1 MiB', 'kvm']]);
    assert.deepEqual(texts('log', 'failed'), [['1.500000', 'err', 'something failed']]);
    assert.equal(linuxRows(data, { ...INITIAL, part: 'log' })[1]!.mark, 'failed');
  });
  it('are summed up in one sentence', () => {
    assert.equal(headline(data, INITIAL), '2 tasks; init (1) runs. KASLR moved the kernel by 0x1c00000.');
    assert.equal(headline(data, { ...INITIAL, part: 'areas', pid: 1 }), '1 area of task 1.');
    assert.equal(headline({ slide: '0x0', areas: [] }, { ...INITIAL, part: 'areas' }), 'The running task has no address space of its own.');
    assert.equal(headline({ ...data, slide: '0x0' }, { ...INITIAL, part: 'modules' }), '1 module.');
  });
});
