import { expect, test } from 'vitest';
import { redisCronBroker } from '../../../shared/broker/redis/cron.ts';
import { withBackends } from '../../helpers/backends.ts';
import { MINUTE, START, setSchedule, testScheduler } from '../../helpers/scheduler/test-scheduler.ts';

/** The full minute after START. */
const FIRST = START + 23_000;
const minute = (n: number) => FIRST + n * MINUTE;

withBackends((bed) => {
  const statusOf = async (name: string) => (await redisCronBroker(bed.client(), 'resque:').statuses()).get(name);

  test('of each entry, what came of the last ten slots is known, the newest first', async () => {
    const cron = testScheduler({ client: bed.client() });
    await setSchedule(bed, 'a', { cron: '* * * * *', class: 'Report', queue: 'q' });
    await cron.tick(START);
    for (let n = 0; n < 12; n++) await cron.tick(minute(n));

    const { outcome, slot, before } = (await statusOf('a')) ?? {};
    expect({ outcome, slot }).toEqual({ outcome: 'enqueued', slot: minute(11) });
    expect(before).toEqual(
      Array.from({ length: 9 }, (_, i) => ({ outcome: 'enqueued', at: minute(10 - i), slot: minute(10 - i) })),
    );
  });

  test('an error that each tick meets again is one of them, and does not push the others out', async () => {
    const cron = testScheduler({ client: bed.client() });
    await setSchedule(bed, 'a', { cron: '* * * * *', class: 'Report', queue: 'q' });
    await cron.tick(START);
    await cron.tick(minute(0));
    await bed.db.del(bed.keys.queue('q'));
    await bed.db.set(bed.keys.queue('q'), 'no list');
    for (let n = 0; n < 12; n++) await cron.tick(minute(1) + n * 1_000);
    expect(await statusOf('a')).toMatchObject({
      outcome: 'error',
      slot: minute(1),
      before: [{ outcome: 'enqueued', slot: minute(0) }],
    });
    await bed.db.del(bed.keys.queue('q'));
    await cron.tick(minute(1) + 30_000);
    expect(await statusOf('a')).toMatchObject({
      outcome: 'enqueued',
      slot: minute(1),
      before: [
        { outcome: 'error', slot: minute(1) },
        { outcome: 'enqueued', slot: minute(0) },
      ],
    });
  });
});
