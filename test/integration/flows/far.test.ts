import { afterAll, beforeAll, expect, test } from 'vitest';
import { chain, createClient, createWorker, defineJob, group, type RedisOptions, step } from '../../../shared/index.ts';
import { silentLogger } from '../../../shared/internal.ts';
import { startRedis, type TestRedis } from '../../helpers/redis-server.ts';
import { type SlowProxy, startSlowProxy } from '../../helpers/slow-proxy.ts';
import { startUpstash, type UpstashServer } from '../../helpers/upstash-server.ts';

/** Flows on a database that is far away: as many round trips as there are steps behind each other, and no more for many beside each other. */

const RTT = 60;
const MEMBERS = 2_000;

let redis: TestRedis;
let proxy: SlowProxy;
let upstash: UpstashServer;
let proxyOfRest: SlowProxy;
beforeAll(async () => {
  redis = await startRedis();
  upstash = await startUpstash(redis.url);
  proxy = await startSlowProxy({ target: redis.port, rtt: RTT });
  proxyOfRest = await startSlowProxy({ target: Number(new URL(upstash.url).port), rtt: RTT });
});
afterAll(async () => {
  await proxyOfRest?.stop();
  await proxy?.stop();
  await upstash?.stop();
  await redis?.stop();
});

const Sum = defineJob({
  class: 'Sum',
  queue: 'sums',
  perform: (args) => args.flat().reduce((sum: number, n) => sum + Number(n), 0),
});

test.each<[string, () => RedisOptions]>([
  ['TCP', () => ({ url: redis.url.replace(String(redis.port), String(proxy.port)) })],
  ['REST', () => ({ url: `http://127.0.0.1:${proxyOfRest.port}`, token: upstash.token })],
])('over %s', async (_name, options) => {
  await redis.client.flushall();
  await using client = createClient({ ...options(), jobs: [Sum] });
  const members = Array.from({ length: MEMBERS }, (_, i) => step(Sum, [i]));
  const { id } = await client.flow(chain(group(members), step(Sum, []), step(Sum, [1]))).enqueue();
  const before = await commands();
  await createWorker({ ...options(), jobs: [Sum], queues: 'sums', exitOnComplete: true, log: silentLogger }).run();
  expect(await client.flows.get(id, { members: 1 })).toMatchObject({
    state: 'succeeded',
    progress: { steps: MEMBERS + 2, succeeded: MEMBERS + 2 },
    tree: {
      nodes: [
        { members: { succeeded: MEMBERS } },
        { result: (MEMBERS * (MEMBERS - 1)) / 2 },
        { result: (MEMBERS * (MEMBERS - 1)) / 2 + 1 },
      ],
    },
  });
  // Members are reserved and settled many at a time.
  expect((await commands()) - before).toBeLessThan(MEMBERS / 4);
});

/** Scripts that Redis has run. */
async function commands(): Promise<number> {
  const stats = await redis.client.info('commandstats');
  return [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0);
}
