/** Whether anything grows over ten million jobs, as many as a busy day has: memory of the worker, and of Redis. */
import { startContender } from './contenders.ts';
import { field } from './redis-work.ts';
import { atMost, type Bench, type Row } from './report.ts';

const JOBS = { quick: 500, full: 10_000_000 };
/** Queued at a time, then drained: so Redis holds no more than these. */
const AT_ONCE = { quick: 100, full: 250_000 };
/** Looks at the memory. */
const PARTS = 5;
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
    const growth = (what: 'peak' | 'redis') => (rows.at(-1)?.[what] ?? 0) / (rows[0]?.[what] ?? 1);
    return {
      title: 'Soak',
      notes: [
        `${jobs} jobs that do nothing, ${atOnce} queued at a time, each time drained by a new worker of one process, over TCP`,
        'peak: resident memory of that process so far, MB; redis: what Redis uses when all are run, MB',
      ],
      rows,
      bars: [
        atMost('memory of the process at the end, of that after a fifth', 1.1, growth('peak'), { unit: ' ×' }),
        atMost('memory of Redis at the end, of that after a fifth', 1.1, growth('redis'), { unit: ' ×' }),
      ],
    };
  } finally {
    await contender.stop();
    await bed.redis.client.flushall();
  }
};
