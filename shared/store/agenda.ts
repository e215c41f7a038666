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
  const [leaseEnd, retry, delayed] = scores.map((score) => (text(score) === '' ? undefined : Number(text(score))));
  return {
    leaseEnd,
    retry,
    delayed: delayed === undefined ? undefined : delayed * 1000,
    ...(ruby === 1 ? { rubyScheduler: true } : {}),
  };
}
