/** Types, global variables and enumerators of a file by name. */
import { AT, TAG } from './dwarf-constants.js';
import type { Die } from './dwarf-die.js';
import type { DwarfInfo } from './dwarf-info.js';
import type { Unit } from './dwarf-unit.js';
import { qualifiedName } from './functions.js';

interface Reference {
  readonly unit: Unit;
  readonly offset: number;
}

const KEYWORDS = new Map<number, string>([
  [TAG.structureType, 'struct '],
  [TAG.classType, 'class '],
  [TAG.unionType, 'union '],
  [TAG.enumerationType, 'enum '],
  [TAG.typedef, ''],
  [TAG.baseType, ''],
]);

export class NameIndex {
  private readonly typesByName = new Map<string, Reference>();
  private readonly variablesByName = new Map<string, Reference>();
  private readonly declaredVariables = new Map<string, Reference>();
  private readonly enumeratorsByName = new Map<string, Reference>();

  constructor(info: DwarfInfo) {
    for (const unit of info.units) unit.scan((die) => this.note(die, { unit, offset: die.offset }));
  }

  type(name: string): Die | undefined {
    return resolve(this.typesByName.get(name));
  }

  variable(name: string): Die | undefined {
    return resolve(this.variablesByName.get(name));
  }

  /** A variable that is only declared: its type is known, its address is the linker's. */
  declaredVariable(name: string): Die | undefined {
    return resolve(this.declaredVariables.get(name));
  }

  enumerator(name: string): Die | undefined {
    return resolve(this.enumeratorsByName.get(name));
  }

  get variableNames(): Iterable<string> {
    return this.variablesByName.keys();
  }

  get declaredVariableNames(): Iterable<string> {
    return this.declaredVariables.keys();
  }

  get enumeratorNames(): Iterable<string> {
    return this.enumeratorsByName.keys();
  }

  private note(die: Die, reference: Reference): boolean {
    const keyword = KEYWORDS.get(die.tag);
    if (keyword !== undefined) this.noteFirst(this.typesByName, die, reference, keyword);
    else if (die.tag === TAG.enumerator) this.noteFirst(this.enumeratorsByName, die, reference);
    else if (die.tag === TAG.variable) {
      const hasValue = die.has(AT.location) || die.has(AT.constValue);
      if (hasValue) this.noteNamed(this.variablesByName, qualifiedName(die), reference);
      else this.noteFirst(this.declaredVariables, die, reference, '', true);
    }
    return die.tag === TAG.namespace || die.tag === TAG.enumerationType;
  }

  private noteFirst(names: Map<string, Reference>, die: Die, reference: Reference, keyword = '', declarations = false): void {
    if (!die.has(AT.name) || (!declarations && die.flag(AT.declaration))) return;
    const name = qualifiedName(die);
    this.noteNamed(names, name === undefined ? undefined : keyword + name, reference);
  }

  private noteNamed(names: Map<string, Reference>, name: string | undefined, reference: Reference): void {
    if (name !== undefined && !names.has(name)) names.set(name, reference);
  }
}

function resolve(reference: Reference | undefined): Die | undefined {
  return reference?.unit.dieAt(reference.offset);
}
