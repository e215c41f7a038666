import { describe, expect, test } from 'vitest';
import type { DueTimes, SchedulerBroker } from '../../../shared/broker/broker.ts';
import { RedisReplyError } from '../../../shared/errors.ts';
import type { CronRunner } from '../../../shared/scheduler/cron/runner.ts';
import { ProblemLog } from '../../../shared/scheduler/problem-log.ts';
import type { Follower, Tick } from '../../../shared/scheduler/step.ts';
import { type TickDeps, tick } from '../../../shared/scheduler/tick.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';

/** Redis's time; the tick's own clock says something else. */
const NOW = Date.UTC(2026, 10, 20, 20, 29, 37);
const EVERYTHING: Partial<DueTimes> = { leaseEnd: NOW - 1, retry: NOW - 2, delayed: NOW - 3_000 };

/** A store in which some shares of work wait, and a clock that each call moves on. */
function start(due: Partial<DueTimes>, work: Partial<Record<'workers' | 'retries' | 'delayed', number>> = {}, ms = 0) {
  const left = { workers: 0, retries: 0, delayed: 0, ...work };
  const clock = new ManualClock(0);
  const log = recordingLogger();
  const calls: string[] = [];
  const failing = new Map<string, Error>();
  const call = async (name: string) => {
    calls.push(name);
    await clock.advance(ms);
    const error = failing.get(name);
    if (error) throw error;
  };
  const dueTimes = { now: NOW, leaseEnd: undefined, retry: undefined, delayed: undefined, wrong: [], ...due };
  const after: unknown[] = [];
  const store: SchedulerBroker = {
    async dueTimes(looked) {
      await call('due times');
      if (looked) after.push(looked);
      return looked ? { ...dueTimes, leaseEnd: undefined, retry: undefined, delayed: undefined } : dueTimes;
    },
    async snapshot() {
      await call('snapshot');
      return { due: dueTimes };
    },
    async reclaim() {
      await call('reclaim');
      if (left.workers === 0) return [];
      return [{ worker: `w${left.workers--}`, jobs: 1, failed: 0, each: [], wrong: [] }];
    },
    async tellLostSteps() {
      return { told: 0, more: false, wrong: [] };
    },
    async parkedGates() {
      return { gates: [], next: undefined, wrong: [] };
    },
    async openGates() {
      return { called: 0, more: false, wrong: [] };
    },
    async promoteRetries() {
      await call('retries');
      const moved = left.retries > 0 ? 1 : 0;
      left.retries -= moved;
      return { moved, earliest: moved ? NOW - 2 : undefined, passedOver: 0, more: left.retries > 0, wrong: [] };
    },
    async dueDelayed() {
      await call('delayed');
      return { times: left.delayed > 0 ? ['1000'] : [], passedOver: 0, wrong: [] };
    },
    async readDelayed() {
      await clock.advance(ms);
      return [{ time: '1000', payloads: [Buffer.from('{"queue":"q"}')] }];
    },
    async promoteDelayed() {
      left.delayed--;
      const lists = [{ left: left.delayed, changed: false, scheduled: left.delayed > 0, refused: new Map() }];
      return { queued: 1, failed: 0, lists, wrong: [] };
    },
  };
  const follows: Tick['totals'][] = [];
  const follower: Follower = {
    name: 'follower',
    async run({ totals }) {
      await call('follower');
      follows.push({ ...totals });
    },
  };
  const deps: TickDeps = { store, clock, log, followers: [follower], problems: new ProblemLog(log, clock) };
  return { deps, clock, log, calls, failing, follows, after, left };
}

