import { expect, test } from 'vitest';
import { redisCronBroker } from '../../../shared/broker/redis/cron.ts';
import { withBackends } from '../../helpers/backends.ts';
import { MINUTE, START, setSchedule, slotsIn, testScheduler } from '../../helpers/scheduler/test-scheduler.ts';

/** The full minute after START. */
const FIRST = START + 23_000;
const minute = (n: number) => FIRST + n * MINUTE;
const rubyTime = (ms: number, zone: string) =>
  new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z/, ` ${zone}`);

withBackends((bed) => {
  const lock = () => bed.db.set(bed.keys.rubyScheduler, 'ruby-host:4711', 'EX', 180);
  const unlock = () => bed.db.del(bed.keys.rubyScheduler);
  const enqueuedByRuby = (name: string, text: string) => bed.db.hset(bed.keys.cron.lastEnqueued, name, text);
  const entry = { cron: '* * * * *', class: 'Report', queue: 'shared', missed: 'all' };

  test('while Ruby’s scheduler runs, the entries that it reads are its own, and each slot comes once', async () => {
    const cron = testScheduler({
      client: bed.client(),
      entries: { ours: { cron: '* * * * *', class: 'Report', queue: 'static' } },
    });
    await setSchedule(bed, 'a', entry);
    await cron.tick(START);
    await cron.tick(minute(0));
    await lock();
    await cron.tick(minute(1));
    await cron.tick(minute(2));
    // It enqueues when it is due, writes when it did, and dies before the next slot.
    await enqueuedByRuby('a', rubyTime(minute(2) + 350, 'UTC'));
    await cron.tick(minute(3));
    await unlock();
    await cron.tick(minute(4));

    expect(await slotsIn(bed, 'shared')).toEqual([minute(0), minute(3), minute(4)]);
    expect(await slotsIn(bed, 'static')).toEqual([0, 1, 2, 3, 4].map(minute));
  });

  test('one that starts between a look and the claim is seen by the claim', async () => {
    const store = redisCronBroker(bed.client(), 'resque:', () => minute(1));
    const slot = {
      name: 'a',
      slot: minute(0),
      queue: 'shared',
      payload: '{}',
      lock: undefined,
      jobId: 'x',
      dynamic: true,
    };
    await lock();
    const { claims } = await store.claim([slot, { ...slot, name: 'ours', dynamic: false }]);
    expect(claims).toEqual(['taken', 'enqueued']);
    expect(await bed.db.hkeys(bed.keys.cron.last)).toEqual(['ours']);
  });

  test('its page shows when we enqueued an entry last', async () => {
    const cron = testScheduler({
      client: bed.client(),
      entries: { ours: { cron: '* * * * *', class: 'Report', queue: 'static' } },
    });
    await setSchedule(bed, 'a', entry);
    await cron.tick(START);
    await cron.tick(minute(0));
    expect(await bed.db.hgetall(bed.keys.cron.lastEnqueued)).toEqual({ a: rubyTime(minute(0), '+0000') });
  });

  test.each(['2026-11-20 22:30:00 +0200', '2026-11-20 20:30:00 UTC', '2026-11-20 15:30:00 -0500'])(
    'a time in any zone is read: %s',
    async (text) => {
      const cron = testScheduler({ client: bed.client() });
      await setSchedule(bed, 'a', entry);
      await cron.tick(START);
      await enqueuedByRuby('a', text);
      await cron.tick(Date.UTC(2026, 10, 20, 20, 31));
      expect(await slotsIn(bed, 'shared')).toEqual([Date.UTC(2026, 10, 20, 20, 31)]);
    },
  );

  test.each(['soon', '2999-01-01 00:00:00 UTC', ''])(
    'what is no time, or one to come, says nothing: %j',
    async (text) => {
      const cron = testScheduler({ client: bed.client() });
      await setSchedule(bed, 'a', entry);
      await cron.tick(START);
      await enqueuedByRuby('a', text);
      await cron.tick(minute(0));
      expect(await slotsIn(bed, 'shared')).toEqual([minute(0)]);
    },
  );
});
