import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { redisBroker } from '../../../shared/broker/redis/broker.ts';
import { tcpClient } from '../../../shared/broker/redis/tcp.ts';
import { ConfigError, LambdesqueError, RedisAuthError, RedisUnavailableError } from '../../../shared/errors.ts';
import { eventually, PATIENCE } from '../../helpers/eventually.ts';
import { startSentinels, type TestSentinels } from '../../helpers/redis-sentinel.ts';
import { hasRun, pushTo, waitingWorker, watchedIn } from '../../helpers/waiting-worker.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: PATIENCE });

const PASSWORD = 'of-redis';
const WATCHWORD = 'of-the-sentinels';

let world: TestSentinels;
beforeAll(async () => {
  world = await startSentinels({ password: PASSWORD, sentinelPassword: WATCHWORD });
});
afterAll(() => world?.stop());

const url = (path = '/mymaster', query = `?sentinelPassword=${WATCHWORD}`, ports = world.ports) =>
  `redis+sentinel://:${PASSWORD}@${ports.map((port) => `127.0.0.1:${port}`).join(',')}${path}${query}`;

function open(at: string) {
  const client = tcpClient({ url: at });
  onTestFinished(() => client.close());
  return redisBroker(client, 'resque:');
}

const JOB = (n: number) => ({ queue: 'q', payload: `{"class":"A","args":[${n}]}` });

async function refusal(at: string): Promise<LambdesqueError> {
  const error = await open(at)
    .enqueue([JOB(0)])
    .catch((one: unknown) => one);
  expect(error).toBeInstanceOf(LambdesqueError);
  expect((error as Error).message).not.toMatch(new RegExp(`${PASSWORD}|${WATCHWORD}`));
  return error as LambdesqueError;
}

test('the Sentinels lead to the primary, and into its database', async () => {
  await open(url('/mymaster/3')).enqueue([JOB(1)]);
  const { client } = await world.primary();
  await client.select(3);
  onTestFinished(() => client.select(0).then(() => {}));
  expect(await client.llen('resque:queue:q')).toBe(1);
});

test('one Sentinel that answers is enough', async () => {
  const [first = 0] = world.ports;
  await open(url('/mymaster', `?sentinelPassword=${WATCHWORD}`, [1, first])).ping();
});

test('a name that they do not know is told, and where to look', async () => {
  const error = await refusal(url('/other'));
  expect(error).toBeInstanceOf(ConfigError);
  expect(error.message).toMatch(/know no primary named "other".*SENTINEL MASTERS/);
});

test('their password is apart from that of Redis', async () => {
  for (const query of ['', '?sentinelPassword=wrong']) {
    const error = await refusal(url('/mymaster', query));
    expect(error).toBeInstanceOf(RedisAuthError);
    expect(error.message).toMatch(/The Sentinels at .* refuse the credentials.*\?sentinelPassword=/);
  }
});

test('a Redis that is taken for a Sentinel is told, and a Sentinel for a Redis', async () => {
  const { port } = await world.primary();
  const [sentinel = 0] = world.ports;
  const taken = await refusal(`redis+sentinel://127.0.0.1:${port}/mymaster?sentinelPassword=${PASSWORD}`);
  expect(taken).toBeInstanceOf(ConfigError);
  expect(taken.message).toMatch(/are none.*redis:\/\/host:port/);
  for (const database of ['', '/1']) {
    const other = await refusal(`redis://:${WATCHWORD}@127.0.0.1:${sentinel}${database}`);
    expect(other).toBeInstanceOf(ConfigError);
    expect(other.message).toMatch(
      /If it is a Sentinel, its URL is redis\+sentinel:\/\/host:port\/<name of the primary>/,
    );
  }
});

test('Sentinels that cannot be reached are named, with the reason, each time', async () => {
  const broker = open(url('/mymaster', '', [1, 2]));
  for (let i = 0; i < 2; i++) {
    const call = broker.ping();
    await expect(call).rejects.toThrow(RedisUnavailableError);
    await expect(call).rejects.toThrow(
      'Redis at mymaster (Sentinels 127.0.0.1:1,127.0.0.1:2) cannot be reached: connect ECONNREFUSED',
    );
  }
});

const enqueueOn = (broker: ReturnType<typeof open>) => async () =>
  broker.enqueue([JOB(2)]).then(
    () => 'enqueued',
    (error: unknown) => error,
  );

test('a primary that hands over while it lives is left at once', async () => {
  const enqueue = enqueueOn(open(url()));
  expect(await enqueue()).toBe('enqueued');
  const old = await world.primary();
  const { ran } = await waitingWorker({ url: url(), queues: 'waiting' });
  await watchedIn(old.client);
  await pushTo(old.client, 1, 'waiting');
  await hasRun(ran, 1);
  await world.failOver();
  await expect.poll(async () => (await world.primary()).port, { timeout: PATIENCE }).not.toBe(old.port);
  const next = await world.primary();
  await watchedIn(next.client);
  await pushTo(next.client, 2, 'waiting');
  await eventually(() => expect(ran).toContain(2));
  await expect
    .poll(async () => `${await enqueue()}: ${await next.client.llen('resque:queue:q')}`, { timeout: PATIENCE })
    .toMatch(/^enqueued: [2-9]/);
});

test('a primary that dies is followed by its replica', async () => {
  const other = await startSentinels();
  onTestFinished(() => other.stop());
  const enqueue = enqueueOn(open(`redis+sentinel://127.0.0.1:${other.ports[0]}/mymaster`));
  expect(await enqueue()).toBe('enqueued');
  const old = await other.primary();
  expect(await old.client.wait(1, PATIENCE)).toBe(1);
  await old.kill();
  const results: unknown[] = [];
  await expect
    .poll(async () => results.push(await enqueue()) && results.at(-1), { timeout: PATIENCE })
    .toBe('enqueued');
  for (const failure of results.slice(0, -1)) expect(failure).toBeInstanceOf(RedisUnavailableError);
  const next = await other.primary();
  expect(next.port).not.toBe(old.port);
  expect(await next.client.llen('resque:queue:q')).toBe(2);
});
