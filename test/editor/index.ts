/** The entry the editor calls inside its extension host, whether it was started by @vscode/test-electron or serves a browser. */
import Mocha from 'mocha';

export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: 'bdd', color: false, timeout: 30_000, ...(process.env['RINGSIDE_REPORTER'] !== undefined && { reporter: process.env['RINGSIDE_REPORTER'] }) });
  mocha.suite.emit('pre-require', globalThis, 'editor', mocha);
  await import(/* webpackMode: "eager" */ './suite.js');
  await new Promise<void>((resolve, reject) => {
    mocha.run((failures) => {
      if (failures === 0) resolve();
      else reject(new Error(`${failures} tests failed`));
    });
  });
}
