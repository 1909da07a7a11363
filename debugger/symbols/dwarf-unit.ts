/** Units of .debug_info (and .debug_types): headers, and the tree of entries, which is read when first asked for. */
import type { ByteReader } from './byte-reader.js';
import { readAbbreviations, type AbbreviationTable } from './dwarf-abbreviations.js';
import { AT, UNIT_TYPE } from './dwarf-constants.js';
import { Die } from './dwarf-die.js';
import type { DwarfInfo } from './dwarf-info.js';
import { readForm, type FormContext } from './dwarf-forms.js';
import { unitLength } from './dwarf-sections.js';

export class Unit implements FormContext {
  readonly info: DwarfInfo;
  readonly section: string;
  readonly offset: number;
  readonly end: number;
  readonly version: number;
  readonly offsetSize: 4 | 8;
  readonly addressSize: number;
  readonly signature: bigint | undefined;
  readonly typeOffset: number;
  readonly root: Die;
  private readonly abbreviations: AbbreviationTable;
  private entries: Die[] | undefined;
  private directory: string | undefined;

  /** Reads the unit at the reader's position and leaves the reader behind it. */
  constructor(info: DwarfInfo, reader: ByteReader) {
    this.info = info;
    this.section = reader.section;
    this.offset = reader.position;
    const { offsetSize, body } = unitLength(reader);
    this.offsetSize = offsetSize;
    this.end = body.end;
    this.version = body.u16();
    if (this.version < 2 || this.version > 5) body.fail(`the unit at byte ${this.offset} has DWARF version ${this.version}; 2 to 5 are known`);
    const unitType = this.version >= 5 ? body.u8() : reader.section === '.debug_types' ? UNIT_TYPE.type : UNIT_TYPE.compile;
    const firstSize = this.version >= 5 ? body.u8() : 0;
    const abbreviationOffset = body.offset(offsetSize);
    this.addressSize = this.version >= 5 ? firstSize : body.u8();
    if (this.addressSize !== 4 && this.addressSize !== 8) body.fail(`the unit at byte ${this.offset} has addresses of ${this.addressSize} bytes`);
    if (unitType === UNIT_TYPE.skeleton || unitType === UNIT_TYPE.splitCompile) body.skip(8);
    const isTypeUnit = unitType === UNIT_TYPE.type || unitType === UNIT_TYPE.splitType;
    this.signature = isTypeUnit ? body.u64() : undefined;
    this.typeOffset = isTypeUnit ? body.offset(offsetSize) : 0;
    this.abbreviations = readAbbreviations(info.sections, abbreviationOffset, this);
    this.root = this.readDie(body, undefined) ?? body.fail(`the unit at byte ${this.offset} is empty`);
  }

  get compilationDirectory(): string {
    this.directory ??= this.root.string(AT.compDir) ?? '';
    return this.directory;
  }

  get dies(): readonly Die[] {
    this.entries ??= this.readTree();
    return this.entries;
  }

  dieAt(offset: number): Die {
    const { dies } = this;
    let low = 0;
    let high = dies.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (dies[middle]!.offset < offset) low = middle + 1;
      else high = middle;
    }
    const die = dies[low];
    if (die?.offset !== offset) this.reader(this.offset).fail(`a reference points to byte ${offset}, where no entry begins`);
    return die!;
  }

  /** Calls `visit` for the root's children, and for an entry's own children when it answers true; keeps nothing in memory. */
  scan(visit: (die: Die) => boolean): void {
    if (!this.root.abbreviation.hasChildren) return;
    const reader = this.reader(this.root.next);
    const open = [{ die: this.root, visited: true }];
    while (!reader.atEnd) {
      const { die: parent, visited } = open[open.length - 1]!;
      const die = this.readDie(reader, parent);
      if (!die) {
        open.pop();
        if (open.length === 0) return;
        continue;
      }
      const descend = visited && visit(die);
      if (!die.abbreviation.hasChildren) continue;
      const sibling = descend ? undefined : die.reference(AT.sibling);
      if (sibling !== undefined && sibling >= die.next && sibling <= this.end) reader.seek(sibling);
      else open.push({ die, visited: descend });
    }
  }

  reader(position: number): ByteReader {
    return this.info.sections.reader(this.section, position, this.end);
  }

  private readTree(): Die[] {
    const reader = this.reader(this.root.next);
    const dies: Die[] = [this.root];
    let parent: Die | undefined = this.root.abbreviation.hasChildren ? this.root : undefined;
    while (parent && !reader.atEnd) {
      const die = this.readDie(reader, parent);
      if (!die) {
        parent = parent.parent;
        continue;
      }
      parent.children.push(die);
      dies.push(die);
      if (die.abbreviation.hasChildren) parent = die;
    }
    return dies;
  }

  /** Undefined stands for the null entry that ends a list of children. */
  private readDie(reader: ByteReader, parent: Die | undefined): Die | undefined {
    const offset = reader.position;
    const code = reader.uleb();
    if (code === 0) return undefined;
    const abbreviation = this.abbreviations.get(code) ?? reader.fail(`the entry at byte ${offset} has the unknown abbreviation ${code}`);
    const values = reader.position;
    if (abbreviation.size !== undefined) reader.skip(abbreviation.size);
    else {
      for (const { form, implicit, size } of abbreviation.attributes) {
        if (size !== undefined) reader.skip(size);
        else readForm(reader, form, this, implicit);
      }
    }
    return new Die(this, parent, abbreviation, offset, values, reader.position);
  }
}
