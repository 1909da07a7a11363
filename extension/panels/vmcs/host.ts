import type { PanelDefinition } from '../router.js';

export const vmcsPanel: PanelDefinition = { id: 'vmcs', title: 'VMCS', requests: ['ringside/vmcs'], commands: [] };
