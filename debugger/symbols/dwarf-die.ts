/** One debugging information entry; its attributes are decoded when they are asked for. */
import type { Abbreviation } from './dwarf-abbreviations.js';
import { AT } from './dwarf-constants.js';
import { readForm, type FormValue } from './dwarf-forms.js';
import type { Unit } from './dwarf-unit.js';

const NONE: Die[] = [];
/** A concrete entry refers to an abstract one, that one to a declaration; longer chains are damage. */
const LONGEST_CHAIN = 8;

export class Die {
  readonly unit: Unit;
  readonly parent: Die | undefined;
  readonly abbreviation: Abbreviation;
  readonly offset: number;
  readonly children: Die[];
  /** Where the entry after this one begins. */
  readonly next: number;
  private readonly values: number;

  constructor(unit: Unit, parent: Die | undefined, abbreviation: Abbreviation, offset: number, values: number, next: number) {
    this.unit = unit;
    this.parent = parent;
    this.abbreviation = abbreviation;
    this.offset = offset;
    this.values = values;
    this.next = next;
    this.children = abbreviation.hasChildren ? [] : NONE;
  }

  get tag(): number {
    return this.abbreviation.tag;
  }

  has(attribute: number): boolean {
    return this.abbreviation.attributes.some((specification) => specification.attribute === attribute);
  }

  value(attribute: number): FormValue | undefined {
    if (!this.has(attribute)) return undefined;
    const reader = this.unit.reader(this.values);
    for (const specification of this.abbreviation.attributes) {
      if (specification.attribute === attribute) return readForm(reader, specification.form, this.unit, specification.implicit);
      if (specification.size !== undefined) reader.skip(specification.size);
      else readForm(reader, specification.form, this.unit, specification.implicit);
    }
    return undefined;
  }

  string(attribute: number): string | undefined {
    return this.unit.info.string(this.unit, this.value(attribute));
  }

  /** A constant taken as unsigned in the width of its form. */
  unsigned(attribute: number): bigint | undefined {
    const value = this.value(attribute);
    if (value?.is === 'section offset') return BigInt(value.value);
    return value?.is === 'constant' ? value.value : undefined;
  }

  /** A constant taken as signed in the width of its form. */
  signed(attribute: number): bigint | undefined {
    const value = this.value(attribute);
    if (value?.is !== 'constant') return undefined;
    return value.size > 0 ? BigInt.asIntN(8 * value.size, value.value) : value.value;
  }

  number(attribute: number): number | undefined {
    const value = this.unsigned(attribute);
    if (value === undefined) return undefined;
    const number = Number(value);
    if (!Number.isSafeInteger(number)) this.unit.reader(this.offset).fail(`the entry at byte ${this.offset} holds the absurd number ${value}`);
    return number;
  }

  address(attribute: number): bigint | undefined {
    const value = this.value(attribute);
    if (value?.is === 'address') return value.value;
    return value?.is === 'address index' ? this.unit.info.address(this.unit, value.value) : undefined;
  }

  flag(attribute: number): boolean {
    const value = this.value(attribute);
    return value?.is === 'flag' && value.value;
  }

  /** The offset that a reference inside the same section has. */
  reference(attribute: number): number | undefined {
    const value = this.value(attribute);
    return value?.is === 'reference' ? value.value : undefined;
  }

  die(attribute: number): Die | undefined {
    return this.unit.info.referred(this.unit, this.value(attribute));
  }

  /** This entry, then the abstract instance and the declaration that it completes. */
  origins(): Die[] {
    const chain: Die[] = [this];
    for (let die = this.origin(); die; die = die.origin()) {
      chain.push(die);
      if (chain.length > LONGEST_CHAIN) this.unit.reader(this.offset).fail(`the entry at byte ${this.offset} has an endless chain of origins`);
    }
    return chain;
  }

  /** The first of the chain of origins that has the attribute. */
  bearer(attribute: number): Die | undefined {
    if (this.has(attribute)) return this;
    return this.origins().find((die) => die.has(attribute));
  }

  get name(): string | undefined {
    return this.bearer(AT.name)?.string(AT.name);
  }

  private origin(): Die | undefined {
    return this.die(AT.abstractOrigin) ?? this.die(AT.specification);
  }
}
