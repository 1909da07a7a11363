/** What Ringside itself prepares for an image that comes without a boot protocol: GDT, stack, page tables, and its command line as first argument. */
import { flatGdt, type FlatSelectors, long64Entry, protected32Entry } from './entry-state.js';
import { PAGE_2M, PAGE_4K, PageTables } from './page-tables.js';
import type { Placement } from './placement.js';
import type { DescriptorTableState, EntryState } from './plan.js';

/** Loaders put their own things here, above what firmware uses and below the image. */
export const LOADER_AREA = 0x10000;
const STACK_BYTES = 0x4000;
const IDENTITY_BYTES = 2 ** 32;

/** As if called by `start(const char *args)` with the return address 0: the i386 calling convention. */
export function protected32Environment(placement: Placement, rip: bigint, args: string): EntryState {
  const gdtr = placeGdt(placement, 'protected32');
  const stackTop = placeStack(placement);
  const frame = new DataView(new ArrayBuffer(8));
  frame.setUint32(4, placeText(placement, args), true);
  const rsp = stackTop - 20;
  placement.writes.push({ address: rsp, bytes: new Uint8Array(frame.buffer) });
  return protected32Entry(rip, { rsp: BigInt(rsp) }, gdtr);
}

/** The same by the x86-64 calling convention; `mapMore` adds to the identity map of the first 4 GiB. */
export function long64Environment(placement: Placement, rip: bigint, args: string, mapMore?: (tables: PageTables) => void): EntryState {
  const root = placePageTables(placement, mapMore);
  const gdtr = placeGdt(placement, 'long64');
  const rsp = placeStack(placement) - 8;
  return long64Entry(rip, { rsp: BigInt(rsp), rdi: BigInt(placeText(placement, args)) }, gdtr, root);
}

/** The physical address of tables that map the first 4 GiB one to one, and what `mapMore` adds. */
export function placePageTables(placement: Placement, mapMore?: (tables: PageTables) => void): number {
  const tables = new PageTables(() => placement.reserve('page tables', PAGE_4K, PAGE_4K, LOADER_AREA));
  for (let address = 0; address < IDENTITY_BYTES; address += PAGE_2M) tables.map(BigInt(address), address, PAGE_2M);
  mapMore?.(tables);
  placement.writes.push(...tables.writes);
  return tables.root;
}

/** Zero-terminated UTF-8. */
export const textBytes = (text: string) => new TextEncoder().encode(`${text}\0`);

export function placeGdt(placement: Placement, mode: 'protected32' | 'long64', selectors?: FlatSelectors): DescriptorTableState {
  const gdt = flatGdt(mode, selectors);
  return { base: BigInt(placement.place('GDT', gdt, 16, LOADER_AREA)), limit: gdt.length - 1 };
}

function placeStack(placement: Placement): number {
  return placement.reserve('stack', STACK_BYTES, PAGE_4K, LOADER_AREA) + STACK_BYTES;
}

export function placeText(placement: Placement, text: string): number {
  return placement.place('command line', textBytes(text), 1, LOADER_AREA);
}
