/** A folder as it is asked to be shared: FOLDER,TAG or FOLDER,TAG,write. */

export interface ShareOptions {
  readonly folder: string;
  /** By which the guest mounts it. */
  readonly tag: string;
  readonly writable: boolean;
}

const LONGEST_TAG = 255;

/** Undefined: it is not as it must be. */
export function readShare(given: string): ShareOptions | undefined {
  const [, folder, tag, write] = /^(.+?),([^,]+)(,write)?$/s.exec(given) ?? [];
  return folder === undefined || tag === undefined || new TextEncoder().encode(tag).length > LONGEST_TAG ? undefined : { folder, tag, writable: write !== undefined };
}
