import type { FlowMark } from '../flow-mark.ts';
import type { ControlLock, Effect } from '../types.ts';
import { unsplice } from '../wire/attempts-record.ts';
import { controlOf } from '../wire/control.ts';
import { statusIdOf } from '../wire/decode.ts';
import { flowOf } from '../wire/flow.ts';
import { phpStatus } from '../wire/php-status.ts';

/** What else happens with a job that somebody removes: it gives back its lock, and its record says so. @param payload with the record of its attempts or without */
export function removalEffects(payload: string, queue: string, why = REMOVED): Effect[] {
  const { id, mark, lock, keep } = holdingsOf(unsplice(payload).payload);
  const effects: Effect[] = mark ? [{ kind: 'stepLost', mark, why }] : [];
  if (id === undefined) return effects;
  if (lock) effects.push({ kind: 'unlock', id, name: lock.name, queue });
  if (keep !== undefined) effects.push({ kind: 'removed', id, keep, reason: why });
  return effects;
}

/**
 * What else happens with a job that goes to the failed list where no worker has read it.
 * @param payload or its end, of one that our client wrote: its id and what follows  @param now Redis's time, epoch ms
 */
export function failureEffects(payload: string, queue: string, now: number, error: string): Effect[] {
  const { payload: original, record } = unsplice(payload);
  const { id, prefix, mark, lock, keep } = holdingsOf(original);
  const effects: Effect[] = mark ? [{ kind: 'stepLost', mark, why: error }] : [];
  if (id === undefined) return effects;
  if (lock) effects.push({ kind: 'unlock', id, name: lock.name, queue });
  const statusId = statusIdOf(id, prefix);
  const attempt = (record?.attempts ?? 0) + 1;
  const tracked = keep === undefined ? undefined : ({ state: 'failed', attempt, error, keep } as const);
  if (statusId !== undefined) effects.push(phpStatus(statusId, 'failed', now, { tracked }));
  return effects;
}

/** What else happens with a job that had failed and is in its queue again: it takes its lock, where that is free, and its record says so. */
export function requeueEffects(payload: string, queue: string): Effect[] {
  const { id, lock, keep } = holdingsOf(unsplice(payload).payload);
  if (id === undefined) return [];
  const effects: Effect[] = keep === undefined ? [] : [{ kind: 'requeued', id, keep }];
  if (lock) effects.push({ kind: 'relock', id, name: lock.name, queue, ms: lock.ms });
  return effects;
}

const REMOVED = 'It was removed.';
export const REPLACED = 'A newer job has taken its place.';

interface Holdings {
  readonly id?: string | undefined;
  readonly prefix?: unknown;
  readonly mark?: FlowMark | undefined;
  readonly lock?: ControlLock | undefined;
  readonly keep?: number | undefined;
}

/** What a job holds, as far as its payload tells, or the end of it. */
function holdingsOf(payload: string): Holdings {
  // Most hold nothing.
  if (!payload.includes('"id":"') && !payload.includes('"flow":')) return {};
  const fields = objectOf(payload) ?? objectOf(endOf(payload));
  if (!fields) return {};
  const { id, prefix, control, flow } = fields;
  const asked = controlOf(control);
  const lock = asked?.lock;
  return {
    id: typeof id === 'string' ? id : undefined,
    prefix,
    mark: flowOf(flow),
    lock: lock && (lock.until === 'start' || lock.until === 'end') ? lock : undefined,
    keep: asked?.keep,
  };
}

/** From its id on, which stands behind the arguments; or from its flow. */
function endOf(payload: string): string {
  const flow = payload.lastIndexOf('"flow":{"id":"');
  const id = (flow === -1 ? payload : payload.slice(0, flow)).lastIndexOf('"id":"');
  return `{${payload.slice(id === -1 ? flow : id)}`;
}

function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

/** What else happens with a job that is given another time: its lock is held from then on. @param seconds epoch seconds, of a delayed one  @param member of a retry */
export function retimeEffects(
  payload: string,
  queue: string,
  place: { readonly seconds: number } | { readonly member: string; readonly at: number },
): Effect[] {
  const { id, lock } = holdingsOf(unsplice(payload).payload);
  if (!lock || id === undefined) return [];
  const due = 'seconds' in place ? place.seconds * 1000 : place.at;
  return [{ kind: 'relock', id, name: lock.name, queue, ms: lock.ms, due, ...place }];
}
