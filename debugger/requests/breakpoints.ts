/** Breakpoints of every kind. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { type BreakpointRequest, type Location, type Resolution } from '../breakpoints.js';
import { linearNumber, type Image } from '../images.js';
import { addressOfLine } from '../listing.js';
import { moved, readMemoryReference } from '../memory-reference.js';
import { RequestError } from '../request-error.js';
import type { RingsideSession } from '../session.js';
import type { Debuggee } from '../debuggee.js';
import type { Handler, Handlers } from './handler.js';

const WAITING: Resolution = { locations: [], message: 'It waits for the program to be launched.' };

/** Asks again when there is a program; until then it waits. */
function whenLaunched(session: RingsideSession, resolve: (debuggee: Debuggee) => Resolution): () => Resolution {
  return () => {
    try {
      return resolve(session.debuggee);
    } catch (error) {
      if (error instanceof RequestError) return session.isLaunched ? { locations: [], message: error.message } : WAITING;
      throw error;
    }
  };
}

/** Lines count from 1 here, and as the client said there. */
const lineFrom = (session: RingsideSession, line: number): number => (session.client.linesStartAt1 === false ? line + 1 : line);
const lineFor = (session: RingsideSession, line: number): number => (session.client.linesStartAt1 === false ? line - 1 : line);

const setBreakpoints: Handler<DebugProtocol.SetBreakpointsArguments, DebugProtocol.SetBreakpointsResponse['body']> = (session, { source, breakpoints = [] }) => {
  const { path, sourceReference } = source;
  const key = path ?? `listing ${sourceReference}`;
  const requests = breakpoints.map(({ line, condition, hitCondition, logMessage }): BreakpointRequest => {
    const asked = lineFrom(session, line);
    const resolve = path === undefined || (sourceReference ?? 0) > 0 ? inListing(session, sourceReference ?? 0, asked) : inSource(session, source, path, asked);
    return { condition, hitCondition, logMessage, resolve };
  });
  return { breakpoints: session.breakpoints.set('breakpoint', key, requests) };
};

function inSource(session: RingsideSession, source: DebugProtocol.Source, path: string, line: number): () => Resolution {
  return whenLaunched(session, ({ sources }) => {
    const files = sources.meaning(path);
    if (files.length === 0) return { locations: [], message: 'No program that the debugger knows has code from this file. Is it built with -g, and named as "program" or in "symbols"?' };
    const found = files.flatMap(({ image, file }) => image.addressesOfLine(file, line).map((entry) => ({ ...entry, world: image.world })));
    const nearest = Math.min(...found.map((entry) => entry.line));
    const there = found.filter((entry) => entry.line === nearest);
    if (there.length === 0) return { locations: [], message: `No code comes from line ${line} or any line after it.` };
    return { locations: there.map(({ address, world }) => ({ linear: linearNumber(address), world })), line: lineFor(session, nearest), source };
  });
}

function inListing(session: RingsideSession, reference: number, line: number): () => Resolution {
  return whenLaunched(session, (debuggee) => {
    const linear = addressOfLine(debuggee.listingOf(reference), line);
    return linear === undefined ? { locations: [], message: `There is no instruction in line ${line}.` } : { locations: [{ linear }], line: lineFor(session, line) };
  });
}

const setFunctionBreakpoints: Handler<DebugProtocol.SetFunctionBreakpointsArguments, DebugProtocol.SetFunctionBreakpointsResponse['body']> = (session, { breakpoints }) => {
  const requests = breakpoints.map(({ name, condition, hitCondition }): BreakpointRequest => ({ condition, hitCondition, logMessage: undefined, resolve: whenLaunched(session, (debuggee) => onFunction(debuggee, name)) }));
  return { breakpoints: session.breakpoints.set('function breakpoint', '', requests) };
};

function onFunction({ images, sources }: Debuggee, name: string): Resolution {
  if (/^\*?\s*0x[0-9a-f]+$/i.test(name.trim())) return { locations: [{ linear: linearNumber(BigInt(name.replace('*', '').trim())) }] };
  const found = images.named(name);
  const first = found[0];
  if (!first) return { locations: [], message: `No program that the debugger knows has a function "${name}".` };
  const locations = found.map(({ image, address }): Location => ({ linear: linearNumber(bodyOf(image, address)), world: image.world }));
  const line = first.image.lineAt(bodyOf(first.image, first.address));
  const path = line && sources.pathOf(first.image, line.file);
  return { locations, ...(line && { line: line.line }), ...(path !== undefined && { source: { path } }) };
}

const bodyOf = (image: Image, address: bigint): bigint => (image.functionAt(address)?.start === address ? image.bodyOf(address) : address);

const setInstructionBreakpoints: Handler<DebugProtocol.SetInstructionBreakpointsArguments, DebugProtocol.SetInstructionBreakpointsResponse['body']> = (session, { breakpoints }) => {
  const requests = breakpoints.map(({ instructionReference, offset = 0, condition, hitCondition }): BreakpointRequest => ({
    condition, hitCondition, logMessage: undefined, resolve: whenLaunched(session, () => atInstruction(instructionReference, offset)),
  }));
  return { breakpoints: session.breakpoints.set('instruction breakpoint', '', requests) };
};

function atInstruction(reference: string, offset: number): Resolution {
  const { space, address } = moved(readMemoryReference(reference), offset);
  if (space === 'guest-physical' || space === 'host-physical') return { locations: [], message: 'Not implemented: breakpoints at physical addresses. Give a linear address.' };
  return { locations: [{ linear: linearNumber(address), ...(space === 'guest linear' && { world: 'guest' as const }) }] };
}

const setExceptionBreakpoints: Handler<DebugProtocol.SetExceptionBreakpointsArguments, DebugProtocol.SetExceptionBreakpointsResponse['body']> = (session, { filters, filterOptions = [] }) => {
  const breakpoints = session.exceptions.set([...filters.map((filterId) => ({ filterId })), ...filterOptions]);
  for (const { verified, message } of breakpoints) if (!verified) session.output(`${message}\n`, 'stderr');
  return { breakpoints };
};

const breakpointLocations: Handler<DebugProtocol.BreakpointLocationsArguments, DebugProtocol.BreakpointLocationsResponse['body']> = (session, { source, line, endLine = line }) => {
  const first = lineFrom(session, line), last = lineFrom(session, endLine);
  const lines = new Set(session.debuggee.sources.meaning(source.path ?? '').flatMap(({ image, file }) => image.symbols.linesOf(file)));
  const within = [...lines].filter((each) => each >= first && each <= last).sort((a, b) => a - b);
  return { breakpoints: within.map((each) => ({ line: lineFor(session, each) })) };
};

export const breakpointRequests: Handlers = { setBreakpoints, setFunctionBreakpoints, setInstructionBreakpoints, setExceptionBreakpoints, breakpointLocations };
