/** What the editor needs to know of the panel of the TLB. */
import type { PanelDefinition } from '../router.js';

export const tlbPanel: PanelDefinition = { id: 'tlb', title: 'TLB', requests: ['ringside/tlb'], commands: ['ringside.showWalk'] };
