import { expect, test } from 'vitest';
import { openShards, shardOf } from '../../../shared/client/shards.ts';
import { createShardedClient, createShardedWorker, defineJob } from '../../../shared/index.ts';

const KEYS = Array.from({ length: 10_000 }, (_, i) => `customer-${i}`);
const Hello = defineJob({ class: 'Hello', perform() {} });

test('keys have their shard whatever the order of names, and all shards about as many', () => {
  const counts = { a: 0, b: 0, c: 0 };
  for (const key of KEYS) {
    const name = shardOf(['a', 'b', 'c'], key);
    counts[name as 'a']++;
    expect(shardOf(['c', 'a', 'b'], key)).toBe(name);
  }
  for (const count of Object.values(counts)) expect(count / KEYS.length).toBeCloseTo(1 / 3, 1);
});

test('they have it in every version: a key that moved would leave its order', () => {
  expect(['customer-1', 'customer-2', 'Zoë'].map((key) => shardOf(['a', 'b', 'c'], key))).toEqual(['a', 'c', 'c']);
});

test('one more shard takes its part, and no key moves between the others', () => {
  const moved = KEYS.filter((key) => shardOf(['a', 'b', 'c', 'd'], key) !== shardOf(['a', 'b', 'c'], key));
  expect(moved.length / KEYS.length).toBeCloseTo(1 / 4, 1);
  expect(moved.every((key) => shardOf(['a', 'b', 'c', 'd'], key) === 'd')).toBe(true);
});

test('shards are databases or namespaces of their own', () => {
  const url = 'redis://127.0.0.1:6379';
  expect(openShards('x', { a: { url }, b: { url: `${url}/1` }, c: { url, namespace: 'c' } }, undefined)).toHaveLength(
    3,
  );
  const cluster = 'redis://127.0.0.1:6379?cluster';
  const tags = { a: { url: cluster, namespace: '{resque-a}' }, b: { url: cluster, namespace: '{resque-b}' } };
  expect(openShards('x', tags, undefined).map(({ namespace }) => namespace)).toEqual(['{resque-a}:', '{resque-b}:']);
});

const url = 'redis://127.0.0.1:6379';
test.each([
  [{}, /shards must be an object with one shard or more by name, such as .* got object/],
  [undefined, /shards must be .* got undefined/],
  [{ a: { url }, b: { url } }, /the shards a and b are the same, .*6379.* with the namespace resque:/],
  [{ a: { ulr: url } }, /shards\.a: there is no option "ulr" \(did you mean "url"\?\)/],
  [{ a: { url: 'nowhere' } }, /must look like redis/],
])('refuses the shards %j', (shards, message) => {
  expect(() => createShardedClient({ shards: shards as never })).toThrow(message);
  expect(() => createShardedWorker({ shards: shards as never, jobs: [Hello], queues: 'q' })).toThrow(message);
});

test.each([
  [{ concurrency: 1 }, /concurrency must be 2 or more, a place for each shard; got 1/],
  [{ failed: { max: 1 } }, /failed needs the scheduler/],
  [{ shards: { a: { url, cron: {} } } }, /shards\.a\.cron needs the scheduler/],
  [{ shards: { a: { url, cron: { x: { every: '1s', class: 'Nobody' } } } }, scheduler: true }, /Nobody/],
  [{ url }, /there is no option "url"/],
] as const)('refuses a worker with %j', (options, message) => {
  const shards = { a: { url }, b: { url, namespace: 'b' } };
  expect(() => createShardedWorker({ shards, jobs: [Hello], queues: 'q', ...options } as never)).toThrow(message);
});
