import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  createShardedClient,
  defineJob,
  RedisUnavailableError,
  type ShardedClient,
  ShardsPartlyEnqueuedError,
} from '../../../shared/index.ts';
import { startCluster, type TestCluster } from '../../helpers/redis-cluster.ts';
import { startRedis, type TestRedis } from '../../helpers/redis-server.ts';

const NAMES = ['a', 'b', 'c'] as const;
let servers: Record<(typeof NAMES)[number], TestRedis>;
let client: ShardedClient;
const Hello = defineJob({ class: 'Hello', queue: 'q', perform() {} });
const Once = defineJob({ class: 'Once', queue: 'q', unique: {}, perform() {} });

beforeAll(async () => {
  const [a, b, c] = await Promise.all(NAMES.map(() => startRedis()));
  servers = { a, b, c } as typeof servers;
  client = createShardedClient({ shards: { a: urlOf('a'), b: urlOf('b'), c: urlOf('c') }, jobs: [Hello, Once] });
});
afterEach(() => Promise.all(NAMES.map((name) => servers[name].client.flushall())));
afterAll(async () => {
  await client.close();
  await Promise.all(NAMES.map((name) => servers[name].stop()));
});
const urlOf = (name: (typeof NAMES)[number]) => ({ url: servers[name].url });

/** First arguments of what is queued, by shard, in order. */
async function queued(): Promise<unknown[][]> {
  const lists = await Promise.all(NAMES.map((name) => servers[name].client.lrange('resque:queue:q', 0, -1)));
  return lists.map((list) => list.map((text) => JSON.parse(text).args[0]));
}

describe('enqueue', () => {
  test('jobs of one key go to its shard, in order, enqueued one by one or together', async () => {
    const keys = Array.from({ length: 30 }, (_, i) => `customer-${i}`);
    const sent = keys.flatMap((shardKey) => [1, 2, 3].map((n) => ({ shardKey, id: `${shardKey} ${n}` })));
    const done = await Promise.all(sent.map(({ shardKey, id }) => client.enqueue(Hello, [id], { shardKey })));
    for (const [i, { shard }] of done.entries()) expect(shard).toBe(client.shardOf(sent[i]?.shardKey ?? ''));
    const items = sent.map(({ shardKey, id }) => ({ job: Hello, args: [`${id} again`], shardKey }));
    const all = await client.enqueueAll(items);
    expect(all.map(({ shard }) => shard)).toEqual(done.map(({ shard }) => shard));
    const wanted = NAMES.map((name) => {
      const ids = sent.filter(({ shardKey }) => client.shardOf(shardKey) === name).map(({ id }) => id);
      return [...ids, ...ids.map((id) => `${id} again`)];
    });
    expect(await queued()).toEqual(wanted);
    expect(wanted.every((ids) => ids.length > 0)).toBe(true);
  });

  test('jobs without a key go to the shards in turn', async () => {
    for (let i = 0; i < 6; i++) await client.enqueue('Hello', [i]);
    await client.enqueueAll(Array.from({ length: 9 }, (_, i) => ({ job: Hello, args: [i] })));
    expect((await queued()).map((ids) => ids.length)).toEqual([5, 5, 5]);
  });

  test('a unique job goes where its lock is, also by the name of its class', async () => {
    const first = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => client.enqueue(Once, [n])));
    const second = await client.enqueueAll([1, 2, 3, 4, 5, 6].map((n) => ({ job: 'Once', args: [n] })));
    expect(first.some(({ duplicate }) => duplicate)).toBe(false);
    expect(second.map(({ duplicate, shard }) => [duplicate, shard])).toEqual(first.map(({ shard }) => [true, shard]));
    expect(new Set(first.map(({ shard }) => shard)).size).toBeGreaterThan(1);
  });

  test('a job is unique by defaults as well', async () => {
    const shards = { a: urlOf('a'), b: urlOf('b'), c: urlOf('c') };
    await using other = createShardedClient({ shards, jobs: [Hello], defaults: { Hello: { unique: {} } } });
    for (let i = 0; i < 4; i++) expect((await other.enqueue('Hello', [1])).duplicate).toBe(i > 0);
  });

  test('all that there is of a shard is its own client', async () => {
    const { shard } = await client.enqueue(Hello, ['x'], { shardKey: 'k', in: '1h' });
    expect(await client.shard(shard).scheduled.count()).toMatchObject({ delayed: 1 });
    for (const name of client.shards.filter((one) => one !== shard)) {
      expect(await client.shard(name).scheduled.count()).toMatchObject({ delayed: 0 });
    }
    expect(() => client.shard('d')).toThrow(/There is no shard "d"\. There are a, b, c\./);
  });

  test('checks all before any shard gets its part, and names the item', async () => {
    const items = [1, 2, 3, 4, 5].map((n) => ({ job: Hello, args: [n === 4 ? Number.NaN : n] }));
    await expect(client.enqueueAll(items)).rejects.toThrow(/^items\.3: /);
    await expect(
      client.enqueueAll([
        { job: Hello, args: [1] },
        { job: Hello, args: [1], shardKey: '' },
      ]),
    ).rejects.toThrow(/^items\.1: shardKey must be a text that is not empty, such as 'customer-7'; got ""\.$/);
    await expect(client.enqueueAll(5 as never)).rejects.toThrow(/items must be a list/);
    await expect(client.enqueue(Hello, [1], { shardkey: 'a' } as never)).rejects.toThrow(/no option "shardkey"/);
    await expect(client.enqueue(Hello, [1], 5 as never)).rejects.toThrow(/options must be an object/);
    expect(await queued()).toEqual([[], [], []]);
  });
});

