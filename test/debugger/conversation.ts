/** A conversation over the Debug Adapter Protocol with a session in this process, as any editor would hold it. */
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { DebugClient } from '@vscode/debugadapter-testsupport';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { nodeHost } from '../../debugger/files.js';
import { RingsideSession } from '../../debugger/session.js';
import { createMachine } from '../../emulator/machine/machine.js';
import type { Machine } from '../../emulator/machine/contract.js';

export const lab = (name: string): string => fileURLToPath(new URL(`../../labs/first-hypervisor/${name}`, import.meta.url));
export const LAB = { program: lab('hypervisor.elf'), symbols: [{ file: lab('guest.elf'), world: 'guest' }] };

type Stopped = DebugProtocol.StoppedEvent['body'];

export interface Configuration {
  exceptions?: DebugProtocol.ExceptionFilterOptions[];
  breakpoints?: { path: string; breakpoints: DebugProtocol.SourceBreakpoint[] }[];
  functions?: DebugProtocol.FunctionBreakpoint[];
}

export class Conversation {
  readonly client: DebugClient;
  readonly outputs: DebugProtocol.OutputEvent['body'][] = [];
  readonly events: string[] = [];
  readonly progress: { event: string; progressId: string; title?: string; message?: string; cancellable?: boolean }[] = [];
  machine: Machine | undefined;

  /** How long to wait for a stop. */
  constructor(private readonly patience = 30_000) {
    const toSession = new PassThrough(), toClient = new PassThrough();
    const session = new RingsideSession(nodeHost((options) => (this.machine = createMachine(options))));
    session.setRunAsServer(true);
    session.start(toSession, toClient);
    this.client = new DebugClient('', '', 'ringside');
    (this.client as unknown as { connect(from: PassThrough, to: PassThrough): void }).connect(toClient, toSession);
    this.client.on('output', (event: DebugProtocol.OutputEvent) => this.outputs.push(event.body));
    for (const event of ['progressStart', 'progressUpdate', 'progressEnd']) this.client.on(event, ({ body }: { body: { progressId: string } }) => this.progress.push({ event, ...body }));
    for (const name of ['stopped', 'exited', 'terminated', 'invalidated', 'breakpoint']) this.client.on(name, () => this.events.push(name));
  }

  get text(): string {
    return this.outputs.map(({ output }) => output).join('');
  }

  async request<Body>(command: string, args: object = {}): Promise<Body> {
    return ((await this.client.customRequest(command, args)) as { body: Body }).body;
  }

  initialize(): Promise<DebugProtocol.InitializeResponse> {
    return this.client.initializeRequest({ adapterID: 'ringside', linesStartAt1: true, columnsStartAt1: true, pathFormat: 'path', supportsInvalidatedEvent: true, supportsMemoryEvent: true, supportsProgressReporting: true });
  }

  /** Up to the first stop. */
  async launch(launch: object = LAB, { exceptions = [], breakpoints = [], functions = [] }: Configuration = {}): Promise<Stopped> {
    await this.initialize();
    const initialized = this.client.waitForEvent('initialized', this.patience);
    const launched = this.client.customRequest('launch', launch);
    await Promise.race([initialized, launched.then(() => initialized)]);
    for (const { path, breakpoints: asked } of breakpoints) await this.client.setBreakpointsRequest({ source: { path }, breakpoints: asked });
    await this.request('setFunctionBreakpoints', { breakpoints: functions });
    await this.request('setExceptionBreakpoints', { filters: ['triple-fault'], filterOptions: exceptions });
    const stopped = this.stop();
    await this.client.configurationDoneRequest();
    await launched;
    return stopped;
  }

  async stop(): Promise<Stopped> {
    return (await this.client.waitForEvent('stopped', this.patience)).body as Stopped;
  }

  async run(command: 'continue' | 'next' | 'stepIn' | 'stepOut', granularity?: 'instruction' | 'line'): Promise<Stopped> {
    const stopped = this.stop();
    await this.request(command, { threadId: 1, ...(granularity && { granularity }) });
    return stopped;
  }

  async frames(): Promise<DebugProtocol.StackFrame[]> {
    return (await this.client.stackTraceRequest({ threadId: 1 })).body.stackFrames;
  }

  /** The stack as lines of text: name, file and line. */
  async stack(): Promise<string[]> {
    return (await this.frames()).map(({ name, source, line, presentationHint }) => (presentationHint === 'label' ? `«${name}»` : `${name} ${source?.name ?? '?'}:${line}`));
  }

  async top(): Promise<string> {
    return (await this.stack())[0]!;
  }

  async threadName(): Promise<string> {
    return (await this.client.threadsRequest()).body.threads[0]!.name;
  }

  async evaluate(expression: string, context: 'watch' | 'repl' = 'watch', frame = 0): Promise<string> {
    const frameId = (await this.frames())[frame]!.id;
    return (await this.client.evaluateRequest({ expression, context, frameId })).body.result;
  }

  async scope(name: string, frame = 0): Promise<DebugProtocol.Variable[]> {
    const frameId = (await this.frames())[frame]!.id;
    const { scopes } = (await this.client.scopesRequest({ frameId })).body;
    return this.children(scopes.find((scope) => scope.name === name)!.variablesReference);
  }

  async children(variablesReference: number): Promise<DebugProtocol.Variable[]> {
    return (await this.client.variablesRequest({ variablesReference })).body.variables;
  }

  async end(): Promise<void> {
    await this.client.customRequest('disconnect');
  }
}
