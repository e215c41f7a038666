import { expect, test } from 'vitest';
import { defineScript, type RedisClient } from '../../../shared/broker/redis/client.ts';
import { CronReader } from '../../../shared/broker/redis/cron-state.ts';
import { withBackends } from '../../helpers/backends.ts';
import {
  cronClient,
  cronJobs,
  HOUR,
  MINUTE,
  removeSchedule,
  START,
  setSchedule,
  slotsIn,
  testScheduler,
} from '../../helpers/scheduler/test-scheduler.ts';

/** The full minute after START. */
const FIRST = START + 23_000;

withBackends((bed) => {
  const scheduler = (environment?: string) =>
    testScheduler({ client: bed.client(), ...(environment === undefined ? {} : { environment }) });
  const minutely = { cron: '* * * * *', class: 'Report', queue: 'ruby' };

  test('an entry that Ruby writes runs, with its queue, class and arguments', async () => {
    const cron = scheduler();
    await cron.tick(START);
    await setSchedule(bed, 'a', { ...minutely, args: 'work on this', description: 'Brews' });
    await setSchedule(bed, 'Named', { every: '1m', queue: 'ruby', args: [1, { deep: [true] }] });
    await setSchedule(bed, 'zone', { cron: '30 5 * * * Asia/Kathmandu', class: 'Report', queue: 'zone' });
    await cron.tick(START + 1_000);
    await cron.tick(FIRST);

    const jobs = new Map((await cronJobs(bed, 'ruby')).map((job) => [job.cron.name, job]));
    expect(jobs.get('a')).toMatchObject({ class: 'Report', args: ['work on this'] });
    expect(jobs.get('Named')).toMatchObject({ class: 'Named', args: [1, { deep: [true] }] });
    expect(jobs.size).toBe(2);
    // 05:30 in Kathmandu.
    await cron.tick(Date.UTC(2026, 10, 20, 23, 45));
    expect(await slotsIn(bed, 'zone')).toEqual([Date.UTC(2026, 10, 20, 23, 45)]);
  });

  test('Ruby’s own schedulers are still told of each change', async () => {
    const cron = scheduler();
    await setSchedule(bed, 'a', minutely);
    await cron.tick(START);
    await cron.tick(FIRST);
    await removeSchedule(bed, 'a');
    await setSchedule(bed, 'b', minutely);
    await cron.tick(FIRST + MINUTE);
    expect((await bed.db.smembers(bed.keys.cron.changed)).sort()).toEqual(['a', 'b']);
  });

  test('an entry that Ruby removes runs no more', async () => {
    const cron = scheduler();
    await setSchedule(bed, 'a', minutely);
    await cron.tick(START);
    await cron.tick(FIRST);
    await removeSchedule(bed, 'a');
    expect((await cron.tick(FIRST + MINUTE)).nextAt).toBeUndefined();
    expect(await slotsIn(bed, 'ruby')).toEqual([FIRST]);
  });

  test('an entry that Ruby removes and sets again later fires for no time in between', async () => {
    const cron = scheduler();
    for (const missed of ['latest', 'all']) await setSchedule(bed, missed, { ...minutely, queue: missed, missed });
    await cron.tick(START);
    await cron.tick(FIRST);
    for (const missed of ['latest', 'all']) await removeSchedule(bed, missed);
    await cron.tick(FIRST + MINUTE);

    for (const missed of ['latest', 'all']) await setSchedule(bed, missed, { ...minutely, queue: missed, missed });
    const again = FIRST + HOUR + 30_000;
    expect(await cron.tick(again)).toMatchObject({ cron: 0 });
    await cron.tick(again + MINUTE);
    for (const missed of ['latest', 'all']) {
      expect(await slotsIn(bed, missed), missed).toEqual([FIRST, FIRST + HOUR + MINUTE]);
    }
  });

  test('an entry that is changed fires for no time before', async () => {
    const cron = scheduler();
    await setSchedule(bed, 'a', { ...minutely, cron: '0 3 * * *' });
    await cron.tick(START);
    await setSchedule(bed, 'a', { ...minutely, cron: '0,15,30,45 * * * *', missed: 'all' });
    await cron.tick(START + 5 * HOUR);
    expect(await cronJobs(bed, 'ruby')).toEqual([]);
    await cron.tick(START + 6 * HOUR);
    expect(await slotsIn(bed, 'ruby')).toHaveLength(4);
  });

  test('a change of anything but its time leaves its slots alone', async () => {
    const cron = scheduler();
    await setSchedule(bed, 'a', minutely);
    await cron.tick(START);
    await setSchedule(bed, 'a', { ...minutely, args: ['new'], description: 'changed' });
    await cron.tick(FIRST);
    await setSchedule(bed, 'a', { ...minutely, args: ['newer'] });
    await cron.tick(FIRST + 1_000);
    expect(await cronJobs(bed, 'ruby')).toMatchObject([{ args: ['new'] }]);
  });

  test('a bad entry has a status that names field and reason, is logged once, and the others run', async () => {
    const cron = scheduler();
    await setSchedule(bed, 'bad', { ...minutely, cron: '61 * * * *' });
    await setSchedule(bed, 'worse', '{"cron":');
    await setSchedule(bed, 'good', minutely);
    for (let time = START; time <= FIRST + 2 * MINUTE; time += 10_000) await cron.tick(time);

    expect(await slotsIn(bed, 'ruby')).toEqual([FIRST, FIRST + MINUTE]);
    expect(cron.log.lines.map(({ level, fields }) => [level, fields['name']])).toEqual([
      ['error', 'bad'],
      ['error', 'worse'],
    ]);
    const listed = await cronClient(bed, { now: () => FIRST }).list();
    expect(listed.map((one) => [one.name, 'error' in one ? one.error : 'runs']).sort()).toEqual([
      ['bad', expect.stringMatching(/^cron entry "bad": cron must be .*"61 \* \* \* \*"/)],
      ['good', 'runs'],
      ['worse', expect.stringMatching(/JSON/)],
    ]);
    const statuses = await bed.db.hgetall(bed.keys.cron.status);
    expect(JSON.parse(statuses['bad'] ?? '')).toMatchObject({
      outcome: 'invalid',
      at: START,
      error: expect.stringContaining('cron must be'),
    });
  });

  test('a bad entry that is repaired runs, and is bad no more', async () => {
    const cron = scheduler();
    await setSchedule(bed, 'a', { ...minutely, cron: '61 * * * *' });
    await cron.tick(START);
    await setSchedule(bed, 'a', { ...minutely, cron: '0 * * * *' });
    await cron.tick(FIRST);
    const [info] = await cronClient(bed, { now: () => FIRST }).list();
    expect(info).toMatchObject({ name: 'a', next: new Date(Date.UTC(2026, 10, 20, 21)) });
    expect(info).not.toMatchObject({ status: { outcome: 'invalid' } });
    await cron.tick(FIRST + HOUR);
    expect(await slotsIn(bed, 'ruby')).toHaveLength(1);
  });

  test('a static entry wins over a dynamic one of its name, and the log says so once', async () => {
    const entries = { a: { every: '1m', class: 'Report', queue: 'static' } };
    const cron = testScheduler({ client: bed.client(), entries });
    await setSchedule(bed, 'a', { every: '1s', class: 'Report', queue: 'dynamic' });
    for (let time = START; time <= FIRST + 2 * MINUTE; time += 10_000) await cron.tick(time);

    expect(await slotsIn(bed, 'static')).toEqual([FIRST, FIRST + MINUTE]);
    expect(await bed.queued('dynamic')).toEqual([]);
    expect(cron.log.lines).toEqual([
      { level: 'warn', message: expect.stringContaining('name of a static one'), fields: { name: 'a' } },
    ]);
  });

  test('entries for another environment stay away', async () => {
    const [production, none] = [scheduler('production'), scheduler()];
    await setSchedule(bed, 'ours', { ...minutely, queue: 'ours', rails_env: 'staging, production' });
    await setSchedule(bed, 'theirs', { ...minutely, queue: 'theirs', rails_env: 'staging' });
    await setSchedule(bed, 'all', { ...minutely, queue: 'all' });
    for (const time of [START, FIRST]) await production.tick(time);
    for (const queue of ['ours', 'all']) expect(await slotsIn(bed, queue)).toEqual([FIRST]);
    expect(await bed.queued('theirs')).toEqual([]);

    await none.tick(FIRST + MINUTE);
    expect(await slotsIn(bed, 'all')).toHaveLength(2);
    expect(await slotsIn(bed, 'ours')).toHaveLength(1);
    expect([...production.log.lines, ...none.log.lines]).toEqual([]);
  });

  test('integers that no double holds arrive as they were written', async () => {
    const cron = scheduler();
    await setSchedule(bed, 'a', '{"cron":"* * * * *","class":"Report","queue":"ruby","args":[12345678901234567890]}');
    await cron.tick(START);
    await cron.tick(FIRST);
    expect((await bed.queued('ruby'))[0]).toContain('"args":[12345678901234567890]');
  });

  test('names with spaces, line breaks, quotes and colons are names like others', async () => {
    const names = ['two words', 'line\nbreak', 'quote"\\', 'a:b', 'naïve 😀', 'a', 'a\nevery 60000'];
    const cron = scheduler();
    for (const name of names) await setSchedule(bed, name, { ...minutely, every: '1m', cron: undefined });
    await cron.tick(START);
    await cron.tick(FIRST);
    expect((await cronJobs(bed, 'ruby')).map((job) => job.cron.name).sort()).toEqual(names.sort());
    for (const name of names) await cronClient(bed).remove(name);
    expect(await bed.db.keys('resque:cron:*')).toEqual([bed.keys.cron.version]);
  });

  test('an idle tick gets nothing of a thousand entries that it knows, and whoever changes one by hand is heeded by the next', async () => {
    const client = bed.client();
    let bytes = 0;
    const watched: RedisClient = {
      ...client,
      command: (...args) => client.command(...args),
      script: async (...args) => {
        const reply = await client.script(...args);
        bytes += JSON.stringify(reply).length;
        return reply;
      },
    };
    const yearly = (minute: number) => JSON.stringify({ cron: `${minute} 3 1 1 *`, class: 'Report', queue: 'ruby' });
    await bed.db.hset(
      bed.keys.cron.schedules,
      ...Array.from({ length: 1_000 }, (_, i) => [`entry-${i}`, yearly(i % 60)]).flat(),
    );
    const cron = testScheduler({ client: watched });
    let at = START;
    const next = async () => {
      bytes = 0;
      at += 1_000;
      return (await cron.tick(at)).nextAt;
    };
    await next();
    await next();
    const newYear = Date.UTC(2027, 0, 1, 3);
    expect(await next()).toBe(newYear);
    expect(bytes).toBeLessThan(700);

    // Neither of these tells anybody.
    const set = (minute: string) =>
      bed.db.hset(bed.keys.cron.schedules, 'entry-7', JSON.stringify({ cron: minute, class: 'Report', queue: 'ruby' }));
    await set('7 3 1 2 *');
    await bed.db.hdel(bed.keys.cron.schedules, ...[0, 60, 120].map((i) => `entry-${i}`));
    expect(await next()).toBe(newYear);
    await set('7 3 1 1 ?');
    await set('9 3 31 12 *');
    expect(await next()).toBe(Date.UTC(2026, 11, 31, 3, 9));
    await bed.db.hset(bed.keys.cron.paused, 'entry-7', '');
    expect(await next()).toBe(newYear);
    await bed.db.rename(bed.keys.cron.schedules, 'elsewhere');
    expect(await next()).toBeUndefined();
    await bed.db.rename('elsewhere', bed.keys.cron.schedules);
    expect(await next(), 'with an entry its pause is gone').toBe(Date.UTC(2026, 11, 31, 3, 9));
    // What was noted of an entry is lost: it is new, and nothing of it is made up for.
    await bed.db.del(bed.keys.cron.since);
    expect(await next()).toBe(Date.UTC(2026, 11, 31, 3, 9));
    at = Date.UTC(2026, 11, 31, 3, 8, 58);
    await next();
    await bed.db.hset(bed.keys.cron.last, 'entry-7', Date.UTC(2026, 11, 31, 3, 9));
    expect(await slotsIn(bed, 'ruby')).toEqual([]);
    await next();
    expect(await slotsIn(bed, 'ruby'), 'another has claimed it').toEqual([]);
    await next();
    expect(await next()).toBe(newYear);
    expect(bytes).toBeLessThan(700);
  });

  test('of many entries a tick mostly looks at sizes and a version, which tell of nearly every change; the rest shows in time', async () => {
    const yearly = (minute: number) => ({ cron: `${minute} 3 1 1 *`, class: 'Report', queue: 'ruby' });
    const hour = (at: number) => ({ ...yearly(0), cron: `0 ${at} * * *` });
    const entries = Array.from({ length: 1_000 }, (_, i) => [`entry-${i}`, JSON.stringify(yearly(i % 60))]);
    await bed.db.hset(bed.keys.cron.schedules, ...entries.flat());
    const cron = scheduler();
    const client = cronClient(bed, { now: () => at });
    const dumps = async () => Number(/cmdstat_dump:calls=(\d+)/.exec(await bed.db.info('commandstats'))?.[1] ?? 0);
    let at = START;
    const next = async (ms = 100) => {
      at += ms;
      return new Date((await cron.tick(at)).nextAt ?? 0).toISOString().slice(11, 16);
    };
    await next();
    expect(await next()).toBe('03:00');
    const before = await dumps();
    await next();
    expect(await dumps(), 'nothing is read').toBe(before);

    await client.upsert('entry-7', hour(2));
    expect(await next(), 'a program of ours').toBe('02:00');
    await client.upsert('entry-7', hour(1));
    expect(await next(), 'again').toBe('01:00');
    await client.pause('entry-7');
    expect(await next()).toBe('03:00');
    await client.resume('entry-7');
    expect(await next()).toBe('01:00');
    await setSchedule(bed, 'new', hour(0));
    expect(await next(), 'added by Ruby').toBe('00:00');
    await removeSchedule(bed, 'new');
    expect(await next(), 'removed by Ruby').toBe('01:00');
    await setSchedule(bed, 'entry-8', hour(0));
    expect(await next(), 'changed by Ruby').toBe('00:00');
    // When it was first seen is noted, which shows too.
    await next();

    await bed.db.hset(bed.keys.cron.schedules, 'entry-8', JSON.stringify(hour(23)));
    expect(await next(), 'one for another by hand, of which nothing tells').toBe('00:00');
    expect(await next(9_000), 'still').toBe('00:00');
    expect(await next(1_200), 'five milliseconds for each field of two hashes').toBe('23:00');

    // Whatever it knows, it does nothing without looking at all of it.
    at = Date.UTC(2026, 10, 20, 22, 59, 59);
    await next(500);
    await bed.db.hset(bed.keys.cron.schedules, 'entry-8', JSON.stringify(hour(22)));
    await next(500);
    expect(await bed.queued('ruby')).toEqual([]);
  });

  test.each([
    ['one reader', undefined],
    ['a reader for each of its parts', new CronReader()],
  ])('a change that nothing tells of, and that is undone, leaves no trace: %s', async (_of, reader) => {
    const entry = (cron: string, more = {}) => JSON.stringify({ cron, class: 'Report', queue: 'ruby', ...more });
    const { schedules } = bed.keys.cron;
    await bed.db.hset(
      schedules,
      ...Array.from({ length: 1_000 }, (_, i) => [`entry-${i}`, entry('0 3 1 1 *')]).flat(),
      'a',
      entry('31 20 * * *'),
    );
    const cron = testScheduler({ client: bed.client(), ...(reader ? { reader } : {}) });
    const next = async (at: number) => (await cron.tick(START + at)).nextAt;
    await next(0);
    expect(await next(100)).toBe(FIRST + MINUTE);
    // As Ruby's scheduler comes and goes everything is looked at, which meets the change.
    await bed.db.hset(schedules, 'a', entry('31 20 * * *', { rails_env: 'staging' }));
    await bed.db.set(bed.keys.rubyScheduler, 'ruby-host:4711', 'EX', 180);
    expect(await next(200)).toBeUndefined();
    await bed.db.del(bed.keys.rubyScheduler);
    expect(await next(300)).toBe(Date.UTC(2027, 0, 1, 3));
    await bed.db.hset(schedules, 'a', entry('31 20 * * *'));
    expect(await next(12_000)).toBe(FIRST + MINUTE);
  });

  test('so it is where Redis may not dump a value', async () => {
    const client = bed.client();
    const hidden: RedisClient = {
      ...client,
      command: (...args) => client.command(...args),
      script: ({ name, lua }, ...rest) =>
        client.script(defineScript(name, lua.replaceAll("'DUMP'", "'NONE'")), ...rest),
    };
    const cron = testScheduler({ client: hidden });
    await setSchedule(bed, 'a', minutely);
    await cron.tick(START);
    expect((await cron.tick(START + 1_000)).nextAt).toBe(FIRST);
    await setSchedule(bed, 'a', { ...minutely, cron: '0 0 1 1 *' });
    expect((await cron.tick(START + 2_000)).nextAt).toBe(Date.UTC(2027, 0, 1));
    await removeSchedule(bed, 'a');
    expect((await cron.tick(START + 3_000)).nextAt).toBeUndefined();
    await cron.tick(START + 4_000);
  });
});