test('one shard away fails its own jobs, says which are left, and they are enqueued when it is back', async () => {
  const keyOf = (name: string) =>
    Array.from({ length: 50 }, (_, i) => `k${i}`).find((key) => client.shardOf(key) === name) ?? '';
  const [inA, inB] = [keyOf('a'), keyOf('b')];
  const items = [inA, inB, inA, inB, inA].map((shardKey, i) => ({ job: Hello, args: [i], shardKey }));
  await servers.b.kill();
  const error: unknown = await client.enqueueAll(items).catch((failure: unknown) => failure);
  await expect(client.enqueue(Hello, ['b'], { shardKey: inB })).rejects.toThrow(RedisUnavailableError);
  await client.enqueue(Hello, ['a'], { shardKey: inA });
  await expect(client.enqueueAll(items.filter(({ shardKey }) => shardKey === inB))).rejects.toThrow(
    RedisUnavailableError,
  );
  expect(error).toBeInstanceOf(ShardsPartlyEnqueuedError);
  const { left, pushed, total, shards, message } = error as ShardsPartlyEnqueuedError;
  expect({ left, pushed, total, shards: Object.keys(shards) }).toEqual({
    left: [1, 3],
    pushed: 1,
    total: 5,
    shards: ['b'],
  });
  expect(message).toMatch(
    /^3 of 5 jobs were enqueued; 1 of the shards failed\. Go on with those whose indexes are in left\. b: /,
  );
  await servers.b.start();
  await client.enqueueAll(left.map((i) => items[i] as (typeof items)[0]));
  expect(await queued()).toEqual([[0, 2, 4, 'a'], [1, 3], []]);
});

describe('a cluster', () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster.stop());

  test('has a shard for each hash tag, on the node that serves it', async () => {
    // Three tags that three nodes serve.
    const tags = new Map<number, string>();
    for (let i = 0; tags.size < 3; i++) tags.set((await cluster.primaryOf(`{resque-${i}}:`)).port, `{resque-${i}}:`);
    const url = cluster.url();
    const shards = Object.fromEntries([...tags.values()].map((namespace) => [namespace, { url, namespace }]));
    await using inCluster = createShardedClient({ shards });
    const done = await inCluster.enqueueAll(
      Array.from({ length: 30 }, (_, i) => ({ job: Hello, args: [i], shardKey: `k${i}` })),
    );
    for (const [port, namespace] of tags) {
      const node = cluster.nodes.find((one) => one.port === port);
      const count = done.filter(({ shard }) => shard === namespace).length;
      expect(count).toBeGreaterThan(0);
      expect(await node?.client.llen(`${namespace}queue:q`)).toBe(count);
    }
  });
});
