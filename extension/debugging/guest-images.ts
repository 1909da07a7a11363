/** Finds files in the workspace that the machine can boot. */
import * as vscode from 'vscode';

const LOOKS_BOOTABLE = '**/{*.elf,*.bin,*.img,*.iso,bzImage,vmlinuz*,vmlinux}';
const IGNORED = '**/{node_modules,.git,target/debug/deps}/**';
const AT_MOST = 50;

export async function guestImages(folder: vscode.WorkspaceFolder | undefined): Promise<string[]> {
  const pattern = folder === undefined ? LOOKS_BOOTABLE : new vscode.RelativePattern(folder, LOOKS_BOOTABLE);
  const files = await vscode.workspace.findFiles(pattern, IGNORED, AT_MOST);
  return files.map((file) => file.fsPath).sort();
}
