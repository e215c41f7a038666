import { expect, test } from 'vitest';
import { withBackends } from '../../helpers/backends.ts';
import {
  DAY,
  HOUR,
  MINUTE,
  multiples,
  type SchedulerSetup,
  START,
  slotsIn,
  testScheduler,
} from '../../helpers/scheduler/test-scheduler.ts';

withBackends((bed) => {
  /** A deploy: a new process, perhaps with other entries. */
  const deploy = (entries: SchedulerSetup['entries'] & object) => testScheduler({ client: bed.client(), entries });
  const hourly = (queue: string, missed?: 'latest' | 'skip' | 'all') => ({
    cron: '0 * * * *',
    class: 'Report',
    queue,
    ...(missed ? { missed } : {}),
  });
  const HOURS = multiples(HOUR, START, START + 5 * HOUR);

  test('slots that passed while no scheduler ran: the newest one, none, or all', async () => {
    const entries = { default: hourly('default'), skip: hourly('skip', 'skip'), all: hourly('all', 'all') };
    await deploy(entries).tick(START);
    const result = await deploy(entries).tick(START + 5 * HOUR);
    expect(result.cron).toBe(6);
    expect(await slotsIn(bed, 'default')).toEqual(HOURS.slice(-1));
    expect(await slotsIn(bed, 'skip')).toEqual([]);
    expect(await slotsIn(bed, 'all')).toEqual(HOURS);

    const next = (HOURS.at(-1) ?? 0) + HOUR;
    await deploy(entries).tick(next);
    expect(await slotsIn(bed, 'default')).toEqual([...HOURS.slice(-1), next]);
    expect(await slotsIn(bed, 'skip')).toEqual([next]);
    expect(await slotsIn(bed, 'all')).toEqual([...HOURS, next]);
  });

  test('three schedulers that come back at once make up for the missed slots once', async () => {
    const entries = { all: { ...hourly('all', 'all'), cron: '* * * * *' }, latest: hourly('latest') };
    await deploy(entries).tick(START);
    const back = [deploy(entries), deploy(entries), deploy(entries)];
    await Promise.all(back.map((one, i) => one.tick(START + 2 * HOUR + i)));
    expect(await slotsIn(bed, 'all')).toEqual(multiples(MINUTE, START, START + 2 * HOUR));
    expect(await slotsIn(bed, 'latest')).toHaveLength(1);
  });

  test('no more than the newest thousand, after ten days away', async () => {
    const entries = { all: { cron: '* * * * *', class: 'Report', queue: 'all', missed: 'all' as const } };
    await deploy(entries).tick(START);
    await deploy(entries).tick(START + 10 * DAY);
    expect(await slotsIn(bed, 'all')).toEqual(multiples(MINUTE, START, START + 10 * DAY).slice(-1_000));
  });

  test('a new entry does not fire for the past, neither at its first tick nor later', async () => {
    await deploy({ old: hourly('old') }).tick(START - DAY);
    const both = { old: hourly('old'), new: hourly('new', 'all') };
    await deploy(both).tick(START);
    await deploy(both).tick(START + MINUTE);
    expect(await slotsIn(bed, 'new')).toEqual([]);
    expect(await slotsIn(bed, 'old')).toHaveLength(1);
  });

  test('a deploy resets nothing: the phase of an interval stays', async () => {
    const every = { every: { every: '7m', class: 'Report', queue: 'every' } };
    for (let time = START; time <= START + 3 * HOUR; time += MINUTE) await deploy(every).tick(time);
    expect(await slotsIn(bed, 'every')).toEqual(multiples(7 * MINUTE, START, START + 3 * HOUR));
  });

  test('a deploy resets nothing: the first wait of an interval is over for good', async () => {
    const every = { every: { every: ['1h', { first_in: '5m' }] as const, class: 'Report', queue: 'every' } };
    for (let time = START; time <= START + 3 * HOUR; time += MINUTE) await deploy(every).tick(time);
    expect(await slotsIn(bed, 'every')).toEqual([0, 1, 2].map((hour) => START + 5 * MINUTE + hour * HOUR));
  });

  test('a changed entry does not fire for the past', async () => {
    await deploy({ a: hourly('a') }).tick(START);
    await deploy({ a: hourly('a') }).tick(START + HOUR);
    const changed = { a: { ...hourly('a', 'all'), cron: '*/10 * * * *' } };
    await deploy(changed).tick(START + 1.5 * HOUR);
    expect(await slotsIn(bed, 'a')).toEqual(HOURS.slice(0, 1));
    await deploy(changed).tick(START + 1.5 * HOUR + 10 * MINUTE);
    expect(await slotsIn(bed, 'a')).toHaveLength(2);
  });

  test('an entry that is changed and changed back does not fire for the time in between', async () => {
    const daily = { a: { ...hourly('a', 'all'), cron: '0 3 * * *' } };
    await deploy({ a: hourly('a', 'all') }).tick(START);
    await deploy(daily).tick(START + MINUTE);
    await deploy(daily).tick(START + 4 * HOUR);
    await deploy({ a: hourly('a', 'all') }).tick(START + 4 * HOUR + MINUTE);
    expect(await slotsIn(bed, 'a')).toEqual([]);
    await deploy({ a: hourly('a', 'all') }).tick(START + 5 * HOUR);
    expect(await slotsIn(bed, 'a')).toEqual(HOURS.slice(-1));
  });

  test('two versions of a deploy that tick side by side lose no slot of an entry that they time differently', async () => {
    const [before, after] = [deploy({ a: hourly('a') }), deploy({ a: { ...hourly('a'), cron: '30 * * * *' } })];
    for (let time = START; time <= START + 5 * HOUR; time += 10 * MINUTE) {
      await before.tick(time);
      await after.tick(time + 1_000);
    }
    const halves = multiples(HOUR, START + HOUR / 2, START + 5.5 * HOUR).map((slot) => slot - HOUR / 2);
    expect(await slotsIn(bed, 'a')).toEqual([...HOURS, ...halves].filter((slot) => slot > START).sort((a, b) => a - b));
  });

  test('an entry that is changed a hundred times leaves one note of when it was first seen', async () => {
    const other = { other: hourly('other') };
    for (let i = 1; i <= 100; i++) {
      const changed = { a: { every: `${i + 1}m`, class: 'Report', queue: 'a' } };
      await deploy({ ...other, ...changed }).tick(START + i * 1_000);
    }
    expect((await bed.db.hkeys(bed.keys.cron.since)).sort()).toEqual(['a\nevery 6060000', 'other\ncron 0 * * * * UTC']);
    // What nobody sees any more goes as well.
    for (const minutes of [15, 30, 45]) await deploy(other).tick(START + minutes * MINUTE);
    expect(await bed.db.hkeys(bed.keys.cron.since)).toEqual(['other\ncron 0 * * * * UTC']);
  });

  test('an entry with a first time is first due then, whoever sees it when, and then at its interval', async () => {
    const first = START + 90 * MINUTE;
    const entry = { every: ['30m', { first_at: new Date(first).toISOString() }] as const, class: 'Report', queue: 'a' };
    for (let time = START; time <= START + 3 * HOUR; time += MINUTE) await deploy({ a: entry }).tick(time);
    const slots = [first, first + HOUR / 2, first + HOUR, first + 1.5 * HOUR];
    expect(await slotsIn(bed, 'a')).toEqual(slots);
    // A scheduler that sees it for the first time keeps its phase.
    await bed.db.flushall();
    for (const time of [first + HOUR + 1, first + 2 * HOUR]) await deploy({ a: entry }).tick(time);
    expect(await slotsIn(bed, 'a')).toEqual([first + 2 * HOUR]);
  });

  test('an entry that was away for a deploy does not fire for the time in between', async () => {
    const both = { a: hourly('a', 'all'), b: hourly('b') };
    await deploy(both).tick(START);
    for (let hour = 0; hour < 4; hour++) await deploy({ b: hourly('b') }).tick(START + hour * HOUR + MINUTE);
    await deploy(both).tick(START + 4 * HOUR);
    expect(await slotsIn(bed, 'a')).toEqual([]);
    expect(await slotsIn(bed, 'b')).toHaveLength(4);
  });

  test('two versions of a deploy that tick side by side lose no slot of what they share', async () => {
    const [before, after] = [{ a: hourly('a') }, { a: hourly('a'), b: hourly('b') }];
    for (let time = START; time <= START + 5 * HOUR; time += 10 * MINUTE) {
      await Promise.all([deploy(before).tick(time), deploy(after).tick(time)]);
    }
    for (const queue of ['a', 'b']) expect(await slotsIn(bed, queue)).toEqual(HOURS);
  });

  test('a change of the clocks: fixed times once a day, intervals in each hour', async () => {
    const paris = { timeZone: 'Europe/Paris', class: 'Report' };
    const entries = {
      fixed: { ...paris, cron: '30 2 * * *', queue: 'fixed' },
      hourly: { ...paris, cron: '30 * * * *', queue: 'hourly' },
    };
    const night = Date.UTC(2026, 9, 24, 22);
    const cron = deploy(entries);
    for (let time = night; time <= night + 6 * HOUR; time += 5 * MINUTE) await cron.tick(time);
    expect(await slotsIn(bed, 'fixed')).toEqual([Date.UTC(2026, 9, 25, 0, 30)]);
    expect(await slotsIn(bed, 'hourly')).toEqual(
      multiples(HOUR, night + HOUR / 2, night + 6.5 * HOUR).map((one) => one - HOUR / 2),
    );
  });
});
