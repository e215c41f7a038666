import { describe, expect, test } from 'vitest';
import type { Duration } from '../../../shared/duration.ts';
import { JobTimeoutError, ShutdownError } from '../../../shared/errors.ts';
import { defineJob } from '../../../shared/job/define.ts';
import type { Attempt, Ended } from '../../../shared/worker/attempt.ts';
import { RunningJobs, type RunningJobsOptions } from '../../../shared/worker/running-jobs.ts';
import { attemptDeps, bound, boundTo, rawJob } from '../../helpers/builders.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

/** Places, what has ended in them (the job's id, and success or what was thrown), and times in ms from their beginning. */
function begin(given: Partial<RunningJobsOptions> = {}) {
  const clock = new ManualClock();
  const start = clock.now();
  const ends: [id: string, result: unknown][] = [];
  const dropped: string[] = [];
  const running = new RunningJobs({
    concurrency: 3,
    abortGrace: 1_000,
    deps: attemptDeps({ clock }),
    onDropped: ({ bound }) => void dropped.push(bound.job.id),
    onEnd: (attempt: Attempt, ended: Ended) => ends.push([attempt.bound.job.id, ended.ok ? 'ok' : ended.thrown]),
    ...given,
  });
  return { running, clock, ends, dropped, due: () => running.dueAt - start };
}

const stop = new ShutdownError('stopping');
const never = () => new Promise<void>(() => {});
const endless = (id: string, timeout: Duration = Infinity) =>
  bound(defineJob({ class: 'Endless', timeout, perform: never }), { id });
/** Ends soon after it is told to. */
const obedient = (id: string, timeout: Duration = Infinity) =>
  bound(
    defineJob({
      class: 'Obedient',
      timeout,
      perform: (_args, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        }),
    }),
    { id },
  );
const timedOut = (name: string, ms: number) => new JobTimeoutError(`${name} ran longer than its timeout of ${ms} ms.`);

describe('places', () => {
  test('are used while handlers run', async () => {
    const { running, clock, ends } = begin();
    const handler = Promise.withResolvers<void>();
    expect(running).toMatchObject({ used: 0, free: 3, oldest: undefined });
    running.start(boundTo(() => handler.promise, { id: 'first' }));
    running.start(endless('second'));
    expect(running).toMatchObject({ used: 2, free: 1 });
    expect([...running.all].map((attempt) => attempt.bound.job.id)).toEqual(['first', 'second']);
    expect(running.oldest?.bound.job.id).toBe('first');
    handler.resolve();
    await clock.advance(0);
    expect(running).toMatchObject({ used: 1, free: 2 });
    expect(running.oldest?.bound.job.id).toBe('second');
    expect(ends).toEqual([['first', 'ok']]);
  });

  test('know the bytes of the payloads that run', async () => {
    const { running, clock } = begin();
    const handler = Promise.withResolvers<void>();
    running.start(boundTo(() => handler.promise, { raw: rawJob('x'.repeat(100)) }));
    running.start(boundTo(never, { raw: rawJob('☃') }));
    running.start(boundTo(() => {}, { raw: rawJob('x'.repeat(1_000)) }));
    expect(running.bytes).toBe(103);
    handler.resolve();
    await clock.advance(0);
    expect(running.bytes).toBe(3);
  });

  test('are free again after a handler that is synchronous, before its end is told', () => {
    const used: number[] = [];
    const { running } = begin({ onEnd: () => used.push(running.used) });
    running.start(boundTo(() => {}));
    running.start(
      boundTo(() => {
        throw null;
      }),
    );
    expect(used).toEqual([0, 0]);
  });
});

