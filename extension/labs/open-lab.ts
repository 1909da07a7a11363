/** Opens a lab: in place where the extension is being developed, otherwise as a copy that belongs to the user. */
import * as vscode from 'vscode';
import { describeLab } from './lab-readme.js';

interface Lab extends vscode.QuickPickItem {
  readonly folder: vscode.Uri;
}

async function labsIn(root: vscode.Uri): Promise<Lab[]> {
  const entries = await vscode.workspace.fs.readDirectory(root).then(undefined, () => []);
  const folders = entries.filter(([, type]) => type === vscode.FileType.Directory).map(([name]) => name);
  const labs = await Promise.all(
    folders.map(async (name): Promise<Lab[]> => {
      const folder = vscode.Uri.joinPath(root, name);
      const readme = await vscode.workspace.fs.readFile(vscode.Uri.joinPath(folder, 'README.md')).then(
        (bytes) => new TextDecoder().decode(bytes),
        () => undefined,
      );
      if (readme === undefined) return [];
      const { title, summary } = describeLab(readme, name);
      return [{ label: title, detail: summary, folder }];
    }),
  );
  return labs.flat();
}

async function workingCopy(lab: Lab): Promise<vscode.Uri | undefined> {
  const chosen = await vscode.window.showOpenDialog({ canSelectFolders: true, canSelectFiles: false, canSelectMany: false, openLabel: 'Copy the Lab Here' });
  if (chosen?.[0] === undefined) return undefined;
  const target = vscode.Uri.joinPath(chosen[0], lab.folder.path.split('/').at(-1)!);
  const exists = await vscode.workspace.fs.stat(target).then(
    () => true,
    () => false,
  );
  if (!exists) await vscode.workspace.fs.copy(lab.folder, target);
  return target;
}

export async function openLab(context: vscode.ExtensionContext): Promise<void> {
  const labs = await labsIn(vscode.Uri.joinPath(context.extensionUri, 'labs'));
  if (labs.length === 0) {
    void vscode.window.showErrorMessage('This copy of Ringside has no labs. Install the extension again, or open a folder of the labs from its sources.');
    return;
  }
  const lab = await vscode.window.showQuickPick(labs, { placeHolder: 'Which lab?', matchOnDetail: true });
  if (lab === undefined) return;
  const folder = context.extensionMode === vscode.ExtensionMode.Production ? await workingCopy(lab) : lab.folder;
  if (folder !== undefined) await vscode.commands.executeCommand('vscode.openFolder', folder, { forceNewWindow: vscode.workspace.workspaceFolders !== undefined });
}
