/** Attribute values in each of their forms. DWARF Version 5, "Attribute Encodings". */
import type { ByteReader } from './byte-reader.js';
import { FORM } from './dwarf-constants.js';

export type FormValue =
  | { is: 'address'; value: bigint }
  | { is: 'address index'; value: number }
  /** `size` is the width in bytes of a constant that may be signed or unsigned, 0 when the form settles it. */
  | { is: 'constant'; value: bigint; size: number }
  | { is: 'block'; value: Uint8Array }
  | { is: 'flag'; value: boolean }
  | { is: 'string'; value: string }
  | { is: 'string offset'; section: '.debug_str' | '.debug_line_str'; value: number }
  | { is: 'string index'; value: number }
  | { is: 'reference'; value: number }
  | { is: 'signature'; value: bigint }
  | { is: 'section offset'; value: number }
  | { is: 'list index'; value: number }
  | { is: 'in a supplementary file' };

export interface FormContext {
  readonly version: number;
  readonly addressSize: number;
  readonly offsetSize: 4 | 8;
  /** Where the unit begins: references of the forms ref1 to ref_udata count from it. */
  readonly offset: number;
}

type Read = (reader: ByteReader, context: FormContext, implicit: bigint) => FormValue;

const constant =
  (size: number): Read =>
  (reader) => ({ is: 'constant', value: reader.unsigned(size), size });
const block =
  (length: (reader: ByteReader) => number): Read =>
  (reader) => ({ is: 'block', value: reader.block(length(reader)) });
const reference =
  (offset: (reader: ByteReader) => number): Read =>
  (reader, context) => ({ is: 'reference', value: context.offset + offset(reader) });
const index =
  (is: 'string index' | 'address index' | 'list index', read: (reader: ByteReader) => number): Read =>
  (reader) => ({ is, value: read(reader) });
const stringOffset =
  (section: '.debug_str' | '.debug_line_str'): Read =>
  (reader, { offsetSize }) => ({ is: 'string offset', section, value: reader.offset(offsetSize) });
const supplementary =
  (size: (context: FormContext) => number): Read =>
  (reader, context) => {
    reader.skip(size(context));
    return { is: 'in a supplementary file' };
  };

const u8 = (reader: ByteReader) => reader.u8();
const u16 = (reader: ByteReader) => reader.u16();
const u24 = (reader: ByteReader) => reader.u24();
const u32 = (reader: ByteReader) => reader.u32();
const uleb = (reader: ByteReader) => reader.uleb();
const offsetSize = (context: FormContext) => context.offsetSize;

const FORMS = new Map<number, Read>([
  [FORM.addr, (reader, { addressSize }) => ({ is: 'address', value: reader.unsigned(addressSize) })],
  [FORM.block1, block(u8)],
  [FORM.block2, block(u16)],
  [FORM.block4, block(u32)],
  [FORM.block, block(uleb)],
  [FORM.exprloc, block(uleb)],
  [FORM.data1, constant(1)],
  [FORM.data2, constant(2)],
  [FORM.data4, constant(4)],
  [FORM.data8, constant(8)],
  [FORM.data16, (reader) => ({ is: 'block', value: reader.block(16) })],
  [FORM.sdata, (reader) => ({ is: 'constant', value: reader.slebWide(), size: 0 })],
  [FORM.udata, (reader) => ({ is: 'constant', value: reader.ulebWide(), size: 0 })],
  [FORM.implicitConst, (_reader, _context, implicit) => ({ is: 'constant', value: implicit, size: 0 })],
  [FORM.flag, (reader) => ({ is: 'flag', value: reader.u8() !== 0 })],
  [FORM.flagPresent, () => ({ is: 'flag', value: true })],
  [FORM.string, (reader) => ({ is: 'string', value: reader.cstring() })],
  [FORM.strp, stringOffset('.debug_str')],
  [FORM.lineStrp, stringOffset('.debug_line_str')],
  [FORM.strx, index('string index', uleb)],
  [FORM.strx1, index('string index', u8)],
  [FORM.strx2, index('string index', u16)],
  [FORM.strx3, index('string index', u24)],
  [FORM.strx4, index('string index', u32)],
  [FORM.addrx, index('address index', uleb)],
  [FORM.addrx1, index('address index', u8)],
  [FORM.addrx2, index('address index', u16)],
  [FORM.addrx3, index('address index', u24)],
  [FORM.addrx4, index('address index', u32)],
  [FORM.loclistx, index('list index', uleb)],
  [FORM.rnglistx, index('list index', uleb)],
  [FORM.ref1, reference(u8)],
  [FORM.ref2, reference(u16)],
  [FORM.ref4, reference(u32)],
  [FORM.ref8, reference((reader) => reader.offset(8))],
  [FORM.refUdata, reference(uleb)],
  [
    FORM.refAddr,
    (reader, { version, addressSize, offsetSize: width }) => ({ is: 'reference', value: reader.offset(version <= 2 ? addressSize : width) }),
  ],
  [FORM.refSig8, (reader) => ({ is: 'signature', value: reader.u64() })],
  [FORM.secOffset, (reader, context) => ({ is: 'section offset', value: reader.offset(context.offsetSize) })],
  [FORM.refSup4, supplementary(() => 4)],
  [FORM.refSup8, supplementary(() => 8)],
  [FORM.strpSup, supplementary(offsetSize)],
  [FORM.gnuRefAlt, supplementary(offsetSize)],
  [FORM.gnuStrpAlt, supplementary(offsetSize)],
  [
    FORM.indirect,
    (reader, context) => {
      const form = reader.uleb();
      if (form === FORM.indirect || form === FORM.implicitConst) reader.fail(`form 0x${form.toString(16)} inside an indirect form`);
      return readForm(reader, form, context, 0n);
    },
  ],
]);

export function readForm(reader: ByteReader, form: number, context: FormContext, implicit: bigint): FormValue {
  const read = FORMS.get(form) ?? reader.fail(`the form 0x${form.toString(16)} before byte ${reader.position} is unknown`);
  return read(reader, context, implicit);
}

/** The bytes that a form always takes, undefined when they depend on the contents. */
export function fixedSize(form: number, context: FormContext): number | undefined {
  switch (form) {
    case FORM.flagPresent:
    case FORM.implicitConst:
      return 0;
    case FORM.data1:
    case FORM.flag:
    case FORM.ref1:
    case FORM.strx1:
    case FORM.addrx1:
      return 1;
    case FORM.data2:
    case FORM.ref2:
    case FORM.strx2:
    case FORM.addrx2:
      return 2;
    case FORM.data4:
    case FORM.ref4:
    case FORM.strx4:
    case FORM.addrx4:
      return 4;
    case FORM.data8:
    case FORM.ref8:
    case FORM.refSig8:
      return 8;
    case FORM.strp:
    case FORM.lineStrp:
    case FORM.secOffset:
      return context.offsetSize;
    case FORM.addr:
      return context.addressSize;
    default:
      return undefined;
  }
}
