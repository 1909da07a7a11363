/** Watches, hovers and the debug console. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { CONSOLE_COMMANDS, findCommand } from '../console-commands.js';
import type { Debuggee } from '../debuggee.js';
import { assign, evaluateNode, evaluateNumber } from '../evaluation.js';
import { scopeOf } from '../frame-scope.js';
import type { Frame } from '../unwinder.js';
import { describeNode, wrote } from './stack.js';
import type { Handler, Handlers } from './handler.js';

/** `rax = 5`, but no comparison. */
const ASSIGNMENT = /^\s*([^=!<>]+?)\s*=(?!=)\s*(.+)$/s;

const evaluate: Handler<DebugProtocol.EvaluateArguments, DebugProtocol.EvaluateResponse['body']> = (session, { expression, frameId, context, format }) => {
  const { debuggee } = session;
  const frame = frameOf(debuggee, frameId);
  if (context === 'repl') {
    const found = findCommand(expression);
    if (found) return { result: found.command.run(debuggee, found.argument, frame), variablesReference: 0 };
    const [, target, value] = ASSIGNMENT.exec(expression) ?? [];
    if (target !== undefined && value !== undefined) {
      debuggee.requireStopped();
      assign(target, evaluateNumber(value, frame, debuggee.images), frame, debuggee.images);
      wrote(session);
      return answer(debuggee, frame, target, format?.hex ?? false);
    }
  }
  return answer(debuggee, frame, expression, format?.hex ?? false);
};

/** A frame that is gone, or a label between two worlds, gives way to the place where the processor stands. */
function frameOf(debuggee: Debuggee, frameId: number | undefined): Frame {
  const frame = debuggee.frame(frameId);
  return frame.is === 'label' ? debuggee.frame() : frame;
}

function answer(debuggee: Debuggee, frame: Frame, expression: string, inHex: boolean): DebugProtocol.EvaluateResponse['body'] {
  const node = evaluateNode(expression.trim(), frame, debuggee.images, inHex);
  const { value, variablesReference, type, memoryReference, namedVariables, indexedVariables } = describeNode(debuggee, frame, node);
  return {
    result: value, variablesReference,
    ...(type !== undefined && { type }),
    ...(memoryReference !== undefined && { memoryReference }),
    ...(namedVariables !== undefined && { namedVariables }),
    ...(indexedVariables !== undefined && { indexedVariables }),
  };
}

const MOST_COMPLETIONS = 200;

const completions: Handler<DebugProtocol.CompletionsArguments, DebugProtocol.CompletionsResponse['body']> = (session, { text, column, frameId }) => {
  const { debuggee } = session;
  const frame = frameOf(debuggee, frameId);
  const firstColumn = session.client.columnsStartAt1 === false ? 0 : 1;
  const before = text.slice(0, column - firstColumn);
  const [, object, prefix] = /(?:(\$?\w+)\.)?(\$?\w*)$/.exec(before)!;
  const scope = scopeOf(frame, debuggee.images);
  const targets: DebugProtocol.CompletionItem[] = [];
  const seen = new Set<string>();
  const offer = (label: string, type: DebugProtocol.CompletionItemType): void => {
    if (targets.length >= MOST_COMPLETIONS || seen.has(label) || !label.toLowerCase().startsWith(prefix!.replace('$', '').toLowerCase())) return;
    seen.add(label);
    targets.push({ label: prefix!.startsWith('$') ? `$${label}` : label, type, start: before.length - prefix!.length + firstColumn, length: prefix!.length });
  };
  if (object !== undefined) {
    const value = scope.name(object);
    if (value?.is === 'object') for (const name of scope.memberNames(value)) offer(name, 'field');
    return { targets };
  }
  if (before.trim() === prefix) for (const name of Object.keys(CONSOLE_COMMANDS)) offer(name, 'keyword');
  for (const name of scope.names()) offer(name, 'variable');
  return { targets };
};

export const consoleRequests: Handlers = { evaluate, completions };
