/** What the editor needs to know of the panel of a Linux guest. */
import type { PanelDefinition } from '../router.js';

export const linuxPanel: PanelDefinition = { id: 'linux', title: 'Linux', requests: ['ringside/linux'], commands: [] };
