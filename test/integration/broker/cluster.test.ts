import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { namespaceOf } from '../../../shared/broker/namespace.ts';
import { redisBroker } from '../../../shared/broker/redis/broker.ts';
import type { RedisClient } from '../../../shared/broker/redis/client.ts';
import { tcpClient } from '../../../shared/broker/redis/tcp.ts';
import { doctorOver } from '../../../shared/client/doctor.ts';
import { ConfigError, LambdesqueError, RedisUnavailableError } from '../../../shared/errors.ts';
import { chain, createClient, createWorker, defineFlowJob, defineJob, group, step } from '../../../shared/index.ts';
import { silentLogger } from '../../../shared/log.ts';
import { eventually, PATIENCE } from '../../helpers/eventually.ts';
import { startCluster, type TestCluster } from '../../helpers/redis-cluster.ts';
import type { TestRedis } from '../../helpers/redis-server.ts';
import { pushTo, waitingWorker, watchedIn } from '../../helpers/waiting-worker.ts';

vi.setConfig({ testTimeout: 2 * PATIENCE, hookTimeout: PATIENCE });

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster?.stop());

function open(url: string): RedisClient {
  const client = tcpClient({ url });
  onTestFinished(() => client.close());
  return client;
}

/** The nodes that do not have the keys of the namespace. */
async function others() {
  const primary = await cluster.primaryOf('{resque}:queues');
  return cluster.nodes.filter((node) => node !== primary);
}

const JOB = (n: number) => ({ queue: 'q', payload: `{"class":"A","args":[${n}]}` });
const lengthOf = async (key: string) => Number(await (await cluster.primaryOf(key)).client.llen(key));

