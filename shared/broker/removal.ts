import type { Effect } from '../types.ts';
import { unsplice } from '../wire/attempts-record.ts';
import { controlOf } from '../wire/control.ts';
import { flowOfPayload } from '../wire/flow.ts';

/** What else happens with a job that somebody removes: it gives back its lock, and its record says so. @param payload with the record of its attempts or without */
export function removalEffects(payload: string, queue: string): Effect[] {
  const effects = stepEffects(unsplice(payload).payload);
  const found = controlledOf(payload);
  if (!found) return effects;
  const { id, lock, keep } = found;
  if (lock && (lock.until === 'start' || lock.until === 'end'))
    effects.push({ kind: 'unlock', id, name: lock.name, queue });
  if (keep !== undefined) {
    effects.push({ kind: 'removed', id, keep, reason: 'It was removed.' });
  }
  return effects;
}

/** The same, of the end of a payload that our client wrote: its id and what follows. */
export function removalEffectsOfEnd(end: string, queue: string): Effect[] {
  const flow = end.lastIndexOf('"flow":{"id":"');
  const before = flow === -1 ? end : end.slice(0, flow);
  const from = before.lastIndexOf('"id":"');
  if (from !== -1) return removalEffects(`{${end.slice(from)}`, queue);
  return flow === -1 ? [] : stepEffects(`{${end.slice(flow)}`);
}

function stepEffects(payload: string): Effect[] {
  const mark = flowOfPayload(payload);
  return mark ? [{ kind: 'stepLost', mark, why: 'It was removed.' }] : [];
}

/** What else happens with a job that is given another time: its lock is held from then on. @param seconds epoch seconds, of a delayed one  @param member of a retry */
export function retimeEffects(
  payload: string,
  queue: string,
  place: { readonly seconds: number } | { readonly member: string; readonly at: number },
): Effect[] {
  const lock = controlledOf(payload)?.lock;
  const id = controlledOf(payload)?.id;
  if (!lock || id === undefined || (lock.until !== 'start' && lock.until !== 'end')) return [];
  const due = 'seconds' in place ? place.seconds * 1000 : place.at;
  return [{ kind: 'relock', id, name: lock.name, queue, ms: lock.ms, due, ...place }];
}

function controlledOf(payload: string) {
  const { payload: original } = unsplice(payload);
  // Most have none.
  if (!original.includes('"control":')) return undefined;
  try {
    const { id, control } = JSON.parse(original) as { id?: unknown; control?: unknown };
    const asked = controlOf(control);
    if (typeof id !== 'string' || !asked) return undefined;
    return { id, lock: asked.lock || undefined, keep: asked.keep };
  } catch {
    return undefined;
  }
}
