import type { Agenda } from './job-store.ts';
import { type Keys, keysOf } from './keys.ts';
import { list, type RedisClient, type Reply, text } from './redis-client.ts';
import { agenda } from './scripts/agenda.ts';

/** A tick's first look, by itself: for a worker that only tells the scheduler when to run next. */
export async function readAgenda(client: RedisClient, namespace: string): Promise<Agenda> {
  return agendaOf(await client.script(agenda, agendaKeys(keysOf(namespace)), []));
}

/** In the order in which scripts take them. */
export function agendaKeys({ rubyScheduler, leases, retry, delayedSchedule }: Keys): string[] {
  return [rubyScheduler, leases, retry, delayedSchedule];
}

/** @param answer of the script */
export function agendaOf(answer: Reply | undefined): Agenda {
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
