import { describe, expect, test } from 'vitest';
import type { RedisClient, Reply } from '../../../shared/broker/redis/client.ts';
import {
  type Clock,
  CronRunner,
  createRegistry,
  redisCronBroker,
  redisSchedulerBroker,
  silentLogger,
  tick,
} from '../../../shared/internal.ts';
import { NAMESPACE, withBackends } from '../../helpers/backends.ts';
import {
  addRetry,
  delayed,
  enqueueAt,
  enqueueAtAsPhp,
  names,
  SECONDS,
  tickAt,
} from '../../helpers/scheduler/delayed-jobs.ts';
import { Report, START } from '../../helpers/scheduler/test-scheduler.ts';

const JOBS = 100_000;
/** Longest time that one call may keep Redis from others. */
const BLOCKS_MS = 50;
/** Most memory that one call may take beyond the payloads that it hands over, bytes. */
const MEMORY = 32 * 1_048_576;

/** What a call costs Redis is the same over both backends; where the wire matters, a test says which it is over. */
withBackends(
  (bed) => {
    /** Milliseconds that Redis has computed so far: what others would have had to wait, on a busy machine too. */
    async function computed(): Promise<number> {
      const info = await bed.db.info('cpu');
      const of = (field: string) => Number(new RegExp(`^${field}:([\\d.]+)`, 'm').exec(info)?.[1]);
      const [user, sys] = [of('used_cpu_user_main_thread'), of('used_cpu_sys_main_thread')];
      return 1000 * (Number.isNaN(user + sys) ? of('used_cpu_user') + of('used_cpu_sys') : user + sys);
    }

    interface Watched {
      /** Of the call for which Redis computed longest, ms. */
      longest: number;
      /** Bytes of the largest call or answer. */
      largest: number;
      readonly client: RedisClient;
    }

    /** A client that looks at what each of its calls costs Redis. */
    function watched(inner = bed.client()): Watched {
      const look = async (call: () => Promise<Reply>, ...sent: unknown[]) => {
        const before = await computed();
        const reply = await call();
        one.longest = Math.max(one.longest, (await computed()) - before);
        one.largest = Math.max(one.largest, sizeOf(sent), sizeOf(reply));
        return reply;
      };
      const one: Watched = {
        longest: 0,
        largest: 0,
        client: {
          ...inner,
          command: (args) => look(() => inner.command(args), args),
          script: (script, keys, args) => look(() => inner.script(script, keys, args), keys, args),
        },
      };
      return one;
    }

    /** Runs `work`, says how long it took, and gives how often each command was called. */
    async function timing(work: () => Promise<unknown>): Promise<Map<string, number>> {
      await bed.db.config('RESETSTAT');
      const began = performance.now();
      await work();
      console.log(`${expect.getState().currentTestName}: ${Math.round(performance.now() - began)} ms`);
      const stats = (await bed.db.info('commandstats')).matchAll(/cmdstat_(\S+):calls=(\d+)/g);
      return new Map([...stats].map(([, command = '', calls]) => [command.toUpperCase(), Number(calls)]));
    }

    const expectNoScans = (calls: ReadonlyMap<string, number>) =>
      expect([...calls.keys()].filter((command) => /^(KEYS|SCAN|RANDOMKEY|SMEMBERS)$/.test(command))).toEqual([]);

    const all = Array.from({ length: JOBS }, (_, i) => `${i}`);

    test.each([
      ['TCP', JOBS],
      ['Upstash REST', 20_000],
    ] as const)(
      'over %s, %i jobs due at one second: none of the calls for them blocks Redis',
      async (backend, jobs) => {
        const some = all.slice(0, jobs);
        await enqueueAt(bed, SECONDS, ...some.map((name) => delayed(name)));
        const one = watched(bed.client({ backend }));
        const calls = await timing(async () => {
          expect(await tickAt(one.client, START)).toMatchObject({ promoted: jobs, failed: 0 });
        });
        console.log(`longest call: ${one.longest.toFixed(1)} ms of Redis, largest: ${one.largest} bytes`);
        expect(one.longest).toBeLessThan(BLOCKS_MS);
        expectNoScans(calls);
        expect(names(await bed.queued('q'))).toEqual(some);
        // Nothing but the queue and the set of queues.
        expect(await bed.db.dbsize()).toBe(2);
      },
      120_000,
    );

    test('10,000 jobs due at one second, ten schedulers at once', async () => {
      const some = all.slice(0, 10_000);
      await enqueueAt(bed, SECONDS, ...some.map((name) => delayed(name)));
      const clients = Array.from({ length: 10 }, (_, i) =>
        bed.client({ backend: i % 2 === 0 ? 'TCP' : 'Upstash REST' }),
      );
      const calls = await timing(async () => {
        const results = await Promise.all(clients.map((client) => tickAt(client, START)));
        expect(results.reduce((sum, { promoted }) => sum + promoted, 0)).toBe(some.length);
      });
      expectNoScans(calls);
      expect(names(await bed.queued('q'))).toEqual(some);
    }, 120_000);

    test('2,000 jobs of as many seconds', async () => {
      const some = all.slice(0, 2_000);
      const pipeline = bed.db.pipeline();
      for (const [i, name] of some.entries()) {
        const seconds = SECONDS - some.length + i + 1;
        pipeline.rpush(bed.keys.delayed(seconds), delayed(name)).zadd(bed.keys.delayedSchedule, seconds, seconds);
      }
      await pipeline.exec();
      const calls = await timing(async () => {
        expect(await tickAt(bed.client(), START)).toMatchObject({ promoted: some.length });
      });
      expectNoScans(calls);
      expect(names(await bed.queued('q'))).toEqual(some);
    }, 60_000);

    test('20,000 retries', async () => {
      const some = all.slice(0, 20_000);
      for (let from = 0; from < some.length; from += 1_000) {
        await Promise.all(
          some.slice(from, from + 1_000).map((name, i) => addRetry(bed, name, START - 20_000 + from + i)),
        );
      }
      const one = watched();
      const calls = await timing(async () => {
        expect(await tickAt(one.client, START)).toMatchObject({ retried: some.length });
      });
      expect(one.longest).toBeLessThan(BLOCKS_MS);
      expectNoScans(calls);
      expect(names(await bed.queued('q'))).toEqual(some);
      expect(await bed.db.dbsize()).toBe(2);
    }, 60_000);

    test.each(['TCP', 'Upstash REST'] as const)(
      'over %s, 300 payloads of 100 kB due at one second: no call carries more than a few megabytes',
      async (backend) => {
        const large = Array.from({ length: 300 }, (_, i) => delayed(`${i}${'x'.repeat(100_000)}`));
        for (let from = 0; from < large.length; from += 50)
          await enqueueAt(bed, SECONDS, ...large.slice(from, from + 50));
        const one = watched(bed.client({ backend }));
        expect(await tickAt(one.client, START)).toMatchObject({ promoted: large.length });
        console.log(`longest call: ${one.longest.toFixed(1)} ms of Redis, largest: ${one.largest} bytes`);
        expect(one.longest).toBeLessThan(BLOCKS_MS);
        expect(one.largest).toBeLessThan(5_000_000);
        expect(await bed.db.dbsize()).toBe(2);
      },
      60_000,
    );

    /** The example that broke windows which grow by what the payloads before were like. */
    describe.each(['delayed jobs', 'retries'])('34 small payloads, then 60 of a megabyte: %s', (what) => {
      test('no call takes long or much memory beyond the payloads that it hands over', async () => {
        const large = delayed('x'.repeat(1_000_000));
        const all = Array.from({ length: 94 }, (_, i) => (i < 34 ? delayed(i) : large));
        if (what === 'delayed jobs') {
          for (let from = 0; from < all.length; from += 8)
            await enqueueAtAsPhp(bed, SECONDS, ...all.slice(from, from + 8));
        } else {
          for (const [i, payload] of all.entries()) {
            await bed.db.hset(bed.keys.retryPayloads, `r${i}:q`, payload);
            await bed.db.zadd(bed.keys.retry, START - 1_000 + i, `r${i}:q`);
          }
        }
        const memory = async (of: string) =>
          Number(new RegExp(`^${of}:(\\d+)`, 'm').exec(await bed.db.info('memory'))?.[1]);
        const before = await memory('used_memory');
        await bed.db.config('RESETSTAT');
        const one = watched();

        const { promoted, retried } = await tickAt(one.client, START);

        expect(promoted + retried).toBe(all.length);
        expect(one.longest).toBeLessThan(BLOCKS_MS);
        expect(one.largest).toBeLessThan(5_000_000);
        // The payloads themselves are there before and after.
        expect((await memory('used_memory_peak')) - before).toBeLessThan(MEMORY);
        expect(await bed.db.llen(bed.keys.queue('q'))).toBe(all.length);
      }, 60_000);
    });

    test('while many are promoted, everything else has its turn, and consumers are started from the beginning', async () => {
      const jobs = 30_000;
      await enqueueAt(bed, SECONDS, ...all.slice(0, jobs).map((name) => delayed(name)));
      await addRetry(bed, 'r', START - 1, 'retries');
      await bed.db.hset(bed.keys.inflight('dead'), 'call', 1, 'started', 0, '0:dead', '{"class":"Job","args":["d"]}');
      await bed.db.zadd(bed.keys.leases, START - 1, 'dead');
      const clock = new PassingClock(1);
      const cron = new CronRunner({
        entries: { a: { every: '1s', class: 'Report', queue: 'cron' } },
        registry: createRegistry([Report]),
        log: silentLogger,
        store: redisCronBroker(bed.client(), NAMESPACE, () => START + clock.passed),
      });
      const seen: Record<string, number>[] = [];
      const lengths = async () =>
        Object.fromEntries(
          await Promise.all(
            ['q', 'retries', 'dead', 'cron'].map(async (queue) => [queue, await bed.db.llen(bed.keys.queue(queue))]),
          ),
        ) as Record<string, number>;
      const followers = [{ name: 'start', run: async () => void seen.push(await lengths()) }];
      const store = redisSchedulerBroker(bed.client(), NAMESPACE, () => START + clock.passed);
      const deps = { store, registry: createRegistry([]), cron, clock, log: silentLogger, followers };

      const result = await tick(deps);

      expect(result).toMatchObject({ promoted: jobs, retried: 1, reclaimed: 1, errors: [] });
      expect(seen[0], 'after the first turn of all').toEqual({ q: 1_000, retries: 1, dead: 1, cron: 0 });
      // It took so many simulated seconds: slots came in each, and the followers every two.
      const seconds = Math.floor(clock.passed / 1_000);
      expect(seconds).toBeGreaterThan(5);
      expect(seen.length).toBeGreaterThanOrEqual(Math.floor(seconds / 2.5));
      expect(result.cron).toBeGreaterThanOrEqual(Math.floor(seconds / 2.5));
      expect(seen.at(-1)).toMatchObject({ q: jobs });
    }, 60_000);

    test('a tick ends at its deadline, and the next one goes on where it was', async () => {
      const jobs = 10_000;
      await enqueueAt(bed, SECONDS, ...all.slice(0, jobs).map((name) => delayed(name)));
      await addRetry(bed, 'r', START - 1, 'retries');
      const clock = new PassingClock(1);
      const store = redisSchedulerBroker(bed.client(), NAMESPACE, () => START);
      const deps = { store, registry: createRegistry([]), clock, log: silentLogger };

      const first = await tick(deps, { until: clock.now() + 25 });
      expect(first).toMatchObject({ retried: 1, errors: [] });
      expect(first.promoted).toBeGreaterThanOrEqual(1_000);
      expect(first.promoted).toBeLessThan(jobs);
      expect(first.nextAt, 'there is more to do at once').toBe(first.endedAt);
      const over = await tick(deps, { until: 0 });
      expect(over.promoted, 'one share, however late it is').toBe(1_000);
      const stopped = await tick(deps, { signal: AbortSignal.abort() });
      expect(stopped.promoted).toBe(1_000);
      const last = await tick(deps);
      expect(first.promoted + 2_000 + last.promoted).toBe(jobs);
      expect(last.nextAt).toBeUndefined();
      expect(names(await bed.queued('q'))).toEqual(all.slice(0, jobs));
    }, 60_000);

    test('a thousand dead workers are reclaimed in one tick', async () => {
      const pipeline = bed.db.pipeline();
      for (let i = 0; i < 1_000; i++) {
        pipeline.hset(bed.keys.inflight(`w${i}`), 'call', 1, 'started', 0, '0:q', delayed(i));
        pipeline.zadd(bed.keys.leases, START - 1_000 + i, `w${i}`);
      }
      await pipeline.exec();
      expect(await tickAt(bed.client(), START)).toMatchObject({ reclaimed: 1_000, leaseEnd: undefined });
      expect(await bed.db.dbsize()).toBe(2);
    }, 60_000);
  },
  ['TCP'],
);

/** A clock on which some time passes each time that somebody looks at it, ms. */
class PassingClock implements Clock {
  passed = 0;
  readonly #step: number;

  constructor(step: number) {
    this.#step = step;
  }

  now(): number {
    this.passed += this.#step;
    return this.passed;
  }

  after(): () => void {
    return () => {};
  }
}

/** Bytes of what goes to Redis or comes from it. */
function sizeOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, one) => sum + sizeOf(one), 0);
  return Buffer.isBuffer(value) ? value.length : String(value).length;
}
