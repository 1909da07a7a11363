/** The life of a session: what it can do, launch, restart, and its end. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { exceptionBreakpointsFilters } from '../exception-filters.js';
import { RequestError } from '../request-error.js';
import type { Handler, Handlers } from './handler.js';

const initialize: Handler<DebugProtocol.InitializeRequestArguments, DebugProtocol.Capabilities> = (session, args) => {
  session.client = args;
  return {
    supportsConfigurationDoneRequest: true,
    supportsFunctionBreakpoints: true,
    supportsConditionalBreakpoints: true,
    supportsHitConditionalBreakpoints: true,
    supportsLogPoints: true,
    supportsInstructionBreakpoints: true,
    supportsBreakpointLocationsRequest: true,
    supportsExceptionFilterOptions: true,
    supportsExceptionInfoRequest: true,
    exceptionBreakpointFilters: exceptionBreakpointsFilters,
    supportsEvaluateForHovers: true,
    supportsClipboardContext: true,
    supportsSetVariable: true,
    supportsSetExpression: true,
    supportsCompletionsRequest: true,
    completionTriggerCharacters: ['$', '.', ' '],
    supportsReadMemoryRequest: true,
    supportsWriteMemoryRequest: true,
    supportsDisassembleRequest: true,
    supportsSteppingGranularity: true,
    supportsRestartRequest: true,
    supportsTerminateRequest: true,
    supportTerminateDebuggee: true,
    supportsLoadedSourcesRequest: true,
    supportsModulesRequest: true,
    supportsDelayedStackTraceLoading: true,
    supportsValueFormattingOptions: true,
    supportsCancelRequest: true,
  };
};

const launch: Handler<unknown> = (session, args) => session.launch(args);

const attach: Handler<unknown> = () => {
  throw new RequestError('There is nothing to attach to: the machine lives inside the debugger. Use a launch configuration.');
};

const configurationDone: Handler<unknown> = (session) => {
  session.configured();
};

const restart: Handler<{ arguments?: unknown }> = (session, args) => { session.restart(args.arguments); };

const terminate: Handler<unknown> = (session) => {
  session.afterResponse(() => { session.end(0, ''); });
};

/** Requests themselves are not cancelled: they are short. */
const cancel: Handler<DebugProtocol.CancelArguments> = (session, { progressId }) => {
  if (progressId !== undefined) session.cancel(progressId);
};

const disconnect: Handler<unknown> = (session) => {
  session.afterResponse(() => {
    session.end(0, '');
    void session.closed.finally(() => { session.shutdown(); });
  });
};

export const lifeRequests: Handlers = { initialize, launch, attach, configurationDone, restart, terminate, cancel, disconnect };
