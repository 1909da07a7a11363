/** Running: continue, pause, steps, and the threads that stand for processors. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { describeProcessor } from '../place.js';
import type { Plan } from '../runner.js';
import { runOn, stepInstruction, stepLine, stepOut, type StepContext } from '../stepping.js';
import type { RingsideSession } from '../session.js';
import type { Handler, Handlers } from './handler.js';

const threads: Handler<unknown, DebugProtocol.ThreadsResponse['body']> = (session) => ({
  threads: session.debuggee.machine.processors.map((cpu) => ({ id: cpu.id + 1, name: describeProcessor(cpu) })),
});

const continued: Handler<DebugProtocol.ContinueArguments, DebugProtocol.ContinueResponse['body']> = (session) => {
  session.run(runOn());
  return { allThreadsContinued: true };
};

const pause: Handler<DebugProtocol.PauseArguments> = (session) => {
  session.debuggee.runner.pause();
};

function contextOf(session: RingsideSession): StepContext {
  const { machine, runner, images, options, lastStop } = session.debuggee;
  const event = lastStop?.event;
  const isAwaited = event !== undefined && (event.kind === 'exception' || event.kind === 'interrupt') && event.at === machine.instructions;
  return { machine, runner, images, stopInInterrupts: options.stopInInterrupts, awaited: isAwaited ? event : undefined };
}

/** Without a granularity the client means lines. */
const step = (how: 'into' | 'over'): Handler<DebugProtocol.NextArguments> => (session, { threadId, granularity }) => {
  session.debuggee.requireStopped();
  const { id } = session.debuggee.processor(threadId);
  const context = contextOf(session);
  const plan: Plan = granularity === 'instruction' ? stepInstruction(context, id, how) : stepLine(context, id, how);
  session.run(plan, id);
};

const out: Handler<DebugProtocol.StepOutArguments> = (session, { threadId }) => {
  session.debuggee.requireStopped();
  const { id } = session.debuggee.processor(threadId);
  session.run(stepOut(contextOf(session), id), id);
};

export const runRequests: Handlers = { threads, continue: continued, pause, next: step('over'), stepIn: step('into'), stepOut: out };
