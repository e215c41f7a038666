import type { Control, ControlLock } from '../types.ts';

/** How long a lock is held where the payload does not say, ms. */
export const LOCK_MS = 86_400_000;

const UNTIL = ['start', 'end', 'time', 'running'] as const;

/** What our client writes under the key `control` of a payload; anything else there is the producer's own. */
export function controlOf(value: unknown): Control | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  return {
    expires: limitOf(fields['expires']),
    deadline: limitOf(fields['deadline']),
    lock: lockOf(fields),
    due: timeOf(fields['due']),
    keep: timeOf(fields['keep']),
  };
}

/**
 * The value of the key, in whole milliseconds and seconds; undefined where nothing is asked for. It is flat, and the last of
 * its payload: scripts find it there.
 */
export function controlFields({ expires, deadline, lock, due, keep }: Control): object | undefined {
  const fields = {
    expires,
    deadline,
    lock: lock ? lock.name : lock,
    until: lock ? lock.until : undefined,
    hold: lock && lock.ms !== LOCK_MS ? lock.ms : undefined,
    later: lock ? lock.later || undefined : undefined,
    due,
    keep,
  };
  return Object.values(fields).some((value) => value !== undefined) ? fields : undefined;
}

function lockOf({ lock, until, hold, later }: Readonly<Record<string, unknown>>): ControlLock | false | undefined {
  if (lock === false) return false;
  if (typeof lock !== 'string' || !/^[A-Za-z0-9_.:-]+$/.test(lock)) return undefined;
  const named = UNTIL.find((one) => one === until) ?? 'end';
  return { name: lock, until: named, ms: timeOf(hold) ?? LOCK_MS, later: later === true };
}

/** null, as JSON has Infinity: none, whatever the definition says. */
function limitOf(value: unknown): number | undefined {
  return value === null ? Infinity : timeOf(value);
}

function timeOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}
