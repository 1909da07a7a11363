/** What the Variables view shows: a tree whose branches are read when somebody opens them. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { findMsr } from '../emulator/cpu/msrs.js';
import { guestRegister, guestRegisterNames } from '../emulator/observe/guest-registers.js';
import { REGISTER_GROUPS, type Register } from '../emulator/observe/registers.js';
import { bitField } from '../emulator/observe/bits.js';
import { bitsOfField, meaningOfField, readVmcs, writeVmcsField, type FieldValue } from '../emulator/observe/vmcs.js';
import type { Processor } from '../emulator/cpu/processor.js';
import { frameRegister } from './frame-scope.js';
import type { Images } from './images.js';
import { hex } from './memory-reference.js';
import { RequestError } from './request-error.js';
import { displayVariable, type DisplayedValue } from './symbols/value.js';
import type { Frame } from './unwinder.js';

export interface Node {
  readonly name: string;
  readonly value: string;
  readonly type?: string | undefined;
  readonly evaluateName?: string | undefined;
  readonly memoryReference?: string | undefined;
  readonly namedChildren?: number;
  readonly indexedChildren?: number;
  readonly hint?: DebugProtocol.VariablePresentationHint;
  children?(start?: number, count?: number): Node[];
  /** Absent: it cannot be changed. */
  set?(value: bigint): void;
}

export interface ScopeNode {
  readonly name: string;
  readonly hint?: string;
  readonly expensive: boolean;
  children(start?: number, count?: number, inHex?: boolean): Node[];
}

const LAZY: ReadonlySet<string> = new Set(['SSE', 'x87', 'Debug']);
/** Readable without effects, and known to everybody. */
const SHOWN_MSRS = [0x10, 0x1b, 0x3a, 0x174, 0x175, 0x176, 0x1a0, 0x1d9, 0x277, 0x2ff, 0xda0, 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103];

export function scopesOf(frame: Frame, images: Images): ScopeNode[] {
  const { cpu } = frame.view;
  const scopes: ScopeNode[] = [];
  if (frame.image) scopes.push({ name: 'Locals', hint: 'locals', expensive: false, children: (_start, _count, inHex) => localsOf(frame, images, inHex ?? false) });
  if (!frame.view.live) {
    scopes.push({ name: 'General', hint: 'registers', expensive: false, children: () => guestNodes(frame) });
  } else {
    for (const { name, registers } of REGISTER_GROUPS) {
      const children = name === 'General' && frame.level > 0 ? () => frameNodes(frame, registers) : () => registers.map((register) => registerNode(cpu, register));
      scopes.push({ name, hint: 'registers', expensive: LAZY.has(name), children });
    }
    scopes.push({ name: 'MSRs', hint: 'registers', expensive: true, children: () => msrNodes(cpu) });
  }
  if (readVmcs(cpu).length > 0) scopes.push({ name: 'VMCS', expensive: true, children: () => vmcsNodes(cpu) });
  return scopes;
}

function localsOf(frame: Frame, images: Images, inHex: boolean): Node[] {
  const context = { ...frame.context, hex: inHex, symbolAt: (address: bigint) => symbolAt(frame, images, address) };
  return (frame.image?.symbols.variablesAt(frame.context.address, frame.inlineDepth) ?? []).map((variable) => valueNode(displayVariable(variable, context), frame));
}

export function symbolAt(frame: Frame, images: Images, address: bigint): { name: string; offset: bigint } | undefined {
  const image = images.at(frame.world, address);
  return image?.symbols.symbolAt(image.own(address));
}

/** Memory of a guest whose hypervisor runs is in a space of its own. */
export function valueNode(value: DisplayedValue, frame: Frame): Node {
  const { name, type, evaluateName, memoryReference, namedChildren, indexedChildren } = value;
  const hasChildren = namedChildren + indexedChildren > 0;
  return {
    name, value: value.value, type, evaluateName, namedChildren, indexedChildren,
    memoryReference: memoryReference === undefined || frame.view.live ? memoryReference : `gva:${memoryReference}`,
    ...(hasChildren && { children: (start?: number, count?: number) => value.children(start, count).map((child) => valueNode(child, frame)) }),
  };
}

