/** Every key that a scheduler reads or writes, in every wrong type and with garbage in it: told once, and passed over. */
import { describe, expect, test } from 'vitest';
import { cronLockName } from '../../../shared/job/unique.ts';
import { type OneBackend, withBackends } from '../../helpers/backends.ts';
import { delayed, SECONDS } from '../../helpers/scheduler/delayed-jobs.ts';
import {
  DEAD,
  DELAYED,
  HEALTHY,
  type Healthy,
  HealthyScheduler,
  MINUTE,
  SLOT,
  SYSTEM,
} from '../../helpers/scheduler/healthy-scheduler.ts';
import { START } from '../../helpers/scheduler/test-scheduler.ts';

type Type = 'string' | 'list' | 'set' | 'zset' | 'hash' | 'stream';
const TYPES: readonly Type[] = ['string', 'list', 'set', 'zset', 'hash', 'stream'];
const OTHER_WORKER = 'other:1:*';
const PAYLOAD = '{"class":"NoQueue","args":[]}';

async function make(bed: OneBackend, key: string, type: Type): Promise<void> {
  await bed.db.del(key);
  const commands: Record<Type, string[]> = {
    string: ['SET', key, 'x'],
    list: ['RPUSH', key, 'x'],
    set: ['SADD', key, 'x'],
    zset: ['ZADD', key, '1', 'x'],
    hash: ['HSET', key, 'x', 'x'],
    stream: ['XADD', key, '*', 'x', 'x'],
  };
  const [command = '', ...args] = commands[type];
  await bed.db.call(command, ...args);
}

interface KeyRow {
  readonly name: string;
  readonly key: (bed: OneBackend) => string;
  readonly type: Type;
  /** What the key itself holds, and can then not be handled. */
  readonly without?: Healthy;
  /** What makes a tick look at it. */
  readonly prepare?: (bed: OneBackend) => Promise<unknown>;
}

const due = (bed: OneBackend, seconds: number | string, score: number | string = seconds) =>
  bed.db.zadd(bed.keys.delayedSchedule, score, seconds);

const KEYS: readonly KeyRow[] = [
  { name: 'delayed_queue_schedule', key: ({ keys }) => keys.delayedSchedule, type: 'zset', without: 'delayed' },
  {
    name: 'delayed:<ts>, the earliest',
    key: ({ keys }) => keys.delayed(100),
    type: 'list',
    prepare: (bed) => due(bed, 100),
  },
  { name: 'timestamps:<payload>', key: ({ keys }) => keys.timestamps(DELAYED), type: 'set' },
  { name: 'retry', key: ({ keys }) => keys.retry, type: 'zset', without: 'retry' },
  { name: 'retry:payloads', key: ({ keys }) => keys.retryPayloads, type: 'hash', without: 'retry' },
  { name: 'leases', key: ({ keys }) => keys.leases, type: 'zset', without: 'reclaimed' },
  {
    name: 'inflight:<worker>',
    key: ({ keys }) => keys.inflight(OTHER_WORKER),
    type: 'hash',
    prepare: ({ db, keys }) => db.zadd(keys.leases, 1, OTHER_WORKER),
  },
  { name: 'queues', key: ({ keys }) => keys.queues, type: 'set' },
  {
    name: 'queue:<name>, of a delayed job, a retry and a dead worker’s job',
    key: ({ keys }) => keys.queue('bad'),
    type: 'list',
    async prepare({ db, keys }) {
      await db.sadd(keys.queues, 'bad');
      await db.rpush(keys.delayed(100), delayed('x', 'bad'));
      await db.zadd(keys.delayedSchedule, 100, 100);
      await db.hset(keys.retryPayloads, 'x:bad', '{}');
      await db.zadd(keys.retry, 1, 'x:bad');
      await db.hset(keys.inflight(OTHER_WORKER), '0:bad', '{}');
      await db.zadd(keys.leases, 1, OTHER_WORKER);
    },
  },
  {
    name: 'failed, where payloads belong',
    key: ({ keys }) => keys.failed,
    type: 'list',
    async prepare(bed) {
      await bed.db.rpush(bed.keys.delayed(SECONDS), PAYLOAD, 'no JSON', delayed('b', 'behind'));
      await bed.db.rpush(bed.keys.delayed(100), PAYLOAD);
      await due(bed, 100);
    },
  },
  { name: 'persistent_schedules', key: ({ keys }) => keys.cron.schedules, type: 'hash' },
  { name: 'cron:last', key: ({ keys }) => keys.cron.last, type: 'hash' },
  { name: 'cron:since', key: ({ keys }) => keys.cron.since, type: 'hash' },
  { name: 'unique:<name>', key: ({ keys }) => keys.unique(cronLockName('Alone')), type: 'string' },
  { name: 'cron:status', key: ({ keys }) => keys.cron.status, type: 'hash' },
  { name: 'cron:paused', key: ({ keys }) => keys.cron.paused, type: 'hash' },
  { name: 'delayed:last_enqueued_at', key: ({ keys }) => keys.cron.lastEnqueued, type: 'hash' },
  { name: 'schedules_changed', key: ({ keys }) => keys.cron.changed, type: 'set' },
  { name: 'cron:version', key: ({ keys }) => keys.cron.version, type: 'string' },
  { name: 'scheduler:lease:<system>', key: ({ keys }) => keys.schedulerLease(SYSTEM), type: 'string' },
  { name: 'scheduler:wake:<system>', key: ({ keys }) => keys.wake(SYSTEM), type: 'hash' },
  { name: 'pause-all-workers', key: ({ keys }) => keys.paused, type: 'string' },
  { name: 'Ruby’s master lock', key: ({ keys }) => keys.rubyScheduler, type: 'string' },
];

