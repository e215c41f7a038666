import { describe, expect, test } from 'vitest';
import {
  type BatchJobOptions,
  defineBatchJob,
  type Middleware,
  resqueLock,
  resqueLoner,
} from '../../../shared/index.ts';
import { type Brokers, redisTime, withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { payloads, range } from '../../helpers/queue-state.ts';
import { drain, Gate, mortal, startWorker } from '../../helpers/workers.ts';

type Args = readonly unknown[];

/** Keeps the first argument of each job, a list for each batch. */
function batched(options: Partial<BatchJobOptions<Args, Args>> = {}) {
  const batches: unknown[][] = [];
  const { performAll, ...rest } = options;
  const job = defineBatchJob({
    class: 'Row',
    retry: { attempts: 2, backoff: 0 },
    batch: { size: 10, wait: '2s' },
    ...rest,
    async performAll(jobs, ctx) {
      batches.push(jobs.map(({ args }) => args[0]));
      await performAll?.(jobs, ctx);
    },
  });
  return { job, batches };
}

withBrokers((stores: Brokers) => {
  const { keys } = stores;

  describe('jobs of a class run together', () => {
    test('as many as a batch takes; the rest when the first has waited; a batch takes one place', async () => {
      const gate = new Gate();
      const { job, batches } = batched({ performAll: () => gate.opened });
      await stores.produce('q', ...payloads('Row', range(1, 34)));
      const worker = startWorker({
        store: stores.store,
        jobs: [job],
        queues: 'q',
        options: { concurrency: 4, interval: 1_000 },
      });
      await eventually(() => expect(batches.map(({ length }) => length)).toEqual([10, 10, 10]));
      // Three places of four are taken: the rest collects.
      await eventually(async () =>
        expect(Object.keys(await stores.held({ id: worker.worker })).length).toBeGreaterThan(30),
      );
      expect(batches).toHaveLength(3);
      gate.open();
      await eventually(() => {
        worker.pass(2_000);
        expect(worker.summary.succeeded).toBe(34);
      });
      expect(
        batches
          .flat()
          .map(Number)
          .sort((a, b) => a - b),
      ).toEqual(range(1, 34));
      await eventually(async () => expect(await stores.held({ id: worker.worker })).toEqual({}));
    });

    test('by key; a key that fails, fails its job', async () => {
      const key = ([n]: Args) => {
        if (n === 5) throw new Error('no key');
        return Number(n) % 2 ? 'odd' : 'even';
      };
      const { job, batches } = batched({ batch: { size: 3, wait: 0, key } });
      await stores.produce('q', ...payloads('Row', range(1, 13)));
      const summary = await drain({ store: stores.store, jobs: [job], queues: 'q' });
      expect(summary).toMatchObject({ succeeded: 12, failed: 1 });
      for (const batch of batches) expect(new Set(batch.map((n) => Number(n) % 2)).size).toBe(1);
      expect(await stores.db.lrange(keys.failed, 0, -1)).toEqual([
        expect.stringContaining('batch.key of Row failed: no key'),
      ]);
    });

    test('each with its own outcome and attempts; a throw fails them all', async () => {
      let throws = false;
      const { job, batches } = batched({
        batch: { size: 4, wait: 0 },
        performAll(jobs) {
          if (throws) throw new Error('all');
          for (const one of jobs) if (Number(one.args[0]) % 2 === 0) one.fail(new Error(`even ${one.job.attempt}`));
        },
      });
      await stores.produce('q', ...payloads('Row', range(1, 4)));
      expect(await drain({ store: stores.store, jobs: [job], queues: 'q' })).toMatchObject({
        succeeded: 2,
        retried: 2,
      });
      await stores.promoteRetries();
      expect(await drain({ store: stores.store, jobs: [job], queues: 'q' })).toMatchObject({ succeeded: 0, failed: 2 });
      expect(batches[1]?.sort()).toEqual([2, 4]);
      for (const entry of await stores.db.lrange(keys.failed, 0, -1)) expect(entry).toContain('even 2');
      throws = true;
      await stores.produce('q', ...payloads('Row', range(5, 8)));
      expect(await drain({ store: stores.store, jobs: [job], queues: 'q' })).toMatchObject({ retried: 4 });
    });

    test('those that collect go back when the worker stops, or dies', async () => {
      const { job, batches } = batched({ batch: { size: 10, wait: '10m' } });
      await stores.produce('q', ...payloads('Row', range(1, 6)));
      const worker = startWorker({ store: stores.store, jobs: [job], queues: 'q', options: { interval: 1_000 } });
      await eventually(async () => expect(Object.keys(await stores.held({ id: worker.worker }))).toHaveLength(6));
      worker.stop();
      expect(await worker.ended).toMatchObject({ released: 6 });
      expect(await stores.db.llen(keys.queue('q'))).toBe(6);

      const one = mortal(stores.open());
      const dead = startWorker({ store: one.store, jobs: [job], queues: 'q', options: { lease: 60_000 } });
      await eventually(async () => expect(Object.keys(await stores.held({ id: dead.worker }))).toHaveLength(6));
      one.kill();
      redisTime.move(61_000);
      await stores.tick();
      dead.stop();
      // A suspect runs by itself.
      expect(await drain({ store: stores.store, jobs: [job], queues: 'q' })).toMatchObject({ succeeded: 6 });
      expect(batches.map(({ length }) => length)).toEqual([1, 1, 1, 1, 1, 1]);
    });

    test('one is cancelled, and the others go on; the handler is aborted with the last of them', async () => {
      let signal: AbortSignal | undefined;
      const gate = new Gate();
      const { job } = batched({
        batch: { size: 2, wait: 0 },
        performAll(_jobs, ctx) {
          signal = ctx.signal;
          return gate.opened;
        },
      });
      await stores.produce('q', ...['a', 'b'].map((id) => JSON.stringify({ class: 'Row', args: [id], id })));
      const worker = startWorker({
        store: stores.store,
        jobs: [job],
        queues: 'q',
        options: { interval: 1_000, abortGrace: 1_000 },
      });
      await eventually(() => expect(signal).toBeDefined());
      await stores.db.hset(keys.control, 'cancel:a', `${Number(redisTime.now()) + 3_600_000} not needed`);
      await eventually(() => {
        worker.pass(1_000);
        expect(worker.summary.discarded).toBe(1);
      });
      expect(signal?.aborted).toBe(false);
      gate.open();
      await eventually(() => expect(worker.summary.succeeded).toBe(1));
    });

    test('middleware is around each: the handler begins when all are there, and each learns what came of its own', async () => {
      const told: unknown[] = [];
      const around: Middleware = async (ctx, next) => {
        const [n] = JSON.parse(ctx.job.payload).args as [number];
        if (n === 1) return 'not at all';
        if (n === 2) throw new Error('not today');
        await new Promise((resolve) => setImmediate(resolve));
        try {
          told.push([n, await next()]);
        } catch (error) {
          told.push([n, String(error)]);
          throw error;
        }
      };
      const { job, batches } = batched({
        batch: { size: 5, wait: 0 },
        middleware: [around],
        performAll(jobs) {
          for (const one of jobs) {
            if (one.args[0] === 3) one.fail(new Error('no three'));
            else one.result = `done ${one.args[0]}`;
          }
        },
      });
      const outer: string[] = [];
      const ofAll: Middleware = (ctx, next) => {
        outer.push(ctx.job.class);
        return next();
      };
      await stores.produce('q', ...payloads('Row', range(1, 5)));
      const summary = await drain({ store: stores.store, jobs: [job], queues: 'q', middleware: [ofAll] });
      expect(batches).toEqual([[3, 4, 5]]);
      expect(told).toEqual([
        [3, 'Error: no three'],
        [4, 'done 4'],
        [5, 'done 5'],
      ]);
      expect(summary).toMatchObject({ succeeded: 3, retried: 2 });
      expect(outer).toEqual(range(1, 5).map(() => 'Row'));
    });

    test('a throw of the handler fails them all through their middleware', async () => {
      let caught = 0;
      const catches: Middleware = (_ctx, next) => next().catch(() => void caught++);
      const { job } = batched({
        batch: { size: 3, wait: 0 },
        middleware: [catches],
        performAll: () => Promise.reject(new Error('all of them')),
      });
      await stores.produce('q', ...payloads('Row', range(1, 3)));
      expect(await drain({ store: stores.store, jobs: [job], queues: 'q' })).toMatchObject({ succeeded: 3 });
      expect(caught).toBe(3);
    });

    test('plugins of Ruby’s Resque do for each what they do for others, before the handler starts and when it has ended', async () => {
      const name = (kind: string, n: number) => `resque:${kind}:${n}`;
      for (const n of range(1, 3)) {
        await stores.db.set(`resque:loners:queue:q:job:${n}`, 'true');
        await stores.db.set(name('lock', n), 'true');
      }
      let before: number | undefined;
      const { job } = batched({
        batch: { size: 3, wait: 0 },
        plugins: [resqueLoner({ key: (n) => String(n) }), resqueLock({ key: (n) => `lock:${n}` })],
        async performAll() {
          before = await stores.db.exists(...range(1, 3).map((n) => `resque:loners:queue:q:job:${n}`));
          expect(await stores.db.exists(...range(1, 3).map((n) => name('lock', n)))).toBe(3);
        },
      });
      await stores.produce('q', ...payloads('Row', range(1, 3)));
      expect(await drain({ store: stores.store, jobs: [job], queues: 'q' })).toMatchObject({ succeeded: 3 });
      expect(before).toBe(0);
      expect(await stores.db.exists(...range(1, 3).map((n) => name('lock', n)))).toBe(0);
    });

    test('at most once is refused where it is defined, with the reason', () => {
      expect(() => batched({ delivery: 'at-most-once' } as never)).toThrow(
        /defineBatchJob "?Row"?: delivery "at-most-once" is for jobs that run by themselves/,
      );
    });
  });
});
