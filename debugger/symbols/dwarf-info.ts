/** All units of a file: finding them, and what their entries refer to (strings, addresses, lists, other entries). */
import { AT } from './dwarf-constants.js';
import type { Die } from './dwarf-die.js';
import type { FormValue } from './dwarf-forms.js';
import type { DwarfSections } from './dwarf-sections.js';
import { Unit } from './dwarf-unit.js';

export class DwarfInfo {
  readonly sections: DwarfSections;
  private list: Unit[] | undefined;
  private signed: Map<bigint, Unit> | undefined;

  constructor(sections: DwarfSections) {
    this.sections = sections;
  }

  get units(): readonly Unit[] {
    this.list ??= this.readUnits('.debug_info');
    return this.list;
  }

  unitAt(offset: number): Unit | undefined {
    const { units } = this;
    let low = 0;
    let high = units.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (units[middle]!.end <= offset) low = middle + 1;
      else high = middle;
    }
    const unit = units[low];
    return unit && unit.offset <= offset ? unit : undefined;
  }

  string(unit: Unit, value: FormValue | undefined): string | undefined {
    switch (value?.is) {
      case 'string':
        return value.value;
      case 'string offset':
        return this.sections.string(value.section, value.value);
      case 'string index': {
        const base = offsetOf(unit.root.value(AT.strOffsetsBase)) ?? 2 * unit.offsetSize;
        const reader = this.sections.reader('.debug_str_offsets', base + value.value * unit.offsetSize);
        return this.sections.string('.debug_str', reader.offset(unit.offsetSize));
      }
      default:
        return undefined;
    }
  }

  address(unit: Unit, index: number): bigint {
    const base = offsetOf(unit.root.value(AT.addrBase)) ?? 2 * unit.offsetSize;
    return this.sections.reader('.debug_addr', base + index * unit.addressSize).unsigned(unit.addressSize);
  }

  referred(unit: Unit, value: FormValue | undefined): Die | undefined {
    switch (value?.is) {
      case 'reference': {
        const inside = value.value >= unit.offset && value.value < unit.end;
        if (inside) return unit.dieAt(value.value);
        const other = this.unitAt(value.value) ?? unit.reader(unit.offset).fail(`a reference points to byte ${value.value}, outside all units`);
        return other.dieAt(value.value);
      }
      case 'signature': {
        const other = this.typeUnit(value.value);
        return other?.dieAt(other.offset + other.typeOffset);
      }
      default:
        return undefined;
    }
  }

  /** Where in `section` a list attribute points: a section offset, or an index into the unit's table of offsets. */
  listOffset(unit: Unit, value: FormValue | undefined, section: '.debug_rnglists' | '.debug_loclists'): number | undefined {
    if (value?.is !== 'list index') return offsetOf(value);
    const attribute = section === '.debug_rnglists' ? AT.rnglistsBase : AT.loclistsBase;
    const header = unit.offsetSize === 8 ? 20 : 12;
    const base = offsetOf(unit.root.value(attribute)) ?? header;
    return base + this.sections.reader(section, base + value.value * unit.offsetSize).offset(unit.offsetSize);
  }

  private typeUnit(signature: bigint): Unit | undefined {
    if (!this.signed) {
      this.signed = new Map();
      for (const unit of [...this.readUnits('.debug_types'), ...this.units]) {
        if (unit.signature !== undefined) this.signed.set(unit.signature, unit);
      }
    }
    return this.signed.get(signature);
  }

  private readUnits(section: string): Unit[] {
    const reader = this.sections.reader(section);
    const units: Unit[] = [];
    while (!reader.atEnd) {
      if (isEmpty(reader.bytes, reader.position)) break;
      units.push(new Unit(this, reader));
    }
    return units;
  }
}

/** Linkers may leave zeros as padding at the end. */
function isEmpty(bytes: Uint8Array, from: number): boolean {
  for (let at = from; at < bytes.length; at++) if (bytes[at] !== 0) return false;
  return true;
}

/** The offset in a section that an attribute of class lineptr, rangelist, loclist and so on holds. */
export function offsetOf(value: FormValue | undefined): number | undefined {
  if (value?.is === 'section offset') return value.value;
  // Before DWARF 4, the forms data4 and data8 carried section offsets.
  if (value?.is === 'constant' && value.size >= 4) return Number(value.value);
  return undefined;
}

