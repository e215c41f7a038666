/**
 * Whether anything grows over ten million jobs, as many as a busy day has: memory of the worker, and of Redis. And over fewer with
 * all that rides on jobs.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Bed } from './bed.ts';
import { startContender } from './contenders.ts';
import { field } from './redis-work.ts';
import { atMost, type Bench, type Row } from './report.ts';
import type { FeaturePart, FeatureSetting } from './soak/features.ts';

const JOBS = { quick: 500, full: 10_000_000 };
/** Queued at a time, then drained: so Redis holds no more than these. */
const AT_ONCE = { quick: 100, full: 250_000 };
/** Looks at the memory. */
const PARTS = 5;
/** With limits, locks, status records, flows, batches. */
const FEATURE_JOBS = { quick: 900, full: 100_000 };
const FEATURES = fileURLToPath(new URL('./soak/features.ts', import.meta.url));
/** What expires has expired then, ms: a limit's key is kept for a minute longer than its rate needs it. */
const EXPIRY_MS = { quick: 0, full: 70_000 };
const CONCURRENCY = 100;
const MB = 1_000_000;

export const bench: Bench = async ({ quick, bed }) => {
  const mode = quick ? 'quick' : 'full';
  const [jobs, atOnce] = [JOBS[mode], AT_ONCE[mode]];
  const contender = await startContender(bed, 'Lambdesque TCP');
  const rows: (Row & { readonly peak: number; readonly redis: number })[] = [];
  try {
    await bed.redis.client.flushall();
    let done = 0;
    let ms = 0;
    for (let part = 1; part <= PARTS; part++) {
      while (done < (jobs / PARTS) * part) {
        await contender.ask.fill({ jobs: atOnce });
        await contender.ask.connect({ jobs: atOnce, concurrency: CONCURRENCY });
        ms += await contender.ask.drain();
        done += atOnce;
      }
      const redis = field(await bed.redis.client.info('memory'), 'used_memory') / MB;
      const peak = (await contender.ask.memory()) / MB;
      rows.push({ jobs: done, 'jobs/s': Math.round((done / ms) * 1_000), peak, redis });
    }
    await bed.redis.client.flushall();
    const features = await withFeatures(bed, FEATURE_JOBS[mode], quick ? 2 : PARTS);
    await delay(EXPIRY_MS[mode]);
    // Statistics have a key for each minute.
    const keys = (await bed.redis.client.keys('*')).filter((key) => !key.startsWith('resque:stats:')).length;
    const growth = (what: 'peak' | 'redis') => (rows.at(-1)?.[what] ?? 0) / (rows[0]?.[what] ?? 1);
    return {
      title: 'Soak',
      notes: [
        `${jobs} jobs that do nothing, ${atOnce} queued at a time, each time drained by a new worker of one process, over TCP`,
        'peak: resident memory of that process so far, MB; redis: what Redis uses when all are run, MB',
        `then ${FEATURE_JOBS[mode]} jobs with limits, locks, status records, flows and batches, each with a key of its own; of them the heap without garbage`,
      ],
      rows: [
        ...rows,
        ...features.map(({ jobs: count, heap, redis }) => ({
          jobs: count,
          'jobs/s': 'limits, locks, flows …',
          peak: heap / MB,
          redis: redis / MB,
        })),
        { jobs: features.at(-1)?.jobs ?? 0, 'jobs/s': `keys in the end: ${keys}`, peak: '', redis: '' },
      ],
      bars: [
        atMost(
          'heap without garbage with limits, locks, status records, flows and batches, of that after a fifth',
          1.1,
          (features.at(-1)?.heap ?? 0) / (features[0]?.heap ?? 1),
          { unit: ' ×' },
        ),
        atMost('keys that are left of them when all has expired', 15, keys),
        atMost('memory of the process at the end, of that after a fifth', 1.1, growth('peak'), { unit: ' ×' }),
        atMost('memory of Redis at the end, of that after a fifth', 1.1, growth('redis'), { unit: ' ×' }),
      ],
    };
  } finally {
    await contender.stop();
    await bed.redis.client.flushall();
  }
};

async function withFeatures(
  { redis }: Bed,
  jobs: number,
  parts: number,
): Promise<(FeaturePart & { readonly redis: number })[]> {
  const setting: FeatureSetting = { url: redis.url, jobs, parts };
  const child = fork(FEATURES, [JSON.stringify(setting)], { execArgv: ['--expose-gc'] });
  const told: (FeaturePart & { readonly redis: number })[] = [];
  child.on('message', async (part: FeaturePart) => {
    told.push({ ...part, redis: field(await redis.client.info('memory'), 'used_memory') });
  });
  const [code] = await once(child, 'exit');
  if (code !== 0 || told.length !== parts)
    throw new Error(`The soak of features ended with ${code} after ${told.length} parts.`);
  return told;
}
