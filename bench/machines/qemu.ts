/** QEMU's TCG, which has no VMX. */
import { missingPrograms } from './machine.js';
import type { Machine } from './machine.js';

const OPTIONS = [
  ...['-accel', 'tcg,thread=single', '-m', '128', '-nodefaults', '-no-reboot'],
  ...['-display', 'none', '-monitor', 'none', '-serial', 'stdio'],
  ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=1'],
];

export const qemu: Machine = {
  name: 'QEMU TCG',
  absent: 'missing',
  missing: () => missingPrograms({ 'qemu-system-x86_64': 'qemu-system-x86' }),
  canRun: (guest) => !guest.needsVmx,
  prepare: (guest) => ({ command: ['qemu-system-x86_64', ...OPTIONS, '-kernel', guest.elf], console: (stdout) => stdout }),
};
