import { afterEach, expect, test } from 'vitest';
import { RedisUnavailableError } from '../../../shared/errors.ts';
import { dump, NOW, type TestWorker, withBrokers } from '../../helpers/brokers.ts';

/** A primary that has become a replica, for a moment or for good, takes no writes: that is no fault of a key or a job. */
withBrokers((stores) => {
  afterEach(() => stores.db.replicaof('NO', 'ONE'));

  const DUE = '{"class":"A","args":[],"queue":"q"}';
  const calls: readonly (readonly [string, (worker: TestWorker) => Promise<unknown>])[] = [
    [
      'promote delayed jobs',
      () =>
        stores.store.promoteDelayed([
          { time: `${NOW / 1000 - 1}`, moves: [{ bytes: Buffer.from(DUE), to: 'queue', queue: 'q' }] },
        ]),
    ],
    ['promote retries', () => stores.store.promoteRetries(10)],
    ['reclaim', () => stores.reclaimAfter(1e9)],
    ['sync', (worker) => worker.take('q', 1)],
    ['enqueue', () => stores.store.enqueue([{ queue: 'q', payload: DUE }])],
  ];

  test.each(calls)('%s: the call fails as a whole, and nothing has changed', async (_, call) => {
    await stores.store.enqueueDelayed([{ seconds: NOW / 1000 - 1, payload: DUE }]);
    await stores.db.zadd('resque:retry', NOW - 1, 'a-1:q');
    await stores.db.hset('resque:retry:payloads', 'a-1:q', DUE);
    const worker = stores.worker();
    await stores.produce('q', DUE, DUE);
    await worker.take('q', 1);
    const before = await dump(stores.db);
    await stores.db.replicaof('127.0.0.1', 1);
    await expect(call(worker)).rejects.toBeInstanceOf(RedisUnavailableError);
    expect(await dump(stores.db)).toEqual(before);
  });
});
