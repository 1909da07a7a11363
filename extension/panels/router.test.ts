import assert from 'node:assert/strict';
import type { MachineState } from './messages.js';
import { route, type PanelDefinition } from './router.js';

const panel: PanelDefinition = { id: 'tlb', title: 'TLB', requests: ['ringside/tlb'], commands: ['ringside.showWalk'] };

function around(state: MachineState, answer: () => Promise<unknown> = () => Promise.resolve({ entries: [] })) {
  const executed: unknown[] = [];
  return { executed, state, request: answer, execute: (command: string, args: unknown[]) => Promise.resolve(executed.push([command, ...args])) };
}

const ask = (request: string) => ({ type: 'ask', id: 4, request, args: {} }) as const;

describe('the route from a panel to the debugger', () => {
  it('tells a new view the state of the machine', async () => {
    assert.deepEqual(await route(panel, { type: 'ready' }, around('running')), { type: 'state', state: 'running' });
  });
  it('answers while the machine stands', async () => {
    assert.deepEqual(await route(panel, ask('ringside/tlb'), around('stopped')), { type: 'answer', id: 4, body: { entries: [] } });
  });
  it('never asks a running machine', async () => {
    const refusing = around('running', () => assert.fail('asked'));
    assert.deepEqual(await route(panel, ask('ringside/tlb'), refusing), { type: 'refused', id: 4, message: 'The machine is running.' });
  });
  it('refuses requests of other panels', async () => {
    const answer = await route(panel, ask('evaluate'), around('stopped'));
    assert.equal(answer?.type, 'refused');
  });
  it("hands on the debugger's own words when it refuses", async () => {
    const answer = await route(panel, ask('ringside/tlb'), around('stopped', () => Promise.reject(new Error('paging is off'))));
    assert.deepEqual(answer, { type: 'refused', id: 4, message: 'paging is off' });
  });
  it('runs only the commands a panel names', async () => {
    const place = around('stopped');
    await route(panel, { type: 'command', command: 'workbench.action.quit', args: [] }, place);
    await route(panel, { type: 'command', command: 'ringside.showWalk', args: ['0x1000'] }, place);
    assert.deepEqual(place.executed, [['ringside.showWalk', '0x1000']]);
  });
});
