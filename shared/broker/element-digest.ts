import { createHash } from 'node:crypto';

/** To hash all of a large text would hold up Redis: of a longer one, in bytes, only both ends are. */
export const LONGEST_HASHED = 262_144;
/** The end of a failed entry that was retried, bytes: `retried_at` is the one thing that changes in it. */
export const RETRIED_TAIL = 64;

const RETRIED_AT = /^([\s\S]*),"retried_at":"[^"\\{}]*"\}$/;

/** What tells one element of a list from another: as `markOf` in Lua makes it. */
export function markOf(bytes: Buffer): string {
  const hash = createHash('sha1');
  if (bytes.length <= LONGEST_HASHED) return hash.update(bytes).digest('hex');
  const half = LONGEST_HASHED / 2;
  return `${bytes.length}-${hash.update(bytes.subarray(0, half)).update(bytes.subarray(-half)).digest('hex')}`;
}

/** The same without a failed entry's `retried_at`, so that it stays when the entry is retried. */
export function markWithout(bytes: Buffer): string {
  return markOf(withoutRetriedAt(bytes));
}

/** That in few characters. */
export function shortMark(bytes: Buffer): string {
  const kept = withoutRetriedAt(bytes);
  return `${kept.length}.${markOf(kept).slice(-10)}`;
}

function withoutRetriedAt(bytes: Buffer): Buffer {
  const tail = bytes.subarray(-RETRIED_TAIL).toString('latin1');
  const head = RETRIED_AT.exec(tail)?.[1];
  if (head === undefined) return bytes;
  return Buffer.concat([bytes.subarray(0, bytes.length - tail.length + head.length), Buffer.from('}')]);
}

/** Bytes as a text of as many characters, in which they travel to Redis: `bytesOf` in Lua takes it. */
export function charactersOf(bytes: Buffer): string {
  return bytes.toString('latin1');
}
