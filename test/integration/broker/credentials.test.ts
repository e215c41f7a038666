import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Broker } from '../../../shared/broker/broker.ts';
import { redisBroker } from '../../../shared/broker/redis/broker.ts';
import { tcpClient } from '../../../shared/broker/redis/tcp.ts';
import { upstashClient } from '../../../shared/broker/redis/upstash.ts';
import { LambdesqueError, RedisAuthError } from '../../../shared/errors.ts';
import type { Settlement } from '../../../shared/types.ts';
import { unsplice } from '../../../shared/wire/attempts-record.ts';
import { done, dump, fail, from, LEASE, NOW, redisTime, release, retry, TestWorker } from '../../helpers/brokers.ts';
import { startRedis, type TestRedis } from '../../helpers/redis-server.ts';
import { promoteDelayed } from '../../helpers/scheduler/run-step.ts';
import { startUpstash } from '../../helpers/upstash-server.ts';

const SECRET = 'pa$$word-of-this-test';
const WRONG = 'wr0ng-password';
const JOB = { queue: 'q', payload: '{"class":"A","args":["private"]}' };

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis({ password: SECRET });
});
afterEach(async () => {
  redisTime.set(NOW);
  await redis.client.flushall();
});
afterAll(() => redis.stop());

/** Neither the message, nor a cause, nor what a logger might print of them holds any of the words. */
function expectHidden(error: unknown, ...words: string[]): void {
  const shown = [inspect(error, { depth: Infinity, showHidden: true })];
  for (let one = error; one instanceof Error; one = one.cause) {
    shown.push(
      one.message,
      one.stack ?? '',
      JSON.stringify(one),
      JSON.stringify(Object.getOwnPropertyDescriptors(one)),
    );
  }
  for (const word of words) expect(shown.filter((text) => text.includes(word))).toEqual([]);
}

async function refusal(store: Broker, call: Promise<unknown> = store.enqueue([JOB])): Promise<Error> {
  const error = await call.then(
    () => undefined,
    (one: unknown) => one,
  );
  expect(error).toBeInstanceOf(RedisAuthError);
  expect((error as Error).message).toContain(store.address);
  return error as Error;
}

const login = (user: string, password: string) =>
  `redis://${user}:${encodeURIComponent(password)}@127.0.0.1:${redis.port}`;

function overTcp(url: string): Broker {
  const store = redisBroker(tcpClient({ url }), 'resque:', redisTime.now);
  onTestFinished(() => store.close());
  return store;
}

/** @param url with the credentials under which the REST server itself uses Redis */
async function overRest(url: string, token?: string): Promise<Broker> {
  const server = await startUpstash(url);
  onTestFinished(() => server.stop());
  return redisBroker(upstashClient({ url: server.url, token: token ?? server.token }), 'resque:', redisTime.now);
}

