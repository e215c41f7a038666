import { expect, it } from 'vitest';
import { LEASE, NOW, retry, withBrokers } from '../../helpers/brokers.ts';

withBrokers((stores) => {
  it('says what time it is, and nothing where nothing waits', async () => {
    expect(await stores.store.dueTimes()).toEqual({
      now: NOW,
      leaseEnd: undefined,
      retry: undefined,
      delayed: undefined,
      wrong: [],
    });
  });

  it('names the earliest of each kind, in epoch milliseconds', async () => {
    await stores.produce('q', '{"n":1}', '{"n":2}');
    const [worker, other] = [stores.worker(), stores.worker()];
    await other.sync({ lease: 2 * LEASE });
    for (const [i, raw] of (await worker.take('q')).entries()) {
      await worker.sync({ settle: [retry(raw, {}, 5_123 - i)] });
    }
    await stores.store.enqueueDelayed([
      { seconds: 2_000_000_001, payload: 'b' },
      { seconds: 2_000_000_000, payload: 'a' },
    ]);

    expect(await stores.store.dueTimes()).toEqual({
      now: NOW,
      wrong: [],
      leaseEnd: NOW + LEASE,
      retry: NOW + 5_122,
      delayed: 2_000_000_000_000,
    });
  });

  it('names the next ones behind the times that were looked through', async () => {
    await stores.db.zadd(stores.keys.retry, NOW - 5, 'stuck:q', NOW, 'also:q', NOW + 7, 'next:q');
    await stores.db.zadd(stores.keys.delayedSchedule, NOW / 1000 - 9, 'stuck', NOW / 1000 + 1, `${NOW / 1000 + 1}`);
    await stores.db.zadd(stores.keys.leases, NOW - 1, 'worker');

    expect(await stores.store.dueTimes({ leases: NOW, retry: NOW, delayed: NOW })).toMatchObject({
      leaseEnd: undefined,
      retry: NOW + 7,
      delayed: NOW + 1_000,
    });
    await stores.db.flushall();
  });

  it.each([
    ['inf', undefined],
    ['-inf', 0],
    ['1e300', undefined],
    ['-5', -5],
    ['5.5', 5.5],
  ])('takes the score %s for a time where it is one', async (score, retry) => {
    await stores.db.zadd(stores.keys.retry, score, 'r:q');
    expect((await stores.store.dueTimes()).retry).toBe(retry);
    await stores.db.flushall();
  });

  it('asks Redis for the time where nobody says it', async () => {
    const before = Number((await stores.db.time())[0]) * 1_000;
    const { now } = await stores.at('').dueTimes();
    expect(now).toBeGreaterThanOrEqual(before);
    expect(now).toBeLessThan(Number((await stores.db.time())[0]) * 1_000 + 1_000);
  });
});
