import * as v from 'valibot';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { defineJob, type JobContext, JobTimeoutError, type Middleware } from '../../../shared/index.ts';
import { withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { failed, payloads } from '../../helpers/queue-state.ts';
import { drain, startWorker } from '../../helpers/workers.ts';

withBrokers((stores) => {
  test('ctx.job tells class, queue, id, attempt, payload and when it was enqueued', async () => {
    const seen: JobContext['job'][] = [];
    const Any = defineJob({
      class: 'mail:*',
      retry: { attempts: 7 },
      perform: (_args, { job }) => void seen.push(job),
    });
    const php = String.raw`{"class":"mail:welcome","args":[{"to":"a\/b"}],"id":"d96d3448e98b29aace86a5474d84fe78","queue_time":1795207237.124}`;
    await stores.produce('billing:high', php);
    await stores.produce('work', '{"class":"mail:bye"}');
    await drain({ store: stores.store, jobs: [Any], queues: 'billing:high,work', options: { concurrency: 1 } });
    expect(seen[0]).toEqual({
      class: 'mail:welcome',
      queue: 'billing:high',
      id: 'd96d3448e98b29aace86a5474d84fe78',
      attempt: 1,
      attempts: 7,
      deaths: 0,
      payload: php,
      queueTime: 1795207237124,
    });
    expect(seen[1]).toMatchObject({ class: 'mail:bye', attempt: 1, payload: '{"class":"mail:bye"}' });
    expect(seen[1]).not.toHaveProperty('queueTime');
  });

  test('ctx.timeLeft counts down to the timeout, at which ctx.signal aborts and the attempt has failed', async () => {
    const left: number[] = [];
    let context: JobContext | undefined;
    const Slow = defineJob({
      class: 'Slow',
      timeout: 600_000,
      retry: { backoff: '1s' },
      async perform(_args, ctx) {
        context = ctx;
        left.push(ctx.timeLeft());
        await new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(new Error('as asked'))));
      },
    });
    await stores.produce('work', '{"class":"Slow"}');
    const consumer = startWorker({ store: stores.store, jobs: [Slow], options: { exitOnComplete: true } });
    await eventually(() => expect(left).toHaveLength(1));
    consumer.clock.move(400_000);
    left.push(context?.timeLeft() ?? 0);
    consumer.clock.move(200_000);
    expect(await consumer.ended).toMatchObject({ retried: 1 });
    expect(left[0]).toBeGreaterThan(500_000);
    expect(left[0]).toBeLessThanOrEqual(600_000);
    expect((left[0] ?? 0) - (left[1] ?? 0)).toBeGreaterThanOrEqual(400_000);
    expect(context?.timeLeft()).toBe(0);
    expect(context?.signal.reason).toBeInstanceOf(JobTimeoutError);
    expect(consumer.runs).toMatchObject([{ outcome: 'retried', error: expect.any(JobTimeoutError) }]);
  });

  test('ctx.timeLeft ends at the deadline where that is sooner than the timeout, and never without either', async () => {
    const left: number[] = [];
    const Ask = defineJob({ class: 'Ask', timeout: Infinity, perform: (_args, ctx) => void left.push(ctx.timeLeft()) });
    await stores.produce('work', '{"class":"Ask"}');
    await drain({ store: stores.store, jobs: [Ask], deadline: 600_000 });
    await stores.produce('work', '{"class":"Ask"}');
    await drain({ store: stores.store, jobs: [Ask] });
    expect(left[0]).toBeLessThanOrEqual(600_000);
    expect(left[0]).toBeGreaterThan(300_000);
    expect(left[1]).toBe(Infinity);
  });

  test('ctx.enqueue pushes another job, checked by its definition', async () => {
    const ran: unknown[] = [];
    const Child = defineJob({
      class: 'Child',
      queue: 'children',
      args: z.tuple([z.string()]),
      perform: (args) => void ran.push(args),
    });
    const Parent = defineJob({
      class: 'Parent',
      retry: { attempts: 1 },
      async perform(_args, ctx) {
        const enqueued = await ctx.enqueue(Child, ['hello']);
        ran.push(enqueued.queue);
        await ctx.enqueue('Child', [42]);
      },
    });
    await stores.produce('work', '{"class":"Parent"}');
    await drain({ store: stores.store, jobs: [Parent, Child], queues: 'children,work' });
    expect(ran).toEqual(['children', ['hello']]);
    expect(await failed(stores.db)).toMatchObject([{ exception: 'ArgumentsError', payload: { class: 'Parent' } }]);
  });

  test('middleware wraps handlers, that of all jobs outermost, and sees what they throw', async () => {
    const calls: string[] = [];
    const trace =
      (name: string): Middleware =>
      async (ctx, next) => {
        calls.push(`${name} before ${ctx.job.class}`);
        try {
          return await next();
        } catch (error) {
          calls.push(`${name} caught ${(error as Error).message}`);
          throw error;
        } finally {
          calls.push(`${name} after`);
        }
      };
    const Good = defineJob({ class: 'Good', middleware: [trace('own')], perform: () => void calls.push('perform') });
    const Bad = defineJob({
      class: 'Bad',
      retry: { attempts: 1 },
      perform() {
        throw new Error('boom');
      },
    });
    await stores.produce('work', '{"class":"Good"}', '{"class":"Bad"}');
    const middleware = [trace('first'), trace('second')];
    await drain({ store: stores.store, jobs: [Good, Bad], middleware, options: { concurrency: 1 } });
    expect(calls).toEqual([
      ...['first before Good', 'second before Good', 'own before Good', 'perform'],
      ...['own after', 'second after', 'first after'],
      ...['first before Bad', 'second before Bad', 'second caught boom', 'second after'],
      ...['first caught boom', 'first after'],
    ]);
    expect(await failed(stores.db)).toMatchObject([{ exception: 'Error', error: 'boom' }]);
  });

  test('what middleware throws is the handler’s failure, and a handler it does not call succeeds', async () => {
    const ran: unknown[] = [];
    const Note = defineJob({ class: 'Note', retry: { attempts: 1 }, perform: ([name]) => void ran.push(name) });
    const guard: Middleware = (ctx, next) => {
      if (ctx.job.payload.includes('deny')) throw new RangeError('denied');
      return ctx.job.payload.includes('skip') ? undefined : next();
    };
    await stores.produce('work', ...payloads('Note', ['deny', 'skip', 'go']));
    const summary = await drain({ store: stores.store, jobs: [Note], middleware: [guard] });
    expect(ran).toEqual(['go']);
    expect(summary).toMatchObject({ succeeded: 2, failed: 1 });
    expect(await failed(stores.db)).toMatchObject([{ exception: 'RangeError', error: 'denied' }]);
  });

  test('arguments that a schema refuses fail at once, with its messages and paths; what it makes of others arrives', async () => {
    const got: unknown[] = [];
    const Zod = defineJob({
      class: 'Zod',
      args: z.tuple([z.object({ count: z.number().int(), note: z.string().default('none') })]),
      perform: (args) => void got.push(args),
    });
    const Valibot = defineJob({
      class: 'Valibot',
      args: v.pipeAsync(
        v.tuple([v.string()]),
        v.checkAsync(async ([id]) => id !== 'taken', 'that one is taken'),
      ),
      perform: (args) => void got.push(args),
    });
    await stores.produce('work', '{"class":"Zod","args":[{"count":1.5}]}', '{"class":"Zod","args":[{"count":2}]}');
    await stores.produce('work', ...payloads('Valibot', ['taken', 'free']), '{"class":"Valibot","args":[1]}');
    await drain({ store: stores.store, jobs: [Zod, Valibot], options: { concurrency: 1 } });
    expect(got).toEqual([[{ count: 2, note: 'none' }], ['free']]);
    const entries = await failed(stores.db);
    expect(entries.every((entry) => entry.exception === 'ArgumentsError')).toBe(true);
    expect(entries.map((entry) => entry.error)).toEqual([
      expect.stringMatching(/args\.0\.count: Invalid input: expected int/),
      expect.stringContaining('that one is taken'),
      expect.stringMatching(/args\.0: Invalid type: Expected string but received 1/),
    ]);
    expect(await stores.db.zcard(stores.keys.retry)).toBe(0);
  });
});