describe('a client that is told of the cluster', () => {
  test('finds the node of its keys through any other, replicas too', async () => {
    for (const node of await others()) {
      const client = open(cluster.url([node]));
      const broker = redisBroker(client, namespaceOf(undefined, client.cluster));
      const before = await lengthOf('{resque}:queue:q');
      await broker.enqueue([JOB(1), JOB(2)]);
      expect(await lengthOf('{resque}:queue:q')).toBe(before + 2);
      await broker.ping();
    }
  });

  test('can begin with many calls at once', async () => {
    const client = open(cluster.url());
    const broker = redisBroker(client, '{many}');
    await Promise.all(Array.from({ length: 200 }, (_, i) => broker.enqueue([JOB(i)])));
    expect(await lengthOf('{many}:queue:q')).toBe(200);
  });

  test('holds locks and limits, replaces, pauses, cancels, and tells of ends', async () => {
    const begun: unknown[] = [];
    const ends = Promise.withResolvers<void>();
    const Sync = defineJob({
      class: 'Sync',
      queue: 'a',
      unique: { by: ([account]) => String(account), onConflict: 'replace' },
      limit: { running: 1, key: ([account]) => String(account) },
      track: true,
      async perform([account, n], { signal }) {
        begun.push(`${account}${n}`);
        const aborted = new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(signal.reason)),
        );
        if (n === 0) await Promise.race([ends.promise, aborted]);
        return n;
      },
    });
    const setup = { url: cluster.url(), namespace: '{control}', jobs: [Sync] };
    await using client = createClient(setup);
    await using worker = createWorker({ ...setup, queues: '*', scheduler: true, log: silentLogger });
    const ended = worker.run();
    const first = await client.enqueue(Sync, ['x', 0]);
    await eventually(() => expect(begun).toEqual(['x0']));
    const later = [await client.enqueue(Sync, ['x', 1]), await client.enqueue(Sync, ['x', 2])];
    const { items } = await client.locks.list();
    expect(items).toMatchObject([{ id: first.id, class: 'Sync', queue: 'a', parked: 1 }]);
    await client.classes.pause('Sync');
    const waits = [first, ...later].map(({ id }) => client.jobs.wait(id ?? ''));
    ends.resolve();
    await waits[0];
    await eventually(async () => expect(await client.jobs.get(later[1]?.id ?? '')).toMatchObject({ state: 'parked' }));
    expect(await client.classes.resume('Sync')).toBe(1);
    const states = (await Promise.all(waits)).map(({ state }) => state);
    expect(states).toEqual(['succeeded', 'discarded', 'succeeded']);
    expect(begun).toEqual(['x0', 'x2']);
    const delayed = await client.enqueue(Sync, ['y', 1], { in: '1h' });
    expect(await client.jobs.cancel(delayed.id ?? '')).toBe('discarded');
    await worker.stop();
    await ended;
    const { client: node } = await cluster.primaryOf('{control}:queues');
    expect(await node.keys('{control}:{unique,limit,parked,control}*')).toEqual([]);
  });

  test('looks at queues, workers and statistics, and changes them', async () => {
    const Hello = defineJob({ class: 'Hello', queue: 'a', perform() {} });
    await using client = createClient({ url: cluster.url(), namespace: '{views}' });
    const worker = createWorker({
      url: cluster.url(),
      namespace: '{views}',
      jobs: [Hello],
      queues: '*',
      exitOnComplete: true,
      log: silentLogger,
    });
    await client.enqueueAll([1, 2, 3].map((n) => ({ job: Hello, args: [n], metadata: true })));
    await client.queues.pause('b');
    expect((await client.queues.peek('a')).items).toHaveLength(3);
    expect(await client.queues.move('a', 'c')).toBe(3);
    await worker.run();
    expect(await client.queues.list()).toMatchObject([{ name: 'a' }, { name: 'c', size: 0 }]);
    expect(await client.workers.list()).toEqual([]);
    const [series] = await client.stats.series({ unit: 'day', by: 'queue' });
    expect(series).toMatchObject({ name: 'c' });
    expect(series?.points.at(-1)).toMatchObject({ succeeded: 3, waited: 3 });
    expect(await client.stats.totals()).toMatchObject({ processed: 3, queued: 0 });
    const dead = 'lambdesque-host-0123456789ab:1:*';
    await (await cluster.primaryOf('{views}:queues')).client.sadd('{views}:workers', dead, 'php:1:a');
    expect([
      await client.workers.unregister(dead),
      await client.workers.unregister('php:1:a', { force: true }),
    ]).toEqual([true, true]);
    expect([await client.queues.clear('c'), await client.queues.remove('c')]).toEqual([0, 0]);
  });

  test('runs flows: their records, steps and callbacks on the node of the namespace', async () => {
    const options = { url: cluster.url(), namespace: '{flows}' };
    const Add = defineJob({
      class: 'Add',
      queue: 'a',
      perform([n, list], ctx) {
        if (n === 'more') ctx.flow?.add(step(Add, [7]));
        return Array.isArray(list) ? list.reduce((sum: number, one) => sum + Number(one), 0) : n === 'more' ? 1 : n;
      },
    });
    const Nightly = defineFlowJob({
      class: 'Nightly',
      queue: 'b',
      flow: () => chain(group(step(Add, [1]), step(Add, ['more'])), step(Add, ['sum'], { queue: 'b' })),
      flowOptions: { onSuccess: step(Add, ['end']), overlap: 'skip' },
    });
    const jobs = [Add, Nightly];
    await using client = createClient({ ...options, jobs });
    const ids = await client.enqueueAll([1, 2].map(() => ({ job: Nightly, args: [], metadata: true })));
    await createWorker({
      ...options,
      jobs,
      queues: '*',
      concurrency: 1,
      exitOnComplete: true,
      log: silentLogger,
    }).run();
    const { items } = await client.flows.list();
    expect(items).toMatchObject([
      { id: ids[0]?.id, name: 'Nightly', state: 'succeeded', progress: { steps: 4, succeeded: 4 } },
    ]);
    expect((await client.flows.get(items[0]?.id ?? ''))?.tree.nodes[1]?.result).toBe(9);
    const { id } = await client.flow(step(Add, [1])).enqueue();
    expect(await client.flows.cancel(id)).toBe(true);
  });

  test('says what is wrong with a namespace whose keys are in many slots', async () => {
    const call = redisBroker(open(cluster.url()), 'resque:').enqueue([JOB(1)]);
    await expect(call).rejects.toThrow(ConfigError);
    await expect(call).rejects.toThrow(/CROSSSLOT.*Redis Cluster.*such as \{resque\}:/);
  });

  test('goes on after the node of its keys was killed, and its replica has taken over', async () => {
    const client = open(cluster.url());
    const broker = redisBroker(client, '{failover}');
    await broker.enqueue([JOB(0)]);
    const dead = await cluster.primaryOf('{failover}:queues');
    const worker = { url: cluster.url([...(await others()), dead]), namespace: '{failover}', queues: 'waiting-*' };
    const { ran } = await waitingWorker(worker);
    const push = async (id: number, { client }: TestRedis) => {
      await watchedIn(client);
      await client.sadd('{failover}:queues', 'waiting-1');
      await pushTo(client, id, 'waiting-1', '{failover}:');
      await eventually(() => expect(ran).toContain(id));
    };
    await push(1, dead);
    // What was acknowledged may not have reached the replica yet.
    expect(await dead.client.wait(1, PATIENCE)).toBe(1);
    await dead.kill();
    onTestFinished(async () => {
      await dead.start();
      await cluster.settled();
    });
    const failures: unknown[] = [];
    await expect
      .poll(
        () =>
          broker.enqueue([JOB(1)]).then(
            () => 'enqueued',
            (error) => failures.push(error),
          ),
        { timeout: PATIENCE },
      )
      .toBe('enqueued');
    for (const error of failures) expect(error).toBeInstanceOf(RedisUnavailableError);
    const next = await cluster.primaryOf('{failover}:queues');
    expect(next.port).not.toBe(dead.port);
    await push(2, next);
    expect(await lengthOf('{failover}:queue:q')).toBe(2);
  });

  test('names the nodes that it could not reach, and why, each time', async () => {
    const client = open('redis://127.0.0.1:1,127.0.0.1:2?cluster');
    for (let i = 0; i < 2; i++) {
      const call = client.command(['PING']);
      await expect(call).rejects.toThrow(RedisUnavailableError);
      await expect(call).rejects.toThrow('Redis at 127.0.0.1:1,127.0.0.1:2 cannot be reached: connect ECONNREFUSED');
    }
  });
});

