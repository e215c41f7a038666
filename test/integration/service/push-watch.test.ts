import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type CreateWorkerOptions, createClient, defineJob } from '../../../shared/index.ts';
import { eventually } from '../../helpers/eventually.ts';
import { startRedis, type TestRedis } from '../../helpers/redis-server.ts';
import { hasRun, payloadOf as payload, pushTo, waitingWorker, watchedIn } from '../../helpers/waiting-worker.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterEach(() => redis.client.flushall());
afterAll(() => redis.stop());

/** As any program does, that says nothing to anybody. */
const push = (id: number | string, queue?: string, namespace?: string) => pushTo(redis.client, id, queue, namespace);
const waiting = (options?: Partial<CreateWorkerOptions>) => waitingWorker({ url: redis.url, ...options });
const watched = (count?: number) => watchedIn(redis.client, count);

/** How often Redis was asked, by command. */
async function calls(): Promise<Record<string, number>> {
  const text = await redis.client.info('commandstats');
  return Object.fromEntries([...text.matchAll(/^cmdstat_(\S+):calls=(\d+)/gm)].map(([, name, n]) => [name, Number(n)]));
}
describe('a job that is pushed to a worker that waits starts at once', () => {
  test('whoever pushes it, one after the other and many', async () => {
    const { ran } = await waiting({ queues: 'p,q' });
    for (let id = 0; id < 20; id++) {
      await push(id, id % 2 === 0 ? 'p' : 'q');
      await hasRun(ran, ...Array.from({ length: id + 1 }, (_, i) => i));
    }
    await redis.client.rpush('resque:queue:q', ...Array.from({ length: 500 }, (_, i) => payload(i + 20)));
    await eventually(() => expect(ran).toHaveLength(520));
    expect(await redis.client.llen('resque:queue:q')).toBe(0);
  });

  test('in a queue that did not exist, for a worker that looks at patterns', async () => {
    const { ran } = await waiting({ queues: 'mail-*,!mail-x' });
    await redis.client.sadd('resque:queues', 'mail-1', 'mail-x', 'other');
    await push(0, 'mail-x');
    await push(1, 'mail-1');
    await hasRun(ran, 1);
    await push(2, 'mail-1');
    await hasRun(ran, 1, 2);
  });

  test('while others of it run', async () => {
    const ends = Promise.withResolvers<void>();
    const started: unknown[] = [];
    const slow = defineJob({
      class: 'A',
      async perform([id]) {
        started.push(id);
        await ends.promise;
      },
    });
    await waiting({ jobs: [slow], concurrency: 2 });
    await push(1);
    await hasRun(started, 1);
    await watched();
    await push(2);
    await hasRun(started, 1, 2);
    ends.resolve();
  });

  test('and is cancelled at once, though its worker has nothing to say to Redis', async () => {
    const started: unknown[] = [];
    const slow = defineJob({
      class: 'A',
      perform: ([id], { signal }) =>
        new Promise((_resolve, reject) => {
          started.push(id);
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    });
    const { worker } = await waiting({ jobs: [slow], concurrency: 1, lease: '10m' });
    await using client = createClient({ url: redis.url });
    for (const id of ['one', 'two']) {
      await redis.client.rpush('resque:queue:q', `{"class":"A","args":["${id}"],"id":"${id}"}`);
      await hasRun(started, 'one', ...(id === 'two' ? ['two'] : []));
      expect(await client.jobs.cancel(id)).toBe('cancelling');
      await eventually(() => expect(worker.summary.discarded).toBe(id === 'two' ? 2 : 1));
    }
  });

  test('also where the scheduler pushes it: a delayed job, a retry', async () => {
    const ran: unknown[] = [];
    const flaky = defineJob({
      class: 'Flaky',
      queue: 'q',
      retry: { attempts: 2, backoff: 0 },
      perform(_args, { job }) {
        ran.push(job.attempt);
        if (job.attempt === 1) throw new Error('not yet');
      },
    });
    const { worker } = await waiting({ jobs: [flaky], scheduler: true });
    expect(worker.summary.processed).toBe(0);
    await using client = createClient({ url: redis.url });
    await client.enqueue(flaky, [], { in: '1s' });
    await hasRun(ran, 1, 2);
  });

  test('in a database of its own, and below another namespace', async () => {
    const { ran } = await waiting({ url: `${redis.url}/3`, namespace: 'app' });
    await push('elsewhere', 'q', 'app:');
    await redis.client.select(3);
    onTestFinished(() => redis.client.select(0).then(() => {}));
    await push('here', 'q', 'app:');
    await hasRun(ran, 'here');
  });
});

test('no command is sent while nothing comes', async () => {
  const { ran } = await waiting({ queues: '*', interval: '2ms' });
  await redis.client.sadd('resque:queues', 'q');
  await push(1);
  await hasRun(ran, 1);
  const asked = async () => {
    const { evalsha = 0, exists = 0 } = await calls();
    return evalsha + exists;
  };
  // It settles, and watches again; then a look would come every 2 ms.
  let before = -1;
  await eventually(async () => {
    const now = await asked();
    const settled = now === before;
    before = now;
    expect(settled).toBe(true);
  });
  const pings = (await calls())['ping'] ?? 0;
  for (let i = 0; i < 200; i++) await redis.client.ping();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(((await calls())['ping'] ?? 0) - pings).toBe(200);
  expect(await asked()).toBe(before);
});

// That most of the others ask no more than one cheap question hangs on how fast the first is: unit/worker/push-watch.test.ts.
test('of ten that wait, one has the job', async () => {
  const workers = await Promise.all(Array.from({ length: 10 }, () => waiting()));
  const ran = () => workers.flatMap((one) => one.ran);
  await watched(10);
  await push(0);
  await eventually(() => expect(ran()).toHaveLength(1));
  for (let id = 1; id <= 20; id++) {
    await push(id);
    await eventually(() => expect(ran()).toHaveLength(id + 1));
  }
  expect(ran().sort()).toEqual(Array.from({ length: 21 }, (_, id) => id).sort());
});

describe('when Redis stops telling', () => {
  test('connections that break are made anew, and what came meanwhile starts', async () => {
    const { ran, log } = await waiting();
    for (const [id, kind] of ['pubsub', 'normal', 'pubsub'].entries()) {
      await watched();
      await redis.client.call('CLIENT', 'KILL', 'TYPE', kind, 'SKIPME', 'yes');
      await push(id);
      await eventually(() => expect(ran).toContain(id));
    }
    expect(log.lines.filter(({ message }) => /does not tell/.test(message))).toEqual([]);
  });

  test('a restart too, and a database that is emptied', async () => {
    const { ran } = await waiting();
    await watched();
    await redis.client.flushall();
    await watched();
    await push('emptied');
    await hasRun(ran, 'emptied');
    await redis.kill();
    await redis.start();
    await push('restarted');
    await eventually(() => expect(ran).toContain('restarted'));
    await watched();
    await push('again');
    await eventually(() => expect(ran).toContain('again'));
  });

  test('one that may not tell this user is looked at each interval, and that is said once', async () => {
    await redis.client.call('ACL', 'SETUSER', 'worker', 'on', '>secret', '~*', '&*', '+@all', '-client|tracking');
    const url = redis.url.replace('redis://', 'redis://worker:secret@');
    const { ran, log } = await waiting({ url, interval: '10ms' });
    await push(1);
    await hasRun(ran, 1);
    await push(2);
    await hasRun(ran, 1, 2);
    const told = log.lines.filter(({ message }) => /does not tell of new jobs/.test(message));
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({
      level: 'warn',
      fields: { interval: '10ms', remedy: expect.stringMatching(/TRACKING/) },
    });
    await watched(0);
  });
});

test('a worker that ends leaves no connection', async () => {
  const { worker } = await waiting();
  await watched();
  worker.stop();
  await worker.run();
  // This one's own.
  await eventually(async () =>
    expect(
      String(await redis.client.client('LIST'))
        .trim()
        .split('\n'),
    ).toHaveLength(1),
  );
});
