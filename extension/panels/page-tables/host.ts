import type { PanelDefinition } from '../router.js';

export const pageTablesPanel: PanelDefinition = { id: 'page-tables', title: 'Page Tables', requests: ['ringside/pageTable', 'ringside/walk'], commands: [] };
