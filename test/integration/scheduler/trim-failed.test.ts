import { expect, test } from 'vitest';
import { redisFailedTrimBroker } from '../../../shared/broker/redis/failed.ts';
import { systemClock } from '../../../shared/clock.ts';
import { ConfigError } from '../../../shared/index.ts';
import { silentLogger } from '../../../shared/log.ts';
import { tick } from '../../../shared/scheduler/tick.ts';
import { type FailedLimits, FailedTrimmer } from '../../../shared/scheduler/trim-failed.ts';
import { NOW, redisTime, withBrokers } from '../../helpers/brokers.ts';
import { foreignEntries, numbered, numberOf } from '../../helpers/failed-entries.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';
import { spoil, wrongKindsOf } from '../../helpers/wrong-keys.ts';

const DAY = 86_400_000;

withBrokers((stores) => {
  const trimmer = (limits: FailedLimits, log = silentLogger) =>
    new FailedTrimmer(redisFailedTrimBroker(stores.client(), 'resque:'), limits, log);
  const run = (failed: FailedTrimmer, log = silentLogger) =>
    tick({ store: stores.store, failed, clock: systemClock, log });
  const push = (...entries: string[]) => stores.db.rpush(stores.keys.failed, ...entries);
  const left = async () => (await stores.db.lrange(stores.keys.failed, 0, -1)).map((raw) => numberOf({ raw }));
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

  test('by number, the oldest go, in portions', async () => {
    for (let i = 0; i < 12_000; i += 1_000) await push(...range(i, i + 1_000).map((one) => numbered(one)));
    const log = recordingLogger();
    await run(trimmer({ max: 500 }, log));
    expect(await left()).toEqual(range(11_500, 12_000));
    expect(log.lines).toMatchObject([{ message: 'The failed list was cut to its limit', fields: { removed: 11_500 } }]);
  });

  test('by age, what failed before that goes, whoever wrote it', async () => {
    const old = Object.values(foreignEntries).map(({ raw }) => raw.replaceAll('2026', '2025'));
    await push(
      ...old,
      'no entry',
      ...range(0, 1_200).map((i) => numbered(i, { at: NOW - 8 * DAY + i })),
      numbered(5_000, { at: NOW - 6 * DAY }),
      numbered(5_001, { at: NOW - 9 * DAY }),
      'no entry',
      numbered(5_002, { at: NOW }),
    );
    await run(trimmer({ age: '7d' }));
    expect(await left(), 'from the first on that is young enough').toEqual([5_000, 5_001, Number.NaN, 5_002]);
  });

  test('both, and all with a limit of none', async () => {
    await push(...range(0, 10).map((i) => numbered(i, { at: NOW - (i < 5 ? 2 * DAY : 0) })));
    await run(trimmer({ max: 8, age: DAY }));
    expect(await left()).toEqual(range(5, 10));
    await run(trimmer({ max: 0 }));
    expect(await left()).toEqual([]);
  });

  test('is looked at once a minute, and without limits not at all', async () => {
    const failed = trimmer({ max: 1 });
    await push(numbered(1), numbered(2));
    await run(failed);
    await push(numbered(3));
    await run(failed);
    expect(await left()).toEqual([2, 3]);
    redisTime.move(61_000);
    await run(failed);
    expect(await left()).toEqual([3]);
    await run(trimmer({}));
    expect(await left()).toEqual([3]);
  });

  test.each(wrongKindsOf('list'))('a failed list that is a %s is told, and stops nothing', async (kind) => {
    const mend = await spoil(stores.db, stores.keys.failed, kind);
    const log = recordingLogger();
    const { errors } = await run(trimmer({ max: 1, age: DAY }), log);
    expect(errors).toEqual([]);
    expect(log.lines).toMatchObject([
      { fields: { key: stores.keys.failed, problem: expect.stringMatching(/WRONGTYPE/) } },
    ]);
    await mend();
  });

  test.each<[FailedLimits, RegExp]>([
    [{ max: -1 }, /failed\.max must be a whole number of entries, 0 or more; got -1/],
    [{ max: Number.NaN }, /got NaN/],
    [{ age: 10 }, /failed\.age must be a duration of 1s or more.*got 10/],
  ])('has no limits %j', (limits, message) => {
    expect(() => trimmer(limits)).toThrow(ConfigError);
    expect(() => trimmer(limits)).toThrow(message);
  });
});
