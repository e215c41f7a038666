import { ManualClock, type RunJobOptions, recordingClient, runJob } from 'lambdesque/testing';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import {
  ArgumentsError,
  ConfigError,
  DeadlineError,
  Discard,
  defineActiveJob,
  defineJob,
  GlobalId,
  JobTimeoutError,
  LeaseLostError,
  MiddlewareError,
  RetryIn,
  type RetryOptions,
  RubySymbol,
  ShutdownError,
  SkipRetry,
} from '../../../shared/index.ts';
import type { JobInfo } from '../../../shared/job/context.ts';

const Report = defineJob({ class: 'Report', queue: 'reports', perform() {} });

/** A job that answers what it was given. */
const Echo = defineJob({ class: 'Echo', queue: 'echoes', perform: (args) => args });

/** A job that throws. */
function throwing(error: unknown, retry: RetryOptions = { attempts: 3, backoff: ['10s', '1m'] }) {
  return defineJob({
    class: 'Throwing',
    retry,
    perform() {
      throw error;
    },
  });
}

describe('the arguments', () => {
  test('go through JSON, with integers of any size', async () => {
    const { result } = await runJob(Echo, ['a', -0, 2n ** 64n, 5n, { nothing: null, list: [1.5] }]);
    expect(result).toEqual(['a', 0, 2n ** 64n, 5, { nothing: null, list: [1.5] }]);
  });

  test('are not the ones that the test holds: what a handler does to them stays there', async () => {
    const given = [{ count: 1 }];
    const Changing = defineJob({
      class: 'Changing',
      perform([one]: readonly { count: number }[]) {
        if (one) one.count++;
        return one;
      },
    });
    expect((await runJob(Changing, given)).result).toEqual({ count: 2 });
    expect(given).toEqual([{ count: 1 }]);
  });

  test.each([
    ['a Date', new Date(0), /args\.0 is a Date/],
    ['undefined', undefined, /args\.0 is undefined/],
    ['NaN', Number.NaN, /args\.0 is NaN/],
  ])('are refused where JSON would change them, as enqueue does: %s', async (_what, value, message) => {
    await expect(runJob(Echo, [value])).rejects.toThrow(ArgumentsError);
    await expect(runJob(Echo, [value])).rejects.toThrow(message);
  });

  test('must be an array', async () => {
    await expect(runJob(Echo, 'no' as never)).rejects.toThrow(
      'runJob Echo: args must be an array, one element for each argument; got string.',
    );
  });

  const typed = (check: (text: string) => boolean | Promise<boolean>) =>
    defineJob({
      class: 'Typed',
      args: z.tuple([
        z
          .string()
          .refine(check)
          .transform((text) => text.length),
      ]),
      perform: ([length]) => ({ length }),
    });

  test.each([
    ['a schema', typed((text) => text !== 'bad')],
    ['an asynchronous schema', typed(async (text) => text !== 'bad')],
  ])('go through %s, whose transforms count', async (_what, job) => {
    expect(await runJob(job, ['four'])).toMatchObject({ outcome: 'succeeded', result: { length: 4 } });
    const refused = await runJob(job, ['bad']);
    expect(refused).toMatchObject({ outcome: 'failed', delay: undefined, result: undefined });
    expect(refused.error).toBeInstanceOf(ArgumentsError);
  });
});

