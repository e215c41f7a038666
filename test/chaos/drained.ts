import { FEATURES } from '../helpers/chaos-feature-jobs.ts';
import { countJobs } from '../helpers/chaos-job-counts.ts';
import type { RunLog } from '../helpers/chaos-log.ts';
import { until } from '../helpers/chaos-wait.ts';
import type { TestRedis } from '../helpers/redis-server.ts';
import type { Fleet } from './fleet.ts';
import { LEDGER, QUEUES } from './plan.ts';

/** How long nothing may happen before this gives up, ms: longer than hanging connections, waits and leases together. */
const STANDSTILL_MS = 60_000;

/** Waits until nothing is queued, delayed, to be retried or in flight. @returns what is left when nothing happens any more */
export async function drained(redis: TestRedis, fleet: Fleet, log: RunLog): Promise<string[]> {
  const { client } = redis;
  const left = async (): Promise<Record<string, number>> => {
    const { leases, ...counts } = await countJobs(client, [...QUEUES, LEDGER, FEATURES]);
    const live = fleet.all.filter(({ life }) => life !== undefined).length;
    const all = { ...counts, leasesOfDeadWorkers: Math.max(0, leases - live) };
    return Object.fromEntries(Object.entries(all).filter(([, count]) => count > 0));
  };
  let last: Record<string, number> = {};
  const over = await until(
    async () => {
      last = await left();
      return Object.keys(last).length === 0;
    },
    { patience: STANDSTILL_MS, progress: () => `${log.starts} ${JSON.stringify(last)}`, interval: 100 },
  );
  return over ? [] : [`nothing happens any more, and there are left: ${JSON.stringify(last)}`];
}

/** What may stay when every worker has ended: Resque's own, and what expires. */
const STAYS = new Set([
  'resque:queues',
  'resque:failed',
  'resque:stat:processed',
  'resque:stat:failed',
  'resque:flows',
  'resque:flows:ended',
]);

/** Keys that nobody needs any more. */
export async function leftKeys({ client }: TestRedis): Promise<string[]> {
  const wrong: string[] = [];
  for (const key of (await client.keys('*')).filter((one) => !STAYS.has(one))) {
    if ((await client.pttl(key)) > 0) continue;
    // An order to cancel a job that nobody could withdraw is forgotten when its time is over.
    if (key === 'resque:control' && (await client.hkeys(key)).every((field) => field.startsWith('cancel:'))) continue;
    if (key !== 'resque:serial') wrong.push(key);
    // The hash of serial queues may stay; that somebody holds one may not.
    else if ((await client.hvals(key)).some((holder) => holder !== '')) wrong.push('the holder of a serial queue');
  }
  return wrong;
}
