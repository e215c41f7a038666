import { expect, it } from 'vitest';
import { createClient } from '../../../shared/index.ts';
import { withBrokers } from '../../helpers/brokers.ts';

withBrokers((stores) => {
  it('a job that was seen in its queue can be run first, and removed', async () => {
    const { redis, upstash, backend } = stores;
    await using client = createClient(
      backend === 'TCP' ? { url: redis.url } : { url: upstash.url, token: upstash.token },
    );
    const job = (n: number) => `{"class":"Hello","args":[${n}]}`;
    await stores.produce('a', job(1), job(2), job(3));
    const [, second, third] = (await client.queues.peek('a')).items;
    if (!second || !third) throw new Error('three jobs were queued');
    expect(await client.jobs.remove(second)).toBe(true);
    expect(await client.jobs.remove(second)).toBe(false);
    expect(await client.jobs.run(third)).toBe(true);
    expect(await stores.queued('a')).toEqual([job(3), job(1)]);
  });

  it('is found where others were given back before it since', async () => {
    const { redis, upstash, backend } = stores;
    await using client = createClient(
      backend === 'TCP' ? { url: redis.url } : { url: upstash.url, token: upstash.token },
    );
    const job = (n: number) => `{"class":"Hello","args":[${n}]}`;
    await stores.produce('a', job(1), job(2));
    const [first, second] = (await client.queues.peek('a')).items;
    if (!first || !second) throw new Error('two jobs were queued');
    await stores.db.lpush(stores.keys.queue('a'), ...Array.from({ length: 3_000 }, (_, i) => job(i + 10)));
    expect(await client.jobs.remove(first)).toBe(true);
    expect(await client.jobs.remove(first)).toBe(false);
    expect(await client.jobs.run(second)).toBe(true);
    expect((await stores.queued('a')).slice(0, 1)).toEqual([job(2)]);
    expect(await stores.db.llen(stores.keys.queue('a'))).toBe(3_001);
  });
});
