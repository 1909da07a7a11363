/** Bundles for Node (extension, debugger worker, command line, language server, editor tests) and for the panels' web views. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import CopyPlugin from 'copy-webpack-plugin';
import { EsbuildPlugin } from 'esbuild-loader';
import webpack from 'webpack';

const root = import.meta.dirname;
const from = (...parts) => path.join(root, ...parts);

const panels = readdirSync(from('extension/panels'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'kit')
  .map(({ name }) => [`panels/${name}`, from('extension/panels', name, 'view.ts')]);

/** Each a compilation of its own: modules that only one entry has become one scope, which loads and runs faster. */
const entries = {
  extension: from('extension/extension.ts'),
  'debugger-worker': from('debugger/worker.ts'),
  'language-server': from('language/server.ts'),
  'ringside-main': from('cli/ringside.ts'),
  'editor-tests': from('test/editor/index.ts'),
};

/** The editor takes .js files of a package of type "module" for ES modules; what it loads itself says .cjs. */
const LOADED_BY_EDITOR = ['extension', 'editor-tests'];

/** Packages with source maps inside their own files, which the minimizer would take for the map of the whole bundle. */
const MAPPED_INSIDE = from('node_modules/@vscode/debugadapter');

const common = {
  mode: 'production',
  devtool: 'source-map',
  resolve: { extensions: ['.ts', '.js'], extensionAlias: { '.js': ['.ts', '.js'] } },
  module: {
    rules: [
      { test: /\.ts$/, loader: 'esbuild-loader', options: { target: 'es2022' } },
      { test: /\.js$/, include: MAPPED_INSIDE, loader: 'esbuild-loader', options: { target: 'es2022' } },
    ],
  },
  optimization: { minimizer: [new EsbuildPlugin({ target: 'es2022', minifyIdentifiers: false, minifySyntax: true, minifyWhitespace: true, legalComments: 'none' })] },
  performance: { hints: false },
  stats: 'errors-warnings',
};

/** The command line starts with what V8 compiled before: see cli/launcher.cjs. */
const keepCompiled = {
  apply: ({ hooks }) => hooks.afterEmit.tapPromise('keep-compiled', () => promisify(execFile)(process.execPath, [from('tools/keep-compiled.mjs')])),
};

const node = ([name, entry]) => ({
  ...common,
  name,
  target: 'node20',
  entry: { [name]: entry },
  output: { path: from('dist'), filename: LOADED_BY_EDITOR.includes(name) ? '[name].cjs' : '[name].js', chunkFilename: `${name}-[id].js`, library: { type: 'commonjs2' } },
  optimization: { ...common.optimization, chunkIds: 'named' },
  externals: { vscode: 'commonjs vscode', mocha: 'commonjs mocha' },
  node: { __dirname: false, __filename: false },
  ignoreWarnings: [{ module: /vscode-languageserver-types|vscode-languageclient/ }],
  plugins: [
    new webpack.DefinePlugin({ RINGSIDE_VERSION: JSON.stringify(JSON.parse(readFileSync(from('package.json'), 'utf8')).version) }),
    ...(name === 'ringside-main' ? [keepCompiled] : []),
  ],
});

const views = {
  ...common,
  name: 'views',
  target: 'web',
  entry: Object.fromEntries(panels),
  output: { path: from('dist'), filename: '[name].js' },
  plugins: [
    new CopyPlugin({
      patterns: [
        { from: from('node_modules/iced-x86/iced_x86_bg.wasm'), to: '[name][ext]' },
        { from: from('cli/launcher.cjs'), to: 'ringside.js' },
        { from: from('package.json'), to: 'package.json', transform: () => `${JSON.stringify({ type: 'commonjs' })}\n` },
        { from: 'extension/panels/*.css', to: 'panels/[name][ext]', context: root },
      ],
    }),
  ],
};

export default [...Object.entries(entries).map(node), views];
