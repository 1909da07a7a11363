/** What a request answers when it cannot be done: one sentence for the person who asked, no stack trace. */
export class RequestError extends Error {}
