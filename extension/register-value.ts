/** What a hover says of a register's value, and which words of a line of assembly the debugger can evaluate. */
import { CR0, CR4, DR6, DR7, namesOfBits, RFLAGS, type BitNames } from '../emulator/observe/bits.js';
import { findRegister, type Register } from '../language/registers.js';

const BITS: Readonly<Record<string, BitNames>> = { rflags: RFLAGS, eflags: RFLAGS, cr0: CR0, cr4: CR4, dr6: DR6, dr7: DR7 };
/** Labels and prefixes before the mnemonic. */
const BEFORE_MNEMONIC = /^\s*(?:[\w.$@?\\]+:\s*)*(?:(?:lock|rep\w*|data16|addr32|bnd|notrack)\s+)*$/i;

/** From the debugger's `0xffff8000 <label+8>`: hexadecimal, decimal, negative where the highest bit is set, and the names of bits. */
export function registerValueText({ name, bits }: Register, answer: string): string {
  const digits = /^0x[0-9a-f]+/i.exec(answer)?.[0];
  if (digits === undefined) return `Now \`${answer}\``;
  const value = BigInt.asUintN(bits, BigInt(digits)), signed = BigInt.asIntN(bits, value);
  const symbol = answer.slice(digits.length).trim();
  const decimal = signed < 0n && bits <= 64 ? `${value} = ${signed}` : `${value}`;
  const names = BITS[name] && namesOfBits(BITS[name])(value);
  return [`Now \`0x${value.toString(16).padStart(bits / 4, '0')}\` = ${decimal}${symbol === '' ? '' : ` \`${symbol}\``}`, ...(names ? [`\`${names}\``] : [])].join('\n\n');
}

/** A symbol among the operands, as the debugger knows it; nothing for mnemonics, directives, registers and numbers. */
export function expressionAt(line: string, start: number, end: number): string | undefined {
  const word = line.slice(start, end).replace(/^%/, '');
  if (!/^[A-Za-z_][\w.]*$/.test(word) || findRegister(word) || BEFORE_MNEMONIC.test(line.slice(0, start))) return undefined;
  return word;
}
