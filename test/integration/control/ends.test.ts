import { describe, expect, test } from 'vitest';
import { redisControlBroker } from '../../../shared/broker/redis/control.ts';
import { redisFailedBroker } from '../../../shared/broker/redis/failed.ts';
import { redisJobsBroker } from '../../../shared/broker/redis/jobs.ts';
import { redisQueuesBroker } from '../../../shared/broker/redis/queues.ts';
import { redisScheduledBroker } from '../../../shared/broker/redis/scheduled.ts';
import { createEnqueuer } from '../../../shared/client/enqueuer.ts';
import { Discard, defineJob, type JobInfo, RetryIn, SkipRetry, step } from '../../../shared/index.ts';
import { createFailed } from '../../../shared/inspect/failed-client.ts';
import { createJobs } from '../../../shared/inspect/jobs-client.ts';
import { createScheduled } from '../../../shared/inspect/scheduled.ts';
import type { EnqueueOptions } from '../../../shared/job/enqueue.ts';
import { uniqueName } from '../../../shared/job/unique.ts';
import { NAMESPACE } from '../../helpers/backends.ts';
import { redisTime, withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { flowsOn } from '../../helpers/flows.ts';
import { drain, mortal, startWorker } from '../../helpers/workers.ts';

/** Every way in which a job ends, by every thing that is to happen then: nothing that it held is left, and all are told. */

const HOUR = 3_600_000;

interface Scene {
  /** The payload, where it waits. */
  readonly payload: string;
  readonly id: string;
  readonly definition: ReturnType<typeof definitionOf>;
}

interface End {
  readonly state: 'succeeded' | 'failed' | 'discarded';
  /** Of the callbacks: which is called; none where no worker of its class is there. */
  readonly says?: 'succeeded' | 'failed';
  readonly how?: (job: JobInfo) => unknown;
  readonly once?: boolean;
  readonly options?: EnqueueOptions;
  /** Of what is enqueued, not for steps of flows. */
  readonly notInFlows?: boolean;
  /** @default a worker drains the queue */
  readonly by?: (scene: Scene) => Promise<unknown>;
}

const said: string[] = [];

function definitionOf({ how, once }: Pick<End, 'how' | 'once'>) {
  return defineJob({
    class: 'Held',
    queue: 'q',
    unique: { by: 'args' },
    track: true,
    limit: { running: 1 },
    args: {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value: unknown) =>
          JSON.stringify(value) === '[1]' ? { value: value as [number] } : { issues: [{ message: 'not [1]' }] },
      },
    } as never,
    ...(once ? { delivery: 'at-most-once' as const } : { retry: { attempts: 2 } }),
    onSucceeded: () => void said.push('succeeded'),
    onFailed: () => void said.push('failed'),
    perform: (_args, ctx) => how?.(ctx.job),
  });
}

