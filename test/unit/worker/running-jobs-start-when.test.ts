import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { ShutdownError } from '../../../shared/errors.ts';
import { defineJob } from '../../../shared/job/define.ts';
import type { Attempt } from '../../../shared/worker/attempt.ts';
import { RunningJobs } from '../../../shared/worker/running-jobs.ts';
import { attemptDeps, bound, boundTo, rawJob } from '../../helpers/builders.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

/** Places, and what ended in them or was dropped from them: ids, and what was thrown. */
function begin() {
  const clock = new ManualClock();
  const ends: [id: string, result: unknown][] = [];
  const dropped: string[] = [];
  const running = new RunningJobs({
    concurrency: 3,
    abortGrace: 1_000,
    deps: attemptDeps({ clock }),
    onEnd: ({ bound: { job } }, ended) => ends.push([job.id, ended.ok ? 'ok' : ended.thrown]),
    onDropped: ({ bound: { job } }) => dropped.push(job.id),
  });
  return { running, clock, ends, dropped };
}

const never = () => new Promise<void>(() => {});
const stop = new ShutdownError('stopping');

describe('a job that may start only when that stands in Redis', () => {
  /** One that has to wait, and whether it was called. */
  function waiting() {
    const scene = begin();
    const started: string[] = [];
    const leave = Promise.withResolvers<boolean>();
    const Once = defineJob({
      class: 'Once',
      timeout: 2_000,
      perform() {
        started.push('once');
        return never();
      },
    });
    void scene.running.startWhen(bound(Once, { id: 'once', raw: rawJob('x'.repeat(100)) }), leave.promise);
    return { ...scene, leave: leave.resolve, started };
  }

  test('takes a place at once, and starts when it may', async () => {
    const { running, clock, leave, started } = waiting();
    expect(running).toMatchObject({ used: 1, free: 2, bytes: 100 });
    await clock.advance(10);
    expect(started).toEqual([]);
    leave(true);
    await clock.advance(0);
    expect(started).toEqual(['once']);
    expect(running).toMatchObject({ used: 1, bytes: 100 });
  });

  test('is dropped if it may not, and gives its place back, once', async () => {
    const { running, clock, leave, started, ends, dropped } = waiting();
    leave(false);
    await clock.advance(0);
    expect([started, ends, dropped]).toEqual([[], [], ['once']]);
    expect(running).toMatchObject({ used: 0, bytes: 0 });
  });

  test('has all of its time from then on', async () => {
    const { running, clock, leave, ends } = waiting();
    await clock.advance(5_000);
    running.sweep();
    expect(running.dueAt).toBe(Infinity);
    leave(true);
    await clock.advance(0);
    expect(running.dueAt).toBe(clock.now() + 2_000);
    await clock.advance(1_999);
    running.sweep();
    expect(ends).toEqual([]);
    expect(running.oldest?.aborted).toBeUndefined();
  });

  // Had it ended before, it would go back as one that has not started, while Redis may have written that it has.
  test('that is aborted meanwhile ends when it is known whether it stands there, without having run', async () => {
    const { running, clock, leave, started, ends, dropped } = waiting();
    running.abortAll(stop);
    await clock.advance(60_000);
    running.sweep();
    expect([ends, running.used]).toEqual([[], 1]);
    leave(true);
    await clock.advance(0);
    expect([started, ends, dropped]).toEqual([[], [['once', stop]], []]);
    expect(running).toMatchObject({ used: 0, bytes: 0 });
  });

  test('that is aborted meanwhile is dropped where it may not start', async () => {
    const { running, clock, leave, ends, dropped } = waiting();
    running.abortAll(stop);
    await clock.advance(60_000);
    running.sweep();
    leave(false);
    await clock.advance(0);
    expect([ends, dropped]).toEqual([[], ['once']]);
    expect(running).toMatchObject({ used: 0, bytes: 0 });
  });

  test('is not among those that a crash takes: it has not started', async () => {
    const { running, clock, leave, ends } = waiting();
    running.start(boundTo(never, { id: 'other' }));
    expect(running.takeAll().map((attempt) => attempt.bound.job.id)).toEqual(['other']);
    expect(running.used).toBe(1);
    running.abortAll(stop);
    leave(true);
    await clock.advance(0);
    expect(ends).toEqual([['once', stop]]);
  });
});

describe('takeAll', () => {
  test('gives up the places of all, and what they do later counts for nothing', async () => {
    const { running, clock, ends } = begin();
    const handler = Promise.withResolvers<void>();
    running.start(boundTo(() => handler.promise, { id: 'a', raw: rawJob('x'.repeat(100)) }));
    running.start(boundTo(never, { id: 'b' }));
    expect(running.takeAll().map((attempt) => attempt.bound.job.id)).toEqual(['a', 'b']);
    expect(running).toMatchObject({ used: 0, free: 3, bytes: 0, oldest: undefined });
    handler.resolve();
    await clock.advance(0);
    expect(ends).toEqual([]);
    expect(running.takeAll()).toEqual([]);
  });
});

describe('the attempt by which code was called', () => {
  /** Runs a handler that notes where its code comes from. */
  async function origins(perform: (note: () => void) => unknown): Promise<(Attempt | undefined)[]> {
    const { running } = begin();
    const found: (Attempt | undefined)[] = [];
    const noted = Promise.withResolvers<void>();
    running.start(
      boundTo(
        () =>
          perform(() => {
            found.push(running.origin());
            noted.resolve();
          }),
        { id: 'a' },
      ),
    );
    await noted.promise;
    expect(running.origin()).toBeUndefined();
    return found;
  }

  test.each<[string, (note: () => void) => unknown]>([
    ['itself', (note) => note()],
    ['behind an await', (note) => sleep(1).then(note)],
    [
      'in a timer, after it has ended',
      (note) => {
        setTimeout(note, 1);
      },
    ],
    ['in a timer that a timer has set', (note) => void setTimeout(() => setTimeout(note, 1), 1)],
    ['in a microtask', (note) => queueMicrotask(note)],
  ])('%s', async (_where, perform) => {
    const [found] = await origins(perform);
    expect(found?.bound.job.id).toBe('a');
  });

  test('is each its own where many run', async () => {
    const { running } = begin();
    const found: string[] = [];
    const note = async (id: string) => {
      await sleep(1);
      found.push(`${id}: ${running.origin()?.bound.job.id}`);
    };
    const all = ['a', 'b', 'c'].map((id) => {
      const done = Promise.withResolvers<void>();
      running.start(boundTo(() => note(id).then(done.resolve), { id }));
      return done.promise;
    });
    await Promise.all(all);
    expect(found.sort()).toEqual(['a: a', 'b: b', 'c: c']);
  });

  test('is none where no handler has called it', () => {
    expect(begin().running.origin()).toBeUndefined();
  });
});
