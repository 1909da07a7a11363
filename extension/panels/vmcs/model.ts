/** The rows of the VMCS panel: groups, their fields, and a field's bits. */
import { cell, contains, type Row } from '../kit/rows.js';
import type { VmcsField, VmcsState } from './protocol.js';

export interface VmcsChoices {
  filter: string;
  changedOnly: boolean;
  /** Groups that are folded and fields that are unfolded, by key. */
  folded: string[];
  unfolded: string[];
}

export const INITIAL: VmcsChoices = { filter: '', changedOnly: false, folded: [], unfolded: [] };

export const keyOfField = (field: VmcsField): string => `field ${field.encoding}`;

function fieldRow(field: VmcsField, choices: VmcsChoices, failing: ReadonlySet<string>): Row {
  const fails = failing.has(field.name);
  const notes = [field.changedFrom === undefined ? '' : `was ${field.changedFrom}`, fails ? 'fails an entry check' : '', field.meaning ?? '', setBits(field)].filter((note) => note !== '');
  const mark = fails ? 'failed' : field.changedFrom === undefined ? undefined : 'changed';
  return {
    key: keyOfField(field),
    level: 2,
    cells: [cell(field.name), cell(field.value, mark), cell(notes.join(' · '), mark), cell(field.encoding, 'dim'), cell(String(field.width), 'dim')],
    ...((field.bits?.length ?? 0) > 0 && { expanded: choices.unfolded.includes(keyOfField(field)) }),
  };
}

/** A set bit by its name, a part of several bits by what its value means. */
const setBits = (field: VmcsField): string =>
  (field.bits ?? [])
    .filter(({ set }) => set)
    .map(({ name, value, meaning }) => meaning ?? (value === '1' ? name : `${name} ${value}`))
    .join(', ');

const bitRows = (field: VmcsField): Row[] =>
  (field.bits ?? []).map((bit) => ({
    key: `${keyOfField(field)} ${bit.name}`,
    level: 3,
    cells: [cell(bit.name, bit.set ? undefined : 'dim'), cell(bit.value, bit.set ? undefined : 'dim'), cell(bit.meaning ?? ''), cell(''), cell('')],
  }));

export function vmcsRows(state: VmcsState, choices: VmcsChoices): Row[] {
  const failing = new Set(state.failedChecks.flatMap(({ field }) => field ?? []));
  return state.groups.flatMap((group) => {
    const fields = group.fields
      .filter((field) => !choices.changedOnly || field.changedFrom !== undefined)
      .map((field) => ({ field, row: fieldRow(field, choices, failing) }))
      .filter(({ field, row }) => contains(row, choices.filter) || contains({ key: '', cells: [cell(group.name)] }, choices.filter) || bitRows(field).some((bit) => contains(bit, choices.filter)));
    if (fields.length === 0) return [];
    const changed = fields.filter(({ field }) => field.changedFrom !== undefined).length;
    const key = `group ${group.name}`;
    const expanded = !choices.folded.includes(key);
    const head: Row = { key, level: 1, expanded, mark: 'group', cells: [cell(group.name), cell(''), cell(changed === 0 ? '' : `${changed} changed`, 'changed'), cell(''), cell('')] };
    return [head, ...(expanded ? fields.flatMap(({ field, row }) => (row.expanded === true ? [row, ...bitRows(field)] : [row])) : [])];
  });
}

const toggled = (list: readonly string[], key: string): string[] => (list.includes(key) ? list.filter((each) => each !== key) : [...list, key]);

export const toggle = (choices: VmcsChoices, key: string): VmcsChoices =>
  key.startsWith('group ') ? { ...choices, folded: toggled(choices.folded, key) } : { ...choices, unfolded: toggled(choices.unfolded, key) };

export function headline(state: VmcsState): string {
  if (!state.present) return 'There is no current VMCS: the guest has not executed VMPTRLD, or has cleared it.';
  const changed = state.groups.flatMap(({ fields }) => fields).filter(({ changedFrom }) => changedFrom !== undefined).length;
  return `VMCS at ${state.pointer}, launch state ${state.launchState}; ${changed === 0 ? 'nothing' : changed === 1 ? '1 field' : `${changed} fields`} changed since the last stop.`;
}
