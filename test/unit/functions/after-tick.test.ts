import { expect, test } from 'vitest';
import { AfterTick } from '../../../functions/scheduler/after-tick.ts';
import { onDemandLock } from '../../../functions/scheduler/lock.ts';
import { ConsumerStarter } from '../../../functions/scheduler/start-consumers.ts';
import type { LockBroker } from '../../../shared/broker/redis/scheduler-lock.ts';
import type { QueueStats } from '../../../shared/broker/redis/stats.ts';
import { silentLogger } from '../../../shared/log.ts';
import type { Tick, TickTotals } from '../../../shared/scheduler/step.ts';
import { functionWorkerId } from '../../../shared/wire/worker-id.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { memoryStarts } from '../../helpers/memory-starts.ts';

const CONSUMER = functionWorkerId({ system: 'S', consumer: 'a', requestId: 'c0ffee00-0000-4000-8000-000000000000' }, [
  'a',
]);

function start() {
  const stats: QueueStats = {
    now: 1_000_000,
    queues: [{ name: 'a', depth: 15, oldest: undefined, paused: false }],
    workers: [],
    delayed: 0,
    dueTimes: [],
    retries: 0,
    failed: 0,
    parkedGates: 0,
    paused: false,
    wrong: [{ key: 'resque:queue:b', error: 'WRONGTYPE' }],
  };
  const invokes: string[] = [];
  const lines: Record<string, unknown>[] = [];
  const reported: string[] = [];
  const state = { requested: false, reads: 0, kept: 0, broken: undefined as Error | undefined };
  const consumers = new ConsumerStarter('S', {
    a: { functionName: 'fn', queues: 'a', concurrency: 10, maxWorkers: 5, maxEventAge: 60_000 },
  });
  const aws = { startFunction: async (name: string) => void invokes.push(name) };
  const after = new AfterTick({
    consumers,
    starter: consumers.forInvocation({
      aws,
      starts: memoryStarts(),
      limit: { workers: async () => 100 },
      log: silentLogger,
    }),
    stats: {
      async read() {
        state.reads++;
        if (state.broken) throw state.broken;
        return stats;
      },
    },
    isRequested: () => state.requested,
    keepLock: async () => void state.kept++,
    metricsNamespace: 'N',
    system: 'S',
    wallTime: () => 5_000_000,
    emptyQueues: new Set(),
    print: (line) => void lines.push(JSON.parse(line)),
  });
  const totals: TickTotals = { called: 0, promoted: 0, retried: 0, reclaimed: 0, cron: 0, failed: 0, lateness: 0 };
  const tick = {
    totals,
    now: () => 1_000_000,
    report: (wrong: QueueStats['wrong']) => void reported.push(...wrong.map(({ key }) => key)),
  } as unknown as Tick;
  const run = async () => {
    for (const follower of after.followers) await follower.run(tick).catch(() => {});
  };
  return { after, run, state, totals, invokes, lines, reported };
}

test('the first tick starts consumers for what waits, and writes all gauges, with AWS’s time', async () => {
  const one = start();
  await one.run();
  expect(one.invokes).toEqual(['fn', 'fn']);
  expect(one.lines).toContainEqual(expect.objectContaining({ Ticks: 1 }));
  expect(one.lines).toContainEqual(expect.objectContaining({ queue: 'a', Depth: 15 }));
  expect(one.lines[0]?.['_aws']).toMatchObject({ Timestamp: 5_000_000 });
  expect(one.reported).toEqual(['resque:queue:b']);
});

test('a later one looks only if something was moved, or somebody has asked', async () => {
  const one = start();
  await one.run();
  const printed = one.lines.length;
  await one.run();
  expect([one.state.reads, one.lines.length]).toEqual([1, printed]);
  one.state.requested = true;
  await one.run();
  expect(one.state.reads).toBe(2);
  one.state.requested = false;
  one.totals.promoted = 1;
  await one.run();
  expect(one.state.reads).toBe(3);
  expect(one.lines.filter((line) => 'Ticks' in line)).toHaveLength(1);
  expect(one.state.kept, 'the lock is kept in any case').toBe(4);
});

test('what cannot be read keeps no gauge from saying that there was a tick', async () => {
  const one = start();
  one.state.broken = new Error('no stats');
  await one.run();
  expect(one.invokes).toEqual([]);
  expect(one.lines).toMatchObject([{ Ticks: 1 }]);
});

test('jobs of dead workers are counted by consumer, once', async () => {
  const one = start();
  one.after.onReclaim({ worker: CONSUMER, jobs: 3, failed: 0, each: [], wrong: [] });
  await one.run();
  one.totals.reclaimed = 3;
  await one.run();
  expect(one.lines.filter((line) => 'Reclaimed' in line)).toMatchObject([{ system: 'S', consumer: 'a', Reclaimed: 3 }]);
});

test('on demand, a long tick extends its lock every ten seconds, and hears who asks', async () => {
  const clock = new ManualClock();
  let extended = 0;
  const runs = { extend: async () => extended++ > 0 };
  const lock = onDemandLock({
    lock: {} as LockBroker,
    runs: runs as never,
    schedule: { async set() {} },
    holder: 'x',
    clock,
    wallTime: () => 0,
    lastTickAt: clock.now() + 895_000,
  });
  for (let i = 0; i < 11; i++) {
    await lock.keep();
    await clock.advance(2_000);
  }
  expect(extended).toBe(2);
  expect(lock.requested).toBe(true);
});
