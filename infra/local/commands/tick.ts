import { existsSync } from 'node:fs';
import { createRegistry, systemClock, tick } from 'lambdesque';
import { type BackendFlags, connect } from '../backend.ts';
import { defaultJobs, loadJobs } from '../jobs.ts';
import { createLogger } from '../log.ts';
import type { Env } from '../redis/install.ts';

/** `lambdesque tick`: one run of the scheduler, for whoever has a cron of their own. */
export async function tickOnce(flags: BackendFlags & { readonly jobs: string }, env: Env): Promise<void> {
  const log = createLogger(process.stdout.isTTY);
  const registry =
    flags.jobs === defaultJobs && !existsSync(flags.jobs) ? createRegistry([]) : await loadJobs(flags.jobs);
  const { store } = await connect(flags, env);
  try {
    const { errors, ...result } = await tick({ store, registry, clock: systemClock, log });
    log.info('tick', result);
    if (errors[0]) throw errors[0];
  } finally {
    await store.close();
  }
}
