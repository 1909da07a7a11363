/** What the ledger says of operations that invalidate translations. */
import type { Sentence } from '../cpu/trap-events.js';
import { ep4ta } from '../vmx/ept.js';
import { hex } from './outcome.js';

export const INVLPG_SAYS: Sentence = ({ fields }) => `INVLPG invalidates the translations of linear address ${hex(Number(fields['gla']))}`;
export const MOV_TO_CR3_SAYS: Sentence = ({ fields }) => `MOV to CR3 invalidates the entries of PCID ${fields['pcid']} except global ones`;
export const INVEPT_SAYS: Sentence = ({ fields }) =>
  `INVEPT type ${fields['type']}: ${fields['type'] === 1 ? `EP4TA ${hex(ep4ta(Number(fields['eptp'])))}` : 'all EPT paging structures'}`;
export const INVPCID_SAYS: Sentence = ({ fields: { type, pcid, gla } }) => `INVPCID type ${type}: ${[
  `linear address ${hex(Number(gla))} in PCID ${pcid}`, `PCID ${pcid} except global entries`, 'all PCIDs and global entries', 'all PCIDs except global entries'][Number(type)]!}`;
export const INVVPID_SAYS: Sentence = ({ fields: { type, vpid, gla } }) => `INVVPID type ${type}: ${[
  `linear address ${hex(Number(gla))} in VPID ${vpid}`, `VPID ${vpid}`, 'all VPIDs but 0', `VPID ${vpid} except global entries`][Number(type)]!}`;
