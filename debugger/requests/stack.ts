/** Stacks, scopes and variables of a machine that stands, and the details of why it does. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { assign, evaluateNumber } from '../evaluation.js';
import { explainStop } from '../explain.js';
import { linearNumber } from '../images.js';
import { lineOfAddress } from '../listing.js';
import { hex } from '../memory-reference.js';
import { RequestError } from '../request-error.js';
import type { RingsideSession } from '../session.js';
import type { Frame } from '../unwinder.js';
import { notSettable, scopesOf, type Node } from '../variables.js';
import type { Container, Debuggee } from '../debuggee.js';
import { asked } from '../evaluation.js';
import type { Handler, Handlers } from './handler.js';

const stackTrace: Handler<DebugProtocol.StackTraceArguments, DebugProtocol.StackTraceResponse['body']> = (session, { threadId, startFrame = 0, levels }) => {
  const { debuggee } = session;
  debuggee.requireStopped();
  const frames = debuggee.stack(debuggee.processor(threadId));
  const page = frames.slice(startFrame, levels === undefined || levels === 0 ? undefined : startFrame + levels);
  return { stackFrames: page.map((frame) => describeFrame(debuggee, frame)), totalFrames: frames.length };
};

function describeFrame(debuggee: Debuggee, frame: Frame): DebugProtocol.StackFrame {
  const id = debuggee.referTo(frame);
  if (frame.is === 'label') return { id, name: frame.name, line: 0, column: 0, presentationHint: 'label' };
  const { image, line } = frame;
  const shown = { id, name: frame.name, instructionPointerReference: frame.view.live ? hex(frame.address) : `gva:${hex(frame.address)}`, ...(image && { moduleId: image.name }) };
  const path = image && line ? debuggee.sources.pathOf(image, line.file) : undefined;
  if (path !== undefined && line) return { ...shown, line: line.line, column: line.column ?? 1, source: { name: path.replace(/^.*\//, ''), path }, presentationHint: 'normal' };
  const { reference, listing } = debuggee.listing(frame);
  return {
    ...shown,
    line: lineOfAddress(listing, linearNumber(frame.address)) || 1,
    column: 1,
    source: { name: `${listing.title} (disassembly).x86asm`, sourceReference: reference, presentationHint: 'deemphasize' },
    presentationHint: 'subtle',
  };
}

const scopes: Handler<DebugProtocol.ScopesArguments, DebugProtocol.ScopesResponse['body']> = (session, { frameId }) => {
  const { debuggee } = session;
  debuggee.requireStopped();
  const frame = debuggee.frame(frameId);
  if (frame.is === 'label') return { scopes: [] };
  return {
    scopes: scopesOf(frame, debuggee.images).map(({ name, hint, expensive, children }) => ({
      name, expensive, ...(hint !== undefined && { presentationHint: hint }), variablesReference: debuggee.open({ frame, children }),
    })),
  };
};

export function describeNode(debuggee: Debuggee, frame: Frame, node: Node): DebugProtocol.Variable {
  const { name, value, type, evaluateName, memoryReference, namedChildren, indexedChildren, hint, children } = node;
  return {
    name,
    value,
    variablesReference: children ? debuggee.open({ frame, children: (start, count) => children(start, count) }) : 0,
    ...(type !== undefined && { type }),
    ...(evaluateName !== undefined && { evaluateName }),
    ...(memoryReference !== undefined && { memoryReference }),
    ...(namedChildren !== undefined && namedChildren > 0 && { namedVariables: namedChildren }),
    ...(indexedChildren !== undefined && indexedChildren > 0 && { indexedVariables: indexedChildren }),
    ...(hint && { presentationHint: hint }),
  };
}

const variables: Handler<DebugProtocol.VariablesArguments, DebugProtocol.VariablesResponse['body']> = (session, { variablesReference, start, count, format }) => {
  const { debuggee } = session;
  debuggee.requireStopped();
  const container = debuggee.container(variablesReference);
  const nodes = asked(() => container.children(start, count === 0 ? undefined : count, format?.hex));
  return { variables: nodes.map((node) => describeNode(debuggee, container.frame, node)) };
};

const ALL = 1 << 20;

const findNode = (container: Container, name: string): Node => {
  const node = container.children(0, ALL).find((each) => each.name === name);
  if (!node) throw new RequestError(`There is no variable "${name}" here.`);
  return node;
};

const setVariable: Handler<DebugProtocol.SetVariableArguments, DebugProtocol.SetVariableResponse['body']> = (session, { variablesReference, name, value }) => {
  const { debuggee } = session;
  debuggee.requireStopped();
  const container = debuggee.container(variablesReference);
  const node = findNode(container, name);
  const number = evaluateNumber(value, container.frame, debuggee.images);
  const { set } = node;
  if (set) asked(() => { set(number); });
  else if (node.evaluateName !== undefined && node.hint?.attributes?.includes('readOnly') !== true) assign(node.evaluateName, number, container.frame, debuggee.images);
  else throw notSettable(name);
  wrote(session);
  const { value: text, variablesReference: reference, type } = describeNode(debuggee, container.frame, findNode(container, name));
  return { value: text, variablesReference: reference, ...(type !== undefined && { type }) };
};

const setExpression: Handler<DebugProtocol.SetExpressionArguments, DebugProtocol.SetExpressionResponse['body']> = (session, { expression, value, frameId }) => {
  const { debuggee } = session;
  debuggee.requireStopped();
  const frame = debuggee.frame(frameId);
  assign(expression, evaluateNumber(value, frame, debuggee.images), frame, debuggee.images);
  wrote(session);
  return { value: hex(evaluateNumber(expression, frame, debuggee.images)) };
};

/** Everything that was shown before may have changed with it. */
export function wrote(session: RingsideSession): void {
  session.debuggee.changed();
  if (session.client.supportsInvalidatedEvent === true) session.afterResponse(() => { session.send('invalidated', { areas: ['variables', 'stacks'] }); });
}

const exceptionInfo: Handler<DebugProtocol.ExceptionInfoArguments, DebugProtocol.ExceptionInfoResponse['body']> = (session) => {
  const stop = session.debuggee.lastStop;
  if (!stop || stop.reason !== 'exception') throw new RequestError('The machine did not stop because of an event.');
  return explainStop(stop);
};

export const stackRequests: Handlers = { stackTrace, scopes, variables, setVariable, setExpression, exceptionInfo };
