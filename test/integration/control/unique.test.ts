import { describe, expect, test } from 'vitest';
import type { SyncRequest } from '../../../shared/broker/broker.ts';
import { redisControlBroker } from '../../../shared/broker/redis/control.ts';
import { redisFailedBroker } from '../../../shared/broker/redis/failed.ts';
import { redisJobsBroker } from '../../../shared/broker/redis/jobs.ts';
import { redisQueuesBroker } from '../../../shared/broker/redis/queues.ts';
import { redisScheduledBroker } from '../../../shared/broker/redis/scheduled.ts';
import { createEnqueuer } from '../../../shared/client/enqueuer.ts';
import { createClient, defineJob, type Enqueued, type JobInfo, RetryIn } from '../../../shared/index.ts';
import { createFailed } from '../../../shared/inspect/failed-client.ts';
import { createJobs } from '../../../shared/inspect/jobs-client.ts';
import { createScheduled } from '../../../shared/inspect/scheduled.ts';
import type { EnqueueOptions } from '../../../shared/job/enqueue.ts';
import { uniqueName } from '../../../shared/job/unique.ts';
import type { UniqueOptions } from '../../../shared/job/unique-options.ts';
import { NAMESPACE } from '../../helpers/backends.ts';
import { NOW, redisTime, withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { startSlowProxy } from '../../helpers/slow-proxy.ts';
import { drain, Gate, mortal, startWorker } from '../../helpers/workers.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const TRACE = {
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  tracestate: `a=${'1'.repeat(400)}`,
};
/** What Redis counts down from so many ms, seen a moment later. */
const justUnder = (ms: number) => (left: number) => left > ms - 120_000 && left <= ms;

