import { parseQueues } from '../../../shared/internal.ts';
import { connect } from '../backend.ts';
import { type CronFlags, loadCron } from '../cron.ts';
import { serveDashboard } from '../dashboard/server.ts';
import { howToEnqueue } from '../how-to-enqueue.ts';
import { loadJobs } from '../jobs.ts';
import { createLogger } from '../log.ts';
import type { Env } from '../redis/install.ts';
import { localRedis } from '../redis/local-redis.ts';
import { runWorker } from '../run-worker.ts';

/** Looks at empty queues this often: a person who tries it out should not have to wait. */
const INTERVAL = 1_000;

/** `npm start`: worker and scheduler on a local Redis, until Ctrl-C. */
export async function start(flags: CronFlags, env: Env): Promise<void> {
  const registry = await loadJobs(flags.jobs);
  const cron = await loadCron(flags, registry);
  const redis = await localRedis({ env, say: (line) => console.log(line) });
  try {
    const backend = connect({ uri: redis.url }, {});
    try {
      const log = createLogger(process.stdout.isTTY);
      const classes = registry.definitions.map((one) => one.class).join(', ');
      const entries = Object.keys(cron).join(', ');
      console.log(`Redis: ${redis.description}`);
      console.log(`Job classes of ${flags.jobs}: ${classes}${entries === '' ? '' : `\nCron entries: ${entries}`}`);
      const dashboard = await serveDashboard({ ...backend, registry, cron, log });
      console.log(`Dashboard: ${dashboard.url}`);
      console.log(`${howToEnqueue(redis, backend.namespace, registry)}\n`);
      const options = { interval: INTERVAL };
      try {
        await runWorker({ backends: [backend], registry, queues: parseQueues('*'), options, cron, log }, flags.jobs);
      } finally {
        await dashboard.close();
      }
    } finally {
      await backend.store.close();
    }
  } finally {
    await redis.stop();
  }
}
