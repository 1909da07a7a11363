/** VM exits and entries have plain cases in generated code: with them and without, a hypervisor that does all sorts of things between ends in the same state, and the ledger tells the same. */
import assert from 'node:assert/strict';
import { S } from '../../emulator/cpu/layout.js';
import type { PersonalComputer } from '../../emulator/machine/machine.js';
import { AT, type Fields, type TestProcessor, PROCESSOR, PROCESSOR_2, CONTROLS } from '../../emulator/vmx/test-processor.js';
import { type FieldName, VMCS_FIELDS } from '../../emulator/vmx/vmcs-fields.js';
import { Random } from '../fuzz/random.js';
import { vmxMachine, writeVmcs } from './vmx-machine.js';

const SNIPPETS = 64, SNIPPET_BYTES = 64, HOST_SNIPPETS = 0x24000, GUEST_SNIPPETS = 0x26000, DESCRIPTOR = 0x28000, DATA_PAGE = 0x34000;
const INSTRUCTIONS = 20_000;

const words = (n: number, bytes: number): number[] => Array.from({ length: bytes }, (_, i) => Math.floor(n / 2 ** (8 * i)) & 0xff);
const movEax = (n: number): number[] => [0xb8, ...words(n, 4)], movEdx = (n: number): number[] => [0xba, ...words(n, 4)];
const jump = (from: number, to: number): number[] => [0xe9, ...words(to - from - 5 + 2 ** 32, 4)];
const encodingOf = (name: FieldName): number => VMCS_FIELDS.find((field) => field.name === name)!.encoding;
/** RDX = encoding; VMWRITE of RAX. */
const write = (name: FieldName, value: number): number[] => [...movEax(value), ...movEdx(encodingOf(name)), 0x0f, 0x79, 0xd0];
const READ_RAX = [0x0f, 0x78, 0xd0], READ_RCX = [0x0f, 0x78, 0xd1], CPUID = [0x0f, 0xa2], VMCALL = [0x0f, 0x01, 0xc1], HLT = [0xf4], VMRESUME = [0x0f, 0x01, 0xc3];
/** invvpid rax, [DESCRIPTOR]; invept likewise. */
const invalidate = (opcode: number, type: number): number[] => [...movEax(type), 0x66, 0x0f, 0x38, opcode, 0x04, 0x25, ...words(DESCRIPTOR, 4)];
const RELOAD_CR3 = [0x0f, 0x20, 0xd8, 0x0f, 0x22, 0xd8], TOGGLE_PGE = [0x0f, 0x20, 0xe0, 0x34, 0x80, 0x0f, 0x22, 0xe0];
const touch = (random: Random): number[] => [random.chance(2) ? 0x01 : 0x03, 0x34, 0x25, ...words(DATA_PAGE + 0x1000 * random.below(8), 4)];
const invlpg = (random: Random): number[] => [0x0f, 0x01, 0x3c, 0x25, ...words(DATA_PAGE + 0x1000 * random.below(8), 4)];

/** What the hypervisor does at an exit, once it has moved the guest on. */
const inHost = (random: Random): number[] => random.pick<() => number[]>([
  () => [], () => [], () => [], () => touch(random), () => touch(random), () => invlpg(random), () => RELOAD_CR3, () => TOGGLE_PGE, () => CPUID,
  () => write('guest RFLAGS', random.pick([2, 0x202, 0x40002, 0x8d7])), () => write('guest RSP', AT.guestStack - 16 * random.below(8)),
  () => write('TSC offset', random.below(1000)), () => write('exception bitmap', random.below(4)), () => write('host RSP', AT.hostStack - 16 * random.below(8)),
  () => write('guest FS base', random.below(4096)), () => write('guest CR3', AT.pml4), () => write('guest DR7', random.pick([0x400, 0x401])), () => write('host FS base', random.below(9)),
  () => write('VM-entry interruption-information field', random.pick([0x80000306, 0])),
  () => invalidate(0x81, random.pick([1, 2, 3])), () => invalidate(0x80, 2), () => [...movEax(random.pick([0x400, 0x400, 0x401])), 0x0f, 0x23, 0xf8],
])();
const inGuest = (random: Random): number[] => [
  ...random.pick<() => number[]>([
    () => [], () => [], () => touch(random), () => touch(random), () => invlpg(random), () => RELOAD_CR3, () => [0xfa], () => [0xfb, 0x90], () => [...movEax(16), 0x8e, 0xd8], () => [0x9c, 0x9d],
    () => [0x0f, 0x23, 0xff], () => [0x83, 0xc0, 0x7f],
  ])(),
  ...random.pick<() => number[]>([() => CPUID, () => CPUID, () => HLT, () => [...movEax(random.below(300)), ...VMCALL]])(),
];