describe('a client that is not', () => {
  test('says that it has met a node of a cluster', async () => {
    const [node] = await others();
    const call = redisBroker(open(node?.url ?? ''), '{resque}').queues();
    await expect(call).rejects.toThrow(ConfigError);
    await expect(call).rejects.toThrow(/MOVED.*one node of a Redis Cluster.*Add \?cluster/);
  });

  test('says that its namespace is none for a cluster', async () => {
    const [node] = cluster.nodes;
    const error = await redisBroker(open(node?.url ?? ''), 'resque:')
      .enqueue([JOB(1)])
      .catch((one: unknown) => one);
    expect(error).toBeInstanceOf(LambdesqueError);
    expect((error as Error).message).toMatch(/Redis Cluster.*\{resque\}:/);
  });

  test('is not let into another database', async () => {
    const call = open(`${cluster.nodes[0]?.url}/1`).command(['PING']);
    await expect(call).rejects.toThrow(
      /SELECT is not allowed in cluster mode.*leave the database out and add \?cluster/,
    );
  });
});

test('a doctor finds and mends what is wrong in a cluster', async () => {
  const client = open(cluster.url(await others()));
  const primary = await cluster.primaryOf('{resque}:queues');
  await primary.client.rpush('{resque}:queue:by hand', '{"class":"A","args":[]}');
  await primary.client.zadd('{resque}:leases', 9e15, 'lambdesque-gone-0123456789ab:1:q');
  const doctor = doctorOver(client, namespaceOf(undefined, client.cluster));
  const { findings, unchecked } = await doctor.examine({ fix: true });
  expect(unchecked).toEqual([]);
  expect(findings.filter(({ fixed }) => fixed).map(({ check }) => check)).toEqual([
    'lease-without-inflight',
    'unknown-queues',
  ]);
  expect(await primary.client.sismember('{resque}:queues', 'by hand')).toBe(1);
});
