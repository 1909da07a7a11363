/** Sources: those of the programs, and listings that stand in for the missing. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { RequestError } from '../request-error.js';
import type { Handler, Handlers } from './handler.js';

const loadedSources: Handler<unknown, DebugProtocol.LoadedSourcesResponse['body']> = (session) => {
  const paths = new Set(session.debuggee.sources.all.flatMap(({ path }) => path ?? []));
  return { sources: [...paths].sort().map((path) => ({ name: path.replace(/^.*\//, ''), path })) };
};

const source: Handler<DebugProtocol.SourceArguments, DebugProtocol.SourceResponse['body'] | Promise<DebugProtocol.SourceResponse['body']>> = async (session, args) => {
  const reference = args.source?.sourceReference ?? args.sourceReference;
  if (reference > 0) return { content: session.debuggee.listingOf(reference).text, mimeType: 'text/x-asm' };
  const path = args.source?.path;
  if (path === undefined) throw new RequestError('Which source? The request names neither a path nor a reference.');
  return { content: new TextDecoder().decode(await session.host.readFile(path)) };
};

export const sourceRequests: Handlers = { loadedSources, source };
