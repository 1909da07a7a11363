/** The details of an event that stopped the machine, decoded, for the editor's exception widget. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { vectorName } from '../emulator/cpu/events.js';
import type { TrapEvent } from '../emulator/cpu/trap-events.js';
import { namesOfBits } from '../emulator/observe/bits.js';
import { decodeQualification } from '../emulator/observe/qualification.js';
import { exitReason } from '../emulator/vmx/exit-reasons.js';
import { hex } from './memory-reference.js';
import type { Stop } from './runner.js';

const PAGE_FAULT = namesOfBits([['P (a right is missing)', 0], ['W (write)', 1], ['U (user mode)', 2], ['RSVD (reserved bit set)', 3], ['I (instruction fetch)', 4], ['PK', 5], ['SS', 6]]);
const SELECTOR = namesOfBits([['EXT', 0], ['IDT', 1], ['TI', 2], ['selector index', 3, 13]]);
const PAGE_FAULT_VECTOR = 14;

/** `VM exit: EPT violation`, `#PF`, `hypercall 5`. */
export function nameOfEvent({ kind, fields }: TrapEvent): string {
  switch (kind) {
    case 'VM exit': return `VM exit: ${exitReason(Number(fields['reason']))?.name ?? `reason ${fields['reason']}`}`;
    case 'exception': return vectorName(Number(fields['vector']));
    case 'interrupt': return `interrupt ${hex(Number(fields['vector']))}`;
    case 'hypercall': return `hypercall ${fields['nr']}`;
    default: return kind;
  }
}

/** One sentence: what happened, and why. */
export function sentenceOf(event: TrapEvent): string {
  const says = event.says();
  switch (event.kind) {
    case 'VM exit':
    case 'VM-entry failure':
      return says.startsWith(event.kind) ? says : `${event.kind}, ${says}`;
    case 'hypercall':
      return `Hypercall ${event.fields['nr']}: ${says}`;
    default:
      return says.slice(0, 1).toUpperCase() + says.slice(1);
  }
}

const MEANINGS: Readonly<Record<string, (value: number, event: TrapEvent) => string | undefined>> = {
  reason: (value) => exitReason(value)?.name,
  qualification: (value, { fields }) => decodeQualification(Number(fields['reason']), BigInt(value)),
  vector: (value) => vectorName(value),
  error: (value, { kind, fields }) => (kind !== 'exception' ? undefined : fields['vector'] === PAGE_FAULT_VECTOR ? PAGE_FAULT(BigInt(value)) || 'not present, read, supervisor' : SELECTOR(BigInt(value))),
};

export function fieldLines(event: TrapEvent): string[] {
  return Object.entries(event.fields).map(([name, value]) => {
    if (typeof value === 'string') return `${name} = ${value}`;
    const meaning = MEANINGS[name]?.(value, event);
    return `${name} = ${hex(Math.trunc(value))}${meaning === undefined || meaning === '' ? '' : ` (${meaning})`}`;
  });
}

export function explainStop(stop: Stop): DebugProtocol.ExceptionInfoResponse['body'] {
  const { event, end, description } = stop;
  const autopsy = end?.kind === 'triple fault' ? end.autopsy : [];
  const exceptionId = event ? nameOfEvent(event) : (end?.kind ?? 'exception');
  const lines = event ? [...fieldLines(event), `at RIP ${hex(event.rip)}, ${event.world}, after ${event.at} instructions`] : autopsy;
  return {
    exceptionId,
    description,
    breakMode: 'always',
    details: { message: description, typeName: exceptionId, fullTypeName: exceptionId, stackTrace: lines.join('\n') },
  };
}
