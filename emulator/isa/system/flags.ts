/** CLI, STI, PUSHF, POPF, CLAC, STAC. SDM Vol. 2, by their names. */
import { IF, IOPL, RF, VIF, VIF_ABOVE_IF, VM } from '../../cpu/flags.js';
import { S, SS } from '../../cpu/layout.js';
import { CR4 } from '../../cpu/modes.js';
import { STATUS_FLAGS } from '../../meaning/flags.js';
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu } from '../instruction.js';

const DF = 1 << 10, STACK_POINTER = 4;
const rflags = (cpu: Cpu): Value => cpu.state(S.rflags, 32);
const iopl = (cpu: Cpu): Value => rflags(cpu).and(IOPL).shr(12);
/** Whether IOPL withholds IF from a program in virtual-8086 mode; undefined in other modes. */
const withheld = (cpu: Cpu): Value | undefined => (cpu.protection === 'virtual-8086' ? iopl(cpu).ne(3) : undefined);
const VIRTUAL = 'In virtual-8086 mode with CR4.VME, and at CPL 3 with CR4.PVI, VIF in place of IF where IOPL withholds it.';
const PRIVILEGE = '#GP(0) if CPL is greater than IOPL and there is no VIF; for STI also if VIP is 1.';

/** `otherwise` where IF may be changed. */
function byPrivilege(cpu: Cpu, name: 'CLI' | 'STI', otherwise: () => void): void {
  if (cpu.protection === 'real') otherwise();
  else cpu.when(iopl(cpu).ult(cpu.state(S.cpl, 32)), () => cpu.perform(`${name} of VIF`), otherwise);
}

export const CLI = instruction('CLI', 'Clear Interrupt Flag', {
  encodings: 'FA | CLI', flags: `The IF flag is cleared. ${VIRTUAL}`, exceptions: PRIVILEGE,
  operation(cpu) { byPrivilege(cpu, 'CLI', () => cpu.setState(S.rflags, rflags(cpu).and(~IF))); },
});

export const STI = instruction('STI', 'Set Interrupt Flag', {
  encodings: 'FB | STI', flags: `The IF flag is set. ${VIRTUAL}`, exceptions: PRIVILEGE,
  operation(cpu) { byPrivilege(cpu, 'STI', () => cpu.when(rflags(cpu).and(IF).isZero, () => cpu.perform('STI'))); },
});

const IOPL_3 = '#GP(0) in virtual-8086 mode if IOPL is less than 3, unless CR4.VME is 1 and the operand size 16.';
export const PUSHF = instruction('PUSHF', 'Push EFLAGS Register Onto the Stack', {
  encodings: `
    9C | PUSHF | o16
    9C | PUSHFD | 32 o32
    9C | PUSHFQ | 64 o64`,
  flags: 'None affected.', exceptions: IOPL_3,
  operation(cpu) {
    const all = rflags(cpu).or(cpu.status()), lacking = withheld(cpu);
    let image = all.and(~(RF | VM));
    if (lacking) {
      cpu.when(cpu.size === 16 ? lacking.and(cpu.state(S.cr4, 32).and(CR4.VME).isZero) : lacking, () => cpu.raise('#GP', 0));
      image = lacking.select(image.and(~IF).or(all.and(VIF).shr(VIF_ABOVE_IF)).or(IOPL), image);
    }
    cpu.push(cpu.size === 16 ? image.truncate(16) : image.zeroExtend(cpu.size));
  },
});

export const POPF = instruction('POPF', 'Pop Stack Into EFLAGS Register', {
  encodings: `
    9D | POPF | o16
    9D | POPFD | 32 o32
    9D | POPFQ | 64 o64`,
  flags: `All flags except reserved bits, VM, VIP, VIF and, by CPL and IOPL, IF and IOPL. ${VIRTUAL}`, exceptions: `${IOPL_3} Then also if TF would be set, or VIF while VIP is 1.`,
  operation(cpu) {
    const sp = cpu.register(STACK_POINTER, cpu.stackSize), bytes = cpu.constant(cpu.size / 8, 64), lacking = withheld(cpu);
    if (lacking && cpu.size !== 16) cpu.when(lacking, () => cpu.raise('#GP', 0));
    const popped = cpu.memory(sp, cpu.size, SS, { stack: true }).read();
    const image = cpu.size === 16 ? popped.zeroExtend(32) : popped.truncate(32);
    if (lacking) cpu.when(lacking, () => { cpu.compute('check POPF', [image.zeroExtend(64), bytes]); });
    cpu.setStackPointer(sp.add(cpu.size / 8));
    const plain = STATUS_FLAGS | DF;
    const others = (cpu.size === 16 ? 0xffff : 0xffffffff) & ~plain & ~2, same = image.xor(rflags(cpu)).and(others).isZero;
    cpu.when(lacking ? same.and(lacking.xor(1)) : same, () => {
      cpu.setState(S.rflags, rflags(cpu).and(~DF).or(image.and(DF)));
      const status = image.and(STATUS_FLAGS);
      cpu.meaning.flags('explicit', 32, status, status);
    }, () => cpu.perform('POPF', image.zeroExtend(64), bytes));
  },
});

export const CLAC = instruction('CLAC', 'Clear AC Flag in EFLAGS Register', {
  encodings: 'NP 0F 01 CA | CLAC', feature: 'SMAP', flags: 'AC is cleared.', exceptions: '#UD if CPL is not 0.', operation(cpu) { cpu.perform('CLAC'); },
});
export const STAC = instruction('STAC', 'Set AC Flag in EFLAGS Register', {
  encodings: 'NP 0F 01 CB | STAC', feature: 'SMAP', flags: 'AC is set.', exceptions: '#UD if CPL is not 0.', operation(cpu) { cpu.perform('STAC'); },
});
