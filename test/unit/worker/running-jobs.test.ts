import { describe, expect, test } from 'vitest';
import { JobTimeoutError, ShutdownError } from '../../../shared/errors.ts';
import { defineJob } from '../../../shared/job/define.ts';
import type { Attempt, Ended } from '../../../shared/worker/attempt.ts';
import { RunningJobs, type RunningJobsOptions } from '../../../shared/worker/running-jobs.ts';
import { attemptDeps, bound, boundTo, rawJob } from '../../helpers/builders.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

/** Slots, what has ended in them (the job's id, and success or what was thrown), and times in ms from their beginning. */
function begin(given: Partial<RunningJobsOptions> = {}) {
  const clock = new ManualClock();
  const start = clock.now();
  const ends: [id: string, result: unknown][] = [];
  const slots = new RunningJobs({
    concurrency: 3,
    abortGrace: 1_000,
    setting: attemptDeps({ clock }),
    onEnd: (attempt: Attempt, ended: Ended) => ends.push([attempt.bound.job.id, ended.ok ? 'ok' : ended.thrown]),
    ...given,
  });
  return { slots, clock, ends, due: () => slots.dueAt - start };
}

const stop = new ShutdownError('stopping');
const never = () => new Promise<void>(() => {});
const endless = (id: string, timeout = Infinity) =>
  bound(defineJob({ class: 'Endless', timeout, perform: never }), { id });
/** Ends soon after it is told to. */
const obedient = (id: string, timeout = Infinity) =>
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

describe('slots', () => {
  test('are used while handlers run', async () => {
    const { slots, clock, ends } = begin();
    const handler = Promise.withResolvers<void>();
    expect(slots).toMatchObject({ used: 0, free: 3, oldest: undefined });
    const first = slots.start(boundTo(() => handler.promise, { id: 'first' }));
    const second = slots.start(endless('second'));
    expect(slots).toMatchObject({ used: 2, free: 1 });
    expect(slots.oldest).toBe(first);
    handler.resolve();
    await clock.advance(0);
    expect(slots).toMatchObject({ used: 1, free: 2 });
    expect(slots.oldest).toBe(second);
    expect(ends).toEqual([['first', 'ok']]);
  });

  test('know the bytes of the payloads that run', async () => {
    const { slots, clock } = begin();
    const handler = Promise.withResolvers<void>();
    slots.start(boundTo(() => handler.promise, { raw: rawJob('x'.repeat(100)) }));
    slots.start(boundTo(never, { raw: rawJob('☃') }));
    slots.start(boundTo(() => {}, { raw: rawJob('x'.repeat(1_000)) }));
    expect(slots.bytes).toBe(103);
    handler.resolve();
    await clock.advance(0);
    expect(slots.bytes).toBe(3);
  });

  test('are free again after a handler that is synchronous, before its end is told', () => {
    const used: number[] = [];
    const { slots } = begin({ onEnd: () => used.push(slots.used) });
    slots.start(boundTo(() => {}));
    slots.start(
      boundTo(() => {
        throw null;
      }),
    );
    expect(used).toEqual([0, 0]);
  });
});

