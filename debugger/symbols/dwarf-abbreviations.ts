/** .debug_abbrev: what the entries of .debug_info look like. */
import { FORM } from './dwarf-constants.js';
import type { DwarfSections } from './dwarf-sections.js';
import { fixedSize, type FormContext } from './dwarf-forms.js';

export interface AttributeSpecification {
  readonly attribute: number;
  readonly form: number;
  readonly implicit: bigint;
  /** The bytes of the value when its form has a fixed size. */
  readonly size: number | undefined;
}

export interface Abbreviation {
  readonly tag: number;
  readonly hasChildren: boolean;
  readonly attributes: readonly AttributeSpecification[];
  /** The bytes of all values together when every form has a fixed size. */
  readonly size: number | undefined;
}

export type AbbreviationTable = ReadonlyMap<number, Abbreviation>;

export function readAbbreviations(sections: DwarfSections, offset: number, context: FormContext): AbbreviationTable {
  const reader = sections.reader('.debug_abbrev', offset);
  const table = new Map<number, Abbreviation>();
  for (;;) {
    const code = reader.uleb();
    if (code === 0) return table;
    const tag = reader.uleb();
    const hasChildren = reader.u8() !== 0;
    const attributes: AttributeSpecification[] = [];
    let size: number | undefined = 0;
    for (;;) {
      const attribute = reader.uleb();
      const form = reader.uleb();
      if (attribute === 0 && form === 0) break;
      const implicit = form === FORM.implicitConst ? reader.slebWide() : 0n;
      const formSize = fixedSize(form, context);
      size = size === undefined || formSize === undefined ? undefined : size + formSize;
      attributes.push({ attribute, form, implicit, size: formSize });
    }
    table.set(code, { tag, hasChildren, attributes, size });
  }
}
