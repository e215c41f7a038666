import { expect, test } from 'vitest';
import type { RedisClient, Reply } from '../../../shared/broker/redis/client.ts';
import { addRetry, delayed, enqueueAt, names, SECONDS, tickAt } from '../../helpers/scheduler/delayed.ts';
import { withBed } from '../../helpers/scheduler/scheduler-bed.ts';
import { START } from '../../helpers/scheduler/schedulers.ts';

const JOBS = 100_000;
/** Longest time that one call may keep Redis from others. */
const BLOCKS_MS = 50;

withBed((bed) => {
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

  test('100,000 jobs due at one second', async () => {
    await enqueueAt(bed, SECONDS, ...all.map((name) => delayed(name)));
    const calls = await timing(async () => {
      expect(await tickAt(bed.client(), START)).toMatchObject({ promoted: JOBS, failed: 0 });
    });
    expectNoScans(calls);
    expect(names(await bed.queued('q'))).toEqual(all);
    // Nothing but the queue and the set of queues.
    expect(await bed.db.dbsize()).toBe(2);
  }, 120_000);

  test('none of the calls for it blocks Redis', async () => {
    await enqueueAt(bed, SECONDS, ...all.map((name) => delayed(name)));
    const one = watched();
    expect(await tickAt(one.client, START)).toMatchObject({ promoted: JOBS, failed: 0 });
    console.log(`longest call: ${one.longest.toFixed(1)} ms of Redis, largest: ${one.largest} bytes`);
    expect(one.longest).toBeLessThan(BLOCKS_MS);
  }, 120_000);

  test('30,000 jobs due at one second, ten schedulers at once', async () => {
    const some = all.slice(0, 30_000);
    await enqueueAt(bed, SECONDS, ...some.map((name) => delayed(name)));
    const clients = Array.from({ length: 10 }, (_, i) => bed.client(i % 2 === 0 ? 'TCP' : 'Upstash REST'));
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

  test('300 payloads of 100 kB due at one second: no call carries more than a few megabytes', async () => {
    const large = Array.from({ length: 300 }, (_, i) => delayed(`${i}${'x'.repeat(100_000)}`));
    for (let from = 0; from < large.length; from += 50) await enqueueAt(bed, SECONDS, ...large.slice(from, from + 50));
    const one = watched();
    expect(await tickAt(one.client, START)).toMatchObject({ promoted: large.length });
    console.log(`longest call: ${one.longest.toFixed(1)} ms of Redis, largest: ${one.largest} bytes`);
    expect(one.longest).toBeLessThan(BLOCKS_MS);
    expect(one.largest).toBeLessThan(5_000_000);
    expect(await bed.db.dbsize()).toBe(2);
  }, 60_000);
});

/** Bytes of what goes to Redis or comes from it. */
function sizeOf(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, one) => sum + sizeOf(one), 0);
  return Buffer.isBuffer(value) ? value.length : String(value).length;
}
