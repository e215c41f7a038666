import type { SchedulerBroker } from '../broker/broker.ts';
import type { TickSnapshot } from '../broker/redis/stats.ts';
import type { Registry } from '../job/registry.ts';
import type { Logger } from '../log.ts';
import type { CronRunner } from './cron/runner.ts';
import { promoteDelayed } from './promote-delayed.ts';

export interface TickDeps {
  readonly store: SchedulerBroker;
  /** Tells the queue of a delayed job that names none. */
  readonly registry?: Registry;
  /** @default no cron entries */
  readonly cron?: CronRunner;
  readonly log: Logger;
}

/** What a tick did. */
export interface TickResult {
  /** Delayed jobs moved to their queues. */
  readonly promoted: number;
  /** Retries moved to their queues. */
  readonly retried: number;
  /** Jobs of dead workers given back to their queues. */
  readonly reclaimed: number;
  /** Jobs of cron entries enqueued. */
  readonly cron: number;
  /** Delayed payloads that no queue could be found for, now in the failed list. */
  readonly failed: number;
  /** By how much the latest of the promoted delayed jobs and retries were late, ms. */
  readonly lateness: number;
  /** When a delayed job, retry or cron slot that is known now is due next, epoch ms; undefined if none is. */
  readonly nextAt: number | undefined;
  /** When the first lease of a worker ends unless it is extended, epoch ms; undefined if there is no worker. */
  readonly leaseEnd: number | undefined;
}

const RETRIES_AT_ONCE = 500;
const WORKERS_AT_ONCE = 100;
const STUCK_MS = 1_000;
/** How soon to see whether Ruby's scheduler has left due jobs behind. Its lock expires by itself within 3 minutes. */
const RUBY_MS = 60_000;

/**
 * One run of the scheduler: reclaim, promote retries and delayed jobs, enqueue cron slots. Safe beside any number of
 * others. Where nothing is due it is one call to Redis, and one more with cron entries; none of what `outlook` has.
 *
 * Delayed jobs are left to Ruby's resque-scheduler while that runs: it reads a list before it watches it, and would push
 * again what we moved in between.
 */
export async function tick(
  { store, registry, cron, log }: TickDeps,
  now: number,
  outlook: TickSnapshot = {},
): Promise<TickResult> {
  const agenda = outlook.agenda ?? (await store.agenda());
  const isDue = (time: number | undefined) => time !== undefined && time <= now;
  const reclaimed = isDue(agenda.leaseEnd) ? await reclaim(store, log, now) : 0;
  const retried = isDue(agenda.retry) ? await promoteRetries(store, log, now) : 0;
  // Before the delayed jobs: they may hold a payload that nothing takes, and then reject.
  const crons = await cron?.run(now, outlook.cron);
  const delayed =
    isDue(agenda.delayed) && !agenda.rubyScheduler
      ? await promoteDelayed(store, registry, now)
      : { promoted: 0, failed: 0 };
  if (delayed.failed > 0)
    log.error('Delayed payloads without a queue went to the failed list', { jobs: delayed.failed });
  const acted = reclaimed + retried + delayed.promoted + delayed.failed > 0;
  const after = acted ? await store.agenda() : agenda;
  // What is due and was not moved (a queue of another type) is no reason to come back at once.
  const next = (time: number | undefined, again = STUCK_MS) => (isDue(time) ? now + again : time);
  const times = [next(after.retry), next(after.delayed, after.rubyScheduler && RUBY_MS), next(crons?.next)].filter(
    (time) => time !== undefined,
  );
  const due = [retried > 0 ? agenda.retry : undefined, delayed.promoted > 0 ? agenda.delayed : undefined];
  return {
    ...delayed,
    retried,
    reclaimed,
    cron: crons?.enqueued ?? 0,
    lateness: Math.max(0, ...due.map((time) => now - (time ?? now))),
    nextAt: times.length === 0 ? undefined : Math.min(...times),
    leaseEnd: after.leaseEnd,
  };
}

async function reclaim(store: SchedulerBroker, log: Logger, now: number): Promise<number> {
  let reclaimed = 0;
  for (const { worker, jobs, wrong } of await store.reclaim(WORKERS_AT_ONCE)) {
    reclaimed += jobs;
    log.warn('The lease of a worker ended; its jobs are back in their queues', { worker, jobs });
    for (const { key, error } of wrong)
      log.error('A key did not take the jobs of a dead worker; tried again in a minute', { worker, key, error });
  }
  return reclaimed;
}

async function promoteRetries(store: SchedulerBroker, log: Logger, now: number): Promise<number> {
  let retried = 0;
  for (;;) {
    const { moved, refused } = await store.promoteRetries(now, RETRIES_AT_ONCE);
    retried += moved;
    if (refused.length > 0) log.error('Queues did not take their retries; they wait on', { refused });
    if (moved < RETRIES_AT_ONCE) return retried;
  }
}
