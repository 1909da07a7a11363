/** The command that writes a new launch configuration. */
import * as vscode from 'vscode';

export async function newConfiguration(initial: readonly vscode.DebugConfiguration[]): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0];
  if (folder === undefined) {
    void vscode.window.showErrorMessage('A launch configuration is kept in a folder, and none is open. Open the folder of your kernel first.');
    return;
  }
  const settings = vscode.workspace.getConfiguration('launch', folder.uri);
  const present = settings.get<vscode.DebugConfiguration[]>('configurations') ?? [];
  const names = new Set(present.map(({ name }) => name));
  const added = initial.map((configuration) => {
    let name = configuration.name;
    for (let number = 2; names.has(name); number++) name = `${configuration.name} ${number}`;
    return { ...configuration, name };
  });
  await settings.update('configurations', [...present, ...added], vscode.ConfigurationTarget.WorkspaceFolder);
  await vscode.window.showTextDocument(vscode.Uri.joinPath(folder.uri, '.vscode', 'launch.json'));
}
