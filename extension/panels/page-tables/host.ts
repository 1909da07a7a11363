/** What the editor needs to know of the panel of the page tables. */
import type { PanelDefinition } from '../router.js';

export const pageTablesPanel: PanelDefinition = { id: 'page-tables', title: 'Page Tables', requests: ['ringside/pageTable', 'ringside/walk'], commands: [] };
