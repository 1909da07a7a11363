/** Parameters, locals and globals: their types, and where their values are in a given frame. */
import type { CallFrames } from './call-frames.js';
import { AT, TAG } from './dwarf-constants.js';
import type { Die } from './dwarf-die.js';
import { evaluateLocation, evaluateNumber, type ExpressionEnvironment, type FrameContext, type Place } from './location-expression.js';
import { listedExpression } from './location-lists.js';
import type { TypeReader } from './type-reader.js';
import { isSigned, type Type } from './types.js';
import { cfaOf } from './unwind.js';

export interface Location {
  /** Where the value is when the processor stands at the frame's address. */
  in(frame: FrameContext): Place;
}

export interface Variable {
  readonly name: string;
  readonly kind: 'parameter' | 'local' | 'global';
  readonly type: Type;
  readonly location: Location;
}

export function variableOf(die: Die, kind: Variable['kind'], subprogram: Die | undefined, types: TypeReader, frames: CallFrames): Variable | undefined {
  const name = die.name;
  if (name === undefined) return undefined;
  return {
    name,
    kind,
    get type() {
      return types.ofAttribute(die);
    },
    location: { in: (frame) => placeOf(die, subprogram, types, frames, frame) },
  };
}

/** The variables that scopes declare, the innermost first. `scopes` runs from the outermost inwards. */
export function variablesOf(scopes: readonly Die[], subprogram: Die | undefined, types: TypeReader, frames: CallFrames): Variable[] {
  return scopes.toReversed().flatMap((scope) =>
    scope.children.flatMap((child) => {
      if (child.tag !== TAG.formalParameter && child.tag !== TAG.variable) return [];
      if (child.flag(AT.declaration)) return [];
      return variableOf(child, child.tag === TAG.formalParameter ? 'parameter' : 'local', subprogram, types, frames) ?? [];
    }),
  );
}

function placeOf(die: Die, subprogram: Die | undefined, types: TypeReader, frames: CallFrames, frame: FrameContext): Place {
  const constant = die.bearer(AT.constValue);
  if (constant && !die.has(AT.location)) return constantPlace(constant, types.ofAttribute(die));
  const bearer = die.bearer(AT.location);
  const expression = bearer && expressionAt(bearer, AT.location, frame.address);
  if (!bearer || !expression) return { is: 'optimized out' };
  const { info } = bearer.unit;
  return evaluateLocation(info.sections.expression(expression), environmentOf(bearer, subprogram, frames, frame));
}

function environmentOf(die: Die, subprogram: Die | undefined, frames: CallFrames, frame: FrameContext): ExpressionEnvironment {
  const { unit } = die;
  const { sections } = unit.info;
  const cfa = () => {
    if (frame.cfa !== undefined) return frame.cfa;
    const rule = frames.at(frame.address);
    return rule && cfaOf(rule, frame, sections);
  };
  const environment: ExpressionEnvironment = {
    addressSize: unit.addressSize,
    register: (name) => frame.register(name),
    read: (address, bytes) => frame.read(address, bytes),
    cfa,
    frameBase: () => undefined,
    indexedAddress: (index) => unit.info.address(unit, index),
  };
  const frameBase = () => {
    const base = subprogram && expressionAt(subprogram, AT.frameBase, frame.address);
    return base && evaluateNumber(sections.expression(base), environment);
  };
  return { ...environment, frameBase };
}

function expressionAt(die: Die, attribute: number, address: bigint): Uint8Array | undefined {
  const value = die.value(attribute);
  if (!value) return undefined;
  return value.is === 'block' ? value.value : listedExpression(die.unit, value, address);
}

function constantPlace(die: Die, type: Type): Place {
  const value = die.value(AT.constValue);
  if (value?.is === 'block') return { is: 'value', bytes: value.value };
  if (value?.is === 'string') return { is: 'value', bytes: new TextEncoder().encode(`${value.value}\0`) };
  const number = isSigned(type) ? die.signed(AT.constValue) : die.unsigned(AT.constValue);
  if (number === undefined) return { is: 'unknown', why: 'its constant has a form that is not implemented' };
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt.asUintN(64, number), true);
  view.setBigInt64(8, number < 0n ? -1n : 0n, true);
  return { is: 'value', bytes };
}
