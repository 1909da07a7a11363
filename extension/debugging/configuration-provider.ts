/** Offers launch configurations, fills in what is missing, and refuses what cannot work before a machine is made. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import * as vscode from 'vscode';
import { guestImages } from './guest-images.js';
import { memberFaults, type Schema } from './launch-schema.js';
import { DEBUG_TYPE } from './sessions.js';

const OPEN_SETTINGS = 'Open launch.json';
const OPEN_LAB = 'Open a Lab';
const CHOOSE = 'Choose a File…';

const inFolder = (file: string, folder: vscode.WorkspaceFolder | undefined): string =>
  folder !== undefined && file.startsWith(folder.uri.fsPath + path.sep) ? `\${workspaceFolder}/${path.relative(folder.uri.fsPath, file).replaceAll('\\', '/')}` : file;

const configurationFor = (file: string, folder: vscode.WorkspaceFolder | undefined): vscode.DebugConfiguration => ({
  type: DEBUG_TYPE,
  request: 'launch',
  name: `Boot ${path.basename(file)}`,
  program: inFolder(file, folder),
  stopOnEntry: true,
});

/** Nothing is started; the reason stands in a message that is not waited for, and its button leads to the remedy. */
function refuse(message: string, ...remedies: string[]): undefined {
  void vscode.window.showErrorMessage(message, ...remedies).then(async (choice) => {
    if (choice === OPEN_SETTINGS) await vscode.commands.executeCommand('workbench.action.debug.configure');
    if (choice === OPEN_LAB) await vscode.commands.executeCommand('ringside.openLab');
  });
  return undefined;
}

export class ConfigurationProvider implements vscode.DebugConfigurationProvider {
  constructor(private readonly schema: Schema) {}

  async provideDebugConfigurations(folder: vscode.WorkspaceFolder | undefined): Promise<vscode.DebugConfiguration[]> {
    return (await guestImages(folder)).map((file) => configurationFor(file, folder));
  }

  async resolveDebugConfiguration(folder: vscode.WorkspaceFolder | undefined, configuration: vscode.DebugConfiguration): Promise<vscode.DebugConfiguration | undefined> {
    const asked = configuration as Partial<vscode.DebugConfiguration>;
    const isEmpty = asked.type === undefined && asked.request === undefined && asked.name === undefined;
    const { kernel, ...others } = configuration;
    if (kernel !== undefined && configuration['program'] === undefined) return { ...others, program: kernel as unknown } as vscode.DebugConfiguration;
    if (!isEmpty && configuration['program'] !== undefined) return configuration;
    const program = await this.chooseProgram(folder);
    if (program === undefined) return undefined;
    return isEmpty ? configurationFor(program, folder) : { ...configuration, program };
  }

  async resolveDebugConfigurationWithSubstitutedVariables(folder: vscode.WorkspaceFolder | undefined, configuration: vscode.DebugConfiguration): Promise<vscode.DebugConfiguration | undefined> {
    const faults = memberFaults(configuration, this.schema);
    if (faults.length > 0) return refuse(`Launch configuration "${configuration.name}": ${faults.join(' ')}`, OPEN_SETTINGS);
    const absolute = (file: string): string => (path.isAbsolute(file) || folder === undefined ? file : path.join(folder.uri.fsPath, file));
    const program = absolute(configuration['program'] as string);
    const initrd = configuration['initrd'] === undefined ? undefined : absolute(configuration['initrd'] as string);
    const modules = ((configuration['modules'] ?? []) as string[]).map(absolute);
    const devices = Object.fromEntries(['disks', 'share'].flatMap((attribute) => (configuration[attribute] === undefined ? [] : [[attribute, (configuration[attribute] as string[]).map(absolute)]])));
    const symbols = ((configuration['symbols'] ?? []) as { file: string }[]).map((entry) => ({ ...entry, file: absolute(entry.file) }));
    const resolved = { ...configuration, ...devices, program, ...(initrd !== undefined && { initrd }), ...(modules.length > 0 && { modules }), ...(symbols.length > 0 && { symbols }) };
    if (configuration.preLaunchTask !== undefined) return resolved;
    for (const [attribute, file] of [['program', program], ...(initrd === undefined ? [] : [['initrd', initrd]]), ...modules.map((each) => ['modules', withoutCommandLine(each)]), ...symbols.map((each) => ['symbols', each.file])] as [string, string][]) {
      const fault = await fileFault(file);
      if (fault !== undefined) return refuse(`"${attribute}" in launch configuration "${configuration.name}" names ${file}, ${fault}`, OPEN_SETTINGS);
    }
    return resolved;
  }

  private async chooseProgram(folder: vscode.WorkspaceFolder | undefined): Promise<string | undefined> {
    const found = await guestImages(folder);
    if (found.length === 0) return refuse('There is no program to boot here: no ELF file, bzImage or disk image was found in the workspace. Build your kernel first, name it as "program" in launch.json, or open a lab.', OPEN_LAB, OPEN_SETTINGS);
    if (found.length === 1) return found[0];
    const items = found.map((file) => ({ label: path.basename(file), description: vscode.workspace.asRelativePath(path.dirname(file)), file }));
    const choice = await vscode.window.showQuickPick([...items, { label: CHOOSE, description: '', file: '' }], { placeHolder: 'Which program should the machine boot?' });
    if (choice?.label !== CHOOSE) return choice?.file;
    return (await vscode.window.showOpenDialog({ canSelectMany: false, title: 'Program to boot' }))?.[0]?.fsPath;
  }
}

/** A module may be followed by its own command line. */
const withoutCommandLine = (module: string): string => (existsSync(module) ? module : module.replace(/\s.*$/, ''));

/** After a task that builds them, files may appear; without one they must be there. */
async function fileFault(file: string): Promise<string | undefined> {
  try {
    const { type } = await vscode.workspace.fs.stat(vscode.Uri.file(file));
    return (type & vscode.FileType.Directory) === 0 ? undefined : 'which is a folder. Name a file.';
  } catch {
    return 'which does not exist. Build it, or correct the path.';
  }
}
