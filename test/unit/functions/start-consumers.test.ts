import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from 'vitest';
import { gaugeLines, ReclaimedCounts } from '../../../functions/scheduler/gauges.ts';
import { ConsumerStarter, StartError, workersByConsumer } from '../../../functions/scheduler/start-consumers.ts';
import type { QueueStats, StatsBroker } from '../../../shared/broker/redis/stats.ts';
import { functionWorkerId, workerId } from '../../../shared/wire/worker-id.ts';
import { memoryStarts } from '../../helpers/memory-starts.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';

const worker = (consumer: string, system = 'S') =>
  functionWorkerId({ system, consumer, requestId: randomUUID() }, ['*']);

function stats(depths: Readonly<Record<string, number>>, given: Partial<QueueStats> = {}): QueueStats {
  const queues = Object.entries(depths).map(([name, depth]) => ({ name, depth, oldest: undefined, paused: false }));
  return {
    now: 1_000_000,
    queues,
    workers: [],
    delayed: 0,
    dueTimes: [],
    retries: 0,
    failed: 0,
    parkedGates: 0,
    paused: false,
    wrong: [],
    ...given,
  };
}

function start(targets: Record<string, Partial<ConsumerStarter> | object>) {
  const log = recordingLogger();
  const invokes: string[] = [];
  const broken = new Set<string>();
  const aws = {
    async startFunction(name: string) {
      if (broken.has(name)) throw new Error(`${name} is throttled`);
      invokes.push(name);
    },
  };
  const consumers = Object.fromEntries(
    Object.entries(targets).map(([name, one]) => [
      name,
      { functionName: `fn-${name}`, queues: name, concurrency: 10, maxWorkers: 5, maxEventAge: 60_000, ...one },
    ]),
  );
  const fleet = new ConsumerStarter('S', consumers);
  const starts = memoryStarts();
  const account = { most: 100 };
  const limit = { workers: async () => account.most };
  const starter = fleet.forInvocation({ aws, starts, limit, log });
  return { account, log, invokes, broken, fleet, starts, starter };
}

