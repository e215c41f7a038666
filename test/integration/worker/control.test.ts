import { beforeAll, describe, expect, test } from 'vitest';
import { redisControlBroker } from '../../../shared/broker/redis/control.ts';
import { CancelledError, type Classes, defineBatchJob, defineJob, type Jobs } from '../../../shared/index.ts';
import { cancelOf } from '../../../shared/inspect/cancel.ts';
import { NAMESPACE } from '../../helpers/backends.ts';
import { type Brokers, NOW, redisTime, withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { inspectorOf } from '../../helpers/inspector.ts';
import { payloads, range } from '../../helpers/queue-state.ts';
import { drain, Gate, startWorker } from '../../helpers/workers.ts';

withBrokers((stores: Brokers) => {
  const { keys } = stores;
  let classes: Classes;
  let jobs: Jobs;

  beforeAll(() => {
    ({ classes, jobs } = inspectorOf(stores));
  });

  describe('a paused class', () => {
    test('starts nowhere; others do not wait for it; when it is resumed its jobs go on in order', async () => {
      const ran: unknown[] = [];
      const Held = defineJob({ class: 'Held', perform: ([n]) => void ran.push(n) });
      const Other = defineJob({ class: 'Other', perform: () => void ran.push('other') });
      await classes.pause('Held');
      expect(await classes.paused()).toEqual(['Held']);
      await stores.produce('a', ...payloads('Held', range(1, 1_200)), ...payloads('Other', [1]));
      const setup = { store: stores.store, jobs: [Held, Other], queues: 'a' };
      await drain(setup);
      expect(ran).toEqual(['other']);
      expect(await stores.db.llen(keys.parkedAt('pause:Held'))).toBe(1_200);

      expect(await classes.resume('Held')).toBe(1_200);
      await stores.produce('a', ...payloads('Held', [1_201]));
      await drain(setup);
      expect(ran.slice(1)).toEqual(range(1, 1_201));
      expect(await classes.paused()).toEqual([]);
    });

    test('is seen with the next sync: what was reserved and has not started is parked', async () => {
      const gate = new Gate();
      const begun: unknown[] = [];
      const Held = defineJob({
        class: 'Held',
        perform: async ([n]) => {
          begun.push(n);
          await gate.opened;
        },
      });
      await stores.produce('a', ...payloads('Held', range(1, 4)));
      const worker = startWorker({ store: stores.store, jobs: [Held], queues: 'a', options: { concurrency: 1 } });
      await eventually(() => expect(begun).toEqual([1]));
      await classes.pause('Held');
      gate.open();
      worker.clock.move(200);
      await eventually(async () => {
        worker.pass(200);
        expect(await stores.held({ id: worker.worker })).toEqual({});
      });
      expect(begun.length).toBeLessThan(4);
      await classes.resume('Held');
      await eventually(() => {
        worker.pass(3_600_000);
        expect(begun).toEqual([1, 2, 3, 4]);
      });
    });
  });

  describe('a job that is cancelled', () => {
    const payload = (id: string, more = '') => `{"class":"Job","args":[],"id":"${id}"${more}}`;
    const ran: string[] = [];
    const Job = defineJob({ class: 'Job', perform: (_, ctx) => void ran.push(ctx.job.id) });

    test('while it waits is discarded, wherever it is, and counted', async () => {
      // One that failed and was retried twice is there twice.
      await stores.produce('a', payload('one'), payload('two', ',"more":1.0'), payload('two', ',"more":1.0'));
      await stores.produce('b', payload('two'));
      await stores.store.enqueueDelayed([{ seconds: NOW / 1000 + 60, payload: payload('later', ',"queue":"a"') }]);
      expect(await jobs.cancel('two')).toBe('discarded');
      expect(await jobs.cancel('later')).toBe('discarded');
      expect(await jobs.cancel('three')).toBeUndefined();
      ran.length = 0;
      await drain({ store: stores.store, jobs: [Job] });
      expect(ran).toEqual(['one']);
      expect(await stores.db.exists(keys.control, keys.delayedSchedule)).toBe(0);
      const day = await stores.db.hgetall(keys.stats.day(NOW));
      expect(day['["a","Job"]']).toMatch(/^1 0 0 3 /);
      expect(day['["b","Job"]']).toMatch(/^0 0 0 1 /);
    });

    test('while it runs gets its signal with the next sync, and counts as discarded with the reason', async () => {
      const reasons: unknown[] = [];
      const Long = defineJob({
        class: 'Job',
        perform: (_, ctx) =>
          new Promise((_resolve, reject) => {
            ctx.signal.addEventListener('abort', () => {
              reasons.push(ctx.signal.reason);
              reject(new Error('stopped'));
            });
          }),
      });
      await stores.produce('a', payload('one'));
      const worker = startWorker({ store: stores.store, jobs: [Long], queues: 'a', options: { lease: 60_000 } });
      await eventually(async () => expect(Object.keys(await stores.held({ id: worker.worker }))).toHaveLength(1));
      expect(await jobs.cancel('one', 'the order was withdrawn')).toBe('cancelling');
      await eventually(() => {
        worker.pass(20_000);
        redisTime.move(20_000);
        expect(worker.runs).toMatchObject([
          { outcome: 'discarded', error: new CancelledError('the order was withdrawn') },
        ]);
      });
      expect(reasons).toEqual([new CancelledError('the order was withdrawn')]);
      await eventually(async () => expect(await stores.db.exists(keys.control)).toBe(0));
      expect(await stores.db.exists(keys.failed, keys.retry)).toBe(0);
    });

    test('and is met by its worker before it is found is being cancelled', async () => {
      const control = redisControlBroker(stores.client(), NAMESPACE, redisTime.now);
      const find = async () => {
        await stores.db.hdel(keys.control, 'cancel:one');
        return { items: [], scanned: 0, complete: true, cursor: undefined };
      };
      expect(await cancelOf(control, { find, remove: jobs.remove })('one')).toBe('cancelling');
    });

    test('and moves while it is looked for is not started', async () => {
      await stores.produce('a', payload('one'));
      await stores.db.hset(keys.control, 'cancel:one', `${NOW + 60_000} no more`, 'cancel:old', `${NOW - 1} late`);
      ran.length = 0;
      const summary = await drain({ store: stores.store, jobs: [Job], queues: 'a' });
      expect(summary).toMatchObject({ discarded: 1, succeeded: 0 });
      expect(ran).toEqual([]);
      expect(await stores.db.exists(keys.control), 'what is out of date is forgotten by whoever sees it').toBe(0);
    });

    test.each([['']])('is named by its id; %j is none', async (id) => {
      await expect(jobs.cancel(id)).rejects.toThrow('cancel takes the id of a job; got "".');
    });
  });

  describe('what comes too late', () => {
    const control = (fields: object) => JSON.stringify({ class: 'Job', args: [], control: fields });
    let runs = 0;
    const Job = defineJob({ class: 'Job', perform: () => void runs++ });

    test('is discarded where it was to start before, and counted; failed where its deadline is over', async () => {
      runs = 0;
      await stores.produce(
        'a',
        control({ expires: NOW }),
        control({ expires: NOW + 60_000 }),
        control({ deadline: NOW }),
        control({ expires: 'soon', deadline: null }),
      );
      const summary = await drain({ store: stores.store, jobs: [Job], queues: 'a' });
      expect(summary).toMatchObject({ discarded: 1, failed: 1, succeeded: 2 });
      const [entry] = await stores.db.lrange(keys.failed, 0, -1);
      expect(JSON.parse(entry ?? '')).toMatchObject({
        exception: 'JobDeadlineError',
        error: expect.stringContaining('2026-11-20T20:29:37.000Z'),
      });
    });

    describe('also where it waits at its worker', () => {
      const waiting = (id: string, fields: object = {}) =>
        JSON.stringify({ class: 'Waits', args: [], id, control: fields });
      const holds = (worker: string, id: string) =>
        eventually(async () => {
          expect(Object.values(await stores.held({ id: worker })).join()).toContain(`"${id}"`);
        });

      test('for company: what has expired, was cancelled, or is paused does not start with the others', async () => {
        const begun: string[] = [];
        const Waits = defineBatchJob({
          class: 'Waits',
          batch: { size: 10, wait: '1m' },
          performAll: (all) => void begun.push(...all.map(({ job }) => job.id)),
        });
        await stores.produce('a', waiting('late', { expires: NOW + 30_000 }), waiting('unwanted'), waiting('good'));
        const worker = startWorker({ store: stores.store, jobs: [Waits], options: { interval: 5_000 } });
        await holds(worker.worker, 'good');
        expect(await jobs.cancel('unwanted')).toBe('cancelling');
        await eventually(() => {
          worker.pass(5_000);
          expect(worker.summary).toMatchObject({ discarded: 2, succeeded: 1 });
        });
        expect(begun).toEqual(['good']);

        await stores.produce('a', waiting('held'));
        await eventually(async () => {
          worker.pass(5_000);
          expect(await stores.queued('a')).toEqual([]);
        });
        await classes.pause('Waits');
        await eventually(async () => {
          worker.pass(5_000);
          expect(await stores.db.llen(keys.parkedAt('pause:Waits'))).toBe(1);
        });
        expect(begun).toEqual(['good']);
        await stores.db.flushall();
      });

      test('for its turn in a serial queue', async () => {
        const begun: string[] = [];
        const Waits = defineJob({
          class: 'Waits',
          limit: { running: 1 },
          perform: (_, ctx) => void begun.push(ctx.job.id),
        });
        await stores.db.hset(keys.limit('class:Waits'), '=w', 1);
        await stores.db.zadd(keys.leases, NOW + 3_600_000_000, 'w');
        await stores.produce('a', waiting('unwanted'), waiting('late', { expires: NOW + 30_000 }), waiting('good'));
        const worker = startWorker({ store: stores.store, jobs: [Waits], serial: 'a' });
        await holds(worker.worker, 'unwanted');
        expect(await jobs.cancel('unwanted')).toBe('cancelling');
        await eventually(() => {
          worker.pass(1_000);
          expect(worker.summary.discarded, 'at once, so that it keeps nobody waiting').toBe(1);
        });
        await holds(worker.worker, 'late');
        const before = worker.clock.now();
        await eventually(() => {
          // Not while it asks: by the time of that call it learns Redis's.
          worker.pass(31_000);
          expect(worker.clock.now() - before).toBeGreaterThan(31_000);
        });
        await stores.db.del(keys.limit('class:Waits'));
        await eventually(() => {
          worker.pass(1_000);
          expect(worker.summary).toMatchObject({ discarded: 2, succeeded: 1 });
        });
        expect(begun).toEqual(['good']);
        await stores.db.flushall();
      });
    });

    test('by its class is what was enqueued so long ago, where its payload says when', async () => {
      runs = 0;
      const Soon = defineJob({ class: 'Job', expires: '10m', perform: () => void runs++ });
      const at = (ms: number, more = '') => `{"class":"Job","args":[],"queue_time":${(NOW - ms) / 1000}${more}}`;
      await stores.produce('a', at(600_000), at(500_000), '{"class":"Job","args":[]}', at(900_000, ',"queue":"a"'));
      expect(await drain({ store: stores.store, jobs: [Soon], queues: 'a' })).toMatchObject({
        discarded: 1,
        succeeded: 3,
      });
    });

    test('a deadline aborts what runs, and there is no attempt after it', async () => {
      const Long = defineJob({
        class: 'Job',
        timeout: '10m',
        perform: (_, ctx) =>
          new Promise((_resolve, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))),
      });
      await stores.produce('a', control({ deadline: NOW + 30_000 }));
      const worker = startWorker({ store: stores.store, jobs: [Long], queues: 'a' });
      await eventually(async () => expect(Object.keys(await stores.held({ id: worker.worker }))).toHaveLength(1));
      worker.clock.move(29_000);
      expect(worker.runs).toEqual([]);
      await eventually(() => {
        worker.pass(500);
        expect(worker.runs).toMatchObject([{ outcome: 'failed', error: { name: 'JobDeadlineError' } }]);
      });

      const Fails = defineJob({
        class: 'Job',
        retry: { attempts: 5, backoff: ['1m'] },
        perform() {
          throw new Error('boom');
        },
      });
      await stores.produce('b', control({ deadline: NOW + 30_000 }), control({ deadline: NOW + 300_000 }));
      const summary = await drain({ store: stores.open(), jobs: [Fails], queues: 'b' });
      expect(summary).toMatchObject({ failed: 1, retried: 1 });
    });
  });
});
