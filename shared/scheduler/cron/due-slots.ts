import type { CronRule } from './entry.ts';

/** A slot that is older when a tick sees it was missed: no scheduler ran at its time. */
export const MISSED_AFTER_MS = 60_000;
/** Most slots made up for with `missed: 'all'`. */
export const MOST_MISSED = 1_000;

/**
 * The slots to enqueue now, in rising order.
 * @param since when the rule's timing was first seen: it never fires for earlier times
 * @param last the last claimed slot
 */
export function dueSlots(
  { timing, missed }: Pick<CronRule, 'timing' | 'missed'>,
  since: number,
  last: number | undefined,
  now: number,
): number[] {
  const after = Math.max(since, last ?? -Infinity);
  const newest = timing.latest(now, since);
  if (newest === undefined || newest <= after) return [];
  if (missed === 'latest') return [newest];
  if (missed === 'skip') return now - newest <= MISSED_AFTER_MS ? [newest] : [];
  const slots: number[] = [];
  // Backwards, so that a long absence costs no more than the slots that are made up for.
  for (let slot: number | undefined = newest; slot !== undefined && slot > after && slots.length < MOST_MISSED; ) {
    slots.push(slot);
    slot = timing.latest(slot - 1, since);
  }
  return slots.reverse();
}