describe('a tick', () => {
  test('where nothing is due is one call, and none with a snapshot', async () => {
    const one = start({ retry: NOW + 5_000 });
    expect(await tick(one.deps)).toMatchObject({ nextAt: NOW + 5_000, endedAt: NOW, errors: [] });
    expect(one.calls).toEqual(['due times', 'follower']);
    const due = await one.deps.store.dueTimes();
    one.calls.length = 0;
    expect(await tick(one.deps, { snapshot: { due } })).toMatchObject({ nextAt: NOW + 5_000 });
    expect(one.calls).toEqual(['follower']);
  });

  test('lets its steps take turns, and those that follow run after the first and at the end', async () => {
    const one = start(EVERYTHING, { workers: 2, retries: 3, delayed: 2 });
    expect(await tick(one.deps)).toMatchObject({
      reclaimed: 2,
      retried: 3,
      promoted: 2,
      nextAt: undefined,
      errors: [],
    });
    expect(one.calls).toEqual([
      ...['due times', 'reclaim', 'retries', 'delayed', 'follower'],
      ...['reclaim', 'retries', 'reclaim', 'retries', 'delayed', 'follower', 'due times'],
    ]);
    expect(one.follows[0]).toMatchObject({ reclaimed: 1, retried: 1, promoted: 1 });
    expect(one.follows[1]).toMatchObject({ reclaimed: 2, retried: 3, promoted: 2 });
  });

  test('asks what is next behind the times that it looked through, on Redis’s clock', async () => {
    const one = start(EVERYTHING, { retries: 1 });
    await tick(one.deps);
    expect(one.after).toEqual([{ leases: NOW, retry: NOW, parked: NOW, delayed: NOW }]);
  });

  test('while one step goes on, those that follow run every two seconds and the others look every second', async () => {
    const one = start({ delayed: NOW - 1 }, { delayed: 60 }, 100);
    await tick(one.deps);
    const count = (name: string) => one.calls.filter((call) => call === name).length;
    expect(one.clock.now()).toBeGreaterThan(5_000);
    const seconds = one.clock.now() / 1_000;
    for (const name of ['reclaim', 'retries']) {
      expect(count(name), name).toBeGreaterThanOrEqual(Math.floor(seconds / 2));
      expect(count(name), name).toBeLessThanOrEqual(Math.ceil(seconds));
    }
    expect(count('follower')).toBeGreaterThanOrEqual(Math.floor(seconds / 3));
    expect(count('follower')).toBeLessThanOrEqual(Math.ceil(seconds / 2) + 2);
  });

  test('ends at its deadline, when each step has had a share, and says that there is more', async () => {
    const one = start(EVERYTHING, { workers: 100, retries: 100, delayed: 100 }, 10);
    const result = await tick(one.deps, { until: 5 });
    expect(result).toMatchObject({ reclaimed: 1, retried: 1, promoted: 1, errors: [] });
    expect(result.nextAt).toBe(result.endedAt);
  });

  test('leaves delayed jobs to Ruby’s scheduler, and looks in a minute whether it does them', async () => {
    const one = start({ ...EVERYTHING, rubyScheduler: true }, { retries: 1, delayed: 1 });
    one.deps.store.dueTimes = async () => (await one.deps.store.snapshot()).due;
    const result = await tick(one.deps);
    expect(result).toMatchObject({ retried: 1, promoted: 0, nextAt: NOW - 2 });
    const idle = start({ delayed: NOW - 1, rubyScheduler: true }, { delayed: 1 });
    expect((await tick(idle.deps)).nextAt).toBe(NOW + 60_000);
    const long = start({ retry: NOW - 1, rubyScheduler: true }, { retries: 100, delayed: 1 }, 100);
    expect(await tick(long.deps)).toMatchObject({ retried: 100, promoted: 0 });
    expect(one.calls).not.toContain('delayed');
  });

  test('rejects where it cannot look what is due: nothing was done', async () => {
    const one = start(EVERYTHING);
    one.failing.set('due times', new RedisReplyError('no'));
    await expect(tick(one.deps)).rejects.toThrow('no');
    expect(one.calls).toEqual(['due times']);
  });
});

describe('a step that fails', () => {
  const steps = ['reclaim', 'retries', 'delayed', 'follower', 'cron'];
  const done = { reclaim: 'reclaimed', retries: 'retried', delayed: 'promoted' } as const;

  test.each(steps)('%s: the others go on, and the error is in the result', async (name) => {
    const one = start(EVERYTHING, { workers: 2, retries: 2, delayed: 2 });
    const error = new RedisReplyError('broken');
    one.failing.set(name, error);
    const share = async () => {
      one.calls.push('cron');
      const failure = one.failing.get('cron');
      if (failure) throw failure;
      return false;
    };
    const step = { name: 'cron', dueAt: () => -Infinity, begin: () => share };
    const cron = { step: () => step } as unknown as CronRunner;

    const result = await tick({ ...one.deps, cron });

    for (const [step, total] of Object.entries(done)) {
      expect(result[total], total).toBe(step === name ? 0 : 2);
    }
    expect(result.errors.length).toBeGreaterThan(0);
    expect(new Set(result.errors)).toEqual(new Set([error]));
    expect(one.calls).toEqual(expect.arrayContaining(steps));
    // It is tried once: the next tick is soon enough.
    if (name !== 'follower') expect(one.calls.filter((call) => call === name)).toHaveLength(1);
    expect(result.nextAt).toBeUndefined();
  });

  test('is logged once in ten minutes, with its name', async () => {
    const one = start(EVERYTHING, { workers: 1, retries: 1, delayed: 1 });
    one.failing.set('retries', new RedisReplyError('broken'));
    const errors = () => one.log.lines.filter(({ level }) => level === 'error');
    for (let i = 0; i < 3; i++) await tick(one.deps);
    expect(errors()).toMatchObject([{ fields: { step: 'retries', error: { message: 'broken' } } }]);
    await one.clock.advance(600_000);
    await tick(one.deps);
    expect(errors()).toHaveLength(2);
  });
});
