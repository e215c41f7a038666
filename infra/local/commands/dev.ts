import { relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '../../../shared/index.ts';
import { createRegistry, StopSignals } from '../../../shared/internal.ts';
import { connect } from '../backend.ts';
import { type CronFlags, defaultCron } from '../cron.ts';
import { DevWorker } from '../dev/dev-worker.ts';
import { FileWatch } from '../dev/file-watch.ts';
import { howToEnqueue } from '../how-to-enqueue.ts';
import { loadJobs } from '../jobs.ts';
import { createLogger } from '../log.ts';
import type { Env } from '../redis/install.ts';
import { localRedis } from '../redis/local-redis.ts';

/** A terminal's Ctrl-C comes to worker and parent, and the worker may be the first to end. Milliseconds. */
const CTRL_C = 100;

/**
 * `npm run dev`: as `start`, with a worker that is replaced whenever a job changes, or what it imports. Redis and what is queued
 * there stay.
 */
export async function dev(flags: CronFlags, env: Env): Promise<void> {
  const redis = await localRedis({ env, say: (line) => console.log(line) });
  try {
    const { namespace, store } = connect({ uri: redis.url }, {});
    await store.close();
    console.log(`Redis: ${redis.description}`);
    // What is wrong with it, the worker tells.
    const registry = await loadJobs(flags.jobs).catch(() => createRegistry([]));
    console.log(
      `${howToEnqueue(redis, namespace, registry)}\nThe worker restarts when you save a job, or what it imports.\n`,
    );
    const log = createLogger(process.stdout.isTTY);
    await restarting(flags, redis.started ? { ...env, REDIS_URL: redis.url } : env, log);
  } finally {
    await redis.stop();
  }
}

/** Until a signal. */
async function restarting(flags: CronFlags, env: Env, log: Logger): Promise<void> {
  const watch = new FileWatch();
  watch.add([flags.jobs, flags.cron ?? defaultCron].map((path) => resolve(path)));
  const stop = Promise.withResolvers<'stop'>();
  let stopped = false;
  let worker: DevWorker | undefined;
  const signals = new StopSignals({
    underNpm: env['npm_lifecycle_event'] !== undefined,
    onStop: () => {
      stopped = true;
      stop.resolve('stop');
    },
    onEnd: () => worker?.kill(),
  });
  try {
    while (!stopped) {
      const change = watch.next();
      const since = Date.now();
      worker = new DevWorker({ ...flags, env, onFiles: (files) => watch.add(files, since) });
      let first = await Promise.race([stop.promise, change, worker.ended]);
      if (typeof first === 'object' && 'end' in first) {
        await Promise.race([stop.promise, sleep(CTRL_C)]);
        if (stopped) break;
        log.warn('The worker has ended; it starts again when you save a file', { ended: first.end });
        watch.alsoBeside();
        first = await Promise.race([stop.promise, change]);
      }
      if (first !== 'stop') {
        log.info('restarting', { changed: first.map(shortPath).join(', ') });
      }
      if (!(await worker.stop())) {
        log.warn('The worker did not end in time and was killed; its jobs come back when its lease has ended');
      }
    }
  } finally {
    signals.end();
    watch.close();
  }
}

/** From here, where it is here. */
function shortPath(path: string): string {
  const inside = relative('.', path);
  return inside.startsWith('..') ? path : inside;
}
