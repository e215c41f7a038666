import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../../shared/clock.ts';
import {
  createClient,
  createShardedWorker,
  createWorker,
  Discard,
  defineJob,
  type Logger,
  type RunReport,
  type Worker,
  type WorkerEvents,
} from '../../../shared/index.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';
import { startRedis, type TestRedis } from '../../helpers/redis-server.ts';
import { startUpstash, type UpstashServer } from '../../helpers/upstash-server.ts';

let redis: TestRedis;
let upstash: UpstashServer;
beforeAll(async () => {
  redis = await startRedis();
  upstash = await startUpstash(redis.url);
});
afterEach(() => redis.client.flushall());
afterAll(async () => {
  await upstash.stop();
  await redis.stop();
});

const ran: string[] = [];
afterEach(() => {
  ran.length = 0;
});
const Good = defineJob({
  class: 'Good',
  queue: 'q',
  perform([name]) {
    ran.push(String(name));
  },
});
const Flaky = defineJob({
  class: 'Flaky',
  queue: 'q',
  retry: { attempts: 2, backoff: 0 },
  perform() {
    throw new Error('not yet');
  },
});
const Unwanted = defineJob({
  class: 'Unwanted',
  queue: 'q',
  perform() {
    throw new Discard('nobody needs it');
  },
});
const jobs = [Good, Flaky, Unwanted];

const EVENTS = ['started', 'succeeded', 'retried', 'failed', 'discarded', 'released', 'idle'] as const;

/** Every event of the worker, with the class that it is about. */
function heard(worker: Worker): string[] {
  const events: string[] = [];
  for (const name of EVENTS) {
    const listener = (about: RunReport | string | { readonly class: string }) =>
      void events.push(`${name} ${typeof about === 'string' ? about : about.class}`);
    worker.on(name as 'started', listener as (job: WorkerEvents['started'][0]) => void);
  }
  return events;
}

