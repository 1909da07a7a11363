/** A session of the Debug Adapter Protocol: one client, one machine. Requests are answered by the tables in requests/. */
import { DebugSession, ExitedEvent, InitializedEvent, OutputEvent, Response, TerminatedEvent } from '@vscode/debugadapter';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { BadImage } from '../emulator/boot/index.js';
import { NotImplemented } from '../emulator/cpu/events.js';
import type { TrapEvent } from '../emulator/cpu/trap-events.js';
import { BootProgress } from './boot-progress.js';
import { BreakpointTable, type Evaluator } from './breakpoints.js';
import { Debuggee } from './debuggee.js';
import { fill, holds, parseOnce } from './evaluation.js';
import { sentenceOf } from './explain.js';
import { ExceptionBreakpoints } from './exception-filters.js';
import { ExpressionError } from './expressions/expression-error.js';
import type { Host } from './host.js';
import { readLaunchArguments, type LaunchArguments } from './launch-arguments.js';
import type { Place } from './place.js';
import { SystemFinder } from './guests/finder.js';
import { SystemTasks } from './guests/task-names.js';
import { RequestError } from './request-error.js';
import { REQUESTS } from './requests/index.js';
import { describeModule } from './requests/modules.js';
import type { Judge, Plan, Stop } from './runner.js';
import { runOn } from './stepping.js';
import { SymbolError } from './symbols/symbol-error.js';
import { innermostFrame } from './unwinder.js';

/** Exit codes that the machine's last word gives the session, as the command line does. */
export const TRIPLE_FAULT_STATUS = 4;
export const exitStatus = (value: number): number => ((value << 1) | 1) & 0xff;

export class RingsideSession extends DebugSession implements Evaluator, Judge {
  readonly breakpoints = new BreakpointTable(this);
  readonly exceptions = new ExceptionBreakpoints();
  /** What `initialize` told about the client. */
  client: DebugProtocol.InitializeRequestArguments = { adapterID: 'ringside' };
  private launched: Debuggee | undefined;
  private finder: SystemFinder | undefined;
  /** Programs that the client was told of. */
  private announced: ReadonlySet<string> = new Set();
  private progress: BootProgress | undefined;
  private closing: Promise<void> = Promise.resolve();
  private readonly afterwards: (() => void)[] = [];
  private isConfigured = false;
  private ended = false;

  constructor(readonly host: Host) {
    super();
  }

  get debuggee(): Debuggee {
    if (!this.launched) throw new RequestError('Nothing has been launched yet.');
    return this.launched;
  }

  get isLaunched(): boolean {
    return this.launched !== undefined;
  }

  /** Done once the answer to the present request has been sent. */
  afterResponse(action: () => void): void {
    this.afterwards.push(action);
  }

  protected override dispatchRequest(request: DebugProtocol.Request): void {
    void this.answer(request);
  }

  private async answer(request: DebugProtocol.Request): Promise<void> {
    const response = new Response(request) as DebugProtocol.Response;
    try {
      const handler = Object.hasOwn(REQUESTS, request.command) ? REQUESTS[request.command] : undefined;
      if (!handler) throw new RequestError(`Not implemented: the request "${request.command}".`);
      const body = handler(this, (request.arguments ?? {}) as never);
      const settled: unknown = body instanceof Promise ? await body : body;
      if (settled !== undefined) response.body = settled;
    } catch (error) {
      response.success = false;
      response.message = this.explain(error);
      response.body = { error: { id: 1, format: response.message.replaceAll('{', '(').replaceAll('}', ')'), showUser: true } };
    }
    this.sendResponse(response);
    for (const action of this.afterwards.splice(0)) {
      try {
        action();
      } catch (error) {
        this.output(`${this.explain(error)}\n`, 'stderr');
      }
    }
  }

  private explain(error: unknown): string {
    const isExpected = error instanceof RequestError || error instanceof SymbolError || error instanceof BadImage || error instanceof NotImplemented;
    if (error instanceof Error && (isExpected || error.cause !== undefined)) return error.message;
    const text = error instanceof Error ? error.message : String(error);
    this.output(`Internal error: ${error instanceof Error ? (error.stack ?? text) : text}\n`, 'stderr');
    return `Internal error: ${text}`;
  }

