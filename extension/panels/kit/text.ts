/** How panels write rights, sizes and counts. */

export interface Rights {
  r: boolean;
  w: boolean;
  x: boolean;
  /** User-mode access; the EPT does not know it. */
  u?: boolean;
  /** With mode-based execute control for EPT: execution from user-mode linear addresses; `x` is then that from supervisor-mode ones. */
  xu?: boolean;
}

export const rightsText = ({ r, w, x, u, xu }: Rights): string => `${r ? 'r' : '-'}${w ? 'w' : '-'}${x ? 'x' : '-'}${u === undefined ? '' : u ? 'u' : '-'}${xu === undefined ? '' : xu ? ' xu' : ' --'}`;

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function sizeText(size: string | number): string {
  let value = typeof size === 'number' ? size : /^(0x[0-9a-f]+|\d+)$/i.test(size) ? Number(size) : NaN;
  if (Number.isNaN(value)) return String(size);
  let unit = 0;
  while (value >= 1024 && value % 1024 === 0 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value} ${UNITS[unit]!}`;
}

/** 1234567 as 1 234 567, with spaces that do not break. */
export const countText = (count: number | string): string => String(count).replace(/\B(?=(\d{3})+$)/g, '\u202f');

export const plural = (count: number, one: string, many = `${one}s`): string => `${countText(count)} ${count === 1 ? one : many}`;
