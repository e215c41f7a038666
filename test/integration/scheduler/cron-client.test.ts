import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { ConfigError, type CronEntry, type CronInfo, defineJob, RedisTypeError } from '../../../shared/index.ts';
import { withBackends } from '../../helpers/backends.ts';
import { dump } from '../../helpers/brokers.ts';
import {
  cronClient,
  cronJobs,
  HOUR,
  MINUTE,
  Report,
  START,
  setSchedule,
  slotsIn,
  testScheduler,
} from '../../helpers/scheduler/test-scheduler.ts';

/** The full minute after START. */
const FIRST = START + 23_000;
const entries = { nightly: { cron: '0 3 * * *', timeZone: 'Europe/Paris', class: 'Report', description: 'All of it' } };
const minutely: CronEntry = { every: '1m', class: 'Report' };

withBackends((bed) => {
  let now = START;
  const client = () => cronClient(bed, { entries, now: () => now });
  const scheduler = () => testScheduler({ client: bed.client(), entries });
  const written = async (name: string) => (await bed.db.hget(bed.keys.cron.schedules, name)) ?? 'null';
  const info = async (name: string) => (await client().list()).find((one) => one.name === name) as CronInfo;

  describe('upsert', () => {
    test('writes what resque-scheduler reads, and tells its schedulers', async () => {
      await client().upsert('a', { cron: '0 3 * * *', timeZone: 'Europe/Paris', class: 'Report', args: [1] });
      expect(JSON.parse(await written('a'))).toMatchObject({
        cron: '0 3 * * * Europe/Paris',
        class: 'Report',
        args: [1],
      });
      expect(await bed.db.smembers(bed.keys.cron.changed)).toEqual(['a']);
    });

    /** resque-scheduler asks `cron` and `every` whether they are empty, which an Integer does not answer: it would end. */
    test.each<[string, CronEntry, Record<string, unknown>]>([
      ['an interval', { every: '30s' }, { every: '30s' }],
      ['@every', { cron: '@every 30s' }, { every: '30s' }],
      ['@every, which wins over an interval', { cron: '@every 30s', every: '1h' }, { every: '30s' }],
      ['a first wait', { every: ['1h', { first_in: '5m' }] }, { every: ['1h', { first_in: '5m' }] }],
      ['a name', { cron: '@daily' }, { cron: '@daily' }],
      [
        'a first time, at which newer versions of Ruby’s do not end when it has passed',
        { every: ['1d', { first_at: '2030-11-27 06:31 +0200' }] },
        { every: ['1d', { first_at: '2030-11-27T04:31:00.000Z', first_at_no_error: true }] },
      ],
      [
        'the same of a cron expression',
        { cron: ['0 3 * * *', { first_at: '2030-11-27T04:31:00Z' }], timeZone: 'Asia/Tokyo' },
        { cron: ['0 3 * * * Asia/Tokyo', { first_at: '2030-11-27T04:31:00.000Z', first_at_no_error: true }] },
      ],
      ['blanks around, with a time zone', { cron: ' 0  3 * * * ', timeZone: 'UTC' }, { cron: '0 3 * * * UTC' }],
      ['two time zones', { cron: '0 3 * * * Asia/Tokyo', timeZone: 'UTC' }, { cron: '0 3 * * * UTC' }],
    ])('%s', async (_what, entry, expected) => {
      await client().upsert('a', { ...entry, class: 'Report' });
      const json = JSON.parse(await written('a'));
      expect(json).toMatchObject(expected);
      expect(Object.keys(json).filter((key) => key === 'cron' || key === 'every')).toEqual(Object.keys(expected));
      now = START;
      const cron = scheduler();
      await cron.tick(START);
      expect(cron.log.lines).toEqual([]);
      expect(await info('a')).toMatchObject({ source: 'dynamic', next: expect.any(Date) });
    });

    test('Ruby, which has no definitions, is told class and queue too', async () => {
      await client().upsert('Report', { every: '1m' });
      expect(JSON.parse(await written('Report'))).toMatchObject({ class: 'Report', queue: 'reports' });
    });

    test('takes integers that no double holds', async () => {
      await client().upsert('a', { ...minutely, args: [12_345_678_901_234_567_890n] });
      expect(await written('a')).toContain('[12345678901234567890]');
    });

    test('changes an entry that is there', async () => {
      await client().upsert('a', minutely);
      const cron = scheduler();
      await cron.tick(START);
      await client().upsert('a', { ...minutely, args: ['new'] });
      await cron.tick(FIRST);
      expect(await cronJobs(bed)).toMatchObject([{ args: ['new'] }]);
    });

    test.each<[string, string, CronEntry, RegExp]>([
      ['a wrong time', 'a', { cron: '61 * * * *', class: 'Report' }, /cron entry "a": cron must be/],
      ['no queue', 'a', { every: '1m', class: 'Unknown' }, /cron entry "a": no queue/],
      ['no name', '', minutely, /needs a name/],
      ['the name of a static entry', 'nightly', minutely, /"nightly" is a static one/],
      [
        'a field that nobody heeds',
        'a',
        { ...minutely, misssed: 'all' } as CronEntry,
        /no field "misssed" \(did you mean "missed"\?\)/,
      ],
      [
        'an option that nobody heeds',
        'a',
        { every: ['1m', { somehow: false } as object], class: 'Report' },
        /every\.somehow is not known/,
      ],
      [
        'a class without a queue that is near another',
        'a',
        { every: '1m', class: 'Repotr' },
        /definition of Repotr \(did you mean "Report"\?\)/,
      ],
      [
        'a first time that has passed',
        'a',
        { every: ['1d', { first_at: '2026-11-19T04:31:00Z' }], class: 'Report' },
        /first_at must be a time to come/,
      ],
    ])('%s is refused, and nothing is written', async (_what, name, entry, reason) => {
      const upsert = client().upsert(name, entry);
      await expect(upsert).rejects.toThrow(ConfigError);
      await expect(upsert).rejects.toThrow(reason);
      expect(await dump(bed.db)).toEqual({});
    });
  });

  describe('upsert, for a class that is defined,', () => {
    const Strict = defineJob({ class: 'Strict', queue: 'q', args: v.tuple([v.number()]), perform() {} });
    const Slow = defineJob({
      class: 'Slow',
      queue: 'q',
      args: v.tupleAsync([
        v.pipeAsync(
          v.string(),
          v.checkAsync(async (text) => text === 'fine', 'not fine'),
        ),
      ]),
      perform() {},
    });
    const strict = (wholeRegistry = false) => cronClient(bed, { jobs: [Strict, Slow], wholeRegistry });

    test.each([
      ['Strict', [1], ['one']],
      ['Strict', 1, []],
      ['Slow', ['fine'], ['bad']],
    ])('%s refuses arguments that break its schema', async (className, fine, bad) => {
      await strict().upsert('a', { every: '1h', class: className, args: fine });
      const upsert = strict().upsert('b', { every: '1h', class: className, args: bad });
      await expect(upsert).rejects.toThrow(ConfigError);
      await expect(upsert).rejects.toThrow(`cron entry "b": args: The arguments do not fit the schema of ${className}`);
      expect(await bed.db.hkeys(bed.keys.cron.schedules)).toEqual(['a']);
    });

    test('and no other, where the registry is known to be whole', async () => {
      const entry = { every: '1h', class: 'Srtict', queue: 'q', args: [1] };
      await expect(strict(true).upsert('a', entry)).rejects.toThrow(/"Srtict" is not defined .*did you mean "Strict"/);
      await strict().upsert('a', entry);
      expect(await bed.db.hkeys(bed.keys.cron.schedules)).toEqual(['a']);
    });
  });

  /** What makes Ruby's scheduler end, by fugit 1.5.2 and rufus-scheduler 3.8.2. */
  test.each<[string, CronEntry]>([
    ...[
      ...[
        '0 9 15W * *',
        '0 9 LW * *',
        '0 0 * * monL',
        '0 9 * * 5L',
        '0 3 ? * MON',
        '0 3 * * ?',
        ' 0 3 * * *',
        '0 3 * * * ',
      ],
      ...[
        '0 3 * * * europe/paris',
        '0 3 * * * Europe/PARIS',
        '0 3 * * *\tEurope/Paris',
        '0 0 30 2 MON',
        '0 0 31 4,6 MON',
      ],
      ...['*/100 * * * *', '0 0 * * monday', '0 0 * january *', '@daily Europe/Paris', '@DAILY', ' @daily'],
    ].map((cron): [string, CronEntry] => [`cron ${JSON.stringify(cron)}`, { cron }]),
    ['a name with a time zone of its own', { cron: '@daily', timeZone: 'Europe/Paris' }],
    ['a time zone in lower case', { cron: '0 3 * * *', timeZone: 'europe/paris' }],
    ['milliseconds', { every: '1500ms' }],
    ['milliseconds behind @every', { cron: '@every 1500ms' }],
    ['milliseconds of a first wait', { every: ['1h', { first_in: '1500ms' }] }],
  ])('%s is refused, since Ruby’s scheduler would end at it', async (_what, entry) => {
    const upsert = client().upsert('a', { ...entry, class: 'Report' });
    await expect(upsert).rejects.toThrow(ConfigError);
    expect(await dump(bed.db)).toEqual({});
  });

  test('what only we understand, a static entry may have', async () => {
    const cron = testScheduler({
      client: bed.client(),
      entries: { weekday: { cron: '0 9 15W * *', class: 'Report' }, ms: { every: '1500ms', class: 'Report' } },
    });
    expect((await cron.tick(START)).nextAt).toBeDefined();
  });

  describe('remove', () => {
    test('tells whether there was one, and leaves nothing of it', async () => {
      await client().upsert('a', { ...minutely, overlap: 'skip' });
      const cron = scheduler();
      await cron.tick(START);
      await cron.tick(FIRST);
      await client().pause('a');
      expect([await client().remove('a'), await client().remove('a')]).toEqual([true, false]);
      await bed.db.del(bed.keys.queues, bed.keys.queue('reports'));
      expect(Object.keys(await dump(bed.db)).sort()).toEqual([
        'resque:cron:since',
        'resque:cron:version',
        'resque:schedules_changed',
      ]);
      expect(await bed.db.hkeys(bed.keys.cron.since)).toEqual(['nightly\ncron 0 3 * * * Europe/Paris']);
    });

    test('an entry that is set again is a new one', async () => {
      await client().upsert('a', { ...minutely, missed: 'all' });
      const cron = scheduler();
      await cron.tick(START);
      await client().remove('a');
      await cron.tick(START + HOUR);
      await client().upsert('a', { ...minutely, missed: 'all' });
      expect((await cron.tick(START + 2 * HOUR)).cron).toBe(0);
    });

    test('has no say in static entries', async () => {
      const cron = scheduler();
      await cron.tick(START);
      now = Date.UTC(2026, 10, 21, 2);
      await cron.tick(now);
      await client().pause('nightly');
      const before = await dump(bed.db);
      await client()
        .remove('nightly')
        .catch(() => {});
      expect(await info('nightly')).toMatchObject({ paused: true, last: new Date(Date.UTC(2026, 10, 21, 2)) });
      expect(await bed.db.hgetall(bed.keys.cron.since)).toEqual(
        (before['resque:cron:since'] as { value: unknown }).value,
      );
    });
  });

  test.each(['schedules', 'changed'] as const)(
    'a key of another type, %s, is named, and nothing is changed',
    async (name) => {
      const key = bed.keys.cron[name];
      await bed.db.set(key, 'no such thing');
      const before = await dump(bed.db);
      for (const change of [() => client().upsert('a', minutely), () => client().remove('a')]) {
        const error = await change().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(RedisTypeError);
        expect((error as Error).message).toContain(key);
      }
      expect(await dump(bed.db)).toEqual(before);
    },
  );

  test('garbage in the statuses is passed over', async () => {
    await client().upsert('a', minutely);
    await bed.db.hset(bed.keys.cron.status, 'a', '{"outcome":', 'b', 'null', 'c', '[]', 'd', '7');
    expect(await info('a')).toMatchObject({ name: 'a', status: undefined });
  });

  describe('list', () => {
    test('shows static and dynamic entries, as they stand', async () => {
      await client().upsert('a', { ...minutely, queue: 'special' });
      await setSchedule(bed, 'bad', '{');
      const cron = scheduler();
      await cron.tick(START);
      await cron.tick(FIRST);
      now = FIRST + 1_000;
      const listed = await client().list();
      expect(listed).toHaveLength(3);
      expect(listed).toContainEqual({
        name: 'nightly',
        source: 'static',
        class: 'Report',
        queue: 'reports',
        timing: 'cron 0 3 * * * Europe/Paris',
        description: 'All of it',
        paused: false,
        next: new Date(Date.UTC(2026, 10, 21, 2)),
        last: undefined,
        status: undefined,
      });
      expect(listed).toContainEqual({
        name: 'a',
        source: 'dynamic',
        class: 'Report',
        queue: 'special',
        timing: 'every 60000',
        description: undefined,
        paused: false,
        next: new Date(FIRST + MINUTE),
        last: new Date(FIRST),
        status: { outcome: 'enqueued', at: FIRST, slot: FIRST, jobId: 'cron:a:2026-11-20T20:30:00.000Z' },
      });
      expect(listed).toContainEqual({ name: 'bad', source: 'dynamic', error: expect.stringMatching(/JSON/) });
    });

    test('shows the entries of the environment that the scheduler runs in', async () => {
      await setSchedule(bed, 'a', { ...minutely, rails_env: 'production' });
      const cron = testScheduler({ client: bed.client(), environment: 'production' });
      await cron.tick(START);
      await cron.tick(FIRST);
      expect(await slotsIn(bed)).toEqual([FIRST]);
      const listed = await cronClient(bed, { environment: 'production' }).list();
      expect(listed.map((one) => one.name)).toEqual(['a']);
    });
  });

  describe('runNow', () => {
    test.each(['nightly', 'a'])('enqueues the job of %s once, besides its slots', async (name) => {
      await client().upsert('a', { ...minutely, class: 'Report', args: ['x'] });
      const cron = scheduler();
      await cron.tick(START);
      now = START + 5_000;
      const id = await client().runNow(name);
      expect(await cronJobs(bed)).toMatchObject([{ id, class: 'Report', cron: { name } }]);
      expect((await info(name)).last).toBeUndefined();
      await cron.tick(FIRST);
      expect(await slotsIn(bed, 'reports', 'a')).toContain(FIRST);
    });

    test('of an entry that there is not, or that is bad, is refused', async () => {
      await setSchedule(bed, 'bad', '{');
      for (const name of ['none', 'bad']) {
        const { runNow, pause, resume } = client();
        for (const call of [runNow, pause, resume]) {
          await expect(call(name)).rejects.toThrow(`There is no usable cron entry "${name}"`);
        }
      }
    });

    test('takes the entry’s class from the jobs module', async () => {
      const jobs = [Report];
      await cronClient(bed, { entries, jobs }).runNow('nightly');
      expect(await bed.db.smembers(bed.keys.queues)).toEqual(['reports']);
    });
  });

  describe('pause', () => {
    test('no slots while it is paused, and none of them afterwards', async () => {
      await client().upsert('a', { ...minutely, missed: 'all' });
      const cron = scheduler();
      await cron.tick(START);
      await cron.tick(FIRST);
      await client().pause('a');
      for (let i = 1; i <= 5; i++) expect((await cron.tick(FIRST + i * MINUTE)).cron).toBe(0);
      expect((await info('a')).paused).toBe(true);
      now = FIRST + 5.5 * MINUTE;
      await client().resume('a');
      expect((await info('a')).paused).toBe(false);
      await cron.tick(now + 1_000);
      await cron.tick(FIRST + 6 * MINUTE);
      expect(await slotsIn(bed)).toEqual([FIRST, FIRST + 6 * MINUTE]);
    });

    test('does not wake the scheduler', async () => {
      await client().upsert('a', minutely);
      const cron = scheduler();
      expect((await cron.tick(START)).nextAt).toBe(FIRST);
      await client().pause('a');
      expect((await cron.tick(START + 1_000)).nextAt).toBe(Date.UTC(2026, 10, 21, 2));
    });

    test('the last slot stays known through a pause', async () => {
      await client().upsert('a', minutely);
      const cron = scheduler();
      await cron.tick(START);
      await cron.tick(FIRST);
      await client().pause('a');
      now = FIRST + 10_000;
      await client().resume('a');
      expect((await info('a')).last).toEqual(new Date(FIRST));
    });

    test('a slot that was claimed does not come again through a clock that is behind', async () => {
      await client().upsert('a', minutely);
      const cron = scheduler();
      await cron.tick(START);
      await cron.tick(FIRST);
      now = FIRST - 4_000;
      await client().resume('a');
      await cron.tick(FIRST + 1_000);
      expect(await slotsIn(bed)).toEqual([FIRST]);
    });
  });
});
