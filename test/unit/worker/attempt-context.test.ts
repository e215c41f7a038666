import { describe, expect, test, vi } from 'vitest';
import { JobTimeoutError } from '../../../shared/errors.ts';
import { defineJob } from '../../../shared/job/define.ts';
import { defineActiveJob } from '../../../shared/job/define-active-job.ts';
import type { Job } from '../../../shared/types.ts';
import { rawJob } from '../../helpers/builders.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';
import { prepare, start, succeeded } from './attempt-scene.ts';

describe('the time', () => {
  test.each<[number | undefined, number]>([
    [2_000, 2_000],
    [undefined, 900_000],
    [Infinity, Infinity],
  ])('of a definition with the timeout %s is %s ms', (timeout, ms) => {
    const definition = defineJob({ class: 'Hello', ...(timeout === undefined ? {} : { timeout }), perform() {} });
    const { attempt, clock } = prepare(definition);
    expect(attempt).toMatchObject({ startedAt: clock.now(), timeout: ms, timeoutAt: clock.now() + ms });
    expect(attempt.timeoutError()).toEqual(new JobTimeoutError(`Hello ran longer than its timeout of ${ms} ms.`));
  });

  test.each<[number, number | undefined, number]>([
    [2_000, undefined, 2_000],
    [2_000, 1_500, 1_500],
    [2_000, 5_000, 2_000],
    [Infinity, undefined, Infinity],
    [Infinity, 700, 700],
  ])('left is until the timeout of %s ms or the deadline in %s ms: %s', async (timeout, deadline, left) => {
    const clock = new ManualClock();
    const { attempt } = prepare(defineJob({ class: 'Hello', timeout, perform() {} }), {
      setting: { clock, deadline: deadline === undefined ? undefined : clock.now() + deadline },
    });
    expect(attempt.timeLeft()).toBe(left);
    await clock.advance(300);
    expect(attempt.timeLeft()).toBe(left - 300);
    await clock.advance(60_000);
    expect(attempt.timeLeft()).toBe(left === Infinity ? Infinity : 0);
  });
});

describe('what the handler sees', () => {
  const job: Partial<Job> = {
    raw: rawJob('{}', { queue: 'billing' }),
    id: 'abc',
    attempt: 2,
    deaths: 1,
    payload: '{"class":"Hello","args":[1.0]}',
  };

  test('the job', () => {
    const { attempt } = prepare(defineJob({ class: 'Hello', retry: { attempts: 3 }, perform() {} }), { job });
    expect(attempt.job).toEqual({
      class: 'Hello',
      queue: 'billing',
      id: 'abc',
      attempt: 2,
      attempts: 3,
      deaths: 1,
      payload: '{"class":"Hello","args":[1.0]}',
    });
    expect(attempt.job).toBe(attempt.job);
  });

  test('when it was enqueued, if that is known', () => {
    const { attempt } = prepare(defineJob({ class: 'Hello', perform() {} }), { job: { ...job, queueTime: 1234.5 } });
    expect(attempt.job).toMatchObject({ queueTime: 1234.5, attempts: 5 });
  });

  test.each([
    [{ retry: { attempts: 3 } }, 3, 3],
    [{ retry: { attempts: Infinity } }, Infinity, undefined],
    [{ retry: { attempts: 1 }, retryOn: [{ errors: [Error], exceptions: '[E]', attempts: 9 }] }, 1, undefined],
  ])('its attempts in all, which a log leaves out where they are no number or several: %j', (options, all, told) => {
    const { attempt } = prepare(defineActiveJob({ job: 'Hello', ...options, perform() {} }), { job });
    expect([attempt.job.attempts, attempt.attemptsTold]).toEqual([all, told]);
  });

  test('the slot that it is for, if a cron entry enqueued it', () => {
    const slot = Date.UTC(2026, 10, 20, 20, 30);
    const Hello = defineJob({ class: 'Hello', perform() {} });
    const { attempt } = prepare(Hello, { job: { cron: { name: 'nightly', slot } } });
    expect(attempt.cron).toEqual({ name: 'nightly', slot: new Date(slot) });
    expect(prepare(Hello).attempt.cron).toBeUndefined();
  });

  test('a logger whose lines carry the job', () => {
    const log = recordingLogger();
    const { attempt } = prepare(defineJob({ class: 'Hello', perform() {} }), { job, setting: { log } });
    attempt.log.info('working', { step: 1 });
    expect(log.lines).toEqual([
      {
        level: 'info',
        message: 'working',
        fields: { class: 'Hello', queue: 'billing', id: 'abc', attempt: 2, step: 1 },
      },
    ]);
    expect(attempt.log).toBe(attempt.log);
  });

  test('enqueue', () => {
    const enqueue = vi.fn();
    expect(prepare(defineJob({ class: 'Hello', perform() {} }), { setting: { enqueue } }).attempt.enqueue).toBe(
      enqueue,
    );
  });

  test('all of it also when it takes the context apart', async () => {
    let left: number | undefined;
    const { ends } = start((_args, { timeLeft, log, signal, job: info }) => {
      left = timeLeft();
      log.info(`${info.class} ${signal.aborted}`);
    });
    expect(ends).toEqual([succeeded]);
    expect(left).toBe(900_000);
  });

  test('the same context in the middleware', () => {
    const seen: unknown[] = [];
    const Hello = defineJob({
      class: 'Hello',
      middleware: [
        (ctx, next) => {
          seen.push(ctx);
          return next();
        },
      ],
      perform: (_args, ctx) => seen.push(ctx),
    });
    const { attempt } = prepare(Hello);
    attempt.start();
    expect(seen).toEqual([attempt, attempt]);
  });
});
