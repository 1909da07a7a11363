/** Handlers answer requests: the body of the response, or an error whose message the person reads. */
import type { RingsideSession } from '../session.js';

export type Handler<Arguments, Body = void> = (session: RingsideSession, args: Arguments) => Body | Promise<Body>;
export type Handlers = Readonly<Record<string, Handler<never, unknown>>>;