describe('wrong credentials', () => {
  it.each([
    ['a wrong password', () => `redis://:${WRONG}@127.0.0.1:${redis.port}`],
    ['no password', () => `redis://127.0.0.1:${redis.port}`],
    ['a user that does not exist', () => login('nobody', WRONG)],
  ])('are refused over TCP: %s', async (_, url) => {
    const store = overTcp(url());

    for (let i = 0; i < 3; i++) expectHidden(await refusal(store), WRONG, 'private');

    expect(store.address).toBe(`127.0.0.1:${redis.port}`);
  });

  it('are accepted where they are right', async () => {
    const store = overTcp(redis.url);
    await store.ping();
    expectHidden(await store.sync(new TestWorker(store).next()), SECRET);
  });

  it('are hidden where the right ones belong to a Redis that is away', async () => {
    const gone = await startRedis({ password: SECRET });
    await gone.stop();
    const error = await overTcp(gone.url)
      .ping()
      .catch((one: unknown) => one);

    expect(error).toBeInstanceOf(LambdesqueError);
    expectHidden(error, SECRET, encodeURIComponent(SECRET));
  });

  it.each([`https://user:${WRONG}@host`, `user:${WRONG}@host:1`, `redis//:${WRONG}@host`])(
    'are hidden in the error about a URL that is none: %s',
    (url) => {
      let thrown: unknown;
      try {
        tcpClient({ url });
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(LambdesqueError);
      expectHidden(thrown, WRONG);
    },
  );

  it.each([`redis://:${WRONG}@host:6379`, `https://user:${WRONG}@127.0.0.1:1`, `${WRONG}@host`])(
    'are hidden in the error about a URL that is none of Upstash’s: %s',
    async (url) => {
      const token = 'token-of-this-test';
      const error = await Promise.try(() => redisBroker(upstashClient({ url, token }), 'resque:').ping()).catch(
        (one: unknown) => one,
      );
      expect(error).toBeInstanceOf(LambdesqueError);
      expectHidden(error, WRONG, token);
    },
  );

  it('are refused over REST, and the token is hidden', async () => {
    const store = await overRest(redis.url, WRONG);

    expectHidden(await refusal(store), WRONG, 'private');
    expectHidden(await refusal(store, store.ping()), WRONG);
  });
});

describe.each([
  ['TCP', async (url: string) => overTcp(url)],
  ['Upstash REST', overRest],
])('a user of Redis with too few rights, over %s', (_, open) => {
  const payloads = ['failed', 'retried', 'released', 'done', 'waiting'].map((name) => `{"class":"${name}","args":[]}`);

  /** The jobs that can be found anywhere in Redis. */
  async function found(): Promise<string[]> {
    const all = JSON.stringify(await dump(redis.client));
    return payloads.filter((payload) => all.includes(JSON.stringify(payload.slice(1)).slice(1, -1)));
  }

  async function grant(commands: string, patterns: string): Promise<void> {
    const rules = ['reset', 'on', `>${SECRET}`, ...commands.split(' '), ...patterns.split(' ')];
    await redis.client.call('ACL', 'SETUSER', 'limited', ...rules);
  }

  it.each([
    ['+@all -hset', '~*'],
    ['+@all -hdel', '~*'],
    ['+@all -evalsha -eval', '~*'],
    ['+@all', '~resque:inflight:* ~resque:queue*'],
    ['+@all', '%R~* ~resque:inflight:*'],
  ])('gets an error that says so, and no job is lost: %s on %s', async (commands, patterns) => {
    await redis.client.sadd('resque:queues', 'q');
    await redis.client.rpush('resque:queue:q', ...payloads);
    const admin = overTcp(redis.url);
    const worker = new TestWorker(admin);
    const [failed, retried, released, ended] = await worker.take('q', 4);
    if (!failed || !retried || !released || !ended) throw new Error('five jobs were queued');
    const settle: Settlement[] = [
      fail(failed),
      retry(retried, { id: 'r', attempts: 1, deaths: 0 }),
      release(released),
      done(ended),
    ];
    await grant(commands, patterns);
    const limited = await open(login('limited', SECRET));
    const request = worker.next({ settle, reserve: from('q', 10) });

    const error = await refusal(limited, limited.sync(request));

    expect(error.message).toMatch(/ACL|permission/i);
    expectHidden(error, SECRET);
    expect(await found()).toEqual(expect.arrayContaining(payloads.filter((one) => !one.includes('done'))));
    await worker.send(request);
    expect(await found()).toEqual(expect.arrayContaining(payloads.filter((one) => !one.includes('done'))));
  });

  it.each([
    ['zadd', ['resque:leases', 'resque:retry']],
    ['rpush', ['resque:failed']],
    ['incrby', ['resque:stat:processed']],
    ['sadd', ['resque:queues']],
  ])('is told of the keys that it cannot use, and loses no job, without %s', async (command, keys) => {
    await redis.client.rpush('resque:queue:q', ...payloads);
    const worker = new TestWorker(overTcp(redis.url));
    const [failed, retried, released, ended] = await worker.take('q', 4);
    if (!failed || !retried || !released || !ended) throw new Error('five jobs were queued');
    const settle = [fail(failed), retry(retried), release(released), done(ended)];
    await grant(`+@all -${command}`, '~*');
    const limited = await open(login('limited', SECRET));

    const result = await limited.sync(worker.next({ settle }));

    if (result.kind !== 'held') throw new Error(result.kind);
    for (const key of keys) {
      expect(result.wrong).toContainEqual({ key, error: expect.stringMatching(/can't run|NOPERM/) as string });
    }
    expect(await found()).toEqual(expect.arrayContaining(payloads.filter((one) => !one.includes('done'))));
    await worker.sync({ settle: result.refused });
    expect(await found()).toEqual(payloads.filter((one) => !one.includes('done')));
    expect(await redis.client.hkeys(`resque:inflight:${worker.id}`)).toEqual(['call', 'lease', 'version']);
  });

  it.each(['lrange', 'ltrim', 'lpush'])('is told of the queue that it cannot use, without %s', async (command) => {
    await redis.client.sadd('resque:queues', 'q');
    await redis.client.rpush('resque:queue:q', ...payloads);
    const worker = new TestWorker(overTcp(redis.url));
    const settle = (await worker.take('q', 2)).map((raw) => release(raw));
    await grant(`+@all -${command}`, '~*');
    const limited = await open(login('limited', SECRET));

    const request = worker.next(command === 'lpush' ? { settle } : { reserve: from('q', 2) });
    const result = await limited.sync(request);

    const error = expect.stringMatching(/can't run|NOPERM/) as string;
    // A worker that is told that there is more comes back at once.
    expect(result).toMatchObject({ jobs: [], more: false, wrong: [{ key: 'resque:queue:q', error }] });
    expect(await redis.client.lrange('resque:queue:q', 0, -1)).toEqual(payloads.slice(2));
    expect(Object.keys(await redis.client.hgetall(`resque:inflight:${worker.id}`))).toEqual(
      expect.arrayContaining(['0:q', '1:q']),
    );
  });

  it.each(['rpush', 'ltrim', 'lrem', 'rpop'])('loses no suspect that it passes over, without %s', async (command) => {
    const suspects = [1, 2, 2, 1].map(
      (deaths, i) => `{"lambdesque":{"id":"${i}","attempts":0,"deaths":${deaths}},"class":"A","args":[${i}]}`,
    );
    await redis.client.rpush('resque:queue:q', ...suspects, ...payloads);
    await grant(`+@all -${command}`, '~*');
    const limited = await open(login('limited', SECRET));
    const worker = new TestWorker(limited);

    const alone = ['no', 'ifNothingElse', 'first'] as const;
    const jobs: string[] = [];
    for (const one of alone) {
      const reply = await worker.sync({ reserve: from('q', 2, { suspects: 0, alone: one }) });
      jobs.push(...reply.jobs.map(({ text }) => text ?? ''));
    }

    const queued = await redis.client.lrange('resque:queue:q', 0, -1);
    expect([...queued, ...jobs].toSorted()).toEqual([...suspects, ...payloads].toSorted());
  });

  it.each(['rpush', 'lpush', 'ltrim', 'lrange', 'zrem', 'hdel', 'hget', 'sadd', 'srem', 'del'])(
    'loses nothing that it moves as a scheduler, without %s',
    async (command) => {
      await redis.client.sadd('resque:queues', 'q');
      await redis.client.rpush('resque:queue:q', ...payloads);
      const admin = overTcp(redis.url);
      const [dead, worker] = [new TestWorker(admin), new TestWorker(admin)];
      await dead.take('q', 2);
      const jobs = await worker.take('q', 2);
      const settle = jobs.map((raw, i): Settlement => {
        return retry(raw, { id: `${i}`, attempts: 1, deaths: 0 });
      });
      await worker.sync({ settle });
      await worker.sync({ reserve: from('q') });
      const delayed = ['{"class":"one","args":[],"queue":"q"}', '{"class":"two","args":[]}', 'three'];
      await admin.enqueueDelayed(delayed.map((payload) => ({ seconds: 1, payload })));
      await grant(`+@all -${command}`, '~*');
      const limited = await open(login('limited', SECRET));

      redisTime.move(LEASE);
      for (const move of [() => limited.promoteRetries(10), () => promoteDelayed(limited), () => limited.reclaim(10)]) {
        await move().catch((error: unknown) => expect(error).toBeInstanceOf(LambdesqueError));
      }

      expect(await found()).toEqual(payloads);
      redisTime.move(24 * 3_600_000);
      await admin.promoteRetries(10);
      await promoteDelayed(admin);
      await admin.reclaim(10);
      const queued = (await redis.client.lrange('resque:queue:q', 0, -1)).map((one) => unsplice(one).payload);
      expect(queued).toEqual(expect.arrayContaining([...payloads, delayed[0]]));
      const failed = (await redis.client.lrange('resque:failed', 0, -1)).join();
      expect(failed).toContain(delayed[1]);
      expect(failed).toContain(delayed[2]);
    },
  );
});
