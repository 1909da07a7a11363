/** Activation: what the extension registers with the editor, and nothing else. */
import * as vscode from 'vscode';
import manifest from '../package.json';
import { AdapterFactory } from './debugging/adapter-factory.js';
import { newConfiguration } from './debugging/commands.js';
import { ConfigurationProvider } from './debugging/configuration-provider.js';
import type { Schema } from './debugging/launch-schema.js';
import { DEBUG_TYPE, Sessions } from './debugging/sessions.js';
import { openLab } from './labs/open-lab.js';
import { startLanguage } from './language.js';
import { linuxPanel } from './panels/linux/host.js';
import { askForAddress } from './panels/page-tables/ask-for-address.js';
import { pageTablesPanel } from './panels/page-tables/host.js';
import { PanelHost } from './panels/panel.js';
import { tlbPanel } from './panels/tlb/host.js';
import { trapsPanel } from './panels/traps/host.js';
import { vmcsPanel } from './panels/vmcs/host.js';

/** From the file and not from the editor, which adds attributes of its own to what it read. */
const contribution = manifest.contributes.debuggers[0]!;

export function activate(context: vscode.ExtensionContext): void {
  const configurations = new ConfigurationProvider(contribution.configurationAttributes.launch as Schema);
  const sessions = new Sessions(context);
  const panel = (definition: typeof vmcsPanel): PanelHost => new PanelHost(definition, context.extensionUri, sessions);
  const panels = { showVmcs: panel(vmcsPanel), showPageTables: panel(pageTablesPanel), showTlb: panel(tlbPanel), showTraps: panel(trapsPanel), showLinux: panel(linuxPanel) };

  context.subscriptions.push(
    vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, configurations),
    vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, configurations, vscode.DebugConfigurationProviderTriggerKind.Dynamic),
    vscode.debug.registerDebugAdapterDescriptorFactory(DEBUG_TYPE, new AdapterFactory(context.extensionUri)),
    vscode.commands.registerCommand('ringside.newConfiguration', () => newConfiguration(contribution.initialConfigurations)),
    vscode.commands.registerCommand('ringside.openLab', () => openLab(context)),
    vscode.commands.registerCommand('ringside.showWalk', async (from: unknown) => {
      const walk = await askForAddress(from);
      if (walk !== undefined) panels.showPageTables.show(walk);
    }),
    ...Object.entries(panels).flatMap(([command, host]) => [
      vscode.commands.registerCommand(`ringside.${command}`, () => {
        host.show();
      }),
      vscode.window.registerWebviewPanelSerializer(host.viewType, host),
    ]),
    sessions.onChanged(() => {
      for (const host of Object.values(panels)) host.refresh();
    }),
  );
  startLanguage(context, sessions);
}
