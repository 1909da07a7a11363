import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { PageTableRequests } from '../../extension/panels/page-tables/protocol.js';
import type { TlbRequests } from '../../extension/panels/tlb/protocol.js';
import type { TrapRequests } from '../../extension/panels/traps/protocol.js';
import type { VmcsRequests } from '../../extension/panels/vmcs/protocol.js';
import { Conversation, LAB } from './conversation.js';

/** Right after the guest's first EPT violation on fresh memory: both worlds have something to show. */
describe('looking at a machine that stands', function () {
  this.timeout(60_000);
  const talk = new Conversation();
  before(async () => {
    await talk.launch({ ...LAB, stopOnEntry: false }, { exceptions: [{ filterId: 'ept-violation', condition: 'gpa == 0x800000' }] });
  });
  after(() => talk.end());

  const named = (variables: readonly DebugProtocol.Variable[], name: string): DebugProtocol.Variable => variables.find((each) => each.name === name)!;
  const GUEST = 5;

  it('shows registers by group', async () => {
    const frameId = (await talk.frames())[0]!.id;
    const { scopes } = (await talk.client.scopesRequest({ frameId })).body;
    assert.deepEqual(scopes.map(({ name }) => name), ['Locals', 'General', 'Flags', 'Segments', 'Control', 'Debug', 'SSE', 'x87', 'MSRs', 'VMCS']);
    assert.deepEqual(scopes.filter(({ expensive }) => expensive).map(({ name }) => name), ['Debug', 'SSE', 'x87', 'MSRs', 'VMCS']);
    assert.match(named(await talk.scope('Control'), 'CR0').value, /^0x0000000080000031 PE ET NE PG$/);
    assert.match(named(await talk.scope('Segments'), 'CS').value, /64-bit code, DPL 0$/);
    assert.match(named(await talk.scope('MSRs'), 'IA32_EFER').value, /^0x500$/);
    assert.equal(named(await talk.scope('Flags'), 'IF').value, '0');
  });

  it('shows the VMCS by group, each field with its bits', async () => {
    const groups = await talk.scope('VMCS');
    assert.deepEqual(groups.map(({ name }) => name), ['VM-exit information', 'Guest segments', 'Guest state', 'Host state', 'VM-entry controls', 'VM-exit controls', 'VM-execution controls']);
    const information = await talk.children(groups[0]!.variablesReference);
    assert.equal(named(information, 'exit reason').value, '0x30 EPT violation');
    const controls = await talk.children(groups[6]!.variablesReference);
    const secondary = await talk.children(named(controls, 'secondary processor-based VM-execution controls').variablesReference);
    assert.equal(named(secondary, 'enable EPT').value, '1');
  });

  it('evaluates in the frames of both worlds', async () => {
    assert.equal(await talk.evaluate('$vmcs.exit_reason'), '0x30');
    assert.match(await talk.evaluate('$rip'), /^0x[0-9a-f]+ <vm_enter\+0x5e>$/);
    assert.equal(await talk.evaluate('pages', 'watch', GUEST), '5');
    assert.equal(await talk.evaluate('2 * 3 + 1'), '7');
    assert.equal(await talk.evaluate('gpa u64[0x400000] == 0x7473657567'), '1');
    assert.equal(await talk.evaluate('vm.launched'), 'true');
    await assert.rejects(talk.evaluate('no_such_name'), /'no_such_name' is not known here/);
    await assert.rejects(talk.evaluate('1 +'), /the expression ends here/i);
  });

  it('reads memory in every space, without effects', async () => {
    const hash = talk.machine!.stateHash();
    const read = (memoryReference: string, count: number, offset = 0) => talk.request<DebugProtocol.ReadMemoryResponse['body'] & object>('readMemory', { memoryReference, count, offset });
    const MAGIC = Buffer.from('guest\0\0\0').toString('base64');
    assert.equal((await read('gpa:0x400000', 8)).data, MAGIC);
    assert.equal((await read('gva:0x400008', 8, -8)).data, MAGIC);
    const eptp = BigInt(await talk.evaluate('$vmcs.ept_pointer'));
    assert.ok((await read(`hpa:0x${(eptp & ~0xfffn).toString(16)}`, 16)).data);
    const missing = await read('gpa:0x7ffff8', 16);
    assert.equal(missing.data, undefined);
    assert.equal(missing.unreadableBytes, 16);
    const beyond = await read('hpa:0x3fffff8', 16);
    assert.equal(Buffer.from(beyond.data!, 'base64').length, 8);
    assert.equal(beyond.unreadableBytes, 8);
    await assert.rejects(read('somewhere', 1), /"somewhere" is not a memory reference/);
    assert.equal(talk.machine!.stateHash(), hash);
  });

  it('disassembles forwards and backwards, with symbols and lines', async () => {
    const here = (await talk.frames())[0]!.instructionPointerReference!;
    const { instructions } = await talk.request<{ instructions: DebugProtocol.DisassembledInstruction[] }>('disassemble', { memoryReference: here, instructionOffset: -5, instructionCount: 12 });
    assert.equal(instructions.length, 12);
    assert.equal(instructions[5]!.address, here);
    assert.equal(instructions[5]!.instruction, 'push rdi');
    assert.equal(instructions[2]!.instruction, 'vmresume');
    assert.equal(instructions[5]!.line, 83);
    const guest = await talk.request<{ instructions: DebugProtocol.DisassembledInstruction[] }>('disassemble', { memoryReference: 'gva:0x400020', instructionCount: 2 });
    assert.match(guest.instructions[0]!.instruction, /^lgdt /);
    assert.equal(guest.instructions[0]!.symbol, 'guest_entry');
    const nowhere = await talk.request<{ instructions: DebugProtocol.DisassembledInstruction[] }>('disassemble', { memoryReference: 'gpa:0x800000', instructionOffset: -3, instructionCount: 6 });
    assert.equal(nowhere.instructions.length, 6);
    assert.ok(nowhere.instructions.every(({ presentationHint }) => presentationHint === 'invalid'));
  });

  it('completes commands, registers, fields and names', async () => {
    const complete = async (text: string) => (await talk.request<{ targets: DebugProtocol.CompletionItem[] }>('completions', { text, column: text.length + 1 })).targets.map(({ label }) => label);
    assert.ok((await complete('tra')).includes('traps'));
    assert.ok((await complete('$gdtr')).includes('$gdtr_base'));
    assert.ok((await complete('handle_h')).includes('handle_hlt'));
    assert.ok((await complete('vmcs.guest_ri')).includes('guest_rip'));
  });

  it('answers console commands', async () => {
    const repl = (text: string) => talk.evaluate(text, 'repl');
    assert.match(await repl('help'), /walk ADDRESS/);
    assert.match(await repl('vmcs exit reason'), /exit reason = 0x30 EPT violation/);
    assert.match(await repl('vmcs qualification'), /exit qualification = 0x181 \(read/);
    assert.match(await repl('state'), /^\d+ instructions, state hash [0-9a-f]+$/);
    assert.match(await repl('vmcs'), /^VMCS at 0x[0-9a-f]+, launched\nVM-exit information\n/);
    const walk = await repl('walk 0x800000');
    assert.match(walk, /PML4E +at 0x403000 \(host 0x[0-9a-f]+\)/);
    assert.match(walk, /To read linear 0x800000 causes an EPT violation with qualification 0x181/);
    assert.match(await repl('pt 0x400000'), /PDE +0x[0-9a-f]+ = 0x4000a3|PDE/);
    assert.match(await repl('tlb'), /^\d+ entries\n/);
    assert.match(await repl('traps'), /VM exit: EPT violation/);
    assert.match(await repl('vmcs.guest_rip'), /^0x4002de/);
  });

  it('serves the panels in the shapes that they expect', async () => {
    const vmcs = await talk.request<VmcsRequests['ringside/vmcs']['body']>('ringside/vmcs');
    assert.equal(vmcs.present, true);
    assert.equal(vmcs.launchState, 'launched');
    assert.equal(vmcs.groups.flatMap(({ fields }) => fields).find(({ name }) => name === 'guest RIP')!.value, '0x4002de');
    assert.deepEqual(vmcs.failedChecks, []);

    const walk = await talk.request<PageTableRequests['ringside/walk']['body']>('ringside/walk', { linear: '0x400000', access: 'write', space: 'linear' });
    assert.equal(walk.outcome.kind, 'mapped');
    assert.deepEqual(walk.steps.filter(({ stage }) => stage === 'guest').map(({ name, level }) => [name, level]), [['PML4E', 4], ['PDPTE', 3], ['PDE', 2]]);
    assert.ok(walk.steps.some(({ stage, for: served }) => stage === 'ept' && served !== undefined));

    const root = await talk.request<PageTableRequests['ringside/pageTable']['body']>('ringside/pageTable', { root: 'guest' });
    assert.equal(root.levels, 4);
    assert.equal(root.entries.length, 512);
    const pointers = await talk.request<PageTableRequests['ringside/pageTable']['body']>('ringside/pageTable', { root: 'guest', table: root.entries[0]!.target, level: 3 });
    const directory = await talk.request<PageTableRequests['ringside/pageTable']['body']>('ringside/pageTable', { root: 'guest', table: pointers.entries[0]!.target, level: 2 });
    assert.deepEqual([directory.entries[2]!.linear, directory.entries[2]!.target, directory.entries[2]!.leaf, directory.entries[2]!.size], ['0x400000', '0x400000', true, 0x200000]);
    assert.equal(root.entries[256]!.linear, '0xffff800000000000');
    const ept = await talk.request<PageTableRequests['ringside/pageTable']['body']>('ringside/pageTable', { root: 'ept' });
    assert.equal(ept.entries[0]!.present, true);

    const { entries } = await talk.request<TlbRequests['ringside/tlb']['body']>('ringside/tlb');
    assert.ok(entries.length > 0);
    const traps = await talk.request<TrapRequests['ringside/traps']['body']>('ringside/traps', { filter: 'reason == EPT_VIOLATION', start: 0, count: 10 });
    assert.equal(traps.total, talk.machine!.ledger.counts.exits.get(48));
    assert.equal(traps.rows[0]!.name, 'VM exit: EPT violation');
    assert.ok(traps.counts.some(({ name, count }) => name === 'VM exit: CPUID' && count === 1));
    await assert.rejects(talk.request('ringside/walk', { linear: 'x' }), /"linear" must be an address/);
  });

  it('lists sources, and gives listings where there are none', async () => {
    const { sources } = await talk.request<{ sources: DebugProtocol.Source[] }>('loadedSources');
    assert.ok(sources.some(({ path }) => path?.endsWith('/labs/first-hypervisor/guest/guest.c')));
  });
});

describe('changing a machine that stands', function () {
  this.timeout(60_000);

  it('sets registers, variables, fields and memory', async () => {
    const talk = new Conversation();
    await talk.launch({ ...LAB, stopOnEntry: false }, { exceptions: [{ filterId: 'vm-exit', condition: 'reason == CPUID' }] });
    const setVariable = async (scope: string, name: string, value: string) => {
      const frameId = (await talk.frames())[0]!.id;
      const { scopes } = (await talk.client.scopesRequest({ frameId })).body;
      return (await talk.client.setVariableRequest({ variablesReference: scopes.find((each) => each.name === scope)!.variablesReference, name, value })).body.value;
    };
    assert.equal(await setVariable('General', 'R15', '0x1234 + 1'), '0x0000000000001235');
    assert.equal(await talk.evaluate('$r15'), '0x1235');
    assert.equal(await setVariable('Flags', 'CF', '1'), '1');
    await assert.rejects(setVariable('Control', 'CR0', '0x80000000'), /The processor refuses this value: #GP/);
    await assert.rejects(setVariable('Control', 'EFER', '0'), /cannot be changed/);

    await talk.evaluate('vm.status = 77', 'repl');
    assert.equal(await talk.evaluate('vm.status'), '77');
    await talk.evaluate('$vmcs.guest_rsp = 0x401000', 'repl');
    assert.equal(await talk.evaluate('$vmcs.guest_rsp'), '0x401000');
    await assert.rejects(talk.evaluate('5 = 6', 'repl'), /cannot be changed/);

    const written = await talk.request<{ bytesWritten: number }>('writeMemory', { memoryReference: 'gpa:0x400000', data: Buffer.from('hello').toString('base64') });
    assert.equal(written.bytesWritten, 5);
    const { data } = await talk.request<{ data: string }>('readMemory', { memoryReference: 'gva:0x400000', count: 5 });
    assert.equal(Buffer.from(data, 'base64').toString(), 'hello');
    assert.ok(talk.events.includes('invalidated'));
    await talk.end();
  });
});
