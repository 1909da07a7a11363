/** SHA-1 and SHA-256. SDM Vol. 2, "SHA1RNDS4", "SHA256RNDS2" and their kin. */
import type { Value } from '../../meaning/meaning.js';
import { instruction, type Cpu, type Instruction } from '../instruction.js';
import { sse } from './vector.js';

type Words = readonly [Value, Value, Value, Value];
/** Doublewords, the lowest first. */
const words = (cpu: Cpu, a: Value): Words => [0, 1, 2, 3].map((n) => cpu.meaning.wasm('i32x4.extract_lane', 32, [a], n)) as unknown as Words;
const joined = (cpu: Cpu, of: readonly Value[]): Value =>
  of.reduce((v, word, n) => cpu.meaning.wasm('i32x4.replace_lane', 128, [v, word], n), cpu.constant(0, 128));

const choice = (x: Value, y: Value, z: Value): Value => x.and(y).xor(x.not.and(z));
const majority = (x: Value, y: Value, z: Value): Value => x.and(y).xor(x.and(z)).xor(y.and(z));
const parity = (x: Value, y: Value, z: Value): Value => x.xor(y).xor(z);
const rotations = (a: Value, ...by: number[]): Value => by.map((n) => a.rotr(n)).reduce((sum, v) => sum.xor(v));
/** "σ0" and "σ1" of the message schedule: two rotations and a shift. */
const sigma0 = (a: Value): Value => rotations(a, 7, 18).xor(a.shr(3)), sigma1 = (a: Value): Value => rotations(a, 17, 19).xor(a.shr(10));

const SHA1_CONSTANTS = [0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6] as const;
/** Four rounds; imm8 chooses function and constant. The words that are added come from above. */
function sha1Rounds(cpu: Cpu, state: Value, added: Value, round: Value): Value {
  const among = (of: readonly Value[]) => round.bit(1).select(round.bit(0).select(of[3]!, of[2]!), round.bit(0).select(of[1]!, of[0]!));
  const k = among(SHA1_CONSTANTS.map((word) => cpu.constant(word, 32)));
  const w = words(cpu, added);
  let [d, c, b, a] = words(cpu, state), e = cpu.constant(0, 32);
  for (const word of [...w].reverse()) {
    const p = parity(b, c, d), f = among([choice(b, c, d), p, majority(b, c, d), p]);
    [a, b, c, d, e] = [f.add(a.rotl(5)).add(word).add(e).add(k), a, b.rotl(30), c, d];
  }
  return joined(cpu, [d, c, b, a]);
}
/** "SHA256_TWO_ROUNDS": A, B, E, F in the second operand, C, D, G, H in the first; words with constants in XMM0. */
function sha256Rounds(cpu: Cpu, cdgh: Value, abef: Value, added: Value): Value {
  let [f, e, b, a] = words(cpu, abef), [h, g, d, c] = words(cpu, cdgh);
  for (const word of words(cpu, added).slice(0, 2)) {
    const t = choice(e, f, g).add(rotations(e, 6, 11, 25)).add(word).add(h);
    [a, b, c, d, e, f, g, h] = [t.add(majority(a, b, c)).add(rotations(a, 2, 13, 22)), a, b, c, t.add(d), e, f, g];
  }
  return joined(cpu, [f, e, b, a]);
}

interface Sha { readonly name: string; readonly summary: string; readonly encoding: string; readonly more?: string; compute(cpu: Cpu, a: Value, b: Value, third: () => Value): Value }
const INSTRUCTIONS: readonly Sha[] = [
  { name: 'SHA1RNDS4', summary: 'Perform Four Rounds of SHA1 Operation', encoding: 'NP 0F 3A CC /r ib', more: ', imm8', compute: (cpu, a, b, round) => sha1Rounds(cpu, a, b, round()) },
  { name: 'SHA1NEXTE', summary: 'Calculate SHA1 State Variable E After Four Rounds', encoding: 'NP 0F 38 C8 /r',
    compute: (cpu, a, b) => { const [w0, w1, w2, w3] = words(cpu, b); return joined(cpu, [w0, w1, w2, w3.add(words(cpu, a)[3].rotl(30))]); } },
  { name: 'SHA1MSG1', summary: 'Perform an Intermediate Calculation for the Next Four SHA1 Message Dwords', encoding: 'NP 0F 38 C9 /r',
    compute(cpu, a, b) { const [w3, w2, w1, w0] = words(cpu, a), [, , w5, w4] = words(cpu, b); return joined(cpu, [w5.xor(w3), w4.xor(w2), w3.xor(w1), w2.xor(w0)]); } },
  { name: 'SHA1MSG2', summary: 'Perform a Final Calculation for the Next Four SHA1 Message Dwords', encoding: 'NP 0F 38 CA /r',
    compute(cpu, a, b) {
      const [a3, a2, a1, a0] = words(cpu, a), [w15, w14, w13] = words(cpu, b), w16 = a0.xor(w13).rotl(1);
      return joined(cpu, [a3.xor(w16).rotl(1), a2.xor(w15).rotl(1), a1.xor(w14).rotl(1), w16]);
    } },
  { name: 'SHA256RNDS2', summary: 'Perform Two Rounds of SHA256 Operation', encoding: 'NP 0F 38 CB /r', more: ', <XMM0>', compute: (cpu, a, b, added) => sha256Rounds(cpu, a, b, added()) },
  { name: 'SHA256MSG1', summary: 'Perform an Intermediate Calculation for the Next Four SHA256 Message Dwords', encoding: 'NP 0F 38 CC /r',
    compute(cpu, a, b) { const w = [...words(cpu, a), words(cpu, b)[0]]; return joined(cpu, [0, 1, 2, 3].map((i) => w[i]!.add(sigma0(w[i + 1]!)))); } },
  { name: 'SHA256MSG2', summary: 'Perform a Final Calculation for the Next Four SHA256 Message Dwords', encoding: 'NP 0F 38 CD /r',
    compute(cpu, a, b) {
      const [a0, a1, a2, a3] = words(cpu, a), [, , w14, w15] = words(cpu, b), w16 = a0.add(sigma1(w14)), w17 = a1.add(sigma1(w15));
      return joined(cpu, [w16, w17, a2.add(sigma1(w16)), a3.add(sigma1(w17))]);
    } },
];
export const SHA: readonly Instruction[] = INSTRUCTIONS.map(({ name, summary, encoding, more = '', compute }) => instruction(name, summary, {
  encodings: `${encoding} | ${name} xmm1, xmm2/m128${more} | aligned`, feature: 'SHA', flags: 'None affected.',
  operation(cpu, dest, src, third) {
    sse(cpu);
    const b = src!.read(128);
    dest!.write(compute(cpu, dest!.read(), b, () => third!.read()));
  },
}));
