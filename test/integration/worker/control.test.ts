import { beforeAll, describe, expect, test } from 'vitest';
import { CancelledError, type Classes, defineJob, type Jobs } from '../../../shared/index.ts';
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
      await stores.produce('a', payload('one'), payload('two', ',"more":1.0'));
      await stores.store.enqueueDelayed([{ seconds: NOW / 1000 + 60, payload: payload('later', ',"queue":"a"') }]);
      expect(await jobs.cancel('two')).toBe('discarded');
      expect(await jobs.cancel('later')).toBe('discarded');
      expect(await jobs.cancel('three')).toBeUndefined();
      ran.length = 0;
      await drain({ store: stores.store, jobs: [Job], queues: 'a' });
      expect(ran).toEqual(['one']);
      expect(await stores.db.exists(keys.control, keys.delayedSchedule)).toBe(0);
      const [day] = await stores.db.hvals(keys.stats.day(NOW));
      expect(day).toMatch(/^1 0 0 2 /);
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
