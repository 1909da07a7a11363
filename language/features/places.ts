/** Places of the parser as places of the protocol. */
import type { Location, Range } from 'vscode-languageserver-types';
import type { Span } from '../parser.js';

export const rangeOf = ({ line, start, end }: Span): Range => ({ start: { line, character: start }, end: { line, character: end } });
export const locationOf = (uri: string, span: Span): Location => ({ uri, range: rangeOf(span) });
