/** SDM Vol. 3, "Determination of Access Rights": one judge for walks and for cached translations. */
import {
  EXECUTE, EXECUTE_DISABLE, KEY_SHIFT, SMAP_ENFORCED, SMEP_ENFORCED, USER, USER_ACCESS, WRITABLE, WRITE, WRITE_PROTECT, type AccessKind,
} from './outcome.js';

export const ALLOWED = 0, DENIED_BY_USER = 1, DENIED_BY_WRITE = 2, DENIED_BY_EXECUTE_DISABLE = 3, DENIED_BY_SMAP = 4, DENIED_BY_SMEP = 5, DENIED_BY_KEY = 6;

/** Two bits of PKRU for each key: no data accesses, no writes. */
const ACCESS_DISABLE = 1, WRITE_DISABLE = 2;
/** Whether PKRU forbids a data access to a user page. `pkru`: 0 where protection keys are not enabled. SDM Vol. 3, "Protection Keys". */
export function deniedByKey(rights: number, kind: AccessKind, privilege: number, pkru: number): boolean {
  if (pkru === 0 || kind === EXECUTE || (rights & USER) === 0) return false;
  const bits = pkru >>> (2 * (rights >>> KEY_SHIFT & 15));
  return (bits & ACCESS_DISABLE) !== 0 || (kind === WRITE && (bits & WRITE_DISABLE) !== 0 && (privilege & (USER_ACCESS | WRITE_PROTECT)) !== 0);
}

/** Which rule denies the access, or `ALLOWED`. `rights` as in outcome.ts, `privilege` a combination of USER_ACCESS, SMAP_ENFORCED, … */
export function judge(rights: number, kind: AccessKind, privilege: number, pkru: number): number {
  const denial = byEntries(rights, kind, privilege);
  return denial === ALLOWED && deniedByKey(rights, kind, privilege, pkru) ? DENIED_BY_KEY : denial;
}

function byEntries(rights: number, kind: AccessKind, privilege: number): number {
  if ((privilege & USER_ACCESS) !== 0) {
    if ((rights & USER) === 0) return DENIED_BY_USER;
    if (kind === WRITE) return (rights & WRITABLE) !== 0 ? ALLOWED : DENIED_BY_WRITE;
    return kind === EXECUTE && (rights & EXECUTE_DISABLE) !== 0 ? DENIED_BY_EXECUTE_DISABLE : ALLOWED;
  }
  const userPage = (rights & USER) !== 0;
  if (kind === EXECUTE) {
    if (userPage && (privilege & SMEP_ENFORCED) !== 0) return DENIED_BY_SMEP;
    return (rights & EXECUTE_DISABLE) !== 0 ? DENIED_BY_EXECUTE_DISABLE : ALLOWED;
  }
  if (userPage && (privilege & SMAP_ENFORCED) !== 0) return DENIED_BY_SMAP;
  return kind === WRITE && (rights & WRITABLE) === 0 && (privilege & WRITE_PROTECT) !== 0 ? DENIED_BY_WRITE : ALLOWED;
}
