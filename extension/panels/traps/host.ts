/** What the editor needs to know of the panel of the trap ledger. */
import type { PanelDefinition } from '../router.js';

export const trapsPanel: PanelDefinition = { id: 'traps', title: 'Traps', requests: ['ringside/traps'], commands: [] };