withBrokers((stores) => {
  const { keys } = stores;
  const lists = () => redisFailedBroker(stores.client(), NAMESPACE, redisTime.now);
  const scheduled = () => redisScheduledBroker(stores.client(), NAMESPACE, redisTime.now);
  const queues = () => redisQueuesBroker(stores.client(), NAMESPACE, redisTime.now);
  function inspector() {
    const waiting = createScheduled(scheduled());
    const jobs = redisJobsBroker(stores.client(), NAMESPACE);
    const control = redisControlBroker(stores.client(), NAMESPACE, redisTime.now);
    const failed = createFailed(lists());
    return createJobs({ jobs, lists: lists(), scheduled: scheduled(), waiting, failed, control });
  }
  const change = (to: (payload: string) => string) => async (scene: Scene) => {
    await stores.db.lset(keys.queue('q'), 0, to(scene.payload));
    await drain({ store: stores.store, jobs: [scene.definition] });
  };
  const remove = async ({ id }: Scene) => {
    const job = await inspector().get(id);
    expect(job && (await inspector().remove(job as never))).toBe(true);
  };
  /** A worker starts it, and dies. */
  const death = async ({ definition }: Scene) => {
    const dying = mortal(stores.open());
    const worker = startWorker({ store: dying.store, jobs: [definition], options: { lease: 60_000 } });
    await eventually(() => expect(begun).toBeGreaterThan(0));
    begun = 0;
    dying.kill();
    redisTime.move(61_000);
    await stores.tick();
    worker.stop();
  };
  let begun = 0;
  const forever = () => {
    begun++;
    return new Promise(() => {});
  };

  const ends: Readonly<Record<string, End>> = {
    'its handler returns': { state: 'succeeded', says: 'succeeded' },
    'its last attempt fails': {
      state: 'failed',
      says: 'failed',
      how: () => {
        throw new SkipRetry('no');
      },
    },
    'its handler discards it': {
      state: 'discarded',
      how: () => {
        throw new Discard('not needed');
      },
    },
    'its third death': {
      state: 'failed',
      says: 'failed',
      how: forever,
      async by(scene) {
        for (let i = 0; i < 3; i++) await death(scene);
        await drain({ store: stores.store, jobs: [scene.definition] });
      },
    },
    'the death of the worker of an at-most-once job': { state: 'failed', once: true, how: forever, by: death },
    'a payload that is no job any more': {
      state: 'failed',
      by: change((payload) => payload.replace('"class":"Held"', '"class":7')),
    },
    'a payload that is no JSON any more': {
      state: 'failed',
      by: change((payload) => payload.replace('"args":[1]', '"args":[1')),
    },
    'arguments that its schema refuses': {
      state: 'failed',
      says: 'failed',
      by: change((payload) => payload.replace('"args":[1]', '"args":[2]')),
    },
    'a class that nobody knows': { state: 'failed', by: () => drain({ store: stores.store, jobs: [] }) },
    'its expiry': {
      state: 'discarded',
      options: { expires: '1m' },
      notInFlows: true,
      by({ definition }) {
        redisTime.move(61_000);
        return drain({ store: stores.store, jobs: [definition] });
      },
    },
    'its deadline': {
      state: 'failed',
      says: 'failed',
      options: { deadline: '1m' },
      notInFlows: true,
      by({ definition }) {
        redisTime.move(61_000);
        return drain({ store: stores.store, jobs: [definition] });
      },
    },
    'jobs.cancel while it waits': { state: 'discarded', by: ({ id }) => inspector().cancel(id) },
    'jobs.cancel while it runs': {
      state: 'discarded',
      how: forever,
      async by({ definition, id }) {
        begun = 0;
        const worker = startWorker({ store: stores.store, jobs: [definition], options: { interval: 1_000 } });
        await eventually(() => expect(begun).toBe(1));
        expect(await inspector().cancel(id)).toBe('cancelling');
        await eventually(() => {
          worker.clock.move(10_000);
          expect(worker.summary.discarded).toBe(1);
        });
        worker.stop();
        await worker.ended;
      },
    },
    'jobs.remove from its queue': { state: 'discarded', by: remove },
    'jobs.remove where it is parked': {
      state: 'discarded',
      async by(scene) {
        await stores.db.hset(keys.limit('class:Held'), '=w', 1);
        await stores.db.zadd(keys.leases, redisTime.now() + HOUR, 'w');
        await drain({ store: stores.store, jobs: [scene.definition] });
        expect(await stores.db.llen(keys.parkedAt('class:Held'))).toBe(1);
        await remove(scene);
        await stores.db.del(keys.leases);
        redisTime.move(HOUR);
      },
    },
    'jobs.remove while it is delayed': { state: 'discarded', options: { in: '1h' }, notInFlows: true, by: remove },
    'jobs.remove while it waits for a retry': {
      state: 'discarded',
      how: () => {
        throw new RetryIn('1h');
      },
      async by(scene) {
        await drain({ store: stores.store, jobs: [scene.definition] });
        await remove(scene);
      },
    },
    'queues.clear': { state: 'discarded', by: () => queues().clear('q') },
    'queues.remove': { state: 'discarded', by: () => queues().remove('q') },
    'queues.clear by one who dies before it is told': {
      state: 'discarded',
      async by() {
        const client = stores.client();
        let calls = 0;
        const dying: typeof client = {
          ...client,
          command: () => Promise.reject(new Error('It is dead.')),
          script: (...given) => {
            if (calls++ > 0) throw new Error('It is dead.');
            return client.script(...given);
          },
        };
        await expect(redisQueuesBroker(dying, NAMESPACE).clear('q')).rejects.toThrow('It is dead.');
      },
    },
    'a queue that does not take it when it is due': {
      state: 'failed',
      options: { in: '1m' },
      notInFlows: true,
      async by() {
        await stores.db.set(keys.queue('q'), 'no list');
        redisTime.move(61_000);
        await stores.tick();
        expect(await stores.db.llen(keys.failed)).toBe(1);
        await stores.db.del(keys.queue('q'));
      },
    },
  };

  describe.each(Object.entries(ends))('%s', (_name, end) => {
    const { state, says, options, by, notInFlows } = end;
    const definition = definitionOf(end);
    const run = by ?? (() => drain({ store: stores.store, jobs: [definition] }));

    test('gives back lock and place, and is told to its record and the callbacks', async () => {
      said.length = 0;
      begun = 0;
      const client = createEnqueuer({ store: stores.store, now: redisTime.now, wallClock: redisTime.now });
      const { id = '', payload } = await client.enqueue(definition, [1], options);
      const lock = keys.unique(uniqueName('Held', { by: 'args' }, [1]));
      expect(await stores.db.exists(lock)).toBe(1);
      await run({ payload, id, definition });
      await stores.tick();
      expect(await stores.db.exists(lock)).toBe(0);
      // Those of dead workers count no more.
      const alive = await stores.db.zrange(keys.leases, '0', '-1');
      const places = Object.keys(await stores.db.hgetall(keys.limit('class:Held')));
      expect(places.filter((field) => alive.includes(field.slice(1)))).toEqual([]);
      const record = JSON.parse((await stores.db.get(keys.jobStatus(id))) ?? '{}');
      expect(record).toMatchObject({ status: state === 'failed' ? 3 : 4, state });
      expect(await stores.db.ttl(keys.jobStatus(id))).toBeGreaterThan(0);
      expect(said).toEqual(says ? [says] : []);
      expect(await stores.db.exists(keys.flowsLost, keys.parked)).toBe(0);
      await stores.db.flushall();
    });

    test.skipIf(notInFlows)('is told to its flow', async () => {
      begun = 0;
      const { flow, flows } = flowsOn(stores, [definition]);
      const { id } = await flow(step(definition, [1])).enqueue();
      const [payload = ''] = await stores.queued('q');
      await run({ payload, id: JSON.parse(payload).id, definition });
      await stores.tick();
      await stores.tick();
      expect((await flows.get(id))?.state).toBe(state === 'succeeded' ? 'succeeded' : 'failed');
      expect(await stores.db.exists(keys.flowsLost, keys.parked)).toBe(0);
      await stores.db.flushall();
    });
  });
});