describe('a timeout', () => {
  test('aborts the handler at its time, and not before', async () => {
    const { slots, clock, ends, due } = begin();
    slots.start(obedient('a', 2_000));
    expect(due()).toBe(2_000);
    await clock.advance(1_999);
    slots.sweep();
    await clock.advance(0);
    expect(ends).toEqual([]);
    await clock.advance(1);
    slots.sweep();
    await clock.advance(0);
    expect(ends).toEqual([['a', timedOut('Obedient', 2_000)]]);
    expect(slots.used).toBe(0);
  });

  test('ends the attempt without a handler that does not answer, after the grace', async () => {
    const { slots, clock, ends, due } = begin();
    slots.start(endless('a', 2_000));
    await clock.advance(2_000);
    slots.sweep();
    expect(due()).toBe(3_000);
    await clock.advance(999);
    slots.sweep();
    expect([ends, slots.used]).toEqual([[], 1]);
    await clock.advance(1);
    slots.sweep();
    expect([ends, slots.used]).toEqual([[['a', timedOut('Endless', 2_000)]], 0]);
    expect(due()).toBe(Infinity);
  });

  test('without grace ends it at once', async () => {
    const { slots, clock, ends } = begin({ abortGrace: 0 });
    slots.start(endless('a', 2_000));
    await clock.advance(2_000);
    slots.sweep();
    expect(ends).toEqual([['a', timedOut('Endless', 2_000)]]);
  });

  test('is each its own; the next one is due', async () => {
    const { slots, clock, ends, due } = begin();
    slots.start(obedient('b', 5_000));
    slots.start(obedient('a', 2_000));
    slots.start(endless('c'));
    expect(due()).toBe(2_000);
    await clock.advance(2_000);
    slots.sweep();
    await clock.advance(3_000);
    slots.sweep();
    await clock.advance(1_000);
    slots.sweep();
    expect(ends.map(([id]) => id)).toEqual(['a', 'b']);
    expect(due()).toBe(Infinity);
  });

  test('of a job that starts when another is ended is seen too', async () => {
    const { slots, clock, due } = begin({
      onEnd: () => {
        if (slots.used === 0) slots.start(endless('next', 500));
      },
    });
    slots.start(endless('a', 2_000));
    await clock.advance(2_000);
    slots.sweep();
    await clock.advance(1_000);
    slots.sweep();
    expect(slots.used).toBe(1);
    expect(due()).toBe(3_500);
  });

  test('that the definition does not set is that of the consumer', () => {
    const clock = new ManualClock();
    const { slots, due } = begin({ setting: attemptDeps({ clock, timeout: 7_000 }) });
    slots.start(boundTo(never));
    expect(due()).toBe(7_000);
  });
});

describe('abortAll', () => {
  test('aborts every handler, and ends those that do not answer when their grace is over', async () => {
    const { slots, clock, ends } = begin();
    slots.start(endless('endless'));
    slots.start(obedient('obedient'));
    await clock.advance(100);
    slots.abortAll(stop);
    slots.sweep();
    await clock.advance(999);
    slots.sweep();
    expect(ends).toEqual([['obedient', stop]]);
    await clock.advance(1);
    slots.sweep();
    expect(ends).toEqual([
      ['obedient', stop],
      ['endless', stop],
    ]);
    expect(slots.used).toBe(0);
  });

  test('makes the end of the grace due, also where no timeout is', () => {
    const { slots, due } = begin();
    slots.start(endless('a'));
    expect(due()).toBe(Infinity);
    slots.abortAll(stop);
    slots.sweep();
    expect(due()).toBe(1_000);
  });

  test('leaves the reason of those that ran into their timeout before', async () => {
    const { slots, clock, ends } = begin();
    slots.start(endless('a', 2_000));
    await clock.advance(2_000);
    slots.sweep();
    slots.abortAll(stop);
    await clock.advance(1_000);
    slots.sweep();
    expect(ends).toEqual([['a', timedOut('Endless', 2_000)]]);
  });

  test('is stronger than a timeout that comes during the grace', async () => {
    const { slots, clock, ends } = begin();
    slots.start(endless('a', 500));
    slots.abortAll(stop);
    await clock.advance(600);
    slots.sweep();
    expect(ends).toEqual([]);
    await clock.advance(400);
    slots.sweep();
    expect(ends).toEqual([['a', stop]]);
  });
});

test('a handler that ends after it was ended is not heard', async () => {
  const { slots, clock, ends } = begin({ abortGrace: 0 });
  const handler = Promise.withResolvers<void>();
  slots.start(boundTo(() => handler.promise, { id: 'a' }));
  slots.abortAll(stop);
  slots.sweep();
  handler.reject(new Error('late'));
  await clock.advance(0);
  expect(ends).toEqual([['a', stop]]);
  expect(slots.free).toBe(3);
});