  async launch(given: unknown): Promise<void> {
    if (this.launched) throw new RequestError('This session has launched a machine already.');
    const options = readLaunchArguments(given);
    if (this.client.supportsProgressReporting === true) this.progress = new BootProgress(options.program, (event, body) => { this.send(event, body); }, () => this.host.now());
    try {
      await this.load(options);
    } catch (error) {
      this.progress?.end();
      throw error;
    }
  }

  private async load(options: LaunchArguments): Promise<void> {
    const debuggee = await Debuggee.launch(options, this.host, this, {
      output: (text, category) => { this.output(text, category); },
      stopped: (stop) => { this.stopped(stop); },
      served: () => { this.served(); },
    });
    if (this.progress?.cancelled === true) {
      await debuggee.close();
      throw new RequestError('The start was cancelled.');
    }
    this.launched = debuggee;
    if (debuggee.images.systems.length === 0) this.progress?.end();
    for (const note of debuggee.notes) this.output(`${note}\n`, 'console');
    if (!options.noDebug) {
      const { machine, images } = debuggee, tasks = new SystemTasks(images);
      this.exceptions.attach(machine, { fault: (path) => tasks.fault(path), value: (event, path) => tasks.value(machine.processors[event.cpu]!, path) });
      this.finder = new SystemFinder(machine, debuggee.runner, images);
      this.finder.watch();
      this.announced = new Set(images.all.map(({ name }) => name));
      this.placeBreakpoints();
    }
    this.sendEvent(new InitializedEvent());
    if (this.isConfigured) this.afterResponse(() => { this.begin(); });
  }

  /** A guest has loaded or unloaded programs. */
  private programsChanged(): void {
    const { all } = this.debuggee.images, names = new Set(all.map(({ name }) => name));
    for (const image of all) if (!this.announced.has(image.name)) this.send('module', { reason: 'new', module: describeModule(image) });
    for (const id of this.announced) if (!names.has(id)) this.send('module', { reason: 'removed', module: { id, name: id } });
    this.announced = names;
    this.placeBreakpoints();
  }

  /** A client wants what is shown as progress to end. */
  cancel(progress: string): void {
    if (this.progress?.id !== progress || this.progress.ended) return;
    this.progress.cancel();
    if (this.launched) this.end(0, 'The start was cancelled.');
  }

  /** A boot has ended when the machine waits for somebody. */
  private served(): void {
    if (this.debuggee.waits) this.progress?.end();
    else this.progress?.update(this.debuggee.machine.instructions);
  }

  private placeBreakpoints(): void {
    for (const breakpoint of this.breakpoints.attach(this.debuggee.runner)) this.send('breakpoint', { reason: 'changed', breakpoint });
  }

  /** Some clients have done before there is a program. */
  configured(): void {
    this.isConfigured = true;
    if (this.launched) this.afterResponse(() => { this.begin(); });
  }

  private begin(): void {
    const { options } = this.debuggee;
    if (options.stopOnEntry && !options.noDebug) this.debuggee.runner.start(stopAtEntry());
    else this.run(runOn());
  }

  /** Lets the machine run by a plan, unless it has had its last word. */
  run(plan: Plan, stepped?: number): void {
    const { runner, lastStop } = this.debuggee;
    this.debuggee.requireStopped();
    if (this.ended) throw new RequestError('The session has ended.');
    if (lastStop?.end?.kind === 'triple fault') {
      this.end(TRIPLE_FAULT_STATUS, 'The processor is shut down after the triple fault: the session ends.');
      return;
    }
    this.debuggee.forget();
    runner.start(plan, stepped);
  }