interface MemberRow {
  readonly what: string;
  readonly spoil: (bed: OneBackend) => Promise<unknown>;
  /** The key that is told; absent where nothing is wrong with it. */
  readonly told?: (bed: OneBackend) => string;
  /** Because of what was healed: it counts as now. */
  readonly without?: Healthy;
}

const BYTES = Buffer.from([0xff, 0xfe, 0x3a, 0x80]);
const HUGE = 'x'.repeat(100_000);
const minutely = JSON.stringify({ every: '1m', class: 'Plain', queue: 'dynamic' });

function membersOf(
  name: string,
  spoil: (bed: OneBackend, value: string | Buffer) => Promise<unknown>,
  told: MemberRow['told'],
) {
  const values: [string, string | Buffer, boolean][] = [
    ['not UTF-8', BYTES, true],
    ['huge', HUGE, true],
    ['empty', '', false],
  ];
  return values.map(
    ([what, value, isTold]): MemberRow => ({
      what: `${name}: a member that is ${what}`,
      spoil: (bed) => spoil(bed, value),
      ...(isTold && told ? { told } : {}),
    }),
  );
}

const MEMBERS: readonly MemberRow[] = [
  ...membersOf(
    'delayed_queue_schedule',
    (bed, member) => bed.db.zadd(bed.keys.delayedSchedule, 1, member as string),
    ({ keys }) => keys.delayedSchedule,
  ),
  ...['inf', '-inf', '1.5', '-7', '1e300', '0'].map((score) => ({
    what: `delayed_queue_schedule: the score ${score}`,
    spoil: (bed: OneBackend) => due(bed, 'word', score),
  })),
  {
    what: 'delayed_queue_schedule: a list under a name that is no time',
    spoil: (bed) => Promise.all([due(bed, 'word', 5), bed.db.rpush(bed.keys.delayed('word'), delayed('w', 'word'))]),
  },
  {
    what: 'delayed:<ts>: bytes, nothing, and what is no job',
    spoil: (bed) => Promise.all([due(bed, 5), bed.db.rpush(bed.keys.delayed(5), BYTES, '', 'null', '[]', '7', HUGE)]),
  },
  ...membersOf(
    'retry',
    (bed, member) => bed.db.zadd(bed.keys.retry, 1, member as string),
    ({ keys }) => keys.retry,
  ),
  ...['word', 'word:', ':'].map((member) => ({
    what: `retry: the member ${member}, without a queue`,
    spoil: ({ db, keys }: OneBackend) => db.zadd(keys.retry, 1, member),
    told: ({ keys }: OneBackend) => keys.retry,
  })),
  ...['-inf', '1.5', '-7'].map((score) => ({
    what: `retry: the score ${score}, and no payload`,
    spoil: ({ db, keys }: OneBackend) => db.zadd(keys.retry, score, 'x:y'),
    told: ({ keys }: OneBackend) => keys.retryPayloads,
  })),
  ...['inf', '1e300'].map((score) => ({
    what: `retry: the score ${score}`,
    spoil: ({ db, keys }: OneBackend) => db.zadd(keys.retry, score, 'x:y'),
  })),
  ...membersOf(
    'leases',
    (bed, member) => bed.db.zadd(bed.keys.leases, 1, member as string),
    ({ keys }) => keys.leases,
  ),
  ...['inf', '-inf', '1.5', '-7'].map((score) => ({
    what: `leases: the score ${score}`,
    spoil: ({ db, keys }: OneBackend) => db.zadd(keys.leases, score, 'word'),
  })),
  ...(
    [
      ['a queue that is not UTF-8', Buffer.concat([Buffer.from('1:'), BYTES]), '{}'],
      ['a field that is not UTF-8', BYTES, '{}'],
      ['a queue without a name', '1:', '{}'],
      ['words', 'word', 'word'],
      ['a number', '7', ''],
      ['a huge queue', `1:${HUGE}`, '{}'],
      ['no payload', '1:nothing', ''],
      ['a payload that is not UTF-8', '1:bytes', BYTES],
    ] as const
  ).flatMap(([what, field, value]) =>
    (['dead', 'other'] as const).map((whose) => ({
      what: `inflight: ${what}, ${whose === 'dead' ? 'beside the jobs of a dead worker' : 'of a worker that has no other job'}`,
      async spoil({ db, keys }: OneBackend) {
        const worker = whose === 'dead' ? DEAD : OTHER_WORKER;
        await db.hset(keys.inflight(worker), field as string, value as string);
        if (whose === 'other') await db.zadd(keys.leases, 1, worker);
      },
      ...(what === 'a queue that is not UTF-8'
        ? { told: ({ keys }: OneBackend) => keys.inflight(whose === 'dead' ? DEAD : OTHER_WORKER) }
        : {}),
    })),
  ),
  ...membersOf(
    'queues',
    (bed, member) => bed.db.sadd(bed.keys.queues, member as string),
    ({ keys }) => keys.queues,
  ),
  ...membersOf(
    'persistent_schedules',
    (bed, field) => bed.db.hset(bed.keys.cron.schedules, field as string, minutely),
    ({ keys }) => keys.cron.schedules,
  ),
  ...['', '{', 'null', '7', '[]', '{"every":', `"${HUGE}"`].map((value) => ({
    what: `persistent_schedules: the entry ${value.slice(0, 20)}`,
    spoil: ({ db, keys }: OneBackend) => db.hset(keys.cron.schedules, 'x', value),
  })),
  {
    what: 'persistent_schedules: an entry that is not UTF-8',
    spoil: ({ db, keys }) => db.hset(keys.cron.schedules, 'x', BYTES),
  },
  ...['word', '', 'nan'].map((value) => ({
    what: `cron:last: ${value}`,
    spoil: ({ db, keys }: OneBackend) => db.hset(keys.cron.last, 'Plain', value),
    told: ({ keys }: OneBackend) => keys.cron.last,
  })),
  ...['-inf', '-5', '1.5'].map((value) => ({
    what: `cron:last: ${value}`,
    spoil: ({ db, keys }: OneBackend) => db.hset(keys.cron.last, 'Plain', value),
  })),
  ...['inf', '1e300', String(START + 400 * 24 * 60 * MINUTE)].map((value) => ({
    what: `cron:last: ${value}, which counts as now`,
    spoil: ({ db, keys }: OneBackend) => db.hset(keys.cron.last, 'Plain', value),
    told: ({ keys }: OneBackend) => keys.cron.last,
    without: 'cron' as const,
  })),
  {
    what: 'cron:last: a field that is not UTF-8',
    spoil: ({ db, keys }) => db.hset(keys.cron.last, BYTES, '1'),
    told: ({ keys }) => keys.cron.last,
  },
  ...['word', '', ':', '1', 'nan:nan'].map((value) => ({
    what: `cron:since: ${value}`,
    spoil: ({ db, keys }: OneBackend) => db.hset(keys.cron.since, 'Plain\nevery 60000', value),
    told: ({ keys }: OneBackend) => keys.cron.since,
  })),
  {
    what: 'cron:since: a field without a timing',
    spoil: ({ db, keys }) => db.hset(keys.cron.since, 'Plain', '1:1'),
    told: ({ keys }) => keys.cron.since,
  },
  {
    what: 'cron:since: a timing last seen in a year',
    spoil: ({ db, keys }) => db.hset(keys.cron.since, 'other\nevery 1', `1:${START + 400 * 24 * 60 * MINUTE}`),
    told: ({ keys }) => keys.cron.since,
  },
  ...['word', 'nan'].map((value) => ({
    what: `cron:paused: ${value}`,
    spoil: ({ db, keys }: OneBackend) => db.hset(keys.cron.paused, 'Plain', value),
    told: ({ keys }: OneBackend) => keys.cron.paused,
  })),
  {
    what: 'cron:paused: a pause that ended in a year, which counts as now',
    spoil: ({ db, keys }) => db.hset(keys.cron.paused, 'Plain', START + 400 * 24 * 60 * MINUTE),
    told: ({ keys }) => keys.cron.paused,
    without: 'cron',
  },
  { what: 'pause-all-workers: a word', spoil: ({ db, keys }) => db.set(keys.paused, 'word') },
  {
    what: 'scheduler:lease: somebody without an end',
    spoil: ({ db, keys }) => db.set(keys.schedulerLease(SYSTEM), 'x'),
    told: ({ keys }) => keys.schedulerLease(SYSTEM),
  },
  {
    what: 'scheduler:lease: bytes, until next year',
    spoil: ({ db, keys }) => db.set(keys.schedulerLease(SYSTEM), BYTES, 'EX', 31_536_000),
    told: ({ keys }) => keys.schedulerLease(SYSTEM),
  },
  {
    what: 'scheduler:wake: words',
    spoil: ({ db, keys }) =>
      db.hset(keys.wake(SYSTEM), { at: 'x', version: 'x', set: 'x', lookAt: 'x', requested: 'x' }),
  },
  {
    what: 'Ruby’s master lock: one without an end',
    spoil: ({ db, keys }) => db.set(keys.rubyScheduler, 'host:1'),
    told: ({ keys }) => keys.rubyScheduler,
  },
  {
    what: 'Ruby’s master lock: one until next year',
    spoil: ({ db, keys }) => db.set(keys.rubyScheduler, 'host:1', 'EX', 31_536_000),
    told: ({ keys }) => keys.rubyScheduler,
  },
];

