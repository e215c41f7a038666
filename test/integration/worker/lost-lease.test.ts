import { expect, test } from 'vitest';
import { defineJob, LeaseLostError } from '../../../shared/index.ts';
import { withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { expectIdle, failed, inFlight, payloads, range } from '../../helpers/queue-state.ts';
import { drain, Gate, startWorker } from '../../helpers/workers.ts';

const DAY = 86_400_000;

withBrokers((stores) => {
  /** A worker that holds jobs whose first attempts end only when the gate opens. */
  async function holder(count: number) {
    const gate = new Gate();
    const reasons: unknown[] = [];
    const ran: string[] = [];
    const Hold = defineJob({
      class: 'Hold',
      timeout: Infinity,
      async perform([name], ctx) {
        const nth = ran.filter((one) => one.startsWith(`${name}#`)).length + 1;
        ran.push(`${name}#${nth}`);
        ctx.signal.addEventListener('abort', () => reasons.push(ctx.signal.reason));
        expect(ctx.job.attempt, 'a death is no attempt').toBe(1);
        if (nth === 1) await gate.opened;
      },
    });
    await stores.produce('work', ...payloads('Hold', range(1, count)));
    const consumer = startWorker({ store: stores.store, jobs: [Hold], options: { interval: DAY, lease: 2 * DAY } });
    await eventually(() => expect(ran).toHaveLength(count));
    return { consumer, gate, ran, reasons, jobs: [Hold] };
  }

  /** As if the worker had been silent for longer than its lease: a call of it that is on its way may extend that once more. */
  async function reclaim() {
    let found: Awaited<ReturnType<typeof stores.reclaimAfter>> = [];
    await eventually(async () => {
      found = await stores.reclaimAfter(30 * DAY);
      expect(found).not.toEqual([]);
    });
    return found;
  }

  test('jobs reclaimed while they run are run by another worker, and settled there alone', async () => {
    const { consumer, gate, ran, jobs } = await holder(3);
    expect(await reclaim()).toMatchObject([{ worker: consumer.worker, jobs: 3, failed: 0 }]);
    const other = await drain({ store: stores.store, jobs });
    expect(other).toMatchObject({ succeeded: 3 });
    expect(ran.slice(3)).toEqual(['1#2', '2#2', '3#2']);

    gate.open();
    await eventually(() => expect(consumer.summary.lost).toBe(3));
    expect(await stores.db.get(stores.keys.stat('processed'))).toBe('3');
    expect(await failed(stores.db)).toEqual([]);
    expect(await stores.queued('work')).toEqual([]);
    expect(consumer.log.lines.filter((line) => line.level === 'error')).toMatchObject([
      { message: expect.stringContaining('The lease ended before it was extended'), fields: { unsettled: 3 } },
    ]);
  });

  test('a worker that finds its lease lost aborts its handlers, registers anew and goes on', async () => {
    const { consumer, gate, ran, reasons } = await holder(2);
    await reclaim();
    expect(await stores.db.smembers(stores.keys.workers)).toEqual([]);
    // Its next heartbeat is when it finds out.
    consumer.clock.move(DAY);
    await eventually(() => expect(reasons).toHaveLength(2));
    expect(reasons.every((reason) => reason instanceof LeaseLostError)).toBe(true);
    gate.open();
    await eventually(() => expect(ran.slice(2).sort()).toEqual(['1#2', '2#2']));
    await eventually(async () => expect(await inFlight(stores.db)).toBe(0));
    const [anew = '', ...others] = await stores.db.smembers(stores.keys.workers);
    expect(others).toEqual([]);
    expect(anew, 'under another id').not.toBe(consumer.worker);
    expect(anew.split(':').slice(1)).toEqual(consumer.worker.split(':').slice(1));

    await stores.produce('work', ...payloads('Hold', ['new']));
    consumer.clock.move(DAY);
    await eventually(() => expect(ran).toContain('new#1'));
    expect(consumer.summary).toMatchObject({ lost: 2, failed: 0 });
    expect(await failed(stores.db)).toEqual([]);
  });

  test('jobs that wait in a worker whose lease is lost do not run there', async () => {
    const gate = new Gate();
    const ran: unknown[] = [];
    const Quick = defineJob({ class: 'Quick', perform: () => new Promise((resolve) => setImmediate(resolve)) });
    const Hold = defineJob({
      class: 'Hold',
      timeout: Infinity,
      async perform([name]) {
        ran.push(name);
        if (ran.length === 1) await gate.opened;
      },
    });
    await stores.produce('work', ...payloads('Quick', range(1, 300)), ...payloads('Hold', range(1, 40)));
    const consumer = startWorker({
      store: stores.store,
      jobs: [Quick, Hold],
      options: { concurrency: 1, ahead: DAY, releaseAfter: DAY, abortGrace: DAY, lease: 20 * DAY },
    });
    await eventually(async () => expect(await inFlight(stores.db)).toBe(40));
    expect(await reclaim()).toMatchObject([{ worker: consumer.worker, jobs: 40, failed: 0 }]);
    await stores.db.set(stores.keys.paused, 'true');
    // It was suspended for so long that its heartbeat comes too late.
    consumer.clock.move(20 * DAY);
    await eventually(() => expect(consumer.summary.lost).toBe(39));
    gate.open();
    await eventually(() => expect(consumer.summary.lost).toBe(40));
    expect(ran).toEqual([1]);
    expect(await stores.queued('work')).toHaveLength(40);

    await stores.db.del(stores.keys.paused);
    consumer.stop();
    await consumer.ended;
    await drain({ store: stores.store, jobs: [Quick, Hold], options: { concurrency: 1 } });
    expect(ran).toEqual([1, ...range(1, 40)]);
    await expectIdle(stores.db, 'work');
  });

  test('with exitOnComplete, a worker that finds its lease lost looks again before it takes its queues for empty', async () => {
    const gate = new Gate();
    const ran: string[] = [];
    const Hold = defineJob({
      class: 'Hold',
      async perform([name]) {
        const nth = ran.filter((one) => one.startsWith(`${name}#`)).length + 1;
        ran.push(`${name}#${nth}`);
        if (nth === 1) await gate.opened;
      },
    });
    await stores.produce('work', ...payloads('Hold', range(1, 3)));
    const consumer = startWorker({ store: stores.store, jobs: [Hold], options: { exitOnComplete: true } });
    await eventually(() => expect(ran).toHaveLength(3));
    await reclaim();
    gate.open();
    expect(await consumer.ended).toMatchObject({ lost: 3, stopped: 'empty' });
    expect(ran.slice(3)).toEqual(['1#2', '2#2', '3#2']);
    await expectIdle(stores.db, 'work');
  });

  test('a worker that holds jobs when it ends leaves its lease, so that they are reclaimed', async () => {
    const { consumer } = await holder(2);
    // Redis goes on, but this worker cannot reach it any more.
    expect(await stores.store.unregister(consumer.worker)).toBe(2);
    expect(await stores.db.zscore(stores.keys.leases, consumer.worker)).not.toBeNull();
    expect(await reclaim()).toMatchObject([{ worker: consumer.worker, jobs: 2, failed: 0 }]);
    expect(await stores.queued('work')).toHaveLength(2);
    await stores.db.del(stores.keys.queue('work'));
  });

  test('a heartbeat keeps the jobs of a worker that is busy for longer than its lease', async () => {
    const { consumer, gate, ran } = await holder(1);
    for (let i = 0; i < 5; i++) {
      const before = Number(await stores.db.zscore(stores.keys.leases, consumer.worker));
      consumer.clock.move(DAY);
      await eventually(async () => {
        expect(Number(await stores.db.zscore(stores.keys.leases, consumer.worker))).toBeGreaterThan(before);
      });
      expect(await stores.reclaimAfter(0)).toEqual([]);
    }
    gate.open();
    await eventually(() => expect(consumer.summary.succeeded).toBe(1));
    expect(ran).toEqual(['1#1']);
  });
});