describe('a fleet', () => {
  test('starts each consumer for the backlog of its queues', async () => {
    const { starter, invokes } = start({ a: {}, b: { queues: 'b*', maxWorkers: 2 }, c: {} });
    await starter.start(stats({ a: 15, b1: 30, b2: 30 }));
    expect(invokes.toSorted()).toEqual(['fn-a', 'fn-a', 'fn-b', 'fn-b']);
    expect(starter.started).toEqual({ a: 2, b: 2 });
    starter.check();
  });

  test('counts those it has started, until they have registered or their time is over', async () => {
    const { starter, starts, invokes } = start({ a: { maxWorkers: 3 } });
    await starter.start(stats({ a: 20 }));
    await starter.start(stats({ a: 20 }));
    expect(invokes).toHaveLength(2);
    await starter.start(stats({ a: 500 }));
    expect(invokes).toHaveLength(3);
    // Lambda holds them back: each tick sees no worker, and must not start more.
    await starter.start(stats({ a: 500 }));
    expect(invokes).toHaveLength(3);
    expect(starter.unattended, 'should Lambda drop them, somebody has to look').toBe(true);
    starts.list.splice(0);
    await starter.start(stats({ a: 500 }, { workers: [worker('a')] }));
    expect(invokes).toHaveLength(5);
  });

  test('leaves the account what its own ticks need, and divides the rest', async () => {
    const { account, starter, invokes, log } = start({ a: {}, b: {}, own: { reserved: true } });
    account.most = 5;
    await starter.start(stats({ a: 500, b: 500, own: 500 }, { workers: [worker('a'), worker('own')] }));
    const count = (name: string) => invokes.filter((one) => one === name).length;
    expect([count('fn-a'), count('fn-b'), count('fn-own')]).toEqual([2, 2, 4]);
    expect(log.lines.filter((line) => line.level === 'warn')).toMatchObject([
      { fields: { workers: 1, most: 5, missing: 5 } },
    ]);
    await starter.start(stats({ a: 500, b: 500 }, { workers: [worker('a'), worker('own')] }));
    expect(invokes).toHaveLength(8);
  });

  test('looks at queues that its lists name, and tells what it saw the last time', async () => {
    const { fleet } = start({ a: { queues: 'x,y*,!z' }, b: { queues: 'x=2,v=1' } });
    const asked: unknown[] = [];
    const seen = [stats({ x: 1 }), stats({ x: 2 })];
    const store = {
      async read(...args: unknown[]) {
        asked.push(args);
        return seen[asked.length - 1];
      },
    } as unknown as StatsBroker;
    expect(await fleet.stats(store, 1)).toBe(seen[0]);
    expect(await fleet.stats(store, 2)).toBe(seen[1]);
    expect(asked).toEqual([
      [['x', 'v'], undefined, 1],
      [['x', 'v'], seen[0], 2],
    ]);
    expect(fleet.names).toEqual(['a', 'b']);
  });

  test('starts none for paused queues, and knows that their jobs wait for it', async () => {
    const { starter, invokes } = start({ a: { queues: 'x,y' } });
    const paused = (one: QueueStats): QueueStats => ({
      ...one,
      queues: one.queues.map((queue) => (queue.name === 'y' ? queue : { ...queue, paused: true })),
    });
    await starter.start(paused(stats({ x: 500, y: 0, z: 7 })));
    expect(invokes).toEqual([]);
    expect(starter.unattended).toBe(true);
    await starter.start(paused(stats({ x: 500, y: 1 })));
    expect(invokes).toEqual(['fn-a']);
    await starter.start(paused(stats({ z: 7 })));
    expect(starter.unattended).toBe(false);
  });

  test('starts one where all places of those that live are taken by jobs that take long', async () => {
    const { starter, starts, invokes } = start({ a: {} });
    const busy = worker('a');
    const paces = new Map([
      ['Export', { share: 60_000, took: 600_000 }],
      ['Mail', { share: 1, took: 1 }],
    ]);
    starts.load = {
      paces,
      waiting: new Map([['a', ['Mail']]]),
      held: new Map([[busy, { jobs: 10, some: ['Export'] }]]),
    };
    await starter.start(stats({ a: 5 }, { workers: [busy] }));
    expect(invokes).toHaveLength(1);
    starts.load = { ...starts.load, held: new Map([[busy, { jobs: 9, some: ['Export'] }]]) };
    starts.list.splice(0);
    await starter.start(stats({ a: 5 }, { workers: [busy] }));
    expect(invokes).toHaveLength(1);
  });

  test('is not kept from the others by one that cannot be started', async () => {
    const { starter, broken, invokes, log } = start({ a: {}, b: {} });
    broken.add('fn-a');
    await starter.start(stats({ a: 20, b: 1 }));
    expect(invokes).toEqual(['fn-b']);
    expect(starter.started).toEqual({ b: 1 });
    expect(() => starter.check()).toThrow(StartError);
    expect(() => starter.check()).toThrow('2 consumers could not be started; they are tried again. fn-a is throttled');
    expect(log.lines.filter((line) => line.level === 'error')).toHaveLength(1);
  });

  test('refuses a list of queues that is none', () => {
    expect(
      () =>
        new ConsumerStarter('S', {
          a: { functionName: 'f', queues: '!x', concurrency: 1, maxWorkers: 1, maxEventAge: 0 },
        }),
    ).toThrow(/queues/);
  });
});

test('workersByConsumer groups the workers of a system’s functions by their names', () => {
  const others = [worker('a', 'Other'), workerId('a@S', 17, ['*']), 'ruby:1:*'];
  const [first, second, third] = [worker('a'), worker('a'), worker('b')];
  expect(workersByConsumer({ workers: [first, second, third, ...others] }, 'S')).toEqual(
    new Map([
      ['a', [first, second]],
      ['b', [third]],
    ]),
  );
});

