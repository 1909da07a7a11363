/** .debug_loc and .debug_loclists: locations that change with the instruction pointer. DWARF Version 5, "Location Lists". */
import type { FormValue } from './dwarf-forms.js';
import type { Unit } from './dwarf-unit.js';
import { baseAddress } from './ranges.js';

/** DW_LLE_*. */
const LLE = {
  endOfList: 0,
  baseAddressx: 1,
  startxEndx: 2,
  startxLength: 3,
  offsetPair: 4,
  defaultLocation: 5,
  baseAddress: 6,
  startEnd: 7,
  startLength: 8,
  gnuViewPair: 9,
} as const;

/** The expression that holds at the address; undefined where the list has none, which means optimized out. */
export function listedExpression(unit: Unit, value: FormValue, address: bigint): Uint8Array | undefined {
  const offset = unit.info.listOffset(unit, value, '.debug_loclists');
  if (offset === undefined) return undefined;
  return unit.version >= 5 ? fromNewList(unit, offset, address) : fromOldList(unit, offset, address);
}

function fromOldList(unit: Unit, offset: number, address: bigint): Uint8Array | undefined {
  const reader = unit.info.sections.reader('.debug_loc', offset);
  const selectsBase = (1n << BigInt(8 * unit.addressSize)) - 1n;
  let base = baseAddress(unit);
  for (;;) {
    const first = reader.unsigned(unit.addressSize);
    const second = reader.unsigned(unit.addressSize);
    if (first === 0n && second === 0n) return undefined;
    if (first === selectsBase) {
      base = second;
      continue;
    }
    const expression = reader.block(reader.u16());
    if (address >= base + first && address < base + second) return expression;
  }
}

function fromNewList(unit: Unit, offset: number, wanted: bigint): Uint8Array | undefined {
  const { info, addressSize } = unit;
  const reader = info.sections.reader('.debug_loclists', offset);
  const address = () => reader.unsigned(addressSize);
  const indexed = () => info.address(unit, reader.uleb());
  let base = baseAddress(unit);
  let byDefault: Uint8Array | undefined;
  for (;;) {
    const kind = reader.u8();
    let start: bigint;
    let end: bigint;
    switch (kind) {
      case LLE.endOfList:
        return byDefault;
      case LLE.baseAddressx:
        base = indexed();
        continue;
      case LLE.baseAddress:
        base = address();
        continue;
      case LLE.gnuViewPair:
        reader.ulebWide();
        reader.ulebWide();
        continue;
      case LLE.defaultLocation:
        byDefault = reader.block(reader.uleb());
        continue;
      case LLE.startxEndx:
        [start, end] = [indexed(), indexed()];
        break;
      case LLE.startEnd:
        [start, end] = [address(), address()];
        break;
      case LLE.offsetPair:
        [start, end] = [base + reader.ulebWide(), base + reader.ulebWide()];
        break;
      case LLE.startxLength:
        start = indexed();
        end = start + reader.ulebWide();
        break;
      case LLE.startLength:
        start = address();
        end = start + reader.ulebWide();
        break;
      default:
        return reader.fail(`the location list has an entry of the unknown kind ${kind}`);
    }
    const expression = reader.block(reader.uleb());
    if (wanted >= start && wanted < end) return expression;
  }
}
