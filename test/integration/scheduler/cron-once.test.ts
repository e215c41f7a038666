import { expect, test } from 'vitest';
import { withBackends } from '../../helpers/backends.ts';
import type { Backend } from '../../helpers/brokers.ts';
import {
  cronJobs,
  HOUR,
  MINUTE,
  multiples,
  type SchedulerSetup,
  START,
  slotsIn,
  testScheduler,
} from '../../helpers/scheduler/test-scheduler.ts';

const entries = {
  halves: { every: '30s', class: 'Report', queue: 'halves' },
  minutes: { cron: '* * * * *', class: 'Report', queue: 'minutes' },
  hourly: { cron: '0 * * * *', class: 'Report', queue: 'hourly' },
};

withBackends((bed) => {
  const team = (setups: readonly Partial<SchedulerSetup>[]) =>
    setups.map((setup) => testScheduler({ client: bed.client(), entries, ...setup }));

  async function expectEachSlotOnce(from: number, to: number): Promise<void> {
    expect(await slotsIn(bed, 'halves')).toEqual(multiples(30_000, from, to));
    expect(await slotsIn(bed, 'minutes')).toEqual(multiples(MINUTE, from, to));
    expect(await slotsIn(bed, 'hourly')).toEqual(multiples(HOUR, from, to));
  }

  test('the job of a slot says which it is, in its id and its payload', async () => {
    const [scheduler] = team([
      { entries: { nightly: { cron: '0 3 * * * Europe/Paris', class: 'Report', args: [1, 'a'] } } },
    ]);
    await scheduler?.tick(START);
    const slot = Date.UTC(2026, 10, 21, 2);
    expect((await scheduler?.tick(slot + 321))?.cron).toBe(1);

    expect(await bed.queued('reports')).toEqual([
      '{"class":"Report","args":[1,"a"],"cron":{"name":"nightly","slot":"2026-11-21T02:00:00.000Z"},' +
        '"id":"cron:nightly:2026-11-21T02:00:00.000Z","queue_time":1795226400.321}',
    ]);
    expect(await bed.db.smembers(bed.keys.queues)).toEqual(['reports']);
  });

  test('the result of a tick tells when the next slot is', async () => {
    const [scheduler] = team([{}]);
    expect(await scheduler?.tick(START)).toMatchObject({ cron: 0, nextAt: Date.UTC(2026, 10, 20, 20, 30) });
    expect(await scheduler?.tick(START + 23_000)).toMatchObject({
      cron: 2,
      nextAt: Date.UTC(2026, 10, 20, 20, 30, 30),
    });
  });

  test('one scheduler enqueues each slot once, however often it ticks', async () => {
    const [scheduler] = team([{}]);
    const end = START + 220 * 11_000;
    for (let time = START; time <= end; time += 11_000) await scheduler?.tick(time);
    await expectEachSlotOnce(START, end);
  });

  test('three schedulers that tick at the same times, over TCP and REST', async () => {
    const backends: Backend[] = ['TCP', 'Upstash REST', bed.backend];
    const schedulers = team(backends.map((backend) => ({ client: bed.client({ backend }) })));
    let enqueued = 0;
    for (let time = START; time <= START + 32 * MINUTE; time += 10_000) {
      const results = await Promise.all(schedulers.map((one) => one.tick(time)));
      enqueued += results.reduce((sum, result) => sum + result.cron, 0);
    }
    await expectEachSlotOnce(START, START + 32 * MINUTE);
    expect(enqueued).toBe(64 + 32 + 1);
  });

  test('ten schedulers that all begin with the slot', async () => {
    const schedulers = team(Array.from({ length: 10 }, () => ({})));
    await Promise.all(schedulers.map((one) => one.tick(START)));
    await Promise.all(schedulers.map((one) => one.tick(START + HOUR)));
    expect(await slotsIn(bed, 'hourly')).toEqual(multiples(HOUR, START, START + HOUR));
    expect(await cronJobs(bed, 'halves')).toHaveLength(1);
  });

  test.each([
    ['five seconds', 5_000],
    ['two minutes', 2 * MINUTE],
    ['a year', 365 * 24 * HOUR],
  ])('schedulers whose own clocks are %s ahead and behind: Redis’s is the one that counts', async (_what, skew) => {
    const schedulers = team([{ skew: -skew }, { skew: 0 }, { skew }]);
    for (let time = START; time <= START + 3 * MINUTE; time += 1_000) {
      await Promise.all(schedulers.map((one) => one.tick(time)));
    }
    await expectEachSlotOnce(START, START + 3 * MINUTE);
  });

  test('a clock that is ahead stops, and those behind it go on', async () => {
    const [behind, right, ahead] = team([{ skew: -2 * MINUTE }, { skew: 0 }, { skew: 2 * MINUTE }]);
    for (let time = START; time <= START + 6 * MINUTE; time += 1_000) {
      const minute = Math.floor((time - START) / MINUTE);
      await Promise.all(
        [minute % 3 === 0 ? ahead : undefined, minute % 3 === 1 ? right : undefined, behind].map((one) =>
          one?.tick(time),
        ),
      );
    }
    await expectEachSlotOnce(START, START + 6 * MINUTE);
  });

  test('two stacks on one Redis whose entries have the same names', async () => {
    const stacks = team([{}, {}, { entries: { ...entries } }, { entries: { ...entries } }]);
    for (let time = START; time <= START + 5 * MINUTE; time += 5_000) {
      // Each stack has its minute's tick at its own time.
      await Promise.all(stacks.map((one, i) => one.tick(time + i)));
    }
    await expectEachSlotOnce(START, START + 5 * MINUTE);
  });

  test('two stacks on one Redis in namespaces of their own do not know of each other', async () => {
    const stacks = team([{}, { namespace: 'other:' }]);
    for (const time of [START, START + MINUTE]) await Promise.all(stacks.map((one) => one.tick(time)));
    expect(await slotsIn(bed, 'minutes')).toEqual([Date.UTC(2026, 10, 20, 20, 30)]);
    expect(await bed.db.llen('other:queue:minutes')).toBe(1);
    await stacks[0]?.tick(START + 2 * MINUTE);
    expect(await bed.db.llen('other:queue:minutes')).toBe(1);
  });

  test('a scheduler that starts anew goes on where the last one was', async () => {
    for (let time = START; time <= START + 10 * MINUTE; time += 10_000) {
      const [scheduler] = team([{}]);
      await scheduler?.tick(time);
    }
    await expectEachSlotOnce(START, START + 10 * MINUTE);
  });

  test('with nothing due a tick is one call', async () => {
    const [scheduler] = team([{}]);
    await scheduler?.tick(START);
    bed.upstash.requests.length = 0;
    await scheduler?.tick(START + 1_000);
    if (bed.backend === 'Upstash REST') expect(bed.upstash.requests).toHaveLength(1);
  });
});
