import { expect, it } from 'vitest';
import { LEASE, NOW, retry, withBrokers } from '../../helpers/brokers.ts';

withBrokers((stores) => {
  it('has nothing on it where nothing waits', async () => {
    expect(await stores.store.agenda()).toEqual({ leaseEnd: undefined, retry: undefined, delayed: undefined });
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

    expect(await stores.store.agenda()).toEqual({
      leaseEnd: NOW + LEASE,
      retry: NOW + 5_122,
      delayed: 2_000_000_000_000,
    });
  });
});
