/** Applies unwind rules to a frame: its canonical frame address, and its caller's registers. */
import type { RegisterRule } from './call-frame-program.js';
import type { UnwindRule } from './call-frames.js';
import type { DwarfSections } from './dwarf-sections.js';
import { stackPointerName } from './dwarf-registers.js';
import { evaluateNumber, littleEndian, type ExpressionEnvironment, type FrameContext } from './location-expression.js';

export interface CallerFrame extends FrameContext {
  readonly returnAddress: bigint;
  /** Where to look up the caller's line and variables: inside the call instruction, not behind it. */
  readonly address: bigint;
}

export function cfaOf(rule: UnwindRule, frame: FrameContext, sections: DwarfSections): bigint | undefined {
  const { cfa, addressSize } = rule;
  if (cfa.is === 'expression') return evaluateNumber(sections.expression(cfa.expression), plainEnvironment(frame, addressSize));
  const base = frame.register(cfa.register);
  return base === undefined ? undefined : BigInt.asUintN(8 * addressSize, base + cfa.offset);
}

export function callerOf(rule: UnwindRule, frame: FrameContext, sections: DwarfSections): CallerFrame | undefined {
  const { addressSize, registers } = rule;
  const cfa = frame.cfa ?? cfaOf(rule, frame, sections);
  if (cfa === undefined) return undefined;
  const load = (address: bigint | undefined): bigint | undefined => {
    const bytes = address === undefined ? undefined : frame.read(BigInt.asUintN(8 * addressSize, address), addressSize);
    return bytes?.length === addressSize ? littleEndian(bytes) : undefined;
  };
  const computed = (expression: Uint8Array) => evaluateNumber(sections.expression(expression), plainEnvironment(frame, addressSize), [cfa]);
  const apply = (name: string, registerRule: RegisterRule): bigint | undefined => {
    switch (registerRule.is) {
      case 'undefined':
        return undefined;
      case 'same value':
        return frame.register(name);
      case 'saved':
        return load(cfa + registerRule.offset);
      case 'value':
        return BigInt.asUintN(8 * addressSize, cfa + registerRule.offset);
      case 'register':
        return frame.register(registerRule.register);
      case 'saved at':
        return load(computed(registerRule.expression));
      case 'value of':
        return computed(registerRule.expression);
    }
  };
  const returnRule = registers.get(rule.returnAddress);
  const returnAddress = returnRule && apply(rule.returnAddress, returnRule);
  if (returnAddress === undefined) return undefined;
  return {
    returnAddress,
    address: rule.isSignalFrame ? returnAddress : returnAddress - 1n,
    register(name) {
      const registerRule = registers.get(name);
      if (registerRule) return apply(name, registerRule);
      return name === stackPointerName(addressSize) ? cfa : frame.register(name);
    },
    read: (address, bytes) => frame.read(address, bytes),
  };
}

/** Frame addresses are computed from registers and memory alone. */
function plainEnvironment(frame: FrameContext, addressSize: number): ExpressionEnvironment {
  return {
    addressSize,
    register: (name) => frame.register(name),
    read: (address, bytes) => frame.read(address, bytes),
    frameBase: () => undefined,
    cfa: () => undefined,
    indexedAddress: () => undefined,
  };
}
