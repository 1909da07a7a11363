#!/usr/bin/env node
/** Starts the command line with the compiled code that the build has kept (tools/keep-compiled.mjs). V8 refuses what another version of it compiled, and compiles anew. */
const { readFileSync } = require('node:fs');
const { wrap } = require('node:module');
const path = require('node:path');
const { Script } = require('node:vm');

const filename = path.join(__dirname, 'ringside-main.js');

function kept() {
  try { return readFileSync(`${filename}.compiled`); } catch { return undefined; }
}

const script = new Script(wrap(readFileSync(filename, 'latin1')), { filename, cachedData: kept() });
script.runInThisContext()(exports, require, module, filename, __dirname);