describe('a worker in a program', () => {
  test.each([
    ['TCP', () => ({ url: redis.url })],
    ['REST', () => ({ url: upstash.url, token: upstash.token })],
  ])('runs jobs over %s, tells what happens, and ends its connection', async (_over, where) => {
    const log = recordingLogger();
    await using client = createClient({ ...where(), namespace: 'app', jobs });
    await client.enqueueAll([
      { job: Good, args: ['a'] },
      { job: Unwanted, args: [] },
      { job: Flaky, args: [] },
    ]);
    const worker = createWorker({
      ...where(),
      namespace: 'app',
      jobs,
      queues: ['q'],
      concurrency: 1,
      scheduler: true,
      interval: '10ms',
      log,
    });
    const events = heard(worker);
    const failed = new Promise((resolve) => worker.once('failed', resolve));
    const done = worker.run();
    expect(worker.run()).toBe(done);
    await failed;
    worker.stop();
    const summary = await done;

    expect(ran).toEqual(['a']);
    expect(summary).toMatchObject({ processed: 4, succeeded: 1, retried: 1, failed: 1, discarded: 1 });
    expect(worker.summary).toEqual(summary);
    expect(events.filter((one) => !one.startsWith('idle'))).toEqual([
      'started Good',
      'succeeded Good',
      'started Unwanted',
      'discarded Unwanted',
      'started Flaky',
      'retried Flaky',
      'started Flaky',
      'failed Flaky',
    ]);
    expect(events).toContain('idle empty');
    expect(await redis.client.llen('app:failed')).toBe(1);
    expect(await redis.client.keys('app:worker*')).toEqual([]);
  });

  test('enqueues cron entries, with the scheduler that they need', async () => {
    const log = recordingLogger();
    const cron = { often: { every: '1s', class: 'Good', args: ['cron'] } } as const;
    await using worker = createWorker({ url: redis.url, jobs, queues: '*', cron, interval: '10ms', log });
    const done = new Promise((resolve) => worker.once('succeeded', resolve));
    const running = worker.run();
    await done;
    worker.stop();
    await running;
    expect(ran[0]).toBe('cron');
  });

  test('says once that it is idle, and again after it had something to do', async () => {
    const log = recordingLogger();
    await using client = createClient({ url: redis.url, jobs });
    await using worker = createWorker({ url: redis.url, jobs, queues: 'q', interval: '5ms', log });
    const events = heard(worker);
    const idle = () => new Promise((resolve) => worker.once('idle', resolve));
    const first = idle();
    const running = worker.run();
    await first;
    const again = idle();
    await client.enqueue(Good, ['a']);
    await again;
    worker.stop();
    await running;
    expect(events).toEqual(['idle empty', 'started Good', 'succeeded Good', 'idle empty']);
  });

  test('goes on where a listener throws, and says so', async () => {
    const log = recordingLogger();
    await using client = createClient({ url: redis.url, jobs });
    await client.enqueue(Good, ['a']);
    await using worker = createWorker({ url: redis.url, jobs, queues: 'q', exitOnComplete: true, log });
    worker.on('succeeded', () => {
      throw new Error('no listener');
    });
    expect(await worker.run()).toMatchObject({ succeeded: 1 });
    expect(log.lines).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('listener for succeeded') }),
    );
  });

  test.each(['rep*', ''])('refuses a limit of %j, which is no name of a queue', (queue) => {
    const options = { jobs: [], queues: 'reports,*-mail', limits: { [queue]: { running: 2 } } };
    expect(() => createWorker(options)).toThrow(
      `limits: ${JSON.stringify(queue)} must be a queue's whole name, not a pattern.`,
    );
  });

  test('is told limits of queues that other workers drain, and says so once, as it could be a slip', async () => {
    const limits = { report: { running: 2 }, 'a-mail': { running: 1 } };
    const queues = 'reports,*-mail,!b-mail';
    const worker = { jobs: [], queues, limits, exitOnComplete: true };
    const message =
      'limits.report: no queue of this name is looked into (did you mean "reports"?). The queues are reports, *-mail, !b-mail. ' +
      'This worker has no use for the limit';
    for (const run of [
      (log: Logger) => createWorker({ ...worker, url: redis.url, log }),
      (log: Logger) =>
        createShardedWorker({
          ...worker,
          shards: { a: { url: redis.url }, b: { url: redis.url, namespace: 'b' } },
          log,
        }),
    ]) {
      const log = recordingLogger();
      await run(log).run();
      expect(log.lines).toEqual([expect.objectContaining({ level: 'warn', message })]);
    }
  });

  test('takes nothing while it is paused', async () => {
    const log = recordingLogger();
    await using client = createClient({ url: redis.url, jobs });
    await using worker = createWorker({ url: redis.url, jobs, queues: 'q', interval: '5ms', log });
    worker.pause();
    const running = worker.run();
    await client.enqueue(Good, ['a']);
    expect(worker.summary.processed).toBe(0);
    const done = new Promise((resolve) => worker.once('succeeded', resolve));
    worker.resume();
    await done;
    worker.stop();
    await running;
    expect(ran).toEqual(['a']);
  });

  test('that never ran leaves no timer behind, which would keep the process alive', async () => {
    const after = vi.spyOn(systemClock, 'after');
    await createWorker({ url: redis.url, jobs, queues: 'q' })[Symbol.asyncDispose]();
    expect(after).not.toHaveBeenCalled();
  });

  test('closes its connection when it is disposed of, whether it ran or not', async () => {
    const connections = async () =>
      String(await redis.client.client('LIST'))
        .trim()
        .split('\n').length;
    const before = await connections();
    {
      await using _never = createWorker({ url: redis.url, jobs, queues: 'q' });
      await using worker = createWorker({ url: redis.url, jobs, queues: 'q', log: recordingLogger() });
      const idle = new Promise((resolve) => worker.once('idle', resolve));
      void worker.run();
      await idle;
    }
    // Those of the test before may have been closing then.
    await expect.poll(connections).toBeLessThanOrEqual(before);
  });

  test.each([
    [{ queues: '' }, /queues must/],
    [{ queues: [] }, /queues must/],
    [{ concurrency: 0 }, /concurrency must be a whole number, 1 or more; got 0/],
    [{ lease: 5 }, /lease must be/],
    [
      { conccurency: 3 } as never,
      /^createWorker: there is no option "conccurency" \(did you mean "concurrency"\?\)\. .*queues/,
    ],
    [{ jobs: undefined as never }, /^jobs must be a list .* got undefined\.$/],
    [{ queues: undefined as never }, /^queues must be a text .* got undefined\.$/],
    [{ order: 'foo' as never }, /^order must be one of "strict", "weighted"; got "foo"\.$/],
    [
      { log: 5 as never },
      /^log must be a logger with the methods .* got 5, without debug, info, warn, error, child\.$/,
    ],
    [{ middleware: [5 as never] }, /^middleware\[0\] must be a function; got 5\.$/],
    [{ serial: 5 as never }, /^serial must be a text/],
    [{ interval: 5 }, /^interval must be .* got 5\. Write '5s'/],
    [{ shutdownTimeout: 8 }, /^shutdownTimeout must be .* got 8\. Write '8s'/],
    [{ cron: { x: { every: '1s', class: 'Nobody' } } }, /Nobody/],
    [{ cron: {}, scheduler: false }, /cron needs the scheduler/],
    [{ failed: { max: 1 } }, /failed needs the scheduler/],
    [{ scheduler: true, failed: { max: -1 } }, /failed\.max must be a whole number of entries, 0 or more; got -1/],
    [{ scheduler: true, failed: { age: 'soon' as never } }, /failed\.age must be a duration of 1s or more.*got "soon"/],
    [{ jobs: [Good, Good] }, /defined twice/],
    [{ url: 'nowhere' }, /must look like redis/],
  ])('refuses %j', (options, message) => {
    expect(() => createWorker({ url: redis.url, jobs, queues: 'q', ...options })).toThrow(message);
  });
});
