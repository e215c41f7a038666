import type { Control } from '../types.ts';

/** What our client writes under the key `control` of a payload; anything else there is the producer's own. */
export function controlOf(value: unknown): Control | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { expires, deadline, lock, until, keep } = value as Readonly<Record<string, unknown>>;
  return {
    expires: timeOf(expires),
    deadline: timeOf(deadline),
    lock:
      typeof lock === 'string' && lock !== '' ? { name: lock, until: until === 'start' ? 'start' : 'end' } : undefined,
    keep: timeOf(keep),
  };
}

/** The value of the key, in whole milliseconds and seconds; undefined where nothing is asked for. */
export function controlFields({ expires, deadline, lock, keep }: Control): object | undefined {
  const fields = { expires, deadline, lock: lock?.name, until: lock?.until, keep };
  return Object.values(fields).some((value) => value !== undefined) ? fields : undefined;
}

function timeOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}