describe('gauges', () => {
  const options = {
    namespace: 'N',
    system: 'S',
    now: 1_000_000,
    consumers: ['a'],
    reclaimed: new ReclaimedCounts(),
    lateness: 7,
    empty: new Set<string>(),
  };
  beforeEach(() => options.empty.clear());
  const values = (lines: readonly string[]) => lines.map((line) => JSON.parse(line)).map(({ _aws, ...rest }) => rest);

  test('are all there after an invocation’s first tick', () => {
    const queues = [
      { name: 'q', depth: 3, oldest: 940_000, paused: false },
      { name: 'fresh', depth: 1, oldest: 1_000_500, paused: false },
      { name: 'ruby', depth: 2, oldest: undefined, paused: false },
      { name: 'empty', depth: 0, oldest: undefined, paused: false },
    ];
    const state = { ...stats({}), queues, workers: [worker('a')], delayed: 4, retries: 5, failed: 6 };
    expect(values(gaugeLines({ ...options, stats: state, whole: true }))).toEqual([
      { system: 'S', Ticks: 1, Delayed: 4, Retries: 5, FailedLength: 6, PromotionLateness: 7 },
      { system: 'S', queue: 'q', Depth: 3, OldestAge: 60 },
      { system: 'S', queue: 'ruby', Depth: 2 },
      { system: 'S', queue: 'fresh', Depth: 1, OldestAge: 0 },
      { system: 'S', queue: 'empty', Depth: 0, OldestAge: 0 },
      { system: 'S', consumer: 'a', LiveWorkers: 1 },
    ]);
  });

  test('of a later tick tell what it did, so that nothing is counted twice', () => {
    const reclaimed = new ReclaimedCounts();
    reclaimed.add({ worker: worker('a'), jobs: 2 });
    expect(values(gaugeLines({ ...options, reclaimed, stats: stats({ q: 1 }), whole: false }))).toEqual([
      { system: 'S', consumer: 'a', Reclaimed: 2 },
      { system: 'S', PromotionLateness: 7 },
    ]);
  });

  test('of a queue that stays empty are printed once', () => {
    const depths = (q: number, r: number) =>
      values(gaugeLines({ ...options, stats: stats({ q, r }), whole: true })).flatMap((one) =>
        'queue' in one ? [[one.queue, one.Depth]] : [],
      );
    expect(depths(0, 1)).toEqual([
      ['r', 1],
      ['q', 0],
    ]);
    expect(depths(0, 1)).toEqual([['r', 1]]);
    gaugeLines({ ...options, stats: stats({ q: 0, r: 0 }), whole: false });
    expect(depths(0, 0), 'a tick that prints no gauges has not said it').toEqual([['r', 0]]);
    expect(depths(0, 0)).toEqual([]);
    expect(depths(2, 0)).toEqual([['q', 2]]);
    expect(depths(0, 0)).toEqual([['q', 0]]);
  });

  test('without stats, which could not be read, tell that there was a tick', () => {
    expect(values(gaugeLines({ ...options, stats: undefined, whole: true }))).toEqual([
      { system: 'S', Ticks: 1, PromotionLateness: 7 },
    ]);
  });

  test('are of the hundred longest queues', () => {
    const depths = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`q${i}`, i]));
    const lines = values(gaugeLines({ ...options, stats: stats(depths), whole: true })).filter((one) => 'queue' in one);
    expect(lines.map((one) => one.Depth)).toEqual(Array.from({ length: 100 }, (_, i) => 299 - i));
  });

  test('count reclaimed jobs by whose they were', () => {
    const gone = [
      { worker: worker('a'), jobs: 2 },
      { worker: worker('b'), jobs: 0 },
      { worker: 'ruby:1:*', jobs: 1 },
      { worker: worker('a'), jobs: 3 },
      { worker: worker('a', 'Other'), jobs: 4 },
    ];
    const reclaimed = new ReclaimedCounts();
    for (const one of gone) reclaimed.add(one);
    expect(reclaimed.list('S')).toEqual([
      { system: 'S', consumer: 'a', jobs: 5 },
      { system: 'S', consumer: '(other)', jobs: 1 },
      { system: 'Other', consumer: 'a', jobs: 4 },
    ]);
    reclaimed.clear();
    expect(reclaimed.list('S')).toEqual([]);
  });
});
