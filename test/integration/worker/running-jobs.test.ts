import { expect, test } from 'vitest';
import { defineJob, JobTimeoutError } from '../../../shared/index.ts';
import { withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { failed, inFlight, payloads, range } from '../../helpers/queue-state.ts';
import { drain, Gate, startWorker } from '../../helpers/workers.ts';

const eventLoopTurn = () => new Promise((resolve) => setImmediate(resolve));

withBrokers((stores) => {
  test.each([1, 2, 25])('at most %i jobs run at once, and as many do', async (concurrency) => {
    let running = 0;
    let most = 0;
    const order: unknown[] = [];
    const Busy = defineJob({
      class: 'Busy',
      async perform([n]) {
        order.push(n);
        most = Math.max(most, ++running);
        for (let i = 0; i < 3; i++) await eventLoopTurn();
        running--;
      },
    });
    await stores.produce('work', ...payloads('Busy', range(1, 400)));
    await drain({ store: stores.store, jobs: [Busy], options: { concurrency } });
    expect(most).toBe(concurrency);
    expect(order).toEqual(range(1, 400));
  });

  test('with concurrency 1 a job starts only when the one before it has ended, whatever its outcome', async () => {
    const events: string[] = [];
    const Step = defineJob({
      class: 'Step',
      retry: { attempts: 1 },
      async perform([n]) {
        events.push(`start ${n}`);
        await eventLoopTurn();
        events.push(`end ${n}`);
        if (Number(n) % 3 === 0) throw new Error('every third one');
      },
    });
    const steps = payloads('Step', range(1, 60));
    steps.splice(20, 0, 'not JSON', '{"class":"Nobody"}');
    await stores.produce('work', ...steps);
    const summary = await drain({ store: stores.store, jobs: [Step], options: { concurrency: 1 } });
    expect(events).toEqual(range(1, 60).flatMap((n) => [`start ${n}`, `end ${n}`]));
    expect(summary).toMatchObject({ succeeded: 40, failed: 22 });
  });

  test('a slot that a handler keeps after its timeout is free again after abortGrace', async () => {
    const started = new Gate();
    const ran: unknown[] = [];
    const Stuck = defineJob({
      class: 'Stuck',
      timeout: 600_000,
      retry: { attempts: 1 },
      perform() {
        started.open();
        return new Promise(() => {});
      },
    });
    const Note = defineJob({ class: 'Note', perform: ([n]) => void ran.push(n) });
    await stores.produce('work', '{"class":"Stuck"}', ...payloads('Note', [1]));
    const consumer = startWorker({
      store: stores.store,
      jobs: [Stuck, Note],
      options: { concurrency: 1, abortGrace: 600_000, exitOnComplete: true },
    });
    await started.opened;
    consumer.clock.move(600_000);
    await eventLoopTurn();
    expect(consumer.runs).toEqual([]);
    consumer.clock.move(600_000);
    await consumer.ended;
    expect(consumer.runs[0]).toMatchObject({ class: 'Stuck', outcome: 'failed', error: expect.any(JobTimeoutError) });
    expect(ran).toEqual([1]);
    expect(await failed(stores.db)).toMatchObject([
      { exception: 'JobTimeoutError', error: 'Stuck ran longer than its timeout of 600000 ms.' },
    ]);
  });

  test('what a handler does after its attempt was ended counts for nothing', async () => {
    const gate = new Gate();
    const started = new Gate();
    const Late = defineJob({
      class: 'Late',
      timeout: 600_000,
      retry: { backoff: '1s' },
      perform() {
        started.open();
        return gate.opened;
      },
    });
    await stores.produce('work', '{"class":"Late"}');
    const consumer = startWorker({ store: stores.store, jobs: [Late], options: { abortGrace: 0 } });
    await started.opened;
    consumer.clock.move(600_000);
    await eventually(() => expect(consumer.summary.retried).toBe(1));
    gate.open();
    await eventually(async () => expect(await inFlight(stores.db)).toBe(0));
    expect(consumer.summary).toMatchObject({ processed: 1, retried: 1, succeeded: 0 });
    expect(await stores.db.zcard(stores.keys.retry)).toBe(1);
  });

  test('jobs that wait for slots which stay busy go back to the head in order, for idle workers to take', async () => {
    const gate = new Gate();
    const ran: unknown[] = [];
    const Quick = defineJob({
      class: 'Quick',
      async perform([n]) {
        ran.push(n);
        await eventLoopTurn();
      },
    });
    const Hold = defineJob({ class: 'Hold', perform: () => gate.opened });
    const waiting = payloads('Quick', range(501, 560));
    await stores.produce('work', ...payloads('Quick', range(1, 500)), ...payloads('Hold', [1, 2]), ...waiting);
    const busy = startWorker({
      store: stores.store,
      jobs: [Quick, Hold],
      // It looks far ahead, so that the rate of the quick jobs makes it take all that follows.
      options: { concurrency: 2, ahead: 10_000, releaseAfter: 1_000 },
    });
    await eventually(async () => expect(await inFlight(stores.db)).toBe(62));
    busy.clock.move(1_000);
    await eventually(async () => {
      busy.pass(1_000);
      expect(await stores.queued('work')).toEqual(waiting);
    });
    expect(busy.summary.released).toBeGreaterThanOrEqual(60);
    // On a slow machine the busy one may take them once more before it knows that none of its jobs ends.
    busy.stop();
    await eventually(async () => expect(await stores.queued('work')).toEqual(waiting));
    await drain({ store: stores.store, jobs: [Quick, Hold] });
    expect(ran).toEqual([...range(1, 500), ...range(501, 560)]);
    gate.open();
    await eventually(async () => expect(await inFlight(stores.db)).toBe(0));
    expect(busy.summary).toMatchObject({ succeeded: 502, lost: 0 });
  });
});
