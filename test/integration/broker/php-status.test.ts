import { expect, it } from 'vitest';
import { phpStatus } from '../../../shared/wire/php-status.ts';
import { NOW, withBrokers } from '../../helpers/brokers.ts';

const ID = 'd96d3448e98b29aace86a5474d84fe78';
const KEY = `resque:job:${ID}:status`;
const SECONDS = NOW / 1000;
/** As php-resque writes it when a job is enqueued. */
const WAITING = '{"status":1,"updated":1795206600,"started":1795206600,"result":null}';

withBrokers((stores) => {
  const update = (...statuses: ReturnType<typeof phpStatus>[]) => stores.worker().sync({ effects: statuses });

  it('writes no record where its producer did not ask for one', async () => {
    await update(phpStatus(ID, 'running', NOW), phpStatus('other', 'complete', NOW));

    expect(await stores.db.keys('resque:job:*')).toEqual([]);
  });

  it('says when a job started to run', async () => {
    await stores.db.set(KEY, WAITING);

    await update(phpStatus(ID, 'running', NOW));

    expect(await stores.db.get(KEY)).toBe(`{"status":2,"updated":${SECONDS},"started":${SECONDS},"result":null}`);
    expect(await stores.db.ttl(KEY)).toBe(-1);
  });

  it.each([
    ['failed', 3],
    ['complete', 4],
  ] as const)('keeps the record of a %s job for a day, with the time it started', async (status, code) => {
    await stores.db.set(KEY, WAITING);

    await update(phpStatus(ID, status, NOW));

    expect(await stores.db.get(KEY)).toBe(`{"status":${code},"updated":${SECONDS},"started":1795206600,"result":null}`);
    expect(await stores.db.ttl(KEY)).toSatisfy((ttl: number) => ttl > 86_390 && ttl <= 86_400);
  });

  it('keeps the record of a job that waits again for good', async () => {
    await stores.db.set(KEY, WAITING, 'EX', 86_400);

    await update(phpStatus(ID, 'waiting', NOW));

    expect(await stores.db.get(KEY)).toBe(`{"status":1,"updated":${SECONDS},"started":1795206600,"result":null}`);
    expect(await stores.db.ttl(KEY)).toBe(-1);
  });

  it.each([
    ['a fraction', '{"status":1,"updated":1,"started":1795206600.25,"result":null}', '1795206600.25'],
    ['the first of two', '{"status":2,"updated":1,"started":7,"result":{"started":8}}', '7'],
    ['none, as older versions write it', '{"status":1,"updated":1}', 'null'],
    ['null', '{"status":1,"updated":1,"started":null,"result":null}', 'null'],
    ['no record at all', 'not JSON', 'null'],
  ])('takes over a start time that is %s', async (_, record, started) => {
    await stores.db.set(KEY, record);

    await update(phpStatus(ID, 'complete', NOW));

    expect(await stores.db.get(KEY)).toBe(`{"status":4,"updated":${SECONDS},"started":${started},"result":null}`);
  });

  it('finds the record of a job with a prefix', async () => {
    const key = `resque:job:my_prefix_${ID}:status`;
    await stores.db.mset(key, WAITING, KEY, WAITING);

    await update(phpStatus(`my_prefix_${ID}`, 'complete', NOW));

    expect(await stores.db.get(key)).toContain('"status":4');
    expect(await stores.db.get(KEY)).toBe(WAITING);
  });

  it('passes over a record that is no string', async () => {
    await stores.db.rpush(KEY, 'a list');
    const other = 'resque:job:other:status';
    await stores.db.set(other, WAITING);

    await update(phpStatus(ID, 'complete', NOW), phpStatus('other', 'complete', NOW));

    expect(await stores.db.lrange(KEY, 0, -1)).toEqual(['a list']);
    expect(await stores.db.get(other)).toContain('"status":4');
  });

  it('updates thousands of records in one sync', async () => {
    const ids = Array.from({ length: 9_000 }, (_, i) => `${i}`.padStart(32, '0'));
    await stores.db.mset(...ids.flatMap((id) => [stores.keys.jobStatus(id), WAITING]));

    await update(...ids.map((id) => phpStatus(id, 'complete', NOW)));

    const records = await stores.db.mget(...ids.map(stores.keys.jobStatus));
    expect(new Set(records)).toEqual(new Set([`{"status":4,"updated":${SECONDS},"started":1795206600,"result":null}`]));
  });
});
