/** What the editor needs to know of the panel of the VMCS. */
import type { PanelDefinition } from '../router.js';

export const vmcsPanel: PanelDefinition = { id: 'vmcs', title: 'VMCS', requests: ['ringside/vmcs'], commands: [] };