withBackends((bed) => {
  test('where nothing is wrong, everything is handled, and nothing is told', async () => {
    const scheduler = new HealthyScheduler(bed);
    await scheduler.begin();
    await scheduler.tickAt();
    expect(await scheduler.handled()).toEqual(HEALTHY);
    expect(scheduler.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  /** One line names the key at the first tick, none at those that follow, and one after ten minutes, if it still is so. */
  async function expectToldOnce(scheduler: HealthyScheduler, key: string, stays: boolean): Promise<void> {
    expect(scheduler.linesOf(key), 'the first tick').toMatchObject([
      { level: 'error', fields: { key, problem: expect.any(String), remedy: expect.any(String) } },
    ]);
    for (let i = 1; i <= 2; i++) await scheduler.tickAt(SLOT + 5_000 + i * 1_000);
    expect(scheduler.linesOf(key), 'those that follow').toHaveLength(1);
    await scheduler.tickAt(SLOT + 11 * MINUTE);
    if (stays) expect(scheduler.linesOf(key), 'one after ten minutes').toHaveLength(2);
  }

  describe.each(KEYS)('$name', (row) => {
    test.each(TYPES.filter((type) => type !== row.type))('as a %s', async (type) => {
      const scheduler = new HealthyScheduler(bed);
      await scheduler.begin();
      await row.prepare?.(bed);
      const key = row.key(bed);
      await make(bed, key, type);

      await scheduler.tickAt();

      expect(await scheduler.handled()).toEqual(HEALTHY.filter((one) => one !== row.without));
      expect(await bed.db.type(key), 'nobody’s data is deleted').toBe(type);
      // The one list of a delayed job that is there for it is no longer looked at.
      await expectToldOnce(scheduler, key, row.name !== 'timestamps:<payload>');
    });
  });

  test.each(MEMBERS)('$what', async ({ spoil, told, without }) => {
    const scheduler = new HealthyScheduler(bed);
    await scheduler.begin();
    await spoil(bed);

    const result = await scheduler.tickAt();

    expect(result, 'it had the lock').toBeDefined();
    expect(await scheduler.handled()).toEqual(HEALTHY.filter((one) => one !== without));
    if (told) await expectToldOnce(scheduler, told(bed), false);
    // Garbage is no reason to come back at once, or to stay awake.
    expect(result?.nextAt).toBe(SLOT + MINUTE);
    if (without !== 'cron') return;
    await scheduler.tickAt(SLOT + MINUTE + 1_000);
    expect(await bed.queued('cron'), 'the next slot comes').toHaveLength(1);
  });

  test('a thousand garbage members of each sorted set keep none behind them', async () => {
    const scheduler = new HealthyScheduler(bed);
    await scheduler.begin();
    const { db, keys } = bed;
    for (const key of [keys.retry, keys.leases, keys.delayedSchedule]) {
      const pipeline = db.pipeline();
      for (let i = 0; i < 2_500; i++) pipeline.zadd(key, i, Buffer.concat([BYTES, Buffer.from(`${i}`)]) as never);
      await pipeline.exec();
    }
    await scheduler.tickAt();
    expect(await scheduler.handled()).toEqual(HEALTHY);
  });

  test('many keys of another type are told with twenty lines and one that says that there are more', async () => {
    const scheduler = new HealthyScheduler(bed);
    await scheduler.begin();
    for (let i = 1; i <= 50; i++) {
      await due(bed, i);
      await bed.db.set(bed.keys.delayed(i), 'no list');
    }
    await scheduler.tickAt();
    await scheduler.tickAt(SLOT + 6_000);
    expect(await scheduler.handled()).toEqual(HEALTHY);
    const lines = scheduler.lines.filter(({ level }) => level === 'error');
    expect(lines).toHaveLength(21);
    expect(lines.at(-1)?.message).toMatch(/More keys/);
  });
});
