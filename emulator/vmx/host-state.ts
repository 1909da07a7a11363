/** What every VM exit makes of the segment registers and of RFLAGS. SDM Vol. 3C, "Loading Host State". */
import { CS, DS, ES, FS, GS, LDTR, SS, TR } from '../cpu/layout.js';
import { UNUSABLE } from '../cpu/processor.js';
import type { FieldName } from './vmcs-fields.js';

/** Access rights: accessed code and data, DPL 0, present, 4-KByte granularity; a busy TSS of 67H bytes. */
const CODE_64 = 0xa09b, CODE_32 = 0xc09b, FLAT_DATA = 0xc093, BUSY_TSS = 0x8b;
const FLAT_LIMIT = 0xffff_ffff, TSS_LIMIT = 0x67;
/** Of GDTR and IDTR. */
export const TABLE_LIMIT = 0xffff;
export const RFLAGS_AFTER_EXIT = 2;

/** Without a field its selector or base is 0. A null selector makes data unusable. */
export interface HostSegment {
  readonly s: number;
  readonly selector?: FieldName;
  readonly base?: FieldName;
  readonly limit: number;
  readonly rights: number;
  /** To a host outside 64-bit mode. */
  readonly rights32?: number;
  readonly unusableIfNull?: boolean;
}
const data = (s: number, name: 'SS' | 'DS' | 'ES' | 'FS' | 'GS', base?: FieldName): HostSegment =>
  ({ s, selector: `host ${name} selector`, ...(base && { base }), limit: FLAT_LIMIT, rights: FLAT_DATA, unusableIfNull: true });
export const HOST_SEGMENTS: readonly HostSegment[] = [
  { s: CS, selector: 'host CS selector', limit: FLAT_LIMIT, rights: CODE_64, rights32: CODE_32 },
  data(SS, 'SS'), data(DS, 'DS'), data(ES, 'ES'), data(FS, 'FS', 'host FS base'), data(GS, 'GS', 'host GS base'),
  { s: TR, selector: 'host TR selector', base: 'host TR base', limit: TSS_LIMIT, rights: BUSY_TSS },
  { s: LDTR, limit: 0, rights: UNUSABLE },
];