describe('the outcome', () => {
  const boom = new Error('boom');

  test('of a handler that returns, or resolves, is succeeded, with what it returned', async () => {
    const later = defineJob({ class: 'Later', perform: async () => 'later' });
    const nothing = { error: undefined, delay: undefined, progress: [], flows: [], enqueued: [], logs: [] };
    expect(await runJob(Echo, [1])).toEqual({ outcome: 'succeeded', result: [1], ...nothing });
    expect(await runJob(later, [])).toEqual({ outcome: 'succeeded', result: 'later', ...nothing });
  });

  test.each<[string, unknown, RunJobOptions, object]>([
    ['an error', boom, {}, { outcome: 'retried', delay: 10_000, error: boom }],
    ['an error, again', boom, { attempt: 2 }, { outcome: 'retried', delay: 60_000, error: boom }],
    ['an error at the last attempt', boom, { attempt: 3 }, { outcome: 'failed', delay: undefined, error: boom }],
    ['undefined', undefined, {}, { outcome: 'retried', error: undefined }],
    ['SkipRetry', new SkipRetry('no'), {}, { outcome: 'failed', delay: undefined, error: new SkipRetry('no') }],
    ['RetryIn', new RetryIn('7s'), {}, { outcome: 'retried', delay: 7_000 }],
    ['Discard', new Discard('gone'), {}, { outcome: 'discarded', delay: undefined, error: new Discard('gone') }],
  ])('of a handler that throws %s', async (_what, error, options, expected) => {
    expect(await runJob(throwing(error), [], options)).toMatchObject({ ...expected, result: undefined });
  });

  test('of a job without a policy is the default policy', async () => {
    const Plain = defineJob({
      class: 'Plain',
      perform() {
        throw boom;
      },
    });
    const first = await runJob(Plain, []);
    expect(first.outcome).toBe('retried');
    expect(first.delay).toBeGreaterThanOrEqual(16_000);
    expect(first.delay).toBeLessThanOrEqual(74_000);
    expect((await runJob(Plain, [], { attempt: 5 })).outcome).toBe('failed');
  });

  test('where the backoff function is broken has the default wait, and a warning', async () => {
    const job = throwing(boom, { attempts: 2, backoff: () => Number.NaN });
    const { outcome, logs } = await runJob(job, []);
    expect(outcome).toBe('retried');
    expect(logs).toEqual([
      { level: 'warn', message: expect.stringContaining('backoff function'), fields: { class: 'Throwing' } },
    ]);
  });

  test('of an at-most-once job that throws is failed', async () => {
    const Once = defineJob({
      class: 'Once',
      delivery: 'at-most-once',
      perform() {
        throw new RetryIn('1s');
      },
    });
    expect(await runJob(Once, [])).toMatchObject({ outcome: 'failed', delay: undefined });
  });

  test('of a job with which three workers died is failed, without a run', async () => {
    const perform = vi.fn();
    const run = await runJob(defineJob({ class: 'Poison', perform }), [], { deaths: 3 });
    expect(run).toMatchObject({ outcome: 'failed', error: { name: 'WorkerDiedError' }, enqueued: [], logs: [] });
    expect(perform).not.toHaveBeenCalled();
  });
});

describe('the middleware', () => {
  test('of the options is outside of the definition’s own, the first outermost', async () => {
    const calls: string[] = [];
    const around = (name: string) => async (_ctx: unknown, next: () => Promise<unknown>) => {
      calls.push(`${name} in`);
      await next();
      calls.push(`${name} out`);
    };
    const job = defineJob({
      class: 'Wrapped',
      middleware: [around('own')],
      perform() {
        calls.push('perform');
        return 'done';
      },
    });
    const { result } = await runJob(job, [], { middleware: [around('first'), around('second')] });
    expect(calls).toEqual(['first in', 'second in', 'own in', 'perform', 'own out', 'second out', 'first out']);
    expect(result, 'what perform returned, whatever they make of it').toBe('done');
  });

  test('that goes on without next leaves the handler out', async () => {
    const perform = vi.fn();
    const job = defineJob({ class: 'Left', middleware: [() => 'mine'], perform });
    expect(await runJob(job, [])).toMatchObject({ outcome: 'succeeded', result: undefined });
    expect(perform).not.toHaveBeenCalled();
  });

  test('that calls next twice fails the job', async () => {
    const twice = async (_ctx: unknown, next: () => Promise<unknown>) => {
      await next();
      await next();
    };
    const run = await runJob(Echo, [], { middleware: [twice] });
    expect(run.outcome).toBe('failed');
    expect(run.error).toBeInstanceOf(MiddlewareError);
  });
});

