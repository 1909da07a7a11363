import type { PanelDefinition } from '../router.js';

export const trapsPanel: PanelDefinition = { id: 'traps', title: 'Traps', requests: ['ringside/traps'], commands: [] };
