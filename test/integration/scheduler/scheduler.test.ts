import { expect, test } from 'vitest';
import { createRegistry, redisBroker, Scheduler, type TickResult, tickUntil } from '../../../shared/internal.ts';
import { NAMESPACE, withBackends } from '../../helpers/backends.ts';
import { eventually } from '../../helpers/eventually.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { type RecordingLogger, recordingLogger } from '../../helpers/recording-logger.ts';
import { addRetry, delayed, enqueueAt, names, SECONDS } from '../../helpers/scheduler/delayed-jobs.ts';
import { MINUTE, Report, START } from '../../helpers/scheduler/test-scheduler.ts';

withBackends((bed) => {
  /** Waits until whoever runs on the clock sleeps: time passes only while it does. */
  const asleep = (clock: ManualClock) => eventually(() => expect(clock.pending).toBe(1));

  async function pass(clock: ManualClock, ms: number): Promise<void> {
    await asleep(clock);
    await clock.advance(ms);
  }

  /** Its clock is another one than Redis's, which says START when the test begins. */
  function setting(log: RecordingLogger = recordingLogger()) {
    const clock = new ManualClock(7_000);
    const now = () => START + clock.now() - 7_000;
    const store = redisBroker(bed.client(), NAMESPACE, now);
    return { store, registry: createRegistry([Report]), log, clock, now };
  }

  interface Running {
    readonly clock: ManualClock;
    readonly log: RecordingLogger;
    /** When it ticked and did something, ms since START. */
    readonly acted: { readonly at: number; readonly result: TickResult }[];
    readonly ended: Promise<void>;
    stop(): void;
  }

  function run(interval: number): Running {
    const one = setting();
    const acted: { at: number; result: TickResult }[] = [];
    const onTick = (result: TickResult) => void acted.push({ at: one.now() - START, result });
    const scheduler = new Scheduler({ ...one, interval, onTick });
    return { ...one, acted, ended: scheduler.run(), stop: () => scheduler.stop() };
  }

  test('ticks on time for what is due before its next interval', async () => {
    await enqueueAt(bed, SECONDS + 3, delayed('a'));
    await addRetry(bed, 'b', START + 7_500);
    await enqueueAt(bed, SECONDS + 95, delayed('c'));
    const running = run(MINUTE);
    // Each timer is at the end of a step: Redis answers while time stands still.
    for (let at = 0; at < 100_000; at += 500) await pass(running.clock, 500);
    await asleep(running.clock);
    running.stop();
    await running.ended;

    expect(running.acted.map(({ at }) => at)).toEqual([3_000, 7_500, 95_000]);
    expect(running.acted.map(({ result }) => result.lateness)).toEqual([0, 0, 0]);
    expect(names(await bed.queued('q'))).toEqual(['a', 'b', 'c']);
  });

  test('sees what was enqueued meanwhile at its interval', async () => {
    const running = run(5_000);
    await pass(running.clock, 1_000);
    await enqueueAt(bed, SECONDS + 2, delayed('a'));
    for (let i = 0; i < 5; i++) await pass(running.clock, 1_000);
    await asleep(running.clock);
    running.stop();
    await running.ended;
    expect(running.acted).toMatchObject([{ at: 5_000, result: { promoted: 1, lateness: 3_000 } }]);
  });

  test('calls nobody when there was nothing to do', async () => {
    await enqueueAt(bed, SECONDS + 3_600, delayed('a'));
    const running = run(5_000);
    for (let i = 0; i < 10; i++) await pass(running.clock, 5_000);
    await asleep(running.clock);
    running.stop();
    await running.ended;
    expect(running.acted).toEqual([]);
    expect(running.log.lines).toEqual([]);
  });

  test('stop() ends it at once while it sleeps, and leaves no timer', async () => {
    const running = run(MINUTE);
    await asleep(running.clock);
    running.stop();
    await running.ended;
    expect(running.clock.pending).toBe(0);
  });

  test('stop() during a tick ends it after that tick', async () => {
    await enqueueAt(bed, SECONDS, delayed('a'));
    const running = run(MINUTE);
    running.stop();
    await running.ended;
    expect(running.clock.pending).toBe(0);
    expect(names(await bed.queued('q'))).toEqual(['a']);
  });

  test('backs off while Redis is away, and comes back', async () => {
    const log = recordingLogger();
    const one = setting(log);
    const { store } = one;
    let away = true;
    const ticks: number[] = [];
    const dueTimes: typeof store.dueTimes = (after) => {
      if (after === undefined) ticks.push(one.now() - START);
      return away ? Promise.reject(new Error('away')) : store.dueTimes(after);
    };
    const scheduler = new Scheduler({ ...one, store: { ...store, dueTimes }, interval: 1_000 });
    const ended = scheduler.run();
    for (let i = 0; i < 150; i++) await pass(one.clock, 1_000);
    await asleep(one.clock);
    expect(ticks).toEqual([0, 2_000, 6_000, 14_000, 30_000, 60_000, 90_000, 120_000, 150_000]);

    away = false;
    await enqueueAt(bed, SECONDS, delayed('a'));
    for (let i = 0; i < 32; i++) await pass(one.clock, 1_000);
    await asleep(one.clock);
    expect(ticks.slice(-3)).toEqual([180_000, 181_000, 182_000]);
    expect(names(await bed.queued('q'))).toEqual(['a']);
    expect(log.lines.map(({ level, message }) => [level, message])).toEqual([
      ['error', 'A tick failed; trying again until it does not'],
      ['info', 'The scheduler reaches Redis again'],
    ]);
    scheduler.stop();
    await ended;
  });

  test('tickUntil stays for what is due before its end, and leaves what is due later', async () => {
    for (const after of [0, 5, 59, 60, 61]) await enqueueAt(bed, SECONDS + after, delayed(after));
    const one = setting();
    let results: TickResult[] | undefined;
    const ended = tickUntil(one, () => 7_000 + MINUTE).then((all) => {
      results = all;
    });
    for (let i = 0; i < 59; i++) await pass(one.clock, 1_000);
    await ended;

    expect(names(await bed.queued('q'))).toEqual(['0', '5', '59']);
    expect(results?.map(({ promoted }) => promoted)).toEqual([1, 1, 1]);
    expect(results?.at(-1)?.nextAt).toBe(START + MINUTE);
    expect(one.now()).toBe(START + 59_000);
    expect(one.clock.pending).toBe(0);
  });

  test('tickUntil ends at once where nothing is due before its end', async () => {
    const one = setting();
    expect(await tickUntil(one, () => 7_000 + MINUTE)).toMatchObject([{ promoted: 0, nextAt: undefined }]);
    await enqueueAt(bed, SECONDS + 60, delayed('a'));
    expect(await tickUntil(one, () => 7_000 + MINUTE)).toMatchObject([{ promoted: 0, nextAt: START + MINUTE }]);
    expect(one.clock.pending).toBe(0);
  });

  test('tickUntil sees what comes while it stays', async () => {
    await enqueueAt(bed, SECONDS + 30, delayed('late'));
    const one = setting();
    const ended = tickUntil(one, () => 7_000 + MINUTE);
    await pass(one.clock, 10_000);
    await enqueueAt(bed, SECONDS + 20, delayed('early'));
    for (let i = 0; i < 20; i++) await pass(one.clock, 1_000);
    await ended;
    expect(names(await bed.queued('q'))).toEqual(['early', 'late']);
  });

  test('tickUntil does not go on beyond its end, whatever is still due', async () => {
    const one = setting();
    // Always one more that was due a moment ago: more than it can keep up with.
    const dueTimes = () => {
      const now = one.now();
      return Promise.resolve({ now, leaseEnd: undefined, retry: now - 1, delayed: undefined, wrong: [] });
    };
    let ended = false;
    const running = tickUntil({ ...one, store: { ...one.store, dueTimes } }, () => 7_000 + 5_000).then(() => {
      ended = true;
    });
    for (let i = 0; i < 700 && !ended; i++) {
      await eventually(() => expect(ended || one.clock.pending === 1).toBe(true));
      await one.clock.advance(10);
    }
    expect(ended).toBe(true);
    await running;
  });

  test('tickUntil fails where a tick fails: whoever called it tells', async () => {
    const one = setting();
    const dueTimes = () => Promise.reject(new Error('away'));
    await expect(tickUntil({ ...one, store: { ...one.store, dueTimes } }, () => 7_000 + MINUTE)).rejects.toThrow(
      'away',
    );
  });
});