describe('a timeout', () => {
  test('aborts the handler at its time, and not before', async () => {
    const { running, clock, ends, due } = begin();
    running.start(obedient('a', 2_000));
    expect(due()).toBe(2_000);
    await clock.advance(1_999);
    running.sweep();
    await clock.advance(0);
    expect(ends).toEqual([]);
    await clock.advance(1);
    running.sweep();
    await clock.advance(0);
    expect(ends).toEqual([['a', timedOut('Obedient', 2_000)]]);
    expect(running.used).toBe(0);
  });

  test('ends the attempt without a handler that does not answer, after the grace', async () => {
    const { running, clock, ends, due } = begin();
    running.start(endless('a', 2_000));
    await clock.advance(2_000);
    running.sweep();
    expect(due()).toBe(3_000);
    await clock.advance(999);
    running.sweep();
    expect([ends, running.used]).toEqual([[], 1]);
    await clock.advance(1);
    running.sweep();
    expect([ends, running.used]).toEqual([[['a', timedOut('Endless', 2_000)]], 0]);
    expect(due()).toBe(Infinity);
  });

  test('without grace ends it at once', async () => {
    const { running, clock, ends } = begin({ abortGrace: 0 });
    running.start(endless('a', 2_000));
    await clock.advance(2_000);
    running.sweep();
    expect(ends).toEqual([['a', timedOut('Endless', 2_000)]]);
  });

  test('is each its own; the next one is due', async () => {
    const { running, clock, ends, due } = begin();
    running.start(obedient('b', 5_000));
    running.start(obedient('a', 2_000));
    running.start(endless('c'));
    expect(due()).toBe(2_000);
    await clock.advance(2_000);
    running.sweep();
    await clock.advance(3_000);
    running.sweep();
    await clock.advance(1_000);
    running.sweep();
    expect(ends.map(([id]) => id)).toEqual(['a', 'b']);
    expect(due()).toBe(Infinity);
  });

  test('of a job that starts when another is ended is seen too', async () => {
    const { running, clock, due } = begin({
      onEnd: () => {
        if (running.used === 0) running.start(endless('next', '500ms'));
      },
    });
    running.start(endless('a', 2_000));
    await clock.advance(2_000);
    running.sweep();
    await clock.advance(1_000);
    running.sweep();
    expect(running.used).toBe(1);
    expect(due()).toBe(3_500);
  });

  test('that the definition does not set is that of the consumer', () => {
    const clock = new ManualClock();
    const { running, due } = begin({ deps: attemptDeps({ clock, timeout: 7_000 }) });
    running.start(boundTo(never));
    expect(due()).toBe(7_000);
  });
});

describe('abortAll', () => {
  test('aborts every handler, and ends those that do not answer when their grace is over', async () => {
    const { running, clock, ends } = begin();
    running.start(endless('endless'));
    running.start(obedient('obedient'));
    await clock.advance(100);
    running.abortAll(stop);
    running.sweep();
    await clock.advance(999);
    running.sweep();
    expect(ends).toEqual([['obedient', stop]]);
    await clock.advance(1);
    running.sweep();
    expect(ends).toEqual([
      ['obedient', stop],
      ['endless', stop],
    ]);
    expect(running.used).toBe(0);
  });

  test('makes the end of the grace due, also where no timeout is', () => {
    const { running, due } = begin();
    running.start(endless('a'));
    expect(due()).toBe(Infinity);
    running.abortAll(stop);
    running.sweep();
    expect(due()).toBe(1_000);
  });

  test('leaves the reason of those that ran into their timeout before', async () => {
    const { running, clock, ends } = begin();
    running.start(endless('a', 2_000));
    await clock.advance(2_000);
    running.sweep();
    running.abortAll(stop);
    await clock.advance(1_000);
    running.sweep();
    expect(ends).toEqual([['a', timedOut('Endless', 2_000)]]);
  });

  test('is stronger than a timeout that comes during the grace', async () => {
    const { running, clock, ends } = begin();
    running.start(endless('a', '500ms'));
    running.abortAll(stop);
    await clock.advance(600);
    running.sweep();
    expect(ends).toEqual([]);
    await clock.advance(400);
    running.sweep();
    expect(ends).toEqual([['a', stop]]);
  });
});

test('a handler that ends after it was ended is not heard', async () => {
  const { running, clock, ends } = begin({ abortGrace: 0 });
  const handler = Promise.withResolvers<void>();
  running.start(boundTo(() => handler.promise, { id: 'a' }));
  running.abortAll(stop);
  running.sweep();
  handler.reject(new Error('late'));
  await clock.advance(0);
  expect(ends).toEqual([['a', stop]]);
  expect(running.free).toBe(3);
});
