import { describe, expect, test } from 'vitest';
import { aloneGate } from '../../../shared/broker/gate.ts';
import { defineJob } from '../../../shared/index.ts';
import { uniqueName } from '../../../shared/job/unique.ts';
import type { KeyedLimit } from '../../../shared/limit.ts';
import { type Brokers, NOW, redisTime, withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { payloads, range } from '../../helpers/queue-state.ts';
import { drain, Gate, mortal, type RunningWorker, startWorker } from '../../helpers/workers.ts';

/** Jobs `[kind, number]` that are counted while they run, each until its gate is opened. */
function counted(limit?: KeyedLimit) {
  const running = new Map<string, number>();
  const most = new Map<string, number>();
  const begun: string[] = [];
  /** Redis's time then, in seconds. */
  const at: number[] = [];
  const gates: Gate[] = [];
  const job = defineJob({
    class: 'Counted',
    ...(limit ? { limit } : {}),
    async perform([kind, n]) {
      const name = String(kind);
      running.set(name, (running.get(name) ?? 0) + 1);
      most.set(name, Math.max(most.get(name) ?? 0, running.get(name) ?? 0));
      begun.push(`${name}${n}`);
      at.push(Number(redisTime.now()) / 1_000);
      const gate = new Gate();
      gates.push(gate);
      await gate.opened;
      running.set(name, (running.get(name) ?? 0) - 1);
    },
  });
  /** Lets one of them end, once it runs. */
  const open = (n: number) =>
    eventually(() => {
      expect(gates.length, 'jobs that run or ran').toBeGreaterThan(n);
      gates[n]?.open();
    });
  return { job, running, most, begun, at, gates, open };
}

const jobsOf = (kind: string, count: number) =>
  range(1, count).map((n) => JSON.stringify({ class: 'Counted', args: [kind, n] }));
const byKind = (args: readonly unknown[]) => String(args[0]);

/** Opens what runs, again and again, until so many have begun and ended. */
async function untilDone(scene: ReturnType<typeof counted>, count: number, workers: readonly RunningWorker[]) {
  let opened = 0;
  await eventually(async () => {
    while (opened < scene.gates.length) scene.gates[opened++]?.open();
    for (const one of workers) one.pass(100);
    expect(scene.begun).toHaveLength(count);
    expect(opened).toBe(count);
  });
}

withBrokers((stores: Brokers) => {
  const { keys } = stores;

  describe('a limit of a class', () => {
    test('is held by all workers together, for each key; first come, first served; nothing is left', async () => {
      const scene = counted({ running: 2, key: byKind });
      await stores.produce('a', ...jobsOf('x', 9), ...jobsOf('y', 9), ...jobsOf('z', 1));
      const workers = [1, 2, 3].map(() => startWorker({ store: stores.open(), jobs: [scene.job], queues: 'a' }));
      await untilDone(scene, 19, workers);
      expect(Object.fromEntries(scene.most)).toEqual({ x: 2, y: 2, z: 1 });
      const ofX = scene.begun.filter((name) => name.startsWith('x'));
      // Two run at once, by different workers, so that neighbours may change places.
      for (const [i, name] of ofX.entries()) expect(Math.abs(Number(name.slice(1)) - 1 - i)).toBeLessThanOrEqual(2);
      await eventually(async () => expect(await stores.db.keys('resque:limit:*')).toEqual([]));
      expect(await stores.db.exists(keys.parked)).toBe(0);
    });

    test('what is over it takes no place of a worker, and no attempt', async () => {
      const scene = counted({ running: 1 });
      const ran: unknown[] = [];
      const Other = defineJob({ class: 'Other', perform: ([n]) => void ran.push(n) });
      await stores.produce('a', ...jobsOf('x', 5), ...payloads('Other', range(1, 20)));
      const worker = startWorker({
        store: stores.store,
        jobs: [scene.job, Other],
        queues: 'a',
        options: { concurrency: 2 },
      });
      await eventually(() => expect(ran).toHaveLength(20));
      expect(scene.begun).toEqual(['x1']);
      expect(await stores.db.llen(keys.parkedAt('class:Counted'))).toBe(4);
      await untilDone(scene, 5, [worker]);
      expect(scene.begun).toEqual(['x1', 'x2', 'x3', 'x4', 'x5']);
      expect(worker.runs.filter(({ class: name }) => name === 'Counted').map(({ attempt }) => attempt)).toEqual(
        Array(5).fill(1),
      );
    });

    test('holds under the death of workers, whose places are free when they are reclaimed', async () => {
      const ofDead = counted({ running: 2 });
      await stores.produce('a', ...jobsOf('x', 6));
      const first = mortal(stores.open());
      const dead = startWorker({ store: first.store, jobs: [ofDead.job], queues: 'a', options: { lease: 60_000 } });
      await eventually(() => expect(ofDead.begun).toHaveLength(2));
      await eventually(async () => expect(await stores.db.llen(keys.parkedAt('class:Counted'))).toBe(4));
      first.kill();
      const scene = counted({ running: 2 });
      const worker = startWorker({ store: stores.store, jobs: [scene.job], queues: 'a', options: { interval: 1_000 } });
      // It has looked, and found nothing.
      await eventually(async () => expect(await stores.db.zscore(keys.leases, worker.worker)).not.toBeNull());
      expect(scene.begun).toEqual([]);

      redisTime.move(61_000);
      await stores.tick();
      dead.stop();
      // Both of the dead one, which were in a death, and the four that waited.
      await untilDone(scene, 6, [worker]);
      for (const gate of ofDead.gates) gate.open();
      expect(scene.most.get('x')).toBe(2);
      expect(new Set(scene.begun).size).toBe(6);
    });

    test('a place that is kept for a called job is that job’s after a death too, and free when the job never comes', async () => {
      const scene = counted({ running: 1 });
      await stores.produce('a', ...jobsOf('x', 4));
      const options = { interval: 1_000 };
      const worker = startWorker({ store: stores.store, jobs: [scene.job], queues: 'a', options });
      await eventually(async () => expect(await stores.db.llen(keys.parkedAt('class:Counted'))).toBe(3));
      // So it stays in its queue when it is called.
      await stores.db.sadd(keys.pausedQueues, 'a');
      worker.clock.move(1_000);
      await scene.open(0);
      await eventually(async () => {
        worker.pass(200);
        expect(await stores.db.lrange(keys.queue('a'), 0, -1)).toEqual([jobsOf('x', 4)[1]]);
      });
      const died = '{"lambdesque":{"id":"token","attempts":0,"deaths":1},';
      await stores.db.lset(keys.queue('a'), 0, `${died}${jobsOf('x', 4)[1]?.slice(1)}`);
      await stores.db.del(keys.pausedQueues);
      await eventually(() => {
        worker.pass(1_000);
        expect(scene.begun).toEqual(['x1', 'x2']);
      });
      const fields = Object.keys(await stores.db.hgetall(keys.limit('class:Counted')));
      expect(fields.filter((field) => field.startsWith('+'))).toEqual([]);

      await stores.db.sadd(keys.pausedQueues, 'a');
      worker.clock.move(1_000);
      await scene.open(1);
      await eventually(async () => {
        worker.pass(200);
        expect(await stores.db.lrange(keys.queue('a'), 0, -1)).toEqual([jobsOf('x', 4)[2]]);
      });
      await stores.db.del(keys.queue('a'), keys.pausedQueues);
      redisTime.move(60_001);
      await stores.tick();
      await eventually(() => {
        worker.pass(1_000);
        expect(scene.begun).toEqual(['x1', 'x2', 'x4']);
      });
      await scene.open(2);
    });

    test('one tenant’s 50,000 jobs hold up another’s first by some calls, since they are parked where they wait', async () => {
      const scene = counted({ running: 5, key: byKind });
      await stores.produce('a', ...jobsOf('x', 50_000), ...jobsOf('y', 1));
      const calls = { sync: 0, parkAhead: 0 };
      const { sync, parkAhead } = stores.store;
      const store = {
        ...stores.store,
        sync(...given: Parameters<typeof sync>) {
          calls.sync++;
          return sync(...given);
        },
        parkAhead(...given: Parameters<typeof parkAhead>) {
          calls.parkAhead++;
          return parkAhead(...given);
        },
      };
      const worker = startWorker({ store, jobs: [scene.job], queues: 'a' });
      await eventually(() => {
        worker.pass(10);
        expect(scene.begun).toContain('y1');
      });
      // Eight of these are on their way at once.
      expect(calls.parkAhead).toBeLessThan(25);
      expect(calls.sync).toBeLessThan(15);
      expect(scene.begun).toHaveLength(6);
      const parked = await stores.db.lrange(keys.parkedAt('class:Counted/x'), 0, -1);
      expect(parked).toEqual(
        jobsOf('x', 50_000)
          .slice(5)
          .map((payload) => `1:a${payload}`),
      );
      await stores.db.del(keys.parkedAt('class:Counted/x'), keys.parked);
      for (const gate of scene.gates) gate.open();
    });

    test('what is called while those behind it are parked where they wait runs too, and each job once', async () => {
      const scene = counted({ running: 20, key: byKind });
      const mixed = range(1, 500).map((n) => JSON.stringify({ class: 'Counted', args: [n % 9 ? 'x' : 'y', n] }));
      await stores.produce('a', ...mixed);
      const workers = [1, 2].map(() =>
        startWorker({ store: stores.open(), jobs: [scene.job], queues: 'a', options: { concurrency: 50 } }),
      );
      await untilDone(scene, 500, workers);
      expect(new Set(scene.begun).size).toBe(500);
      expect(Math.max(...scene.most.values())).toBeLessThanOrEqual(20);
      await eventually(async () => expect(await stores.db.keys('resque:parked*')).toEqual([]));
    });

    test('a rate lets through no more in any stretch of its time, and what waits goes on when it may', async () => {
      const scene = counted({ rate: '3/10s' });
      await stores.produce('a', ...jobsOf('x', 8));
      const worker = startWorker({ store: stores.store, jobs: [scene.job], queues: 'a', options: { interval: 1_000 } });
      for (let second = 0; second < 40 && scene.begun.length < 8; second++) {
        await stores.tick();
        worker.clock.move(1_000);
        await eventually(async () => {
          expect(await stores.db.llen(keys.queue('a'))).toBe(0);
          const held = Object.keys(await stores.held({ id: worker.worker })).length;
          expect(held).toBe(scene.begun.length);
        });
        redisTime.move(1_000);
      }
      expect(scene.begun).toEqual(range(1, 8).map((n) => `x${n}`));
      for (const [i, at] of scene.at.entries()) expect(at - (scene.at[i - 3] ?? 0)).toBeGreaterThanOrEqual(10);
      expect((scene.at[7] ?? Infinity) - (scene.at[0] ?? 0)).toBeLessThanOrEqual(24);
      for (const gate of scene.gates) gate.open();
    });

    test('of a key that is idle, nothing is kept longer than its rate needs it', async () => {
      const Rated = defineJob({
        class: 'Rated',
        limit: { running: 1, rate: '5/10s', key: byKind },
        timeout: Infinity,
        perform() {},
      });
      await stores.produce('a', ...payloads('Rated', range(1, 8)));
      expect(await drain({ store: stores.store, jobs: [Rated], queues: 'a' })).toMatchObject({ succeeded: 8 });
      const left = await stores.db.keys('resque:limit:*');
      expect(left).toHaveLength(8);
      for (const key of left) {
        const ms = await stores.db.pttl(key);
        expect(ms).toBeGreaterThan(10_000);
        expect(ms).toBeLessThanOrEqual(70_100);
      }
    });

    test('a key that throws, or gives no text, fails its job with a reason that names it', async () => {
      const key = (args: readonly unknown[]) => (args[0] === 'no' ? (7 as never) : (args[0] as { a: string }).a);
      const Keyed = defineJob({ class: 'Keyed', limit: { running: 1, key }, perform() {} });
      await stores.produce('a', '{"class":"Keyed","args":["no"]}', '{"class":"Keyed","args":[null]}');
      expect(await drain({ store: stores.store, jobs: [Keyed], queues: 'a' })).toMatchObject({ failed: 2 });
      const failed = (await stores.db.lrange(keys.failed, 0, -1)).map(
        (text) => (JSON.parse(text) as { error: string }).error,
      );
      expect(failed[0]).toMatch(/limit\.key of Keyed must give a text that is not empty; got 7/);
      expect(failed[1]).toMatch(/limit\.key of Keyed failed: .*null/);
    });

    test('what cannot be read among parked jobs, or has no list to go to, does not stop those behind it', async () => {
      const scene = counted({ running: 1 });
      await stores.produce('a', ...jobsOf('x', 2));
      const worker = startWorker({ store: stores.store, jobs: [scene.job], queues: 'a', options: { interval: 1_000 } });
      const parked = keys.parkedAt('class:Counted');
      await eventually(async () => expect(await stores.db.llen(parked)).toBe(1));
      await stores.db.set(keys.queue('bad'), 'no list');
      await stores.db.lpush(parked, `3:bad${jobsOf('y', 1)[0]}`, 'garbage');
      await scene.open(0);
      // Of another queue than its own a worker knows nothing: a scheduler does.
      await eventually(async () => {
        worker.pass(2_000);
        await stores.tick();
        expect(scene.begun).toEqual(['x1', 'x2']);
      });
      await scene.open(1);
      worker.clock.move(200);
      await eventually(async () => expect(await stores.held({ id: worker.worker })).toEqual({}));
      const result = await stores.tick();
      expect(result.called).toBe(0);
      expect(result.nextAt).toBeGreaterThan(NOW + 60_000);
      expect(await stores.db.llen(parked)).toBe(2);
      await stores.db.del(keys.queue('bad'), parked, keys.parked);
    });

    describe('a job that is called and does not come within a minute', () => {
      const parked = keys.parkedAt('class:Counted');
      const ran: unknown[] = [];
      const Counted = defineJob({ class: 'Counted', perform: ([kind, n]) => void ran.push(`${kind}${n}`) });
      async function park(queue: string, jobs: readonly string[]) {
        await stores.db.hset(keys.limit('class:Counted'), 'rule', '1 - - -');
        await stores.db.zadd(keys.parked, NOW, 'class:Counted');
        await stores.db.rpush(parked, ...jobs.map((job) => `${queue.length}:${queue}${job}`));
      }

      test('ran without asking, where its class has no such limit any more: then all go on, in order', async () => {
        ran.length = 0;
        const jobs = jobsOf('x', 1_200);
        await park('a', jobs);
        await stores.tick();
        expect(await stores.queued('a')).toEqual(jobs.slice(0, 1));
        await drain({ store: stores.store, jobs: [Counted], queues: 'a' });
        redisTime.move(60_001);
        await stores.tick();
        // That one may have been removed: nobody asked twice in a row, and then it is known.
        expect(await stores.queued('a')).toEqual(jobs.slice(1, 2));
        await drain({ store: stores.open(), jobs: [Counted], queues: 'a' });
        redisTime.move(60_001);
        await stores.tick();
        expect(await stores.db.exists(parked, keys.parked)).toBe(0);
        await drain({ store: stores.open(), jobs: [Counted], queues: 'a' });
        expect(ran).toEqual(range(1, 1_200).map((n) => `x${n}`));
        await stores.db.del(keys.limit('class:Counted'));
      });

      test('was removed, while others of its class ask: the next one is called, and the rest stays parked', async () => {
        const Limited = defineJob({ ...Counted, limit: { running: 1 } });
        const jobs = jobsOf('x', 20);
        await park('a', jobs);
        await stores.tick();
        for (const round of range(1, 3)) {
          expect(await stores.queued('a')).toEqual(jobs.slice(round - 1, round));
          await stores.db.del(keys.queue('a'));
          await stores.produce('b', ...jobsOf('y', 1));
          await drain({ store: stores.open(), jobs: [Limited], queues: 'b' });
          redisTime.move(60_001);
          await stores.tick();
        }
        expect(await stores.db.llen(parked)).toBe(20 - 4 + 3);
        await stores.db.flushall();
      });

      test('has to wait for something else: then the place that is kept for it is another’s at once', async () => {
        ran.length = 0;
        const unique = { while: 'running', onConflict: 'later', by: 'args' } as const;
        const Limited = defineJob({ ...Counted, limit: { running: 1 }, unique });
        const alone = aloneGate(uniqueName('Counted', unique, ['x', 1], false));
        await stores.db.hset(keys.limit(alone), '=w', 1);
        await stores.db.zadd(keys.leases, NOW + 3_600_000_000, 'w');
        await park('a', jobsOf('x', 2));
        await stores.tick();
        await drain({ store: stores.store, jobs: [Limited], queues: 'a' });
        expect(await stores.db.llen(keys.parkedAt(alone))).toBe(1);
        await stores.tick();
        await drain({ store: stores.open(), jobs: [Limited], queues: 'a' });
        expect(ran).toEqual(['x2']);
        await stores.db.flushall();
      });

      test('nor ever will, since it has expired: the next one is called at once', async () => {
        ran.length = 0;
        const Limited = defineJob({ ...Counted, limit: { running: 1 } });
        const late = range(1, 5).map((n) =>
          JSON.stringify({ class: 'Counted', args: ['late', n], control: { expires: NOW } }),
        );
        await park('a', [...late, ...jobsOf('x', 1)]);
        await stores.tick();
        const summary = await drain({ store: stores.store, jobs: [Limited], queues: 'a' });
        expect(summary).toMatchObject({ discarded: 5, succeeded: 1 });
        expect(ran).toEqual(['x1']);
        await stores.db.del(keys.limit('class:Counted'));
      });

      test('waits again as the first, where its queue is paused, and keeps those of other queues waiting no longer', async () => {
        ran.length = 0;
        const Limited = defineJob({ ...Counted, limit: { running: 1 } });
        const [first, second] = jobsOf('x', 2);
        await park('a', jobsOf('x', 2));
        await park('b', jobsOf('y', 1));
        await stores.db.sadd(keys.pausedQueues, 'a');
        await stores.tick();
        expect(await stores.queued('a')).toEqual([first]);
        redisTime.move(60_001);
        await stores.tick();
        expect(await stores.queued('a')).toEqual([]);
        expect(await stores.db.lrange(parked, 0, -1)).toEqual([`1:a${first}`, `1:a${second}`]);
        await drain({ store: stores.store, jobs: [Limited] });
        expect(ran).toEqual(['y1']);
        await stores.db.del(keys.pausedQueues);
        await eventually(async () => {
          redisTime.move(60_001);
          await stores.tick();
          await drain({ store: stores.open(), jobs: [Limited] });
          expect(ran).toEqual(['y1', 'x1', 'x2']);
        });
        await stores.db.del(keys.limit('class:Counted'));
      });
    });

    test('in a serial queue it keeps the order: its jobs wait where they are', async () => {
      const scene = counted({ running: 1 });
      await stores.produce('other', ...jobsOf('o', 1));
      await stores.produce('s', ...jobsOf('x', 2));
      const other = startWorker({ store: stores.open(), jobs: [scene.job], queues: 'other' });
      await eventually(() => expect(scene.begun).toEqual(['o1']));
      const worker = startWorker({ store: stores.store, jobs: [scene.job], queues: 's', serial: 's' });
      await eventually(async () => expect(Object.keys(await stores.held({ id: worker.worker }))).not.toEqual([]));
      await scene.open(0);
      await untilDone(scene, 3, [worker, other]);
      expect(scene.begun).toEqual(['o1', 'x1', 'x2']);
    });
  });

  describe('a limit of a queue', () => {
    const limited = (running: number) => ({ limits: { a: { running } }, interval: 1_000 });

    test('is held by all workers together; its jobs wait in the queue, others do not wait for them', async () => {
      const scene = counted();
      await stores.produce('a', ...jobsOf('x', 7));
      await stores.produce('b', ...jobsOf('y', 4));
      const workers = [1, 2].map(() =>
        startWorker({ store: stores.open(), jobs: [scene.job], queues: 'a,b', options: limited(2) }),
      );
      await eventually(() => expect(scene.begun).toHaveLength(6));
      expect(await stores.db.llen(keys.queue('a'))).toBe(5);
      await untilDone(scene, 11, workers);
      expect(scene.most.get('x')).toBe(2);
      await eventually(async () => expect(await stores.db.exists(keys.limit('queue:a'))).toBe(0));
    });

    test('one that Redis has counts more, and is seen with the next sync', async () => {
      const scene = counted();
      await stores.db.hset(keys.control, 'queue:a', '1 - - -');
      await stores.produce('a', ...jobsOf('x', 4));
      const worker = startWorker({ store: stores.store, jobs: [scene.job], queues: 'a', options: limited(3) });
      await eventually(() => {
        worker.pass(100);
        expect(scene.begun).toEqual(['x1']);
      });
      await stores.db.del(keys.control);
      await eventually(() => {
        worker.pass(1_000);
        expect(scene.begun).toHaveLength(3);
      });
      await untilDone(scene, 4, [worker]);
    });

    test('holds under the death of a worker, and a rate in any stretch of its time', async () => {
      const scene = counted();
      await stores.produce('a', ...jobsOf('x', 5));
      const first = mortal(stores.open());
      const options = { limits: { a: { running: 2, rate: '4/10s' } }, interval: 1_000 } as const;
      const dead = startWorker({
        store: first.store,
        jobs: [scene.job],
        queues: 'a',
        options: { ...options, lease: 60_000 },
      });
      await eventually(() => expect(scene.begun).toHaveLength(2));
      first.kill();
      const worker = startWorker({ store: stores.store, jobs: [scene.job], queues: 'a', options });
      await eventually(async () => expect(await stores.db.zscore(keys.leases, worker.worker)).not.toBeNull());
      worker.clock.move(5_000);
      redisTime.move(61_000);
      await stores.tick();
      dead.stop();
      scene.running.clear();
      await eventually(() => {
        worker.pass(1_000);
        expect(scene.begun).toHaveLength(4);
      });
      for (const gate of scene.gates) gate.open();
      await eventually(() => {
        worker.pass(1_000);
        expect(scene.begun).toHaveLength(6);
      });
      for (const gate of scene.gates) gate.open();
      await eventually(async () => expect(await stores.held({ id: worker.worker })).toEqual({}));
      // The rate of four is used up, on Redis's clock.
      worker.clock.move(5_000);
      expect(await stores.db.llen(keys.queue('a'))).toBe(1);
      redisTime.move(10_001);
      await eventually(() => {
        worker.pass(1_000);
        expect(scene.begun).toHaveLength(7);
      });
      for (const gate of scene.gates) gate.open();
      expect(scene.most.get('x')).toBe(2);
    });
  });
});
