/** The VEX rows that go with a legacy row. SDM Vol. 2, "Instruction Format", by the instructions' names. */

interface VexRows {
  /** Vector lengths, each with its CPUID feature. */
  readonly lengths: Readonly<Partial<Record<'128' | '256' | 'LIG', string>>>;
  /** Whether the VEX form names a first source, where the legacy form has its destination. */
  readonly source?: boolean;
  /** What is demanded of the form, such as `aligned` and `64`. */
  readonly marks?: string;
}

const LEGACY = /^(NP|66|F3|F2)?\s*(REX\.W )?0F (38 |3A )?(.*?)\s*\|\s*(\S+) ([^|]*)/;

const widened = (syntax: string): string => syntax.replace(/xmm/g, 'ymm').replace(/m128/g, 'm256');

/** `66 0F 58 /r | ADDPD xmm1, xmm2/m128 | aligned` has `VEX.256.66.0F.WIG 58 /r | VADDPD ymm1, ymm2, ymm3/m256 | AVX`, and the like. */
export function withVex(legacy: string, { lengths, source = true, marks = '' }: VexRows): string {
  const [, prefix = 'NP', , map = '', rest = '', name = '', syntax = ''] = LEGACY.exec(legacy.trim()) ?? [];
  const operands = syntax.trim().split(/,\s*/);
  const given = source ? [operands[0]!, 'xmm2', ...operands.slice(1).map((o) => o.replace(/^xmm2?/, 'xmm3'))] : operands;
  const rows = Object.entries(lengths).map(([length, feature]) => {
    const sized = length === '256' ? widened(given.join(', ')) : given.join(', ');
    return `VEX.${length}.${prefix === 'NP' ? '' : `${prefix}.`}0F${map.trim()}.WIG ${rest} | V${name} ${sized} | ${feature} ${marks}`;
  });
  return [legacy, ...rows].join('\n');
}
/** `66.0F38.W0 0E /r | VTESTPS xmm1, xmm2/m128`, which is without the length, in each of these lengths. */
export function vexRows(row: string, lengths: VexRows['lengths'], marks = ''): string {
  const [encoding = '', syntax = ''] = row.split('|').map((part) => part.trim());
  return Object.entries(lengths).map(([length, feature]) => `VEX.${length}.${encoding} | ${length === '256' ? widened(syntax) : syntax} | ${feature} ${marks}`).join('\n');
}
export const AVX = { 128: 'AVX', 256: 'AVX' } as const, AVX2 = { 128: 'AVX', 256: 'AVX2' } as const, ONLY_128 = { 128: 'AVX' } as const, SCALAR = { LIG: 'AVX' } as const;
