/** Subprograms, and the inlined calls and blocks inside them, found by address. */
import { AT, TAG } from './dwarf-constants.js';
import type { Die } from './dwarf-die.js';
import type { DwarfInfo } from './dwarf-info.js';
import type { Unit } from './dwarf-unit.js';
import { holds, RangeIndex, rangesOf, type Range } from './ranges.js';

export type Live = (address: bigint) => boolean;

export class FunctionIndex {
  private readonly info: DwarfInfo;
  /** Linkers leave functions that they dropped at addresses where nothing is; those are not live. */
  private readonly live: Live;
  private unitRanges: RangeIndex<Unit> | undefined;
  private readonly byUnit = new Map<Unit, RangeIndex<Die>>();

  constructor(info: DwarfInfo, live: Live) {
    this.info = info;
    this.live = live;
  }

  unitAt(address: bigint): Unit | undefined {
    this.unitRanges ??= new RangeIndex(this.allUnitRanges());
    return this.unitRanges.at(address)?.value;
  }

  /** The subprogram around the address and the one range of it that holds the address. */
  at(address: bigint): (Range & { readonly value: Die }) | undefined {
    const unit = this.unitAt(address);
    return unit && this.subprograms(unit).at(address);
  }

  /** From the subprogram inwards: each block and inlined call that holds the address. */
  scopes(address: bigint): Die[] {
    const subprogram = this.at(address)?.value;
    const scopes: Die[] = [];
    for (let scope = subprogram; scope; scope = innerScope(scope, address)) scopes.push(scope);
    return scopes;
  }

  subprograms(unit: Unit): RangeIndex<Die> {
    let index = this.byUnit.get(unit);
    if (!index) {
      index = new RangeIndex(this.subprogramRanges(unit));
      this.byUnit.set(unit, index);
    }
    return index;
  }

  private *subprogramRanges(unit: Unit): Generator<Range & { value: Die }> {
    for (const die of unit.dies) {
      if (die.tag !== TAG.subprogram) continue;
      for (const range of rangesOf(die)) if (this.live(range.start)) yield { ...range, value: die };
    }
  }

  private *allUnitRanges(): Generator<Range & { value: Unit }> {
    for (const unit of this.info.units) {
      if (unit.signature !== undefined) continue;
      const own = rangesOf(unit.root).filter(({ start }) => this.live(start));
      for (const range of own) yield { ...range, value: unit };
      if (own.length === 0) for (const { start, end } of this.subprograms(unit)) yield { start, end, value: unit };
    }
  }
}

function innerScope(scope: Die, address: bigint): Die | undefined {
  for (const child of scope.children) {
    if (child.tag !== TAG.lexicalBlock && child.tag !== TAG.inlinedSubroutine) continue;
    if (holds(rangesOf(child), address)) return child;
  }
  return undefined;
}

const NAMING: ReadonlySet<number> = new Set([TAG.namespace, TAG.structureType, TAG.classType, TAG.unionType]);

/** The name with the namespaces and classes around it, `a::b`. */
export function qualifiedName(die: Die): string | undefined {
  const named = die.origins().findLast((origin) => origin.has(AT.name));
  const name = named?.string(AT.name);
  if (!named || name === undefined) return undefined;
  const parts = [name];
  for (let parent = named.parent; parent; parent = parent.parent) {
    if (NAMING.has(parent.tag)) parts.unshift(parent.string(AT.name) ?? '(anonymous)');
  }
  return parts.join('::');
}
