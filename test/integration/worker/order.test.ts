import { describe, expect, test } from 'vitest';
import { defineJob } from '../../../shared/index.ts';
import type { Broker } from '../../../shared/internal.ts';
import { withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { inFlight, payloads, range } from '../../helpers/queue-state.ts';
import { drain, Gate, type RunningWorker, startWorker } from '../../helpers/workers.ts';

withBrokers((stores) => {
  const setup = () => {
    const ran: string[] = [];
    const Note = defineJob({ class: 'Note', perform: ([name]) => void ran.push(String(name)) });
    return { ran, store: stores.store, jobs: [Note] };
  };
  const numbered = (prefix: string, count: number) =>
    payloads(
      'Note',
      range(1, count).map((n) => `${prefix}${n}`),
    );
  const names = (prefix: string, count: number) => range(1, count).map((n) => `${prefix}${n}`);

  test('in strict order a queue is emptied before the next one is looked at', async () => {
    const { ran, ...rest } = setup();
    await stores.produce('low', ...numbered('low', 60));
    await stores.produce('high', ...numbered('high', 60));
    await drain({ ...rest, queues: 'high,low', options: { concurrency: 1 } });
    expect(ran).toEqual([...names('high', 60), ...names('low', 60)]);
  });

  test('a job pushed to the first queue goes before what waits in the others', async () => {
    const gate = new Gate();
    const { ran, ...rest } = setup();
    const Hold = defineJob({ class: 'Hold', perform: () => gate.opened });
    await stores.produce('low', '{"class":"Hold"}', ...numbered('low', 3));
    const consumer = startWorker({
      ...rest,
      jobs: [...rest.jobs, Hold],
      queues: 'high,low',
      options: { concurrency: 1, exitOnComplete: true },
    });
    await eventually(async () => expect(await inFlight(stores.db)).toBe(1));
    await stores.produce('high', ...numbered('high', 2));
    gate.open();
    await consumer.ended;
    expect(ran).toEqual([...names('high', 2), ...names('low', 3)]);
  });

  test('by weight, each batch holds the share of each queue', async () => {
    const { ran, ...rest } = setup();
    await stores.produce('a', ...numbered('a', 240));
    await stores.produce('b', ...numbered('b', 240));
    const consumer = startWorker({ ...rest, queues: 'b=1,a=3', options: { concurrency: 24, exitOnComplete: true } });
    await consumer.ended;
    const first = ran.slice(0, 24);
    expect(first.filter((name) => name.startsWith('a'))).toEqual(names('a', 18));
    expect(first.filter((name) => name.startsWith('b'))).toEqual(names('b', 6));
    expect(ran).toHaveLength(480);
  });

  test('--strict takes no notice of weights', async () => {
    const { ran, ...rest } = setup();
    await stores.produce('a', ...numbered('a', 40));
    await stores.produce('b', ...numbered('b', 40));
    await drain({ ...rest, queues: 'b=1,a=9', order: 'strict', options: { concurrency: 1 } });
    expect(ran).toEqual([...names('b', 40), ...names('a', 40)]);
  });

  test('by weight, an empty queue leaves its share to the others', async () => {
    const { ran, ...rest } = setup();
    await stores.produce('b', ...numbered('b', 24));
    await drain({ ...rest, queues: 'a=1000,b=1', options: { concurrency: 24, batchCount: 24 } });
    expect(ran).toEqual(names('b', 24));
  });

  test('* means all queues by name, globs choose and !name leaves out', async () => {
    const { ran, ...rest } = setup();
    for (const queue of ['zoo', 'mail_b', 'a', 'mail_a', 'mail_bulk']) {
      await stores.produce(queue, ...payloads('Note', [queue]));
    }
    await drain({ ...rest, queues: 'zoo,mail_*,!mail_bulk', options: { concurrency: 1 } });
    expect(ran).toEqual(['zoo', 'mail_a', 'mail_b']);
    await drain({ ...rest, queues: '*', options: { concurrency: 1 } });
    expect(ran.slice(3)).toEqual(['a', 'mail_bulk']);
  });

  test('* picks up a queue that did not exist when the worker started', async () => {
    const { ran, ...rest } = setup();
    const consumer = startWorker({ ...rest, queues: '*', options: { interval: 600_000 } });
    await eventually(async () => expect(await stores.db.smembers(stores.keys.workers)).toEqual([consumer.worker]));
    await stores.produce('new', ...numbered('n', 3));
    await eventually(() => {
      consumer.pass(600_000);
      expect(ran).toEqual(names('n', 3));
    });
  });

  test('with many queues on *, the end of the last job is the end of looking', async () => {
    const { ran, ...rest } = setup();
    const queues = range(1, 40).map((n) => `queue-${n}`);
    for (const queue of queues) await stores.produce(queue, ...payloads('Note', [queue]));
    let syncs = 0;
    const sync: Broker['sync'] = (request) => {
      if (++syncs === 100) consumer.stop();
      return stores.store.sync(request);
    };
    const store = { ...stores.store, sync };
    const consumer: RunningWorker = startWorker({ ...rest, store, options: { exitOnComplete: true } });
    expect(await consumer.ended).toMatchObject({ succeeded: 40, stopped: 'empty' });
    expect(ran.sort()).toEqual(queues.sort());
    expect(syncs, 'syncs').toBeLessThan(30);
  });

  describe('pause-all-workers', () => {
    test('keeps jobs in their queue until it is gone', async () => {
      const { ran, ...rest } = setup();
      await stores.db.set(stores.keys.paused, 'true');
      await stores.produce('work', ...numbered('n', 3));
      const consumer = startWorker({ ...rest, queues: 'work', options: { interval: 600_000 } });
      const lease = () => stores.db.zscore(stores.keys.leases, consumer.worker);
      await eventually(async () => expect(await lease()).not.toBeNull());
      const first = Number(await lease());
      await eventually(async () => {
        consumer.pass(600_000);
        expect(Number(await lease()), 'it has looked again').toBeGreaterThan(first);
      });
      expect(await stores.queued('work')).toHaveLength(3);

      await stores.db.del(stores.keys.paused);
      expect(ran).toEqual([]);
      await eventually(() => {
        consumer.pass(600_000);
        expect(ran).toEqual(names('n', 3));
      });
    });

    test('lets a running job end and be settled, and takes no other', async () => {
      const gate = new Gate();
      const { ran, ...rest } = setup();
      const Hold = defineJob({ class: 'Hold', perform: () => gate.opened });
      await stores.produce('work', '{"class":"Hold"}', ...numbered('n', 3));
      const consumer = startWorker({ ...rest, jobs: [...rest.jobs, Hold], options: { concurrency: 1 } });
      await eventually(async () => expect(await inFlight(stores.db)).toBe(1));
      await stores.db.set(stores.keys.paused, 'true');
      gate.open();
      await eventually(async () => expect(await inFlight(stores.db)).toBe(0));
      expect(consumer.summary.succeeded).toBe(1);
      expect(ran).toEqual([]);
      expect(await stores.queued('work')).toHaveLength(3);
    });

    test('ends a worker that is to end when nothing is left to do', async () => {
      await stores.db.set(stores.keys.paused, 'true');
      const { ran, ...rest } = setup();
      await stores.produce('work', ...numbered('n', 3));
      expect(await drain(rest)).toMatchObject({ stopped: 'paused', processed: 0 });
      expect(ran).toEqual([]);
    });

    test.each(['false', 'TRUE', '1', ''])('with the value %j pauses nothing', async (value) => {
      await stores.db.set(stores.keys.paused, value);
      const { ran, ...rest } = setup();
      await stores.produce('work', ...numbered('n', 3));
      await drain(rest);
      expect(ran).toEqual(names('n', 3));
    });
  });

  test('a queue key of another type is named in the log, left alone, and keeps no other queue waiting', async () => {
    const { ran, ...rest } = setup();
    await stores.produce('b', ...numbered('b', 100));
    await stores.db.sadd(stores.keys.queues, 'a');
    await stores.db.set(stores.keys.queue('a'), 'not a list');
    const consumer = startWorker({ ...rest, queues: 'a,b', options: { exitOnComplete: true, concurrency: 2 } });
    await consumer.ended;
    expect(ran).toEqual(names('b', 100));
    expect(await stores.db.get(stores.keys.queue('a'))).toBe('not a list');
    const errors = consumer.log.lines.filter((line) => line.level === 'error');
    expect(errors[0]?.fields).toMatchObject({
      key: 'resque:queue:a',
      redis: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      answer: expect.stringContaining('WRONGTYPE'),
      remedy: expect.stringContaining('DEL'),
    });
    expect(errors, 'said once in an interval, not in every batch').toHaveLength(1);
  });
});