describe('the context', () => {
  const Look = defineJob({
    class: 'Look',
    queue: 'looks',
    retry: { attempts: 7 },
    timeout: 30_000,
    perform: (_args, ctx) => ({ job: ctx.job, cron: ctx.cron, left: ctx.timeLeft(), aborted: ctx.signal.aborted }),
  });

  test('has the job as it is by default', async () => {
    const clock = new ManualClock(1_000_000_000_250);
    const { result } = await runJob(Look, [1], { clock });
    const { job, ...rest } = result as { job: JobInfo };
    expect(job).toEqual({
      class: 'Look',
      queue: 'looks',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      attempt: 1,
      attempts: 7,
      deaths: 0,
      payload: `{"class":"Look","args":[1],"id":"${job.id}","queue_time":1000000000.25}`,
      queueTime: 1_000_000_000_250,
    });
    expect(rest).toEqual({ cron: undefined, left: 30_000, aborted: false });
  });

  test('has what the options say', async () => {
    const slot = new Date('2026-11-26T03:00:00Z');
    const { result } = await runJob(Look, [], {
      queue: 'other',
      id: 'abc',
      attempt: 4,
      deaths: 2,
      cron: { name: 'nightly', slot },
    });
    expect(result).toMatchObject({
      job: { queue: 'other', id: 'abc', attempt: 4, attempts: 7, deaths: 2 },
      cron: { name: 'nightly', slot },
    });
    const { payload } = (result as { job: JobInfo }).job;
    expect(payload, 'as its producer wrote it').toMatch(/^\{"class":"Look",/);
  });

  test('has a queue even where the definition has none', async () => {
    const Nowhere = defineJob({ class: 'Nowhere', perform: (_args, ctx) => ctx.job.queue });
    expect((await runJob(Nowhere, [])).result).toBe('default');
  });

  test('has a log whose lines are kept', async () => {
    const Talk = defineJob({
      class: 'Talk',
      queue: 'talks',
      perform(_args, ctx) {
        ctx.log.info('begins', { step: 1 });
        ctx.log.child({ part: 'b' }).error('broken');
      },
    });
    const fields = { class: 'Talk', queue: 'talks', id: 'abc', attempt: 2 };
    expect((await runJob(Talk, [], { id: 'abc', attempt: 2 })).logs).toEqual([
      { level: 'info', message: 'begins', fields: { ...fields, step: 1 } },
      { level: 'error', message: 'broken', fields: { ...fields, part: 'b' } },
    ]);
  });

  test.each([
    [{ attempt: 0 }, 'attempt must be a whole number, 1 or more; got 0'],
    [{ attempt: 1.5 }, 'attempt must be a whole number, 1 or more; got 1.5'],
    [{ deaths: -1 }, 'deaths must be a whole number, 0 or more; got -1'],
    [{ limit: 0 }, 'limit must be a whole number of jobs, 1 or more; got 0'],
    [{ atempt: 3 } as never, 'runJob: there is no option "atempt" (did you mean "attempt"?); got 3. There are class, '],
    [{ class: 'Other' }, 'the definition is of the class Look, not of Other'],
  ])('cannot be made of %o', async (options, message) => {
    await expect(runJob(Look, [], options)).rejects.toThrow(ConfigError);
    await expect(runJob(Look, [], options)).rejects.toThrow(message);
  });
});

describe('a definition that stands for many classes', () => {
  const Mail = defineJob({ class: 'mail:*', perform: (_args, ctx) => ctx.job.class });

  test('runs the class that is named', async () => {
    expect((await runJob(Mail, [], { class: 'mail:welcome' })).result).toBe('mail:welcome');
  });

  test.each([[undefined], ['welcome']])('does not run %s', async (name) => {
    await expect(runJob(Mail, [], name === undefined ? {} : { class: name })).rejects.toThrow(
      `runJob: "mail:*" stands for many classes; give options.class, such as "mail:name"; got ${name}.`,
    );
  });
});

describe('the end of an attempt that does not end', () => {
  /** Ends when it is aborted, or never. */
  const endless = (answers: boolean) =>
    defineJob({
      class: 'Endless',
      timeout: 30_000,
      retry: { attempts: 2, backoff: '5s' },
      perform: (_args, { signal }) =>
        new Promise((_resolve, reject) => {
          if (answers) signal.addEventListener('abort', () => reject(signal.reason));
        }),
    });

  test('is its timeout, on the clock of the options', async () => {
    const clock = new ManualClock();
    const running = runJob(endless(true), [], { clock });
    await clock.advance('29s');
    expect(clock.pending).toBe(1);
    await clock.advance('1s');
    const run = await running;
    expect(run).toMatchObject({ outcome: 'retried', delay: 5_000 });
    expect(run.error).toEqual(new JobTimeoutError('Endless ran longer than its timeout of 30000 ms.'));
    expect(clock.pending, 'no timer is left').toBe(0);
  });

  test('comes a second later where it does not listen', async () => {
    const clock = new ManualClock();
    let ended = false;
    const running = runJob(endless(false), [], { clock }).finally(() => {
      ended = true;
    });
    await clock.advance(30_999);
    expect(ended).toBe(false);
    await clock.advance(1);
    expect(await running).toMatchObject({ outcome: 'retried', error: { name: 'JobTimeoutError' } });
  });

  test('is the timeout in real time as well: here that of a test framework’s fake timers', async () => {
    vi.useFakeTimers();
    try {
      const running = runJob(endless(true), []);
      await vi.advanceTimersByTimeAsync(30_001);
      expect(await running).toMatchObject({ outcome: 'retried', error: { name: 'JobTimeoutError' } });
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  test('needs no timer where the timeout is Infinity', async () => {
    const clock = new ManualClock();
    const Free = defineJob({ class: 'Free', timeout: Infinity, perform: async (_args, ctx) => ctx.timeLeft() });
    const running = runJob(Free, [], { clock });
    expect(clock.pending).toBe(0);
    expect((await running).result).toBe(Infinity);
  });

  test.each<[string, unknown, object]>([
    ['no reason', undefined, { outcome: 'released', error: { name: 'ShutdownError' } }],
    ['a shutdown', new ShutdownError('now'), { outcome: 'released', error: new ShutdownError('now') }],
    ['a lost lease', new LeaseLostError('lost'), { outcome: 'released', error: new LeaseLostError('lost') }],
    ['a deadline', new DeadlineError('soon'), { outcome: 'retried', error: new DeadlineError('soon'), delay: 5_000 }],
  ])('is an abort with %s', async (_what, reason, expected) => {
    const controller = new AbortController();
    const running = runJob(endless(true), [], { signal: controller.signal, clock: new ManualClock() });
    controller.abort(reason);
    expect(await running).toMatchObject(expected);
  });

  test('is an abort that came before it began', async () => {
    const run = await runJob(endless(true), [], { signal: AbortSignal.abort(), clock: new ManualClock() });
    expect(run).toMatchObject({ outcome: 'released', error: { name: 'ShutdownError' } });
  });

  test('leaves nothing at the signal', async () => {
    const { signal } = new AbortController();
    const remove = vi.spyOn(signal, 'removeEventListener');
    await runJob(Echo, [], { signal });
    expect(remove).toHaveBeenCalledWith('abort', expect.any(Function));
  });
});

describe('what a handler enqueues', () => {
  const clock = new ManualClock(1_000_000_000_250);
  const Enqueuing = defineJob({
    class: 'Enqueuing',
    async perform(_args, ctx) {
      await ctx.enqueue(Report, [2n ** 64n, 'x'], { in: '30s' });
      await ctx.enqueue('Elsewhere', [], { queue: 'ruby', metadata: false });
    },
  });

  test('is listed in order, as it would be written', async () => {
    const { enqueued, outcome } = await runJob(Enqueuing, [], { clock });
    expect(outcome).toBe('succeeded');
    expect(enqueued).toEqual([
      {
        class: 'Report',
        args: [2n ** 64n, 'x'],
        queue: 'reports',
        at: new Date(1_000_000_030_000),
        enqueuedAt: new Date(1_000_000_000_250),
        id: undefined,
        payload: '{"class":"Report","args":[18446744073709551616,"x"],"queue":"reports"}',
        run: undefined,
      },
      {
        class: 'Elsewhere',
        args: [],
        queue: 'ruby',
        at: undefined,
        enqueuedAt: new Date(1_000_000_000_250),
        id: undefined,
        payload: '{"class":"Elsewhere","args":[]}',
        run: undefined,
      },
    ]);
  });

  const Wrong = defineJob({
    class: 'Wrong',
    retry: { attempts: 1 },
    async perform([args]: readonly unknown[], ctx) {
      await ctx.enqueue('Checked', args as unknown[]);
    },
  });
  const Checked = defineJob({ class: 'Checked', queue: 'q', args: z.tuple([z.string()]), perform() {} });

  test('is checked as a client checks it, by the schema of a class that is known', async () => {
    expect((await runJob(Wrong, [['text']], { jobs: [Checked] })).enqueued).toHaveLength(1);
    const refused = await runJob(Wrong, [[1]], { jobs: [Checked] });
    expect(refused).toMatchObject({ outcome: 'failed', error: { name: 'ArgumentsError' }, enqueued: [] });
    expect((await runJob(Wrong, [[1]])).error).toEqual(
      new ConfigError("enqueue Checked: no queue. Give options.queue, or a queue in the job's definition."),
    );
  });

  test('is kept where the handler then throws', async () => {
    const Both = defineJob({
      class: 'Both',
      async perform(_args, ctx) {
        await ctx.enqueue(Report, []);
        throw new Error('too late');
      },
    });
    expect(await runJob(Both, [])).toMatchObject({ outcome: 'retried', enqueued: [{ class: 'Report' }] });
  });
});

describe('a job of Rails’ ActiveJob', () => {
  const WelcomeJob = defineActiveJob({
    job: 'WelcomeJob',
    queue: 'mailers',
    locale: 'fr',
    retry: { attempts: 3, backoff: ['10s', '1m'] },
    async perform([user, word]: readonly [GlobalId, RubySymbol], ctx) {
      if (word.text === 'boom') throw new Error('boom');
      await ctx.enqueue(WelcomeJob, [user, new RubySymbol('again')], { in: '1h' });
      return { user, word, job: ctx.job, rails: ctx.activeJob };
    },
  });
  const user = new GlobalId('gid://shop/User/7');

  test('gets its arguments as Ruby’s types, out of Rails’ wrapper', async () => {
    const { result, enqueued } = await runJob(WelcomeJob, [user, new RubySymbol('hello')], { id: 'abc', attempt: 2 });
    expect(result).toMatchObject({
      user,
      word: new RubySymbol('hello'),
      job: { class: 'WelcomeJob', queue: 'mailers', id: 'abc', attempt: 2, attempts: 3 },
      rails: { jobClass: 'WelcomeJob', jobId: 'abc', executions: 1, locale: 'fr' },
    });
    expect(enqueued).toMatchObject([
      { class: 'WelcomeJob', args: [user, new RubySymbol('again')], queue: 'mailers', at: expect.any(Date) },
    ]);
    expect(enqueued[0]?.payload).toMatch(/^\{"class":"ActiveJob::QueueAdapters::ResqueAdapter::JobWrapper"/);
    expect(enqueued[0]?.payload).toContain(`"job_id":"${enqueued[0]?.id}"`);
  });

  test.each([
    [1, { outcome: 'retried', delay: 10_000 }],
    [2, { outcome: 'retried', delay: 60_000 }],
    [3, { outcome: 'failed', delay: undefined }],
  ])('is judged by its attempt: %i', async (attempt, expected) => {
    expect(await runJob(WelcomeJob, [user, new RubySymbol('boom')], { attempt })).toMatchObject(expected);
  });

  test('has its deaths', async () => {
    const run = await runJob(WelcomeJob, [user, new RubySymbol('x')], { deaths: 2 });
    expect(run.result).toMatchObject({ job: { deaths: 2, attempt: 1 } });
    expect((await runJob(WelcomeJob, [user, new RubySymbol('x')], { deaths: 3 })).outcome).toBe('failed');
  });

  test('is recorded, and runs inline', async () => {
    const client = recordingClient();
    await client.enqueue(WelcomeJob, [user, new RubySymbol('hello')], { in: '30s' });
    client.expectEnqueued(WelcomeJob, [user, new RubySymbol('hello')], { in: '30s', queue: 'mailers' });
    expect(() => client.expectEnqueued(WelcomeJob, [user, new RubySymbol('bye')])).toThrow(
      'Expected to be enqueued: WelcomeJob ["gid://shop/User/7","bye"]',
    );

    const inline = recordingClient({ inline: true });
    await expect(inline.enqueue(WelcomeJob, [user, new RubySymbol('boom')])).rejects.toThrow('boom');
    expect(inline.enqueued).toMatchObject([{ class: 'WelcomeJob', run: { outcome: 'retried', delay: 10_000 } }]);
  });

  test('is another than a class of the same name', async () => {
    const Own = defineJob({ class: 'WelcomeJob', queue: 'q', perform: () => 'own' });
    expect((await runJob(Own, [], { jobs: [WelcomeJob] })).result).toBe('own');
    const both = recordingClient({ inline: true, jobs: [Own, WelcomeJob] });
    await both.enqueue(Own, []);
    await expect(both.enqueue(WelcomeJob, [user, new RubySymbol('boom')])).rejects.toThrow('boom');
    expect(both.enqueued.map(({ run }) => run?.outcome)).toEqual(['succeeded', 'retried']);
  });
});
