import { afterEach, describe, expect, test } from 'vitest';
import type { Broker } from '../../../shared/broker/broker.ts';
import { redisBroker } from '../../../shared/broker/redis/broker.ts';
import { redisControlBroker } from '../../../shared/broker/redis/control.ts';
import { openRedis } from '../../../shared/broker/redis/open.ts';
import { createEnqueuer } from '../../../shared/client/enqueuer.ts';
import { createClient, defineJob } from '../../../shared/index.ts';
import { NAMESPACE } from '../../helpers/backends.ts';
import { NOW, redisTime, withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { MovingClock } from '../../helpers/moving-clock.ts';
import { range } from '../../helpers/queue-state.ts';
import { type SlowProxy, startSlowProxy } from '../../helpers/slow-proxy.ts';
import { drain, Gate, mortal, startWorker } from '../../helpers/workers.ts';

/** Waiting, cancelling and pausing with a database 60 ms away, while what they depend on dies; and expiry by Redis's clock alone. */

const RTT = 60;
const HOUR = 3_600_000;

withBrokers((stores) => {
  const { keys } = stores;
  const near = () => new URL(stores.backend === 'TCP' ? stores.redis.url : stores.upstash.url);
  const proxies = new Set<SlowProxy>();
  async function farAway(port?: number) {
    const url = near();
    const proxy = await startSlowProxy({ target: Number(url.port), rtt: RTT, ...(port === undefined ? {} : { port }) });
    proxies.add(proxy);
    url.port = String(proxy.port);
    return { proxy, url: url.href };
  }
  const options = (url: string) => (stores.backend === 'TCP' ? { url } : { url, token: stores.upstash.token });
  const opened: Broker[] = [];
  async function farStore() {
    const store = redisBroker(openRedis(options((await farAway()).url)), NAMESPACE, redisTime.now);
    opened.push(store);
    return store;
  }
  afterEach(async () => {
    for (const store of opened.splice(0)) await store.close();
    for (const proxy of proxies) await proxy.stop();
    proxies.clear();
  });

  test('jobs.wait goes on through the death of the worker, and while Redis cannot be reached', async () => {
    const begun = new Gate();
    let dies = true;
    const Answer = defineJob({
      class: 'Answer',
      queue: 'q',
      track: true,
      perform() {
        begun.open();
        return dies ? new Promise(() => {}) : 42;
      },
    });
    const { proxy, url } = await farAway();
    await using client = createClient({ ...options(url), jobs: [Answer] });
    const { id = '' } = await client.enqueue(Answer, []);
    const waiting = client.jobs.wait(id, { timeout: '50s' });
    // It has looked once by then.
    await client.jobs.get(id);
    const dying = mortal(stores.open());
    const dead = startWorker({ store: dying.store, jobs: [Answer], options: { lease: 60_000 } });
    await begun.opened;
    dying.kill();
    await proxy.stop();
    redisTime.move(61_000);
    await stores.tick();
    dead.stop();
    dies = false;
    await farAway(proxy.port);
    await drain({ store: stores.store, jobs: [Answer] });
    expect(await waiting).toMatchObject({ state: 'succeeded', result: 42 });
    await stores.db.flushall();
  });

  test('a job that runs is aborted with the next sync of its worker', async () => {
    const begun = new Gate();
    let why: unknown;
    const Long = defineJob({
      class: 'Long',
      perform: (_args, { signal }) =>
        new Promise((_resolve, reject) => {
          begun.open();
          signal.addEventListener('abort', () => {
            why = signal.reason;
            reject(signal.reason);
          });
        }),
    });
    await stores.produce('q', '{"class":"Long","args":[],"id":"long"}');
    const far = await farStore();
    const asked: number[] = [];
    const store = {
      ...far,
      sync(...given: Parameters<typeof far.sync>) {
        asked.push(performance.now());
        return far.sync(...given);
      },
    };
    const worker = startWorker({ store, jobs: [Long], options: { interval: 1_000 } });
    await begun.opened;
    await redisControlBroker(stores.client(), NAMESPACE, redisTime.now).orderCancel('long', 'enough', HOUR);
    const ordered = performance.now();
    await eventually(() => {
      worker.clock.move(1_000);
      expect(why).toMatchObject({ message: expect.stringContaining('enough') });
    });
    // One may have been on its way, and the next is the one.
    expect(asked.filter((at) => at > ordered).length).toBeLessThanOrEqual(3);
    await eventually(() => {
      worker.clock.move(1_000);
      expect(worker.summary.discarded).toBe(1);
    });
    worker.stop();
    await worker.ended;
  });

  test('of a queue that is paused, all that was taken and has not started goes back to its head, in order', async () => {
    const gate = new Gate();
    const begun: unknown[] = [];
    const Job = defineJob({
      class: 'Job',
      async perform([n]) {
        begun.push(n);
        await gate.opened;
      },
    });
    const payloads = range(1, 12).map((n) => JSON.stringify({ class: 'Job', args: [n] }));
    await stores.produce('q', ...payloads);
    const clock = new MovingClock();
    const setup = {
      jobs: [Job],
      queues: 'q',
      options: { concurrency: 2, interval: 1_000, releaseAfter: HOUR },
    } as const;
    const far = [await farStore(), await farStore()];
    const workers = far.map((store) => startWorker({ ...setup, clock, store }));
    await eventually(() => expect(begun).toHaveLength(4));
    await stores.db.sadd(keys.pausedQueues, 'q');
    await eventually(async () => {
      clock.move(1_000);
      const held = await Promise.all(workers.map(({ worker }) => stores.held({ id: worker })));
      expect(held.map((one) => Object.keys(one).length)).toEqual([2, 2]);
    });
    expect(await stores.queued('q')).toEqual(payloads.filter((_, i) => !begun.includes(i + 1)));
    gate.open();
    await eventually(() => {
      clock.move(1_000);
      expect(workers.reduce((sum, { summary }) => sum + summary.succeeded, 0)).toBe(4);
    });
    expect(begun).toHaveLength(4);
    for (const worker of workers) worker.stop();
    await Promise.all(workers.map(({ ended }) => ended));
    await stores.db.del(keys.pausedQueues, keys.queue('q'));
  });

  describe.each([-HOUR, HOUR])('with the producer’s and the worker’s clock %i ms off', (off) => {
    test('expires and deadline go by Redis’s clock, in whatever direction', async () => {
      const ran: unknown[] = [];
      const Short = defineJob({ class: 'Short', queue: 'q', expires: '10m', perform: ([n]) => void ran.push(n) });
      const client = createEnqueuer({ store: stores.store, wallClock: () => NOW + off });
      await client.enqueue(Short, [1]);
      await client.enqueue(Short, [2], { expires: '1m' });
      await client.enqueue(Short, [3], { deadline: '1m' });
      const work = () => drain({ store: stores.store, jobs: [Short], clock: new MovingClock({ ahead: -off }) });
      expect(await work()).toMatchObject({ succeeded: 3, discarded: 0, failed: 0 });
      await client.enqueue(Short, [4]);
      await client.enqueue(Short, [5], { expires: '1m' });
      await client.enqueue(Short, [6], { deadline: '1m' });
      redisTime.move(61_000);
      expect(await work()).toMatchObject({ succeeded: 1, discarded: 1, failed: 1 });
      expect(ran).toEqual([1, 2, 3, 4]);
      await client.enqueue(Short, [7]);
      redisTime.move(600_001);
      expect(await work()).toMatchObject({ succeeded: 0, discarded: 1 });
      await stores.db.flushall();
    });
  });
});
