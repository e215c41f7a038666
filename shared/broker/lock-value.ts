import type { ControlLock } from '../types.ts';

/**
 * Who holds a lock, and where that job was put, so that a newer one can take its place: `<length of id>:<id><place>
 * <length of queue>:<queue><payload>`, lengths in bytes. The place is `q` for its queue, `d<seconds>` for a delayed list, `r<its
 * member of the retries, without the queue>`, `p` for the list of those that are parked, or `x` where nobody knows. A job may have
 * moved on from there: a delayed one or a retry to its queue, any of them to a worker.
 */
export interface LockHolder {
  readonly id: string;
  readonly place: LockPlace;
  readonly queue: string;
  readonly payload: string;
}

type LockPlace =
  | { readonly kind: 'queue' | 'parked' | 'unknown' }
  /** Epoch seconds. */
  | { readonly kind: 'delayed'; readonly seconds: string }
  /** @property member of the sorted set of retries */
  | { readonly kind: 'retry'; readonly member: string };

/** What a lock of this name keeps waiting is parked under. */
export function gateOf(lock: Pick<ControlLock, 'name'> | { readonly name: string }): string {
  return `${UNIQUE}${lock.name}`;
}

/** Where the gates of locks begin so. */
const UNIQUE = 'unique:';

/** The lock of such a gate; undefined for one of another kind. */
export function lockOfGate(gate: string): string | undefined {
  return gate.startsWith(UNIQUE) ? gate.slice(UNIQUE.length) : undefined;
}

/** @returns undefined for what somebody else has written there */
export function readHolder(value: Buffer): LockHolder | undefined {
  const id = piece(value, 0);
  const blank = id ? value.indexOf(' ', id.end) : -1;
  const queue = blank < 0 ? undefined : piece(value, blank + 1);
  if (!id || !queue) return undefined;
  const place = value.toString('latin1', id.end, blank);
  return {
    id: id.text,
    place: placeOf(place, queue.text),
    queue: queue.text,
    payload: value.toString('utf8', queue.end),
  };
}

function piece(bytes: Buffer, from: number): { readonly text: string; readonly end: number } | undefined {
  const digits = /^(\d{1,9}):/.exec(bytes.toString('latin1', from, from + 10))?.[1];
  if (digits === undefined) return undefined;
  const start = from + digits.length + 1;
  const end = start + Number(digits);
  return end > bytes.length ? undefined : { text: bytes.toString('utf8', start, end), end };
}

function placeOf(place: string, queue: string): LockPlace {
  const rest = place.slice(1);
  if (place === 'q') return { kind: 'queue' };
  if (place === 'p') return { kind: 'parked' };
  if (place.startsWith('d')) return { kind: 'delayed', seconds: rest };
  if (place.startsWith('r')) return { kind: 'retry', member: `${rest}:${queue}` };
  return { kind: 'unknown' };
}