export function registerNode(cpu: Processor, register: Register): Node {
  const value = register.read(cpu);
  const explained = register.explain?.(value, cpu);
  const { parts, write } = register;
  return {
    name: register.name,
    value: `${registerText(register, value)}${explained === undefined || explained === '' ? '' : ` ${explained}`}`,
    type: register.bits === 1 ? '1 bit' : `${register.bits} bits`,
    evaluateName: `$${register.name.toLowerCase()}`,
    ...(register.bits === 64 && { memoryReference: hex(value) }),
    ...(write ? { set: (changed: bigint) => { write(cpu, fitting(register, changed)); } } : { hint: { attributes: ['readOnly'] } }),
    ...(parts && { namedChildren: parts.length, children: () => parts.map((part) => registerNode(cpu, part)) }),
  };
}

/** A value that the register can hold, as a number without a sign; one that it would cut off is refused. */
function fitting({ name, bits }: Register, value: bigint): bigint {
  const signed = BigInt.asIntN(64, value);
  if (BigInt.asUintN(bits, value) !== value && BigInt.asIntN(bits, signed) !== signed) throw new RequestError(`${name} has ${bits === 1 ? '1 bit' : `${bits} bits`}: ${hex(value)} does not fit.`);
  return BigInt.asUintN(bits, value);
}

const registerText = ({ bits }: Register, value: bigint): string => (bits <= 3 ? String(value) : `0x${value.toString(16).padStart(bits / 4, '0')}`);

/** The registers of a caller, as far as they were saved. */
const frameNodes = (frame: Frame, registers: readonly Register[]): Node[] =>
  registers.map((register) => {
    const value = frameRegister(frame, register.name.toLowerCase());
    return { name: register.name, value: value === undefined ? 'not saved' : registerText(register, value), evaluateName: `$${register.name.toLowerCase()}`, hint: { attributes: ['readOnly'] }, ...(value !== undefined && { memoryReference: hex(value) }) };
  });

const guestNodes = (frame: Frame): Node[] =>
  guestRegisterNames.map((name) => {
    const value = frame.register(name) ?? guestRegister(frame.view.cpu, name);
    return { name: name.toUpperCase(), value: value === undefined ? 'not known' : hex(value), evaluateName: `$${name}`, hint: { attributes: ['readOnly'] }, ...(value !== undefined && { memoryReference: `gva:${hex(value)}` }) };
  });

const msrNodes = (cpu: Processor): Node[] =>
  SHOWN_MSRS.flatMap((index) => {
    const msr = findMsr(cpu, index);
    return msr ? [{ name: msr.name, value: hex(msr.read(cpu)), type: `MSR ${hex(index)}`, ...(msr.write && { set: (value: bigint) => { msr.write!(cpu, BigInt.asUintN(64, value)); cpu.modeChanged(); } }) }] : [];
  });

const vmcsNodes = (cpu: Processor): Node[] =>
  readVmcs(cpu).map(({ name, fields }) => ({ name, value: `${fields.length} fields`, namedChildren: fields.length, children: () => fields.map((field) => fieldNode(cpu, field)) }));

export function fieldText(cpu: Processor, field: FieldValue): string {
  const meaning = meaningOfField(cpu, field.name, field.value);
  return `${hex(field.value)}${meaning === undefined ? '' : ` ${meaning}`}`;
}

function fieldNode(cpu: Processor, field: FieldValue): Node {
  const bits = bitsOfField(field.name);
  return {
    name: field.name,
    value: fieldText(cpu, field),
    type: `encoding ${hex(field.encoding)}, ${field.width === 'natural' ? 'natural width' : `${field.width} bits`}`,
    evaluateName: `$vmcs["${field.name}"]`,
    set: (value) => { writeVmcsField(cpu, field, value); },
    ...(bits.length > 0 && { namedChildren: bits.length, children: () => bits.map(([name, bit, width]): Node => ({ name, value: String(bitField(field.value, bit, width)), hint: { attributes: ['readOnly'] } })) }),
  };
}

export const notSettable = (name: string): RequestError => new RequestError(`${name} cannot be changed here.`);
