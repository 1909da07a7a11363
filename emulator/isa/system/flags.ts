/** CLI, STI, PUSHF, POPF, CLAC, STAC. SDM Vol. 2, by their names. */
import { IF, IOPL, RF, VM } from '../../cpu/flags.js';
import { S, SS } from '../../cpu/layout.js';
import { STATUS_FLAGS } from '../../meaning/flags.js';
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu } from '../instruction.js';

const DF = 1 << 10, STACK_POINTER = 4;
const rflags = (cpu: Cpu): Value => cpu.state(S.rflags, 32);
const iopl = (cpu: Cpu): Value => rflags(cpu).and(IOPL).shr(12);
/** In virtual-8086 mode these need IOPL 3. */
function demandIopl3(cpu: Cpu): void {
  if (cpu.protection === 'virtual-8086') cpu.when(iopl(cpu).ne(3), () => cpu.raise('#GP', 0));
}

export const CLI = instruction('CLI', 'Clear Interrupt Flag', {
  encodings: 'FA | CLI', flags: 'The IF flag is cleared.', exceptions: '#GP(0) if CPL is greater than IOPL.',
  operation(cpu) {
    if (cpu.protection !== 'real') cpu.when(iopl(cpu).ult(cpu.state(S.cpl, 32)), () => cpu.raise('#GP', 0));
    cpu.setState(S.rflags, rflags(cpu).and(~IF));
  },
});

export const STI = instruction('STI', 'Set Interrupt Flag', {
  encodings: 'FB | STI', flags: 'The IF flag is set.', exceptions: '#GP(0) if CPL is greater than IOPL.',
  operation(cpu) {
    if (cpu.protection !== 'real') cpu.when(iopl(cpu).ult(cpu.state(S.cpl, 32)), () => cpu.raise('#GP', 0));
    cpu.when(rflags(cpu).and(IF).isZero, () => cpu.perform('STI'));
  },
});

export const PUSHF = instruction('PUSHF', 'Push EFLAGS Register Onto the Stack', {
  encodings: `
    9C | PUSHF | o16
    9C | PUSHFD | 32 o32
    9C | PUSHFQ | 64 o64`,
  flags: 'None affected.', exceptions: '#GP(0) in virtual-8086 mode if IOPL is less than 3.',
  operation(cpu) {
    demandIopl3(cpu);
    const image = rflags(cpu).or(cpu.status()).and(~(RF | VM));
    cpu.push(cpu.size === 16 ? image.truncate(16) : image.zeroExtend(cpu.size));
  },
});

export const POPF = instruction('POPF', 'Pop Stack Into EFLAGS Register', {
  encodings: `
    9D | POPF | o16
    9D | POPFD | 32 o32
    9D | POPFQ | 64 o64`,
  flags: 'All flags except reserved bits, VM, VIP, VIF and, by CPL and IOPL, IF and IOPL.', exceptions: '#GP(0) in virtual-8086 mode if IOPL is less than 3.',
  operation(cpu) {
    demandIopl3(cpu);
    const sp = cpu.register(STACK_POINTER, cpu.stackSize);
    const popped = cpu.memory(sp, cpu.size, SS, { stack: true }).read();
    const image = cpu.size === 16 ? popped.zeroExtend(32) : popped.truncate(32);
    cpu.setStackPointer(sp.add(cpu.size / 8));
    const plain = STATUS_FLAGS | DF;
    const others = (cpu.size === 16 ? 0xffff : 0xffffffff) & ~plain & ~2;
    cpu.when(image.xor(rflags(cpu)).and(others).isZero, () => {
      cpu.setState(S.rflags, rflags(cpu).and(~DF).or(image.and(DF)));
      const status = image.and(STATUS_FLAGS);
      cpu.meaning.flags('explicit', 32, status, status);
    }, () => cpu.perform('POPF', image.zeroExtend(64), cpu.constant(cpu.size / 8, 64)));
  },
});

export const CLAC = instruction('CLAC', 'Clear AC Flag in EFLAGS Register', {
  encodings: 'NP 0F 01 CA | CLAC', feature: 'SMAP', flags: 'AC is cleared.', exceptions: '#UD if CPL is not 0.', operation(cpu) { cpu.perform('CLAC'); },
});
export const STAC = instruction('STAC', 'Set AC Flag in EFLAGS Register', {
  encodings: 'NP 0F 01 CB | STAC', feature: 'SMAP', flags: 'AC is set.', exceptions: '#UD if CPL is not 0.', operation(cpu) { cpu.perform('STAC'); },
});
