import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { PATIENCE } from '../helpers/eventually.ts';
import { queued } from '../helpers/queue-state.ts';
import { startRedis, type TestRedis } from '../helpers/redis-server.ts';
import { startUpstash, type UpstashServer } from '../helpers/upstash-server.ts';
import { lambdesque } from '../helpers/worker-process.ts';

vi.setConfig({ testTimeout: PATIENCE, hookTimeout: PATIENCE });

let redis: TestRedis;
let upstash: UpstashServer;
beforeAll(async () => {
  redis = await startRedis();
  upstash = await startUpstash(redis.url);
});
afterEach(() => redis.client.flushall());
afterAll(async () => {
  await upstash.stop();
  await redis.stop();
});

test.each(['TCP', 'Upstash REST'])(
  'a program that enqueues over %s and closes its client ends by itself',
  async (by) => {
    const args = by === 'TCP' ? [redis.url] : [upstash.url, upstash.token];
    const { ended } = lambdesque(args, { command: [process.execPath, 'test/helpers/producer.ts'] });
    expect(await ended).toEqual({ code: 0, signal: null, stdout: 'closed\n', stderr: '' });

    expect(await queued(redis.client, 'produced')).toEqual([
      '{"class":"Hello","args":["hi",9007199254740993]}',
      '{"class":"Hello","args":["all"]}',
    ]);
    expect(await redis.client.zcard('resque:delayed_queue_schedule')).toBe(1);
  },
);
