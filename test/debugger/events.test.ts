import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Conversation, LAB, lab } from './conversation.js';
import { HANDLER, TICKING } from './ticking.js';

const RUNNING = { ...LAB, stopOnEntry: false };

describe('exception breakpoints over the protocol', function () {
  this.timeout(60_000);
  let talk: Conversation;
  beforeEach(() => { talk = new Conversation(); });
  afterEach(() => talk.end());

  const stopAt = (filterId: string, condition?: string) => talk.launch(RUNNING, { exceptions: [{ filterId, ...(condition !== undefined && { condition }) }] });
  const details = async (): Promise<DebugProtocol.ExceptionInfoResponse['body']> => talk.request('exceptionInfo', { threadId: 1 });

  it('offer filters with conditions, triple faults switched on', async () => {
    const { body } = await talk.client.initializeRequest();
    const filters = body!.exceptionBreakpointFilters!;
    for (const name of ['vm-exit', 'vm-entry', 'vm-entry-failure', 'hypercall', 'page-fault', 'exception', 'interrupt', 'ept-violation', 'ept-misconfiguration', 'triple-fault']) {
      const filter = filters.find((each) => each.filter === name);
      assert.ok(filter, name);
      assert.equal(filter.supportsCondition, true);
      assert.match(filter.conditionDescription!, /For example: /);
      assert.equal(filter.default, name === 'triple-fault');
    }
  });

  it('stop right after a VM exit, with the stacks of both worlds', async () => {
    const stop = await stopAt('vm-exit', 'reason == CPUID');
    assert.equal(stop.reason, 'exception');
    assert.equal(stop.text, 'VM exit, CPUID: CPUID exits always.');
    assert.equal(await talk.threadName(), 'CPU 0 · 64-bit · ring 0 · VMX root');
    assert.deepEqual(await talk.stack(), [
      'vm_enter entry.S:83', 'run_guest main.c:34', 'main main.c:52', 'start64 boot.S:74', '«VM exit: CPUID»',
      'cpuid cpu.h:12', 'meet_the_hypervisor guest.c:124', 'guest_main guest.c:162', 'guest_entry guest.S:29',
    ]);
    assert.equal((await details()).exceptionId, 'VM exit: CPUID');
  });

  it('stop at an EPT violation by its guest-physical address, and decode the qualification', async () => {
    const stop = await stopAt('ept-violation', 'gpa in 0x800000..+0x1000000');
    assert.match(stop.text!, /^VM exit, EPT violation: .*0x800000.*not present/);
    const { details: more } = await details();
    assert.match(more!.stackTrace!, /gpa = 0x800000\b/);
    assert.match(more!.stackTrace!, /qualification = 0x181 \(read, where the EPT allows nothing; at the translation of the guest-linear address\)/);
    assert.equal((await talk.stack()).at(5), 'touch_fresh_memory guest.c:143');
  });

  it('stop at the hypercall of a number', async () => {
    const stop = await stopAt('hypercall', 'nr == 99');
    assert.match(stop.text!, /^Hypercall 99: /);
    assert.equal((await talk.stack()).at(5), 'hypercall guest.c:17');
    assert.equal(await talk.evaluate('$rax', 'watch', 5), '0x63');
  });

  it('stop before a page fault is delivered, and then let it be delivered once', async () => {
    const stop = await stopAt('page-fault', 'error & 2 && cr2 >= 0xffff800000000000');
    assert.match(stop.text!, /^#PF\(0x2\) for address 0xffff800000000000 at RIP 0x[0-9a-f]+: PML4E at .* is not present/);
    assert.equal(await talk.top(), 'use_the_heap guest.c:151');
    assert.equal(await talk.evaluate('$cr2'), '0x0');
    await talk.run('stepIn');
    assert.equal(await talk.top(), 'page_fault_entry guest.S:46');
    await talk.run('stepOut');
    assert.equal(await talk.top(), 'use_the_heap guest.c:151');
    const again = await talk.run('continue');
    assert.match(again.text!, /for address 0xffff800000001000/);
    assert.equal(talk.machine!.ledger.counts.exceptions.get(14), 2);
    await talk.request('setExceptionBreakpoints', { filters: [] });
    await talk.run('next');
    assert.match(await talk.top(), /^use_the_heap guest\.c:15[23]$/);
  });

  it('stop at the guest’s first instruction after a VM entry', async () => {
    const stop = await stopAt('vm-entry');
    assert.match(stop.text!, /^VMLAUNCH enters the guest at RIP 0x400020/);
    assert.equal(await talk.threadName(), 'CPU 0 · 64-bit · ring 0 · VMX non-root');
    assert.deepEqual(await talk.stack(), ['guest_entry guest.S:20']);
  });

  it('refuse a wrong condition by name, in the response and as output', async () => {
    await talk.launch();
    const { breakpoints } = await talk.request<{ breakpoints: DebugProtocol.Breakpoint[] }>('setExceptionBreakpoints', {
      filters: ['hypercall'], filterOptions: [{ filterId: 'vm-exit', condition: 'reson == 5' }, { filterId: 'page-fault', condition: 'error &' }, { filterId: 'vm-exits' }],
    });
    assert.deepEqual(breakpoints.map(({ verified }) => verified), [true, false, false, false]);
    assert.match(breakpoints[1]!.message!, /The condition "reson == 5" of VM exits is wrong: 'reson' is not a field of a VM exit; did you mean 'reason'\?/);
    assert.match(breakpoints[2]!.message!, /The condition "error &" of Page faults is wrong/);
    assert.match(breakpoints[3]!.message!, /There is no filter "vm-exits"/);
    assert.match(talk.text, /did you mean 'reason'\?/);
    const stop = await talk.run('continue');
    assert.match(stop.text!, /^Hypercall 1: /);
  });

  it('cost the machine nothing but the stop: the guest runs on as if it had not happened', async () => {
    await stopAt('page-fault');
    await talk.request('setExceptionBreakpoints', { filters: [] });
    const exited = talk.client.waitForEvent('exited');
    await talk.request('continue', { threadId: 1 });
    assert.equal(((await exited) as DebugProtocol.ExitedEvent).body.exitCode, 1);
    assert.match(talk.text, /#PF: squares on the heap sum up to 14, after 4 page faults/);
  });

  it('stop with the autopsy of a triple fault, and end the session when it goes on', async () => {
    await talk.launch(RUNNING, { functions: [{ name: 'vmx_enable' }] });
    const stopped = talk.stop();
    await talk.client.customRequest('evaluate', { expression: '$idtr_limit = 0', context: 'repl' });
    await talk.client.customRequest('evaluate', { expression: '$cr4 = 0x20', context: 'repl' });
    await talk.client.customRequest('evaluate', { expression: '$rsp = 0x8000000000000000', context: 'repl' });
    await talk.request('continue', { threadId: 1 });
    const stop = await stopped;
    assert.equal(stop.reason, 'exception');
    assert.match(stop.text!, /^Triple fault: the processor shuts down/);
    const { exceptionId, details: more } = await details();
    assert.equal(exceptionId, 'triple fault');
    assert.ok(more!.stackTrace!.split('\n').length >= 3, more!.stackTrace);
    const exited = talk.client.waitForEvent('exited');
    await talk.request('continue', { threadId: 1 });
    assert.equal(((await exited) as DebugProtocol.ExitedEvent).body.exitCode, 4);
  });
});

describe('stepping over the protocol', function () {
  this.timeout(60_000);

  it('crosses from handler to guest and back', async () => {
    const talk = new Conversation();
    await talk.launch(RUNNING, { exceptions: [{ filterId: 'vm-exit', condition: 'reason == CPUID' }] });
    assert.equal((await talk.run('stepOut')).reason, 'step');
    assert.equal(await talk.top(), 'meet_the_hypervisor guest.c:125');
    for (const line of [126, 127, 128]) {
      await talk.run('next');
      assert.equal(await talk.top(), `meet_the_hypervisor guest.c:${line}`);
    }
    await talk.run('stepIn');
    assert.match(await talk.top(), /^print guest\.c:2\d$/);
    await talk.run('stepOut');
    assert.match(await talk.top(), /^meet_the_hypervisor guest\.c:12[89]$/);
    await talk.run('next');
    assert.match(talk.text, /guest\| CPUID: my hypervisor is/);
    await talk.end();
  });

  it('honours the granularity', async () => {
    const talk = new Conversation();
    await talk.launch(LAB, { breakpoints: [{ path: lab('main.c'), breakpoints: [{ line: 42 }] }] });
    await talk.run('continue');
    const address = async (): Promise<number> => Number((await talk.frames())[0]!.instructionPointerReference);
    const before = await address();
    await talk.run('next', 'instruction');
    const after = await address();
    assert.ok(after > before && after - before <= 15);
    await talk.run('next', 'line');
    assert.match(await talk.top(), /^main main\.c:4[45]$/);
    await talk.end();
  });
});

describe('events that go wrong', function () {
  this.timeout(60_000);

  it('a VM entry that fails says which rule the guest state breaks, and so does the panel before', async () => {
    const talk = new Conversation();
    await talk.launch(RUNNING, { exceptions: [{ filterId: 'vm-exit', condition: 'reason == HLT' }] });
    await talk.evaluate('$vmcs.guest_rflags = 0', 'repl');
    const { failedChecks } = await talk.request<{ failedChecks: { says: string; field: string }[] }>('ringside/vmcs');
    assert.deepEqual(failedChecks.map(({ field }) => field), ['guest RFLAGS']);
    await talk.request('setExceptionBreakpoints', { filters: ['vm-entry-failure'] });
    const stop = await talk.run('continue');
    assert.match(stop.text!, /^VM-entry failure due to invalid guest state: .*RFLAGS/);
    assert.match((await talk.stack())[4]!, /«VM exit: VM-entry failure due to invalid guest state»/);
    await talk.end();
  });

  it('an interrupt stops the machine before it is delivered, and each only once', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'ringside-'));
    const program = path.join(folder, 'ticking.img');
    await writeFile(program, TICKING);
    const talk = new Conversation();
    const stop = await talk.launch({ program, stopOnEntry: false }, { exceptions: [{ filterId: 'interrupt', condition: 'vector == 0x20' }] });
    assert.match(stop.text!, /^External interrupt, vector 32\.$/);
    const ticks = async (): Promise<string> => talk.evaluate('$dx');
    assert.notEqual((await talk.frames())[0]!.instructionPointerReference, `0x${HANDLER.toString(16)}`);
    const before = Number(await ticks());
    await talk.run('continue');
    assert.equal(Number(await ticks()), before + 1);
    await talk.run('next', 'instruction');
    assert.notEqual((await talk.frames())[0]!.instructionPointerReference, `0x${HANDLER.toString(16)}`);
    assert.equal(Number(await ticks()), before + 2, 'a step over it runs through the handler');
    await talk.run('continue');
    await talk.run('stepIn', 'instruction');
    assert.equal((await talk.frames())[0]!.instructionPointerReference, `0x${HANDLER.toString(16)}`, 'a step into it goes into the handler');
    await talk.end();
    await rm(folder, { recursive: true });
  });
});
