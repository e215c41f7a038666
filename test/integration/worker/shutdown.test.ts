import { expect, test } from 'vitest';
import { DeadlineError, defineJob, RedisUnavailableError, ShutdownError } from '../../../shared/index.ts';
import { withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { expectIdle, inFlight, payloads, range } from '../../helpers/queue-state.ts';
import { drain, Gate, startWorker } from '../../helpers/workers.ts';

withBrokers((stores) => {
  test('with exitOnComplete it ends when all queues are empty, and leaves no trace of its worker', async () => {
    const ran: unknown[] = [];
    const Note = defineJob({ class: 'Note', perform: ([n]) => void ran.push(n) });
    await stores.produce('work', ...payloads('Note', range(1, 500)));
    const summary = await drain({ store: stores.store, jobs: [Note] });
    expect(summary).toMatchObject({ processed: 500, succeeded: 500, released: 0, lost: 0, stopped: 'empty' });
    expect(ran).toEqual(range(1, 500));
    await expectIdle(stores.db, 'work');
    expect(await stores.db.get(stores.keys.stat('processed'))).toBe('500');
  });

  test('with exitOnComplete it also runs what its own jobs enqueue last', async () => {
    const ran: unknown[] = [];
    const Chain = defineJob({
      class: 'Chain',
      queue: 'work',
      async perform([left], ctx) {
        ran.push(left);
        if (Number(left) > 0) await ctx.enqueue('Chain', [Number(left) - 1]);
      },
    });
    await stores.produce('work', '{"class":"Chain","args":[20]}');
    await drain({ store: stores.store, jobs: [Chain] });
    expect(ran).toEqual(range(0, 20).reverse());
    await expectIdle(stores.db, 'work');
  });

  test('a Redis that is away from the start is an error with its address', async () => {
    const store = stores.open({ backend: 'TCP', url: 'redis://127.0.0.1:1' });
    const ended = drain({ store, jobs: [] });
    await expect(ended).rejects.toThrow(RedisUnavailableError);
    await expect(ended).rejects.toThrow(/127\.0\.0\.1:1 cannot be reached/);
  });

  test('after a stop running jobs end, and what waits goes back to the head in order', async () => {
    const gate = new Gate();
    const started: unknown[] = [];
    const Quick = defineJob({ class: 'Quick', perform: () => new Promise((resolve) => setImmediate(resolve)) });
    const Hold = defineJob({
      class: 'Hold',
      async perform([name]) {
        started.push(name);
        consumer.stop();
        await gate.opened;
      },
    });
    const rest = payloads('Hold', range(1, 300));
    await stores.produce('work', ...payloads('Quick', range(1, 300)), ...rest);
    const consumer = startWorker({
      store: stores.store,
      jobs: [Quick, Hold],
      // So much ahead that jobs wait in the worker when it is stopped.
      options: { concurrency: 1, ahead: 600_000, releaseAfter: 600_000 },
    });
    await eventually(async () => expect(await inFlight(stores.db)).toBe(1));
    await eventually(async () => expect(await stores.queued('work')).toEqual(rest.slice(1)));
    gate.open();
    expect(await consumer.ended).toMatchObject({ succeeded: 301, stopped: 'shutdown' });
    expect(consumer.summary.released).toBeGreaterThan(0);
    expect(started).toEqual([1]);
    expect(await stores.queued('work')).toEqual(rest.slice(1));
    await expectIdle(stores.db);
  });

  test('jobs that run on after shutdownTimeout are aborted and go back in front, without a lost attempt', async () => {
    const reasons: unknown[] = [];
    const attempts: number[] = [];
    const Hold = defineJob({
      class: 'Hold',
      async perform(_args, ctx) {
        attempts.push(ctx.job.attempt);
        await new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)));
      },
    });
    const Stubborn = defineJob({ class: 'Hold:stubborn', perform: () => new Promise(() => {}) });
    const all = ['{"class":"Hold","args":[1]}', '{"class":"Hold:stubborn"}', '{"class":"Hold","args":[2]}'];
    await stores.produce('work', ...all);
    const options = { concurrency: 3, shutdownTimeout: 600_000, abortGrace: 600_000 };
    const consumer = startWorker({ store: stores.store, jobs: [Hold, Stubborn], options });
    await eventually(() => expect(attempts).toHaveLength(2));
    await stores.produce('work', ...payloads('Hold', [3]));
    consumer.stop();
    consumer.clock.move(300_000);
    expect(await inFlight(stores.db), 'still within shutdownTimeout').toBe(3);
    consumer.clock.move(300_000);
    await eventually(() => expect(consumer.summary.released).toBe(2));
    consumer.clock.move(600_000);
    expect(await consumer.ended).toMatchObject({ released: 3, processed: 0, stopped: 'shutdown' });

    reasons.push(...consumer.runs.map((run) => run.outcome));
    expect(reasons).toEqual(['released', 'released', 'released']);
    const left = await stores.queued('work');
    expect(left.at(-1)).toBe('{"class":"Hold","args":[3]}');
    expect([...left].sort()).toEqual([...all, ...payloads('Hold', [3])].sort());
    expect(left.indexOf(all[0] ?? ''), 'those two were released together').toBeLessThan(left.indexOf(all[2] ?? ''));
    await expectIdle(stores.db);
  });

  test('a handler is aborted with a ShutdownError', async () => {
    let reason: unknown;
    const started = new Gate();
    const Hold = defineJob({
      class: 'Hold',
      perform: (_args, ctx) =>
        new Promise<void>((resolve) => {
          started.open();
          ctx.signal.addEventListener('abort', () => {
            reason = ctx.signal.reason;
            resolve();
          });
        }),
    });
    await stores.produce('work', '{"class":"Hold"}');
    const consumer = startWorker({ store: stores.store, jobs: [Hold], options: { shutdownTimeout: 0 } });
    await started.opened;
    consumer.stop();
    // It ended by itself in time, so its work counts.
    expect(await consumer.ended).toMatchObject({ succeeded: 1, released: 0 });
    expect(reason).toBeInstanceOf(ShutdownError);
  });

  test('a deadline: reserving stops, handlers are aborted, what had little time goes back, what had its time counts', async () => {
    const DEADLINE = 10_000_000;
    const reasons = new Map<unknown, unknown>();
    const started: unknown[] = [];
    const Hold = defineJob({
      class: 'Hold',
      timeout: Infinity,
      retry: { backoff: '1s' },
      async perform([name], ctx) {
        started.push(name);
        await new Promise((_, reject) => {
          ctx.signal.addEventListener('abort', () => {
            reasons.set(name, ctx.signal.reason);
            reject(new Error('stopped halfway'));
          });
        });
      },
    });
    await stores.produce('work', ...payloads('Hold', ['long']));
    const consumer = startWorker({
      store: stores.store,
      jobs: [Hold],
      deadline: DEADLINE,
      options: { interval: 100_000, lease: 2 * DEADLINE },
    });
    await eventually(() => expect(started).toEqual(['long']));
    await stores.produce('work', ...payloads('Hold', ['short']));
    consumer.clock.move(0.9 * DEADLINE);
    await eventually(() => expect(started).toEqual(['long', 'short']));
    consumer.clock.move(0.1 * DEADLINE - 1_000);
    await stores.produce('work', ...payloads('Hold', ['too late']));
    consumer.clock.move(1_000);

    expect(await consumer.ended).toMatchObject({ retried: 1, released: 1, lost: 0, stopped: 'deadline' });
    expect(started).toEqual(['long', 'short']);
    expect([...reasons.values()].every((reason) => reason instanceof DeadlineError)).toBe(true);
    expect(await stores.queued('work')).toEqual(payloads('Hold', ['short', 'too late']));
    expect(await stores.db.hvals(stores.keys.retryPayloads)).toEqual([expect.stringContaining('"args":["long"]')]);
    await stores.db.del(stores.keys.retry, stores.keys.retryPayloads);
    await expectIdle(stores.db);
  });
});
