/** The programs that are known by their symbols, those that a guest has loaded included. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Image } from '../images.js';
import { hex } from '../memory-reference.js';
import type { Handler, Handlers } from './handler.js';

export function describeModule({ name, base, symbols, world }: Image): DebugProtocol.Module {
  const isFile = name.includes('/');
  return {
    id: name,
    name: name.replace(/^.*\//, ''),
    ...(isFile && { path: name, symbolFilePath: name }),
    symbolStatus: symbols.sourceFiles().length > 0 ? 'Symbols and sources loaded' : 'Symbols loaded',
    ...(base !== 0n && { addressRange: `moved by ${hex(base)}` }),
    ...(world === 'guest' && { version: 'guest' }),
  };
}

const modules: Handler<DebugProtocol.ModulesArguments, DebugProtocol.ModulesResponse['body']> = ({ debuggee }, { startModule = 0, moduleCount = 0 }) => {
  const { all } = debuggee.images;
  return { modules: all.slice(startModule, moduleCount === 0 ? undefined : startModule + moduleCount).map(describeModule), totalModules: all.length };
};

export const moduleRequests: Handlers = { modules };
