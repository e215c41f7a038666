import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Broker } from '../../../shared/broker/broker.ts';
import { redisBroker } from '../../../shared/broker/redis/broker.ts';
import { tcpClient } from '../../../shared/broker/redis/tcp.ts';
import { upstashClient } from '../../../shared/broker/redis/upstash.ts';
import { LambdesqueError, RedisUnavailableError } from '../../../shared/errors.ts';
import { done, dump, from, withBrokers } from '../../helpers/brokers.ts';
import { PATIENCE } from '../../helpers/eventually.ts';
import { lossyStore } from '../../helpers/lossy-proxy.ts';

const JOB = { queue: 'q', payload: '{"class":"A","args":["private"]}' };
const overTcp = (address: string, commandTimeout = 2_000) =>
  redisBroker(tcpClient({ url: `redis://${address}`, commandTimeout }), 'resque:');
const overRest = (address: string, commandTimeout = 2_000) =>
  redisBroker(upstashClient({ url: `http://${address}`, token: 'token', commandTimeout }), 'resque:');

/** The error says which Redis cannot be used, and nothing of what is in the jobs. */
async function unavailable(store: Broker, call: Promise<unknown> = store.enqueue([JOB])): Promise<string> {
  const error = await call.then(
    () => undefined,
    (one: unknown) => one,
  );
  expect(error).toBeInstanceOf(RedisUnavailableError);
  const { message } = error as Error;
  expect(message).toContain(store.address);
  expect(message, 'an option of the library that nobody here can set').not.toContain('maxRetriesPerRequest');
  expect(inspect(error, { depth: Infinity })).not.toContain('private');
  return message;
}

/** What listens at a port and is no Redis. */
async function listen(server: Server): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function nobody(): Promise<string> {
  const server = createServer();
  const address = await listen(server);
  await once(server.close(), 'close');
  return address;
}

describe.each([
  ['TCP', overTcp],
  ['Upstash REST', overRest],
])('over %s', (_, open) => {
  function use(address: string, commandTimeout?: number): Broker {
    const store = open(address, commandTimeout);
    onTestFinished(() => store.close());
    return store;
  }

  it('names host and port where nobody listens, each time', async () => {
    const address = await nobody();
    const store = use(address);

    expect(store.address).toBe(address);
    for (let i = 0; i < 3; i++) expect(await unavailable(store)).toMatch(/ECONNREFUSED/);
  });

  it('names a host that does not exist', async () => {
    expect(await unavailable(use('redis.invalid:6379'))).toMatch(/ENOTFOUND|EAI_AGAIN/);
  });

  it('gives up on a server that accepts connections and says nothing', async () => {
    const address = await listen(createServer((socket) => socket.on('error', () => {})));
    await unavailable(use(address, 100));
  });

  it('gives up on a server that hangs up', async () => {
    const address = await listen(createServer((socket) => socket.destroy()));
    await unavailable(use(address));
  });

  it('fails with an error of ours where something else than Redis answers', async () => {
    const page = '<html><body>It works!</body></html>';
    const answer = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${page.length}\r\n\r\n${page}`;
    const address = await listen(
      createServer((socket) => socket.on('error', () => {}).on('data', () => socket.end(answer))),
    );
    const store = use(address);

    for (const call of [store.ping(), store.enqueue([JOB]), store.queues()]) {
      const error = await call.catch((one: unknown) => one);
      expect(error).toBeInstanceOf(LambdesqueError);
      expect((error as Error).message).toContain(address);
    }
  });

  it('can be closed while it tries to connect', async () => {
    const store = use(await nobody());
    await unavailable(store);
    await store.close();
  });
});

withBrokers((stores) => {
  const lossy = lossyStore(stores);

  it('answers a ping where Redis is', async () => {
    await expect(stores.store.ping()).resolves.toBeUndefined();
  });

  it('says that a replica is read-only, and works again once it is the primary', async () => {
    await stores.produce('q', 'a');
    const worker = stores.worker();
    await worker.sync();
    const before = await dump(stores.db);
    await stores.db.replicaof('127.0.0.1', 1);

    const request = worker.next({ reserve: from('q') });
    try {
      expect(await unavailable(stores.store, worker.send(request))).toMatch(/read-only replica.*primary/);
      await unavailable(stores.store);
    } finally {
      await stores.db.replicaof('NO', 'ONE');
    }

    expect(await dump(stores.db)).toEqual(before);
    expect((await worker.send(request)).jobs).toHaveLength(1);
  });

  it.each(['request', 'answer'] as const)('reports a lost %s, and goes on', async (what) => {
    await lossy.store.ping();
    lossy.lose(what);

    await unavailable(lossy.store, lossy.store.ping());

    await lossy.store.ping();
  });

  it('never sends a lost call again by itself', async () => {
    await lossy.store.enqueue([JOB]);
    lossy.lose('answer');

    await unavailable(lossy.store);

    await lossy.store.ping();
    expect(await stores.db.llen(stores.keys.queue('q'))).toBe(2);
  });

  it('recovers when Redis is back, also with the same sync', async () => {
    await stores.produce('q', 'a', 'b');
    const worker = stores.worker();
    const jobs = await worker.take('q', 1);
    const request = worker.next({ settle: jobs.map(done), reserve: from('q') });
    await stores.redis.kill();

    const failed = await worker.send(request).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(LambdesqueError);
    expect((failed as Error).message).toContain(stores.store.address);
    await stores.redis.start();

    // Without an append-only file the data is gone, the lease with it.
    await expect
      .poll(() => worker.send(request).catch((error: Error) => error.message), { timeout: PATIENCE })
      .toMatch(/lost its lease/);
    await stores.store.enqueue([JOB]);
    expect(await stores.worker().take('q')).toHaveLength(1);
  });

  it('loads its scripts again after they were flushed', async () => {
    await stores.store.enqueue([JOB]);
    await stores.db.script('FLUSH');
    await stores.store.enqueue([JOB]);
    expect(await stores.queued('q')).toHaveLength(2);
  });

  if (stores.backend === 'Upstash REST') {
    it('says what a gateway’s page of HTML says, and goes on', async () => {
      stores.upstash.fault('html-502');
      expect(await unavailable(stores.store)).toContain('Bad Gateway');
      await stores.store.ping();
    });

    it('gives up on a request that hangs, and goes on', async () => {
      const store = stores.open({ commandTimeout: 100 });
      stores.upstash.fault('hang');
      await unavailable(store);
      await expect.poll(() => store.ping().then(() => 'answers', String), { timeout: PATIENCE }).toBe('answers');
    });
  } else {
    it('gives up on a command that hangs, and goes on', async () => {
      const store = stores.open({ commandTimeout: 100 });
      const answers = () => store.ping().then(() => 'answers', String);
      await expect.poll(answers, { timeout: PATIENCE }).toBe('answers');
      // Longer than a busy machine needs to ask.
      await stores.db.client('PAUSE', 2_000, 'ALL');
      await unavailable(store, store.ping());
      await expect.poll(answers, { timeout: PATIENCE }).toBe('answers');
    });

    it('reconnects after its connection was killed', async () => {
      await stores.store.ping();
      await stores.db.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      await expect.poll(() => stores.store.ping().then(() => 'answers', String), { timeout: PATIENCE }).toBe('answers');
    });
  }
});
