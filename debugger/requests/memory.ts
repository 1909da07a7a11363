/** Memory and code by memory reference. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Processor } from '../../emulator/cpu/processor.js';
import type { Debuggee } from '../debuggee.js';
import { memoryOf } from '../frame-scope.js';
import { linearNumber } from '../images.js';
import { annotated, codeBefore, codeFrom, type CodeLine } from '../listing.js';
import { hex, moved, readMemoryReference, writeMemoryReference, type MemoryReference } from '../memory-reference.js';
import { RequestError } from '../request-error.js';
import { guestView, liveView, type View } from '../view.js';
import { wrote } from './stack.js';
import type { Handler, Handlers } from './handler.js';

const MOST_BYTES = 1 << 24;

const stoppedProcessor = ({ machine, lastStop }: Debuggee): Processor => machine.processors[lastStop?.cpu ?? 0]!;

const readMemory: Handler<DebugProtocol.ReadMemoryArguments, DebugProtocol.ReadMemoryResponse['body']> = ({ debuggee }, { memoryReference, offset = 0, count }) => {
  if (!Number.isInteger(count) || count < 0 || count > MOST_BYTES) throw new RequestError(`${count} bytes cannot be read at once: ask for 0 to ${MOST_BYTES}.`);
  const from = moved(readMemoryReference(memoryReference), offset);
  const { bytes, unreadable } = memoryOf(stoppedProcessor(debuggee), from.space).read(linearNumber(from.address), count);
  return { address: addressText(from), ...(bytes.length > 0 && { data: toBase64(bytes) }), ...(unreadable > 0 && { unreadableBytes: unreadable }) };
};

const writeMemory: Handler<DebugProtocol.WriteMemoryArguments, DebugProtocol.WriteMemoryResponse['body']> = (session, { memoryReference, offset = 0, allowPartial = false, data }) => {
  const { debuggee } = session;
  const to = moved(readMemoryReference(memoryReference), offset);
  const bytes = fromBase64(data);
  const memory = memoryOf(stoppedProcessor(debuggee), to.space);
  const address = linearNumber(to.address);
  const { bytes: present, why } = memory.read(address, bytes.length);
  if (present.length < bytes.length && !allowPartial) throw new RequestError(`${writeMemoryReference(to)} cannot be written: ${why}.`);
  const { written } = memory.write(address, bytes.subarray(0, present.length));
  wrote(session);
  if (session.client.supportsMemoryEvent === true) session.afterResponse(() => { session.send('memory', { memoryReference, offset, count: written }); });
  return { offset, bytesWritten: written };
};

const addressText = ({ address }: MemoryReference): string => hex(address);

/** The code of a space as the processor that stopped would run it. */
function viewOf(debuggee: Debuggee, reference: MemoryReference): View {
  const cpu = stoppedProcessor(debuggee);
  const live = liveView(cpu);
  if (reference.space === 'linear') return live;
  if (reference.space === 'guest linear') return cpu.nonRoot ? live : guestView(cpu);
  return { ...live, memory: memoryOf(cpu, reference.space) };
}

const disassemble: Handler<DebugProtocol.DisassembleArguments, DebugProtocol.DisassembleResponse['body']> = ({ debuggee }, { memoryReference, offset = 0, instructionOffset = 0, instructionCount }) => {
  if (!Number.isInteger(instructionCount) || instructionCount < 0 || instructionCount > 100_000) throw new RequestError(`${instructionCount} instructions cannot be disassembled at once.`);
  const reference = moved(readMemoryReference(memoryReference), offset);
  const view = viewOf(debuggee, reference);
  const before = instructionOffset < 0 ? codeBefore(view, debuggee.images, reference.address, -instructionOffset) : [];
  const after = codeFrom(view, reference.address, Math.max(0, instructionOffset + instructionCount));
  const lines = instructionOffset < 0 ? [...before, ...after].slice(0, instructionCount) : after.slice(instructionOffset);
  return { instructions: describeLines(debuggee, view, lines) };
};

function describeLines(debuggee: Debuggee, view: View, lines: readonly CodeLine[]): DebugProtocol.DisassembledInstruction[] {
  let lastPath: string | undefined, lastLine: number | undefined;
  return lines.map(({ address, instruction }) => {
    if (!instruction) return { address: hex(address), instruction: '(memory that cannot be read)', presentationHint: 'invalid' as const };
    const image = debuggee.images.at(view.world, address);
    const line = image?.lineAt(address);
    const path = image && line && debuggee.sources.pathOf(image, line.file);
    const isNew = path !== undefined && (path !== lastPath || line!.line !== lastLine);
    const located = isNew && { ...(path !== lastPath && { location: { name: path.replace(/^.*\//, ''), path } }), line: line!.line, ...(line!.column !== undefined && { column: line!.column }) };
    [lastPath, lastLine] = [path, line?.line];
    const start = debuggee.images.functionAt(view.world, address);
    return {
      address: hex(address),
      instructionBytes: Array.from(instruction.bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' '),
      instruction: annotated(instruction, view, debuggee.images),
      ...(start?.start === address && { symbol: start.name }),
      ...(!instruction.valid && { presentationHint: 'invalid' as const }),
      ...located,
    };
  });
}

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}

function fromBase64(text: string): Uint8Array {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    throw new RequestError('The data to be written is not in Base64.');
  }
}

export const memoryRequests: Handlers = { readMemory, writeMemory, disassemble };
