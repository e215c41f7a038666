import type { DueTimes } from '../broker.ts';
import { type Keys, keysOf } from '../keys.ts';
import { agenda } from '../scripts/due-times.ts';
import { list, type RedisClient, type Reply, text } from './client.ts';

/** A tick's first look, by itself: for a worker that only tells the scheduler when to run next. */
export async function readDueTimes(client: RedisClient, namespace: string): Promise<DueTimes> {
  return dueTimesOf(await client.script(agenda, dueTimesKeys(keysOf(namespace)), []));
}

/** In the order in which scripts take them. */
export function dueTimesKeys({ rubyScheduler, leases, retry, delayedSchedule }: Keys): string[] {
  return [rubyScheduler, leases, retry, delayedSchedule];
}

/** @param answer of the script */
export function dueTimesOf(answer: Reply | undefined): DueTimes {
  const [ruby, ...scores] = list(answer);
  // A score that is no time, such as inf, is nobody's due time.
  const [leaseEnd, retry, delayed] = scores.map((score) => {
    const time = text(score) === '' ? Number.NaN : Number(text(score));
    return Number.isFinite(time) ? time : undefined;
  });
  return {
    leaseEnd,
    retry,
    delayed: delayed === undefined ? undefined : delayed * 1000,
    ...(ruby === 1 ? { rubyScheduler: true } : {}),
  };
}
