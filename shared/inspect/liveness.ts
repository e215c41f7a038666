import type { Survey } from '../broker/redis/workers.ts';
import { isOurs } from '../wire/worker-id.ts';

/** Resque's own limit: who has been silent for longer is pruned by Ruby's workers, ms. */
export const SILENT_MS = 300_000;

/** Ours live by their leases, others by their heartbeats; undefined where neither is known. */
export function isAlive(id: string, { now, leases, heartbeats }: Survey): boolean | undefined {
  if (isOurs(id)) return (leases.get(id) ?? 0) > now;
  const beat = Date.parse(heartbeats.get(id) ?? '');
  return Number.isNaN(beat) ? undefined : now - beat < SILENT_MS;
}

/** Ids of those that are not known to be dead. */
export function notDead(survey: Survey): string[] {
  return survey.ids.filter((id) => isAlive(id, survey) !== false);
}
