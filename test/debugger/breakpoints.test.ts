import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Conversation, LAB, lab } from './conversation.js';

const RUNNING = { ...LAB, stopOnEntry: false };

describe('breakpoints over the protocol', function () {
  this.timeout(60_000);
  let talk: Conversation;
  beforeEach(() => { talk = new Conversation(); });
  afterEach(() => talk.end());

  it('stop in the source of either world, and say which was hit', async () => {
    const stop = await talk.launch(RUNNING, { breakpoints: [{ path: lab('main.c'), breakpoints: [{ line: 49 }] }, { path: lab('guest/guest.c'), breakpoints: [{ line: 143 }] }] });
    assert.equal(stop.reason, 'breakpoint');
    assert.deepEqual(stop.hitBreakpointIds, [1]);
    assert.equal(await talk.top(), 'main main.c:49');
    assert.deepEqual((await talk.run('continue')).hitBreakpointIds, [2]);
    assert.equal(await talk.top(), 'touch_fresh_memory guest.c:143');
  });

  it('move to the next line with code, and have none where there is none', async () => {
    await talk.launch();
    const { breakpoints } = (await talk.client.setBreakpointsRequest({ source: { path: lab('main.c') }, breakpoints: [{ line: 43 }, { line: 4000 }] })).body;
    assert.equal(breakpoints[0]!.verified, true);
    assert.equal(breakpoints[0]!.line, 44);
    assert.equal(breakpoints[1]!.verified, false);
    assert.match(breakpoints[1]!.message!, /line 4000/);
    const elsewhere = (await talk.client.setBreakpointsRequest({ source: { path: '/nowhere/else.c' }, breakpoints: [{ line: 1 }] })).body.breakpoints[0]!;
    assert.equal(elsewhere.verified, false);
    assert.match(elsewhere.message!, /No program that the debugger knows/);
  });

  it('that come before the program wait, and are told when they have found their place', async () => {
    await talk.client.initializeRequest();
    const { breakpoints } = (await talk.client.setBreakpointsRequest({ source: { path: lab('main.c') }, breakpoints: [{ line: 42 }] })).body;
    assert.equal(breakpoints[0]!.verified, false);
    assert.match(breakpoints[0]!.message!, /waits/);
    const changed = talk.client.waitForEvent('breakpoint');
    const stopped = talk.stop();
    await talk.request('launch', RUNNING);
    assert.equal(((await changed) as DebugProtocol.BreakpointEvent).body.breakpoint.verified, true);
    await talk.client.configurationDoneRequest();
    assert.deepEqual((await stopped).hitBreakpointIds, [breakpoints[0]!.id]);
  });

  it('obey conditions and hit counts', async () => {
    const stop = await talk.launch(RUNNING, { breakpoints: [{ path: lab('guest/guest.c'), breakpoints: [{ line: 143, condition: 'i == 3' }, { line: 145, hitCondition: '5' }] }] });
    assert.deepEqual(stop.hitBreakpointIds, [1]);
    assert.equal(await talk.evaluate('i'), '3');
    assert.deepEqual((await talk.run('continue')).hitBreakpointIds, [2]);
    assert.equal(await talk.evaluate('i'), '4');
  });

  it('log messages with expressions and go on', async () => {
    const stop = await talk.launch(RUNNING, { breakpoints: [{ path: lab('guest/guest.c'), breakpoints: [{ line: 144, logMessage: 'page {i} of {pages}, \\{i\\}, {nothing}' }, { line: 147 }] }] });
    assert.deepEqual(stop.hitBreakpointIds, [2]);
    const logged = talk.outputs.filter(({ output }) => output.startsWith('page '));
    assert.deepEqual(logged.map(({ output }) => output.slice(0, 19)), [0, 1, 2, 3, 4].map((i) => `page ${i} of 5, {i}, <`));
    assert.match(logged[0]!.output, /<'nothing' is not known here/);
    assert.equal(logged[0]!.line, 144);
  });

  it('with a wrong condition or hit count are not verified', async () => {
    await talk.launch();
    const { breakpoints } = (await talk.client.setBreakpointsRequest({ source: { path: lab('main.c') }, breakpoints: [{ line: 42, condition: 'i ==' }, { line: 44, hitCondition: 'often' }] })).body;
    assert.deepEqual(breakpoints.map(({ verified }) => verified), [false, false]);
    assert.match(breakpoints[0]!.message!, /the expression ends/);
    assert.match(breakpoints[1]!.message!, /"often" is none of/);
  });

  it('on functions of either world', async () => {
    await talk.launch();
    const { breakpoints } = await talk.request<{ breakpoints: DebugProtocol.Breakpoint[] }>('setFunctionBreakpoints', { breakpoints: [{ name: 'handle_hlt' }, { name: 'guest!guest_main' }, { name: 'host!guest_main' }, { name: 'no_such_function' }] });
    assert.deepEqual(breakpoints.map(({ verified }) => verified), [true, true, false, false]);
    const first = await talk.run('continue');
    assert.equal(first.reason, 'function breakpoint');
    assert.match(await talk.top(), /^guest_main guest\.c/);
    await talk.run('continue');
    assert.match(await talk.top(), /^handle_hlt exits\.c/);
  });

  it('on instructions', async () => {
    await talk.launch(LAB, { functions: [{ name: 'vmx_enable' }] });
    await talk.run('continue');
    const { instructions } = await talk.request<{ instructions: DebugProtocol.DisassembledInstruction[] }>('disassemble', { memoryReference: (await talk.frames())[0]!.instructionPointerReference, instructionCount: 6 });
    const target = instructions[4]!.address;
    await talk.request('setInstructionBreakpoints', { breakpoints: [{ instructionReference: instructions[0]!.address, offset: Number(BigInt(target) - BigInt(instructions[0]!.address)) }] });
    const stop = await talk.run('continue');
    assert.equal(stop.reason, 'instruction breakpoint');
    assert.equal((await talk.frames())[0]!.instructionPointerReference, target);
  });

  it('can be where lines have code', async () => {
    await talk.launch();
    const { breakpoints } = await talk.request<{ breakpoints: DebugProtocol.BreakpointLocation[] }>('breakpointLocations', { source: { path: lab('main.c') }, line: 40, endLine: 46 });
    assert.deepEqual(breakpoints.map(({ line }) => line), [40, 41, 42, 44, 45]);
  });
});
