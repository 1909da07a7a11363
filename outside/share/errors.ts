/** Errors as a Linux guest numbers them, whatever the host does. */
import { Truncated } from './messages.js';

export const ERRNO = {
  EPERM: 1, ENOENT: 2, EIO: 5, EBADF: 9, EACCES: 13, EEXIST: 17, EXDEV: 18, ENOTDIR: 20, EISDIR: 21, EINVAL: 22, EMFILE: 24, ETXTBSY: 26, EFBIG: 27, ENOSPC: 28, EROFS: 30, EMLINK: 31,
  ENAMETOOLONG: 36, ENOTEMPTY: 39, ELOOP: 40, EPROTO: 71, EOPNOTSUPP: 95, EDQUOT: 122,
} as const;
export type ErrorName = keyof typeof ERRNO;

/** What a request is refused with. */
export class Refused extends Error {
  constructor(readonly code: ErrorName) { super(code); }
}

export function numberOf(error: unknown): number {
  if (error instanceof Truncated) return ERRNO.EPROTO;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return Object.hasOwn(ERRNO, code) ? ERRNO[code as ErrorName] : ERRNO.EIO;
}
