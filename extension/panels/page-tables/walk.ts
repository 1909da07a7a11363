/** The walk as a matrix: one row for each guest entry and one for the final address, one column for each load from the EPT, then the guest's own. */
import { rightsText, type Rights } from '../kit/text.js';
import type { Walk, WalkOutcome, WalkStep } from './protocol.js';

export interface WalkCell {
  /** The load's place in the order of the walk, from 1. */
  order: number;
  name: string;
  entryAddress: string;
  value: string;
  rights: string;
  denied: string | undefined;
}

export interface WalkRow {
  name: string;
  /** One place for each column of the EPT; undefined where the walk made no load. */
  ept: (WalkCell | undefined)[];
  guest: WalkCell | undefined;
}

export interface WalkMatrix {
  eptColumns: string[];
  rows: WalkRow[];
  loads: number;
  verdict: string;
  allowed: boolean;
}

const FINAL = 'the page';

/** The EPT tells no user from supervisor but for execution, with mode-based execute control. */
const withoutUser = ({ r, w, x, xu }: Rights): Rights => ({ r, w, x, ...(xu !== undefined && { xu }) });

const cellOf = (step: WalkStep, order: number): WalkCell => ({
  order,
  name: step.name,
  entryAddress: step.entryHostAddress !== undefined && step.entryHostAddress !== step.entryAddress ? `${step.entryAddress} (host ${step.entryHostAddress})` : step.entryAddress,
  value: step.value,
  rights: rightsText(step.stage === 'ept' ? withoutUser(step.rights) : step.rights),
  denied: step.denied,
});

export function matrixOf({ steps, outcome }: Walk): WalkMatrix {
  const levels = [...new Set(steps.filter(({ stage }) => stage === 'ept').map(({ level }) => level))].sort((one, other) => other - one);
  const names = levels.map((level) => steps.find((step) => step.stage === 'ept' && step.level === level)!.name);
  const rows: WalkRow[] = [];
  let open: WalkRow | undefined;
  const row = (name: string): WalkRow => {
    if (open === undefined) {
      open = { name, ept: levels.map(() => undefined), guest: undefined };
      rows.push(open);
    }
    return open;
  };
  steps.forEach((step, index) => {
    const made = cellOf(step, index + 1);
    if (step.stage === 'ept') {
      row(step.for ?? FINAL).ept[levels.indexOf(step.level)] = made;
    } else {
      const mine = row(step.name);
      mine.name = step.name;
      mine.guest = made;
      open = undefined;
    }
  });
  return { eptColumns: names, rows, loads: steps.length, verdict: verdict(outcome), allowed: outcome.kind === 'mapped' };
}

function verdict({ kind, physical, errorCode, qualification, sentence }: WalkOutcome): string {
  if (sentence !== '') return sentence[0]!.toUpperCase() + sentence.slice(1);
  if (kind === 'mapped') return `Mapped to ${physical ?? 'the same address'}.`;
  const code = errorCode === undefined ? '' : `, error code ${errorCode}`;
  return `${kind[0]!.toUpperCase()}${kind.slice(1)}${code}${qualification === undefined ? '' : `, exit qualification ${qualification}`}.`;
}

/** Reads an address as people type it: hexadecimal with or without 0x, grouped with _ or `; undefined if it is none. */
export function addressFrom(text: string): string | undefined {
  const digits = text.trim().replace(/^0x/i, '').replace(/[_`]/g, '');
  return /^[0-9a-f]{1,16}$/i.test(digits) ? `0x${digits.toLowerCase().replace(/^0+(?=.)/, '')}` : undefined;
}