withBrokers((stores) => {
  const { db, keys } = { db: () => stores.db, keys: stores.keys };
  const name = (...args: unknown[]) => uniqueName('Report', { by: 'args' }, args);
  const lock = async (...args: unknown[]) => db().get(keys.unique(name(...args)));
  const holder = async (...args: unknown[]) => (await lock(...args))?.slice(3, 39);
  const left = (...args: unknown[]) => db().pttl(keys.unique(name(...args)));
  const enqueuer = () => createEnqueuer({ store: stores.store, now: redisTime.now, wallClock: redisTime.now });
  const openUnique = (gate: string) => stores.store.openGates([gate]);

  function inspector() {
    const lists = redisFailedBroker(stores.client(), NAMESPACE, redisTime.now);
    const scheduled = redisScheduledBroker(stores.client(), NAMESPACE, redisTime.now);
    const waiting = createScheduled(scheduled);
    const jobs = redisJobsBroker(stores.client(), NAMESPACE);
    const control = redisControlBroker(stores.client(), NAMESPACE, redisTime.now);
    return createJobs({ jobs, lists, scheduled, waiting, failed: createFailed(lists), control });
  }

  /** @param unique of the class Report */
  function report(unique: UniqueOptions, perform?: (job: JobInfo) => unknown) {
    const definition = defineJob({
      class: 'Report',
      queue: 'q',
      unique,
      retry: { attempts: 3 },
      perform: (_args, ctx) => perform?.(ctx.job),
    });
    const client = enqueuer();
    return {
      definition,
      enqueue: (args: unknown[], options?: EnqueueOptions) => client.enqueue(definition, args, options),
      all: (items: readonly (EnqueueOptions & { readonly args: unknown[] })[]) =>
        client.enqueueAll(items.map((one) => ({ job: definition, ...one }))),
      drain: () => drain({ store: stores.store, jobs: [definition] }),
    };
  }

  describe('skip', () => {
    test('enqueues the first of equal jobs, and answers its id for the others', async () => {
      const { enqueue, drain } = report({});
      const first = await enqueue([1, { a: 1, b: 2 }]);
      expect(first).toMatchObject({ duplicate: false, id: expect.stringMatching(/^[0-9a-f-]{36}$/) });
      expect(JSON.parse(first.payload)).toMatchObject({ id: first.id, queue_time: NOW / 1000 });
      expect(await enqueue([1, { b: 2, a: 1 }])).toMatchObject({ duplicate: true, id: first.id });
      expect(await enqueue([1, { b: 2, a: 1 }], { in: '1h' })).toMatchObject({ duplicate: true, id: first.id });
      expect(await enqueue([2])).toMatchObject({ duplicate: false });
      expect(await enqueue([2], { unique: false })).toMatchObject({ duplicate: false });
      expect(await stores.queued('q')).toHaveLength(3);
      expect(await left(1, { a: 1, b: 2 })).toSatisfy(justUnder(DAY));
      await drain();
      expect(await enqueue([2])).toMatchObject({ duplicate: false });
      await drain();
    });

    test('keeps the order of a queue, plain jobs among unique ones', async () => {
      const { all, drain } = report({});
      const items = Array.from({ length: 2_500 }, (_, i) => ({
        args: [i % 500],
        ...(i % 3 ? {} : { unique: false as const }),
      }));
      const done = await all(items);
      const kept = done.filter((one) => !one.duplicate).map(({ payload }) => payload);
      expect(await stores.queued('q')).toEqual(kept);
      expect(kept).toHaveLength(834 + 500);
      await drain();
    });

    test('counts a delayed job and a retry as one that waits, for as long as they wait', async () => {
      const { enqueue } = report({ while: 'queued', atMost: '2h' });
      const first = await enqueue([1], { in: '5h' });
      expect(await left(1)).toSatisfy(justUnder(7 * HOUR));
      expect(await enqueue([1])).toMatchObject({ duplicate: true, id: first.id });
      await stores.db.flushall();

      const { enqueue: again, drain } = report({ while: 'queued', atMost: '2h' }, () => {
        throw new RetryIn('3h');
      });
      const { id } = await again([1]);
      await drain();
      expect(await holder(1)).toBe(id);
      expect(await left(1)).toSatisfy(justUnder(5 * HOUR));
      expect(await again([1])).toMatchObject({ duplicate: true, id });
      await stores.db.flushall();
    });

    test('lets go when the job has ended, however that is', async () => {
      const { enqueue, drain } = report({}, () => {
        throw new Error('no');
      });
      await enqueue([1]);
      for (let attempt = 0; attempt < 3; attempt++) {
        await drain();
        expect(await lock(1), `after attempt ${attempt + 1}`).toEqual(attempt < 2 ? expect.any(String) : null);
        redisTime.move(DAY);
        await stores.promoteRetries();
      }
      expect(await db().llen(keys.failed)).toBe(1);
      await stores.db.del(keys.failed);
    });

    test('with `queued`, lets go when the job starts, and takes the lock back for a retry where it is free', async () => {
      const gate = new Gate();
      let fails = true;
      const { enqueue, drain } = report({ while: 'queued' }, async () => {
        if (!fails) return;
        await gate.opened;
        throw new RetryIn('1h');
      });
      const [one] = [await enqueue([1]), await enqueue([2])];
      const drained = drain();
      await eventually(async () => expect([await lock(1), await lock(2)]).toEqual([null, null]));
      const other = await enqueue([2], { queue: 'else' });
      expect(other.duplicate).toBe(false);
      gate.open();
      await drained;
      expect([await holder(1), await holder(2)]).toEqual([one.id, other.id]);
      fails = false;
      redisTime.move(HOUR);
      await stores.promoteRetries();
      await drain();
      await expect(lock(1)).resolves.toBeNull();
    });

    test('sent again since its answer was lost, is enqueued once', async () => {
      const { enqueue } = report({});
      const { id, payload, queue } = await enqueue([1]);
      const lock = { name: name(1), ms: DAY, until: 'end', onConflict: 'skip' } as const;
      const again = await stores.store.enqueueControlled([{ id, payload, queue, seconds: undefined, lock }]);
      expect(again).toEqual(['enqueued']);
      expect(await stores.queued('q')).toEqual([payload]);
      await db().flushall();
    });

    test('sent again since its answer was lost, does not replace itself where it waits', async () => {
      const { enqueue } = report({ onConflict: 'replace' }, () => new Promise(() => {}));
      await enqueue([1]);
      const second = await enqueue([2], { track: true });
      const { id, payload, queue } = second;
      const of = { name: name(1), ms: DAY, until: 'end', onConflict: 'replace' } as const;
      await db().set(keys.unique(name(1)), '2:xxr 1:q{}');
      for (let i = 0; i < 2; i++) {
        await stores.store.enqueueControlled([{ id, payload, queue, seconds: undefined, lock: of }]);
      }
      expect(await db().llen(keys.parkedAt(`unique:${name(1)}`))).toBe(1);
      expect(await db().exists(keys.flowsLost)).toBe(0);
      await db().flushall();
    });
  });

  describe('a time', () => {
    test('throttles: the first of a period, whatever becomes of it', async () => {
      const { enqueue, drain } = report({ while: '10m' });
      await enqueue([1]);
      await drain();
      expect(await enqueue([1])).toMatchObject({ duplicate: true });
      expect(await left(1)).toSatisfy(justUnder(600_000));
      await db().pexpire(keys.unique(name(1)), 1);
      await expect.poll(() => lock(1)).toBeNull();
      expect(await enqueue([1])).toMatchObject({ duplicate: false });
      await db().flushall();
    });
  });

  describe('replace', () => {
    test('debounces: the last one, so long after it', async () => {
      const { enqueue, all } = report({ while: 'queued', onConflict: 'replace' });
      await enqueue([1], { in: '5s' });
      redisTime.move(3_000);
      await all([
        { args: [1], in: '5s' },
        { args: [2], in: '5s' },
        { args: [1], in: '6s' },
      ]);
      const last = await enqueue([1], { in: '7s' });
      expect(last.duplicate).toBe(false);
      const seconds = (NOW + 3_000) / 1000;
      expect(await db().zrange(keys.delayedSchedule, '0', '-1')).toEqual([`${seconds + 5}`, `${seconds + 7}`]);
      expect(await db().lrange(keys.delayed(seconds + 7), 0, -1)).toEqual([last.payload]);
      expect(await db().smembers(keys.timestamps(last.payload))).toEqual([`delayed:${seconds + 7}`]);
      expect(await db().keys('*timestamps:*')).toHaveLength(2);
      expect(await holder(1)).toBe(last.id);
      await db().flushall();
    });

    test('takes the place of one in its queue, one that was promoted, and a retry', async () => {
      let fails = true;
      const { enqueue, drain } = report({ onConflict: 'replace' }, () => {
        if (fails) throw new RetryIn('1h');
      });
      await enqueue([1]);
      await enqueue([2]);
      const second = await enqueue([1]);
      expect((await stores.queued('q')).at(-1)).toBe(second.payload);
      expect(await stores.queued('q')).toHaveLength(2);
      await drain();
      expect(await db().zcard(keys.retry)).toBe(2);
      const third = await enqueue([1], { in: '5s' });
      expect(await db().zcard(keys.retry)).toBe(1);
      expect(await db().hlen(keys.retryPayloads)).toBe(1);
      redisTime.move(10_000);
      await stores.tick();
      expect(await stores.queued('q')).toEqual([third.payload]);
      const fourth = await enqueue([1]);
      expect(await stores.queued('q')).toEqual([fourth.payload]);
      redisTime.move(DAY);
      await stores.promoteRetries();
      const fifth = await enqueue([2]);
      expect(await stores.queued('q')).toEqual([fourth.payload, fifth.payload]);
      fails = false;
      expect((await drain()).succeeded).toBe(2);
    });

    test('waits for one that runs; a still newer one replaces what waits', async () => {
      const gate = new Gate();
      const ran: unknown[] = [];
      const { enqueue, drain } = report({ onConflict: 'replace' }, async (job) => {
        ran.push(job.id);
        await gate.opened;
      });
      const first = await enqueue([1]);
      const drained = drain();
      await eventually(() => expect(ran).toHaveLength(1));
      const second = await enqueue([1], { track: true, trace: TRACE });
      const third = await enqueue([1]);
      await stores.tick();
      expect(JSON.parse((await db().get(keys.jobStatus(second.id ?? ''))) ?? ''), 'whoever waits for it').toMatchObject(
        {
          state: 'discarded',
          error: 'A newer job has taken its place.',
        },
      );
      await db().del(keys.jobStatus(second.id ?? ''));
      expect(await holder(1)).toBe(first.id);
      expect(await db().lrange(keys.parkedAt(`unique:${name(1)}`), 0, -1)).toEqual([`1:q${third.payload}`]);
      gate.open();
      await drained;
      expect(ran).toEqual([first.id, third.id]);
    });

    test.each([0, 20])('by many at once leaves one that waits, %i ms from Redis', async (rtt) => {
      const { definition } = report({});
      const proxy =
        rtt > 0 && stores.backend === 'TCP' ? await startSlowProxy({ target: stores.redis.port, rtt }) : undefined;
      const store = stores.open(proxy ? { url: `redis://127.0.0.1:${proxy.port}` } : {});
      const client = createEnqueuer({ store, now: redisTime.now, wallClock: redisTime.now });
      const unique = { while: 'queued', onConflict: 'replace' } as const;
      await Promise.all(Array.from({ length: 60 }, () => client.enqueue(definition, [1], { in: '5s', unique })));
      const [second = '', ...others] = await db().zrange(keys.delayedSchedule, '0', '-1');
      expect(others).toEqual([]);
      const waiting = await db().lrange(keys.delayed(second), 0, -1);
      expect(waiting.map((payload) => JSON.parse(payload).id)).toEqual([await holder(1)]);
      // Whoever never got at the holder waits for it, one of them.
      expect(await db().llen(keys.parkedAt(`unique:${name(1)}`))).toBeLessThanOrEqual(1);
      await db().flushall();
      await proxy?.stop();
    });
  });

  describe('later', () => {
    test('one after the other, in order, each with the lock', async () => {
      const held: unknown[] = [];
      const { enqueue, drain } = report({ onConflict: 'later' }, async () => held.push(await holder(1)));
      const jobs: Enqueued[] = [];
      for (let i = 0; i < 4; i++) jobs.push(await enqueue([1], i % 2 ? { trace: TRACE } : {}));
      expect(jobs.some((one) => one.duplicate)).toBe(false);
      expect(await stores.queued('q')).toEqual([jobs[0]?.payload]);
      const gate = `unique:${name(1)}`;
      expect(await db().lrange(keys.parkedAt(gate), 0, -1)).toEqual(
        jobs.slice(1).map(({ payload }) => `1:q${payload}`),
      );
      expect(Number(await db().zscore(keys.parked, gate))).toSatisfy(justUnder(NOW + DAY));
      expect((await drain()).succeeded).toBe(4);
      expect(held).toEqual(jobs.map(({ id }) => id));
    });

    test('goes to another queue by the scheduler, which is told', async () => {
      const { enqueue, drain } = report({ onConflict: 'later' });
      await enqueue([1]);
      const second = await enqueue([1], { queue: 'other' });
      await drain();
      const gate = `unique:${name(1)}`;
      expect(await db().zscore(keys.parked, gate)).toBe(String(NOW));
      expect(await lock(1)).toBeNull();
      expect(await openUnique(gate)).toEqual({ called: 1, more: false, wrong: [] });
      expect(await stores.queued('other')).toEqual([second.payload]);
      expect(await holder(1)).toBe(second.id);
      expect(await db().zscore(keys.parked, gate)).toBeNull();
      await drain();
    });

    test('the scheduler lets nobody in while the lock is held, and looks when it ends; garbage does not stop it', async () => {
      const { enqueue, drain } = report({ onConflict: 'later', atMost: '1h' });
      await enqueue([1]);
      const second = await enqueue([1]);
      const gate = `unique:${name(1)}`;
      await db().lpush(keys.parkedAt(gate), 'garbage');
      await db().zadd(keys.parked, NOW, gate);
      expect(await openUnique(gate)).toMatchObject({ called: 0, wrong: [{ error: /no job/ }] });
      expect(Number(await db().zscore(keys.parked, gate))).toSatisfy(justUnder(NOW + HOUR));
      // Its job is lost, and its lock ends.
      await db().del(keys.queue('q'), keys.unique(name(1)));
      expect(await openUnique(gate)).toMatchObject({ called: 1 });
      expect(await stores.queued('q')).toEqual([second.payload]);
      expect(await openUnique(gate)).toMatchObject({ called: 0 });
      expect(await db().zcard(keys.parked)).toBe(0);
      await drain();
    });

    test('one that has a time of its own has the lock, and waits for it', async () => {
      const { enqueue, drain } = report({ onConflict: 'later' });
      await enqueue([1]);
      const second = await enqueue([1], { in: '1h' });
      await drain();
      const gate = `unique:${name(1)}`;
      expect(await stores.queued('q')).toEqual([]);
      expect(await holder(1)).toBe(second.id);
      expect(await db().zscore(keys.parked, gate)).toBe(String(NOW + HOUR));
      expect(await openUnique(gate)).toMatchObject({ called: 0 });
      redisTime.move(HOUR);
      expect(await openUnique(gate)).toMatchObject({ called: 1 });
      expect(await stores.queued('q')).toEqual([second.payload]);
      await drain();
    });
  });

  describe('what is removed gives its lock back, and lets in what waits for it', () => {
    const queues = () => redisQueuesBroker(stores.client(), NAMESPACE, redisTime.now);
    const waiting = () => createScheduled(redisScheduledBroker(stores.client(), NAMESPACE, redisTime.now));

    test('jobs.remove', async () => {
      const { enqueue } = report({ onConflict: 'later' });
      const [first, second] = [await enqueue([1]), await enqueue([1])];
      const jobs = inspector();
      expect(await jobs.remove((await jobs.get(first.id as string)) as never)).toBe(true);
      expect(await stores.queued('q')).toEqual([second.payload]);
      expect(await holder(1)).toBe(second.id);
      expect(await jobs.remove((await jobs.get(second.id as string)) as never)).toBe(true);
      expect(await lock(1)).toBeNull();
    });

    test.each(['clear', 'remove'] as const)('queues.%s, of thousands', async (what) => {
      const { all } = report({ while: 'queued' });
      await stores.produce('q', '{"class":"Report","args":["control"]}');
      await all(Array.from({ length: 2_500 }, (_, i) => ({ args: [i], track: i % 2 === 1 })));
      expect(await queues()[what]('q')).toBe(2_501);
      expect(await db().keys('*unique:*')).toEqual([]);
      const records = await db().keys('*job:*');
      expect(records).toHaveLength(1_250);
      expect(JSON.parse((await db().get(records[0] ?? '')) ?? '')).toMatchObject({ status: 4, state: 'discarded' });
      await db().flushall();
    });

    test('scheduled.remove of delayed jobs and retries; another time holds it for longer', async () => {
      const { enqueue, drain } = report({ atMost: '1h' }, () => {
        throw new RetryIn('1h');
      });
      await enqueue([1]);
      await drain();
      await enqueue([2], { in: '1h' });
      for await (const job of waiting().find({})) {
        expect(await waiting().reschedule(job, new Date(NOW + 24 * HOUR))).toBe(true);
      }
      for (const args of [1, 2]) expect(await left(args)).toSatisfy(justUnder(25 * HOUR));
      // Its place is known anew: another can take it.
      expect(await enqueue([2], { unique: { onConflict: 'replace' }, in: '2h' })).toMatchObject({ duplicate: false });
      expect(await waiting().count()).toEqual({ delayed: 1, retries: 1 });
      for await (const job of waiting().find({})) expect(await waiting().remove(job)).toBe(true);
      expect([await lock(1), await lock(2)]).toEqual([null, null]);
    });
  });

  test('client.locks: who holds them, what waits, and one that is freed', async () => {
    const { definition, enqueue, drain } = report({ onConflict: 'later', atMost: '1h' });
    const url =
      stores.backend === 'TCP' ? { url: stores.redis.url } : { url: stores.upstash.url, token: stores.upstash.token };
    await using client = createClient({ ...url, jobs: [definition] });
    const [first, second] = [await enqueue([1, 'x'.repeat(10_000)]), await enqueue([1, 'x'.repeat(10_000)])];
    await enqueue([2]);
    const found = [];
    for (let cursor: string | undefined = '0'; cursor !== undefined; ) {
      const page: Awaited<ReturnType<typeof client.locks.list>> = await client.locks.list({ cursor, limit: 1 });
      found.push(...page.items);
      cursor = page.cursor;
    }
    expect(found).toHaveLength(2);
    const lock = await client.locks.get(definition, [1, 'x'.repeat(10_000)]);
    expect(found).toContainEqual({ ...lock, until: expect.any(Date) });
    expect(lock).toMatchObject({ id: first.id, class: 'Report', queue: 'q', parked: 1 });
    expect(await client.locks.get('Report', [3])).toBeUndefined();
    await expect(client.locks.get('Other', [])).rejects.toThrow(/no definition of "Other" is known/);
    expect(await client.locks.free(lock?.name ?? '')).toBe(true);
    expect((await stores.queued('q')).at(-1)).toBe(second.payload);
    expect((await client.locks.get(definition, [1, 'x'.repeat(10_000)]))?.id).toBe(second.id);
    expect(await client.locks.free('Report:nothing')).toBe(false);
    expect((await drain()).succeeded).toBe(3);
  });

  describe('kills', () => {
    test('at every step leave each job run, and no lock, whatever the step', async () => {
      const ran = new Set<string>();
      const { definition, all } = report({ while: 'queued or running' }, (job) => {
        ran.add(job.id);
        if (job.attempt === 1 && job.id.charCodeAt(0) % 3 === 0) throw new RetryIn('1s');
      });
      const ids = new Set<string>();
      for (let round = 0; round < 8; round++) {
        const done = await all(
          Array.from({ length: 40 }, (_, i) => ({
            args: [i],
            unique: { while: round % 2 ? 'queued' : 'queued or running' } as const,
          })),
        );
        for (const one of done) if (!one.duplicate) ids.add(one.id ?? '');
        // It dies before, while or after Redis has carried out what it was sent.
        const dying = mortal(stores.store);
        const syncs = 1 + (round % 4);
        const died = new Gate();
        let calls = 0;
        const store = {
          ...dying.store,
          sync: async (request: SyncRequest) => {
            if (++calls > syncs) {
              if (round % 2) await stores.store.sync(request);
              dying.kill();
              died.open();
            }
            return dying.store.sync(request);
          },
        };
        const worker = startWorker({ store, jobs: [definition], options: { concurrency: 5, exitOnComplete: true } });
        let ended = false;
        const over = worker.ended
          .catch(() => {})
          .finally(() => {
            ended = true;
          });
        await Promise.race([over, died.opened]);
        await eventually(() => {
          if (!ended) worker.stop();
          if (!ended) worker.pass(HOUR);
          expect(ended).toBe(true);
        });
        redisTime.move(2 * HOUR);
        await stores.tick();
      }
      for (let i = 0; i < 4; i++) {
        await drain({ store: stores.store, jobs: [definition] });
        redisTime.move(HOUR);
        await stores.tick();
      }
      expect([...ids].filter((id) => !ran.has(id))).toEqual([]);
      expect(await db().keys('*unique:*')).toEqual([]);
      expect(await db().llen(keys.failed)).toBe(0);
    });
  });

  test('20,000 enqueues of 500 keys leave no lock behind', async () => {
    const { definition, all } = report({});
    let enqueued = 0;
    const workers = [0, 1].map(() =>
      startWorker({ store: stores.store, jobs: [definition], options: { interval: '20ms' } }),
    );
    for (let i = 0; i < 10; i++) {
      const done = await all(Array.from({ length: 2_000 }, (_, n) => ({ args: [(n * 7 + i) % 500] })));
      enqueued += done.filter((one) => !one.duplicate).length;
    }
    const ran = () => workers.reduce((sum, one) => sum + one.summary.succeeded, 0);
    await eventually(() => expect(ran()).toBe(enqueued));
    for (const worker of workers) worker.stop();
    await Promise.all(workers.map((one) => one.ended));
    expect(enqueued).toBeGreaterThanOrEqual(500);
    expect(await db().keys('*unique:*')).toEqual([]);
  });
});