  restart(given: unknown): void {
    const { debuggee } = this;
    debuggee.restart();
    this.breakpoints.restart();
    if (this.finder) {
      this.finder.watch();
      this.programsChanged();
    }
    const stopOnEntry = given === undefined ? debuggee.options.stopOnEntry : readLaunchArguments(given).stopOnEntry;
    this.afterResponse(() => {
      debuggee.lastStop = undefined;
      debuggee.runner.start(stopOnEntry ? stopAtEntry() : runOn());
    });
  }

  end(status: number, why: string): void {
    if (this.ended) return;
    this.ended = true;
    this.launched?.runner.abandon();
    this.launched?.flushOutput();
    this.progress?.end();
    this.closing = this.launched?.close() ?? this.closing;
    if (why !== '') this.output(`${why}\n`, 'console');
    this.sendEvent(new ExitedEvent(status));
    this.sendEvent(new TerminatedEvent());
  }

  /** When all that is outside has been let go. */
  get closed(): Promise<void> { return this.closing; }

  output(text: string, category: string): void {
    this.sendEvent(new OutputEvent(text, category));
  }

  send(event: string, body: unknown): void {
    this.sendEvent({ seq: 0, type: 'event', event, body } as DebugProtocol.Event);
  }

  private stopped(stop: Stop): void {
    const { end } = stop;
    this.progress?.end();
    if (end?.kind === 'exit') {
      this.end(exitStatus(end.value), `${stop.description} Exit status ${exitStatus(end.value)}.`);
      return;
    }
    if (end?.kind === 'power-off' || end?.kind === 'reset') {
      this.end(0, stop.description);
      return;
    }
    if (end?.kind === 'triple fault') {
      this.output(`${stop.description}\n${end.autopsy.map((line) => `  ${line}\n`).join('')}`, 'stderr');
      if (!this.exceptions.wantsTripleFaults) {
        this.end(TRIPLE_FAULT_STATUS, '');
        return;
      }
    } else if (stop.reason === 'exception' || end) {
      this.output(`${stop.description}\n`, 'console');
    }
    if (this.finder?.refresh(stop.cpu) === true) this.programsChanged();
    this.send('stopped', {
      reason: stop.reason === 'end' ? 'pause' : stop.reason,
      description: stop.description,
      ...(stop.reason === 'exception' && { text: stop.description }),
      threadId: stop.cpu + 1,
      allThreadsStopped: true,
      ...(stop.hitBreakpointIds && { hitBreakpointIds: stop.hitBreakpointIds }),
    });
  }

  breakpoint(place: Place): Stop | undefined {
    if (this.finder?.reached(place) === true) this.programsChanged();
    return this.breakpoints.judge(place);
  }

  event(event: TrapEvent): Stop | undefined {
    if (this.finder?.hasFound() === true) this.placeBreakpoints();
    if (event.kind === 'triple fault' || this.exceptions.wanting(event).length === 0) return undefined;
    return { reason: 'exception', cpu: event.cpu, description: sentenceOf(event), event };
  }

  isTrue(condition: string, cpu: number): boolean {
    return holds(condition, this.innermost(cpu), this.debuggee.images);
  }

  fill(message: string, cpu: number): string {
    return fill(message, this.innermost(cpu), this.debuggee.images);
  }

  check(condition: string): void {
    try {
      parseOnce(condition);
    } catch (error) {
      throw error instanceof ExpressionError ? new RequestError(`The condition "${condition}" is wrong: ${error.message}.`) : error;
    }
  }

  log(text: string, place: Place): void {
    const { images, sources } = this.debuggee;
    const image = images.at(place.world, BigInt.asUintN(64, BigInt(place.rip)));
    const line = image?.lineAt(BigInt.asUintN(64, BigInt(place.rip)));
    const path = image && line && sources.pathOf(image, line.file);
    this.send('output', { category: 'console', output: text, ...(path !== undefined && { source: { path }, line: line!.line }) });
  }

  private innermost(cpu: number) {
    return innermostFrame(this.debuggee.machine.processors[cpu]!, this.debuggee.images);
  }
}

// eslint-disable-next-line require-yield
function* stopAtEntry(): Plan {
  return { reason: 'entry', cpu: 0, description: 'Paused on entry' };
}