function program(t: TestProcessor, random: Random): void {
  const nextGuestRip = [...movEdx(encodingOf('guest RIP')), ...READ_RAX, ...movEdx(encodingOf('VM-exit instruction length')), ...READ_RCX, 0x48, 0x01, 0xc8, ...movEdx(encodingOf('guest RIP')), 0x0f, 0x79, 0xd0];
  // inc r15d; mov eax, r15d; and eax, 63; shl eax, 6; add eax, HOST_SNIPPETS; jmp rax
  t.code(AT.hostRip, ...nextGuestRip, 0x41, 0xff, 0xc7, 0x44, 0x89, 0xf8, 0x83, 0xe0, SNIPPETS - 1, 0xc1, 0xe0, 6, 0x05, ...words(HOST_SNIPPETS, 4), 0xff, 0xe0);
  for (let n = 0; n < SNIPPETS; n++) {
    t.code(HOST_SNIPPETS + SNIPPET_BYTES * n, ...inHost(random), ...VMRESUME, 0xeb, 0xfe);
    const guest = GUEST_SNIPPETS + SNIPPET_BYTES * n, body = inGuest(random);
    t.code(guest, ...body, ...jump(guest + body.length, GUEST_SNIPPETS + SNIPPET_BYTES * ((n + 1) % SNIPPETS)));
  }
  t.put64(DESCRIPTOR, 1n);
}

/** In VMX non-root operation, the VMCS being launched; R15 counts in the host. */
function start(seed: number): PersonalComputer {
  const machine = vmxMachine((t) => program(t, new Random(seed)));
  const vpid = PROCESSOR_2['enable VPID'] | (seed % 2 === 0 ? 0 : PROCESSOR_2['enable EPT']);
  const fields: Fields = {
    'guest RIP': GUEST_SNIPPETS, 'primary processor-based VM-execution controls': (CONTROLS.primary | PROCESSOR['HLT exiting']) >>> 0, 'secondary processor-based VM-execution controls': vpid,
    'host RIP': AT.hostRip, 'CR4 guest/host mask': 0x2000,
  };
  writeVmcs(machine, fields);
  return machine;
}

interface End { readonly events: readonly string[]; readonly counts: unknown; readonly raised: number; readonly hash: string }
function run(seed: number, plain: boolean, pauses: boolean): End {
  const machine = start(seed), random = new Random(seed), { observer } = machine.cpu, raise = observer.raise.bind(observer);
  let raised = 0;
  observer.raise = (kind, values, says) => {
    if (kind <= 1) raised++;
    return raise(kind, values, says);
  };
  if (!plain) for (const kind of ['VM exit', 'VM entry', 'hypercall'] as const) machine.conditions.add({ kind, test: () => false });
  while (machine.instructions < INSTRUCTIONS) {
    const left = INSTRUCTIONS - machine.instructions, stop = pauses && random.chance(3) ? machine.step(0) : machine.run(pauses ? Math.min(left, 1 + random.below(500)) : left);
    assert.equal(stop.kind, 'budget', JSON.stringify(stop));
  }
  const events = machine.ledger.since(0).map(({ says, ...event }) => JSON.stringify({ ...event, said: says() }));
  return { events, counts: machine.ledger.counts, raised, hash: machine.stateHash() };
}

function alike(a: End, b: End): void {
  const n = a.events.findIndex((event, i) => event !== b.events[i]);
  if (n >= 0) assert.equal(a.events[n], b.events[n], `event ${n} of those that are kept`);
  assert.deepEqual(a.counts, b.counts);
  assert.equal(a.hash, b.hash);
}

describe('VM exits and entries in generated code', function () {
  this.timeout(60_000);
  for (let seed = 1; seed <= 6; seed++) {
    it(`do what TypeScript does, hypervisor ${seed}`, () => {
      const plain = run(seed, true, false), slow = run(seed, false, false);
      alike(plain, slow);
      assert.ok(slow.raised > 500 && plain.raised < 0.9 * slow.raised, `${plain.raised} of ${slow.raised} transitions were raised by TypeScript`);
      alike(run(seed, true, true), plain);
    });
  }

  it('tell the registers of the guest at its last exit', () => {
    const machine = start(1);
    while (machine.cpu.nonRoot || machine.instructions < 1000) assert.equal(machine.step(0).kind, 'budget');
    assert.equal(machine.cpu.big(S.guestVmcs), BigInt(AT.vmcs));
  });
});
