/** Instructions that load segment registers and transfer to other code segments, as operations. */
import { type Sentence, TRAP } from './trap-events.js';
import { deliverEvent, EVENT } from './event-delivery.js';
import { STOP_BEFORE_DELIVERY, VECTORS, vectorName } from './events.js';
import { callFar, jumpFar, returnFar } from './far-transfers.js';
import { interruptReturn } from './interrupt-return.js';
import { gpr, SS } from './layout.js';
import { BLOCKING } from './modes.js';
import type { Operations } from './operations.js';
import type { Processor } from './processor.js';
import { loadSegment } from './segments.js';
import { type OperandBytes, setStackPointer, Stack, stackSize } from './stack.js';
import { checkSoftwareInterrupt } from './virtual-interrupts.js';

/** MOV and POP to SS hold back interrupts and debug exceptions until after the next instruction. */
function shadow(cpu: Processor, index: number): void { if (index === SS) cpu.interruptibility |= BLOCKING.MOV_SS; }

const bytesOf = (size: number): OperandBytes => (size / 8) as OperandBytes;

export const SEGMENT_OPERATIONS: Operations = {
  /** Arguments: segment register, selector. */
  'MOV to Sreg': (cpu) => {
    const index = cpu.argumentLow(0);
    loadSegment(cpu, index, cpu.argumentLow(1) & 0xffff);
    shadow(cpu, index);
  },
  /** Arguments: segment register, selector (already read), operand size. */
  'POP Sreg': (cpu) => {
    const index = cpu.argumentLow(0), width = stackSize(cpu), stack = Stack.current(cpu);
    loadSegment(cpu, index, cpu.argumentLow(1) & 0xffff);
    stack.skip(cpu.argumentLow(2) / 8);
    setStackPointer(cpu, width, stack.pointer);
    shadow(cpu, index);
  },
  /** LDS and its kin. Arguments: segment register, selector, general register, offset, operand size. */
  'load far pointer': (cpu) => {
    loadSegment(cpu, cpu.argumentLow(0), cpu.argumentLow(1) & 0xffff);
    const at = gpr(cpu.argumentLow(2)), size = cpu.argumentLow(4);
    if (size === 16) cpu.view.setUint16(at, cpu.argumentLow(3) & 0xffff, true);
    else cpu.set(at, cpu.argumentLow(3), size === 64 ? cpu.argumentHigh(3) : 0);
  },
  /** Arguments: selector, offset, operand size. */
  'far JMP': (cpu) => jumpFar(cpu, cpu.argumentLow(0) & 0xffff, cpu.argument(1)),
  'far CALL': (cpu) => callFar(cpu, cpu.argumentLow(0) & 0xffff, cpu.argument(1), bytesOf(cpu.argumentLow(2))),
  /** Arguments: operand size, bytes to release. */
  'far RET': (cpu) => returnFar(cpu, bytesOf(cpu.argumentLow(0)), cpu.argumentLow(1) & 0xffff),
  /** Argument: operand size. */
  IRET: (cpu) => interruptReturn(cpu, bytesOf(cpu.argumentLow(0))),
  /** Argument: vector. */
  INT: (cpu) => {
    checkSoftwareInterrupt(cpu, cpu.argumentLow(0));
    software(cpu, cpu.argumentLow(0), EVENT.softwareInterrupt);
  },
  INT3: (cpu) => software(cpu, VECTORS['#BP'], EVENT.softwareException),
  INTO: (cpu) => software(cpu, VECTORS['#OF'], EVENT.softwareException),
  INT1: (cpu) => software(cpu, VECTORS['#DB'], EVENT.privilegedSoftwareException),
};

const BY_INSTRUCTION: Sentence = ({ rip, fields }) => `${vectorName(Number(fields['vector']))} by an instruction at RIP 0x${rip.toString(16)}.`;

function software(cpu: Processor, vector: number, type: number): void {
  const instructionLength = cpu.nextRip - cpu.rip;
  if (type !== EVENT.softwareInterrupt) {
    cpu.intercepts.exception(cpu, vector, undefined, 0, undefined, type);
    const stop = cpu.observer.raise(TRAP.exception, [vector, 0, 0, cpu.rip], BY_INSTRUCTION);
    if (stop) throw STOP_BEFORE_DELIVERY;
  }
  deliverEvent(cpu, { vector, type, errorCode: undefined, instructionLength });
}
