/** Debian’s kernel as a hypervisor, by its own KVM modules: the lab in the debugger as its launch configuration starts it, from the kernel’s first instruction to power-off. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { Conversation } from '../debugger/conversation.js';
import { debianFiles, newestOf } from './debian.js';

const folder = fileURLToPath(new URL('../../labs/kvm', import.meta.url));
const read = (file: string): string => readFileSync(path.join(folder, file), 'utf8');

interface Lab { readonly prepare: string; readonly expectedOutput: string; readonly expectedStatus: number; readonly expectedExits: Readonly<Record<string, number>> }

const KVM = ['kvm_arch_vcpu_ioctl_run', 'kvm_vcpu_ioctl', '__x64_sys_ioctl', 'do_syscall_64', 'entry_SYSCALL_64_after_hwframe'];
const PROGRAM = ['vm_run', 'run', 'run_two_guests', 'main', '_start'];
const GUEST = ['exit_four_times', 'main', 'start'];

describe('Debian’s KVM', function () {
  this.timeout(900_000);
  const lab = JSON.parse(read('lab.json')) as Lab;
  const talk = new Conversation(900_000);
  const names = async (): Promise<string[]> => (await talk.frames()).map(({ name }) => name);
  const launch = (JSON.parse(read('.vscode/launch.json').replaceAll('${workspaceFolder}', folder)) as { configurations: object[] }).configurations[0]!;

  before(async function () {
    const name = newestOf('linux-image-cloud-amd64');
    if (name === undefined || debianFiles(name) === undefined) {
      console.log('left out: linux-image-cloud-amd64 cannot be had from Debian here');
      this.skip();
    }
    execFileSync(process.execPath, [path.join(folder, lab.prepare)]);
    await talk.launch(launch, { exceptions: [{ filterId: 'vm-exit', condition: 'reason == EPT_MISCONFIGURATION' }] });
  });
  after(() => talk.end());

  it('shows at a VM exit the guest, the kernel’s way into it, and the program that asked for it', async () => {
    assert.deepEqual(await names(), ['vmx_vmexit', 'vmx_vcpu_enter_exit', 'vmx_vcpu_run', ...KVM, ...PROGRAM, 'VM exit: EPT misconfiguration', ...GUEST]);
    assert.match(await talk.evaluate('exits', 'repl'), /^CPUID +2 .*\n.*^EPT misconfiguration +1 /ms);
  });

  it('shows them from the kernel’s exit handler as well', async () => {
    await talk.request('setExceptionBreakpoints', { filters: [] });
    await talk.request('setFunctionBreakpoints', { breakpoints: [{ name: 'vmx_handle_exit' }] });
    await talk.run('continue');
    assert.deepEqual(await names(), ['vmx_handle_exit', ...KVM, ...PROGRAM, 'VM exit: EPT misconfiguration', ...GUEST]);
  });

  it('takes the exits that the guests ask for, and measures how they are served', async () => {
    await talk.request('setFunctionBreakpoints', { breakpoints: [{ name: 'power_off' }] });
    await talk.run('continue');
    assert.deepEqual(await names(), ['power_off', 'main', '_start']);
    const { counts } = await talk.request<{ counts: { name: string; count: number; served?: { count: number; least: number; most: number; mostAt: number } }[] }>('ringside/traps', {});
    const exits = new Map(counts.filter(({ name }) => name.startsWith('VM exit: ')).map(({ name, ...rest }) => [name.slice('VM exit: '.length), rest]));
    assert.deepEqual(Object.fromEntries(Object.keys(lab.expectedExits).map((name) => [name, exits.get(name)?.count])), lab.expectedExits);
    const kernel = exits.get('CPUID')!.served!, program = exits.get('EPT misconfiguration')!.served!;
    assert.equal(kernel.count, lab.expectedExits['CPUID']);
    assert.ok(kernel.least < program.least, 'what the kernel serves itself takes less than what the program serves');
    assert.ok(program.least <= program.most && program.mostAt > 0);
  });

  it('loads, and has nothing to complain of', async () => {
    assert.deepEqual((await talk.evaluate('dmesg', 'repl')).split('\n').filter((line) => /kvm|vmx/i.test(line) && !/Kernel command line/.test(line)), []);
  });

  it('runs a guest in real-address mode and one in 64-bit mode to their ends', async () => {
    const exited = talk.client.waitForEvent('exited', 60_000);
    await talk.request('setFunctionBreakpoints', { breakpoints: [] });
    await talk.request('continue', { threadId: 1 });
    assert.equal(((await exited) as DebugProtocol.ExitedEvent).body.exitCode, lab.expectedStatus);
    const said = talk.outputs.filter(({ category }) => category === 'stdout').map(({ output }) => output).join('').replaceAll('\r', '');
    assert.ok(said.includes(read(lab.expectedOutput)), said);
  });
});
