import {
  CronRunner,
  FailedTrimmer,
  redisCronBroker,
  redisFailedTrimBroker,
  systemClock,
  tick,
} from '../../../shared/internal.ts';
import { omitUndefined } from '../../omit-undefined.ts';
import { type BackendFlags, connect } from '../backend.ts';
import { type CronFlags, loadCron } from '../cron.ts';
import { loadJobsIfAny } from '../jobs.ts';
import { createLogger } from '../log.ts';
import type { Env } from '../redis/install.ts';

interface TickFlags extends BackendFlags, CronFlags {
  readonly failedMax?: number;
  /** Milliseconds. */
  readonly failedAge?: number;
}

/** `lambdesque tick`: one run of the scheduler, for whoever has a cron of their own. */
export async function tickOnce(flags: TickFlags, env: Env): Promise<void> {
  const log = createLogger(process.stdout.isTTY);
  const registry = await loadJobsIfAny(flags.jobs);
  const entries = await loadCron(flags, registry);
  const backend = connect(flags, env);
  try {
    const cron = new CronRunner({ entries, registry, store: redisCronBroker(backend.redis, backend.namespace), log });
    const limits = omitUndefined({ max: flags.failedMax, age: flags.failedAge });
    const failed = new FailedTrimmer(redisFailedTrimBroker(backend.redis, backend.namespace), limits, log);
    const deps = { store: backend.store, registry, cron, failed, clock: systemClock, log };
    const { errors, lateness, nextAt, leaseEnd: _lease, endedAt: _end, ...moved } = await tick(deps);
    const next = nextAt === undefined ? undefined : new Date(nextAt).toISOString();
    log.info('tick', omitUndefined({ ...moved, latenessMs: Math.round(lateness), next }));
    if (errors[0]) throw errors[0];
  } finally {
    await backend.store.close();
  }
}
