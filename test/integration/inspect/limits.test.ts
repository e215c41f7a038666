import { beforeEach, describe, expect, test } from 'vitest';
import { redisControlBroker } from '../../../shared/broker/redis/control.ts';
import { ConfigError, defineJob, type GateInfo, type Jobs, type Limits, type Stats } from '../../../shared/index.ts';
import { NOW, redisTime, withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { inspectorOf } from '../../helpers/inspector.ts';
import { range } from '../../helpers/queue-state.ts';
import { drain, Gate, mortal, type RunningWorker, startWorker } from '../../helpers/workers.ts';

withBrokers((stores) => {
  const { keys } = stores;
  let limits: Limits;
  let jobs: Jobs;
  let stats: Stats;
  let gates: Gate[];
  let begun: string[];

  /** Job `[tenant, number]`, of which one of each tenant runs. */
  const Keyed = defineJob({
    class: 'Keyed::Job',
    limit: { running: 1, key: ([tenant]) => String(tenant) },
    async perform([tenant, n]) {
      begun.push(`${tenant}${n}`);
      const gate = new Gate();
      gates.push(gate);
      await gate.opened;
    },
  });
  const Rated = defineJob({ class: 'Rated', limit: { rate: '2/1h' }, perform: ([n]) => void begun.push(`r${n}`) });
  const jobsOf = (name: string, tenant: string, count: number) =>
    range(1, count).map((n) =>
      JSON.stringify({ class: name, args: [tenant, n], id: `${tenant}-${n}`, queue_time: NOW / 1000 - 60 }),
    );
  const gateOf = async (name: string) => (await limits.list()).items.find(({ gate }) => gate === name);

  beforeEach(() => {
    gates = [];
    begun = [];
    ({ jobs, limits, stats } = inspectorOf(stores, [Rated]));
  });

  /** One job of tenant a runs, three are parked; so are two of tenant b, one of which ran. */
  async function parked() {
    await stores.produce('work', ...jobsOf('Keyed::Job', 'a', 4), ...jobsOf('Keyed::Job', 'b/%', 3));
    const worker = startWorker({ store: stores.open(), jobs: [Keyed], queues: 'work' });
    await eventually(async () => {
      worker.pass(200);
      expect(begun.sort()).toEqual(['a1', 'b/%1']);
      expect(await stores.db.llen(keys.parkedAt('class:Keyed::Job/a'))).toBe(3);
      expect(await stores.db.llen(keys.parkedAt('class:Keyed::Job/b/%'))).toBe(2);
    });
    return worker;
  }
  async function openAll(count: number, ...workers: readonly RunningWorker[]) {
    await eventually(() => {
      for (const gate of gates) gate.open();
      for (const one of workers) one.pass(200);
      expect(begun).toHaveLength(count);
    });
  }

  describe('parked jobs', () => {
    test('are found, page by page, and counted; each is run past its limit, removed, or cancelled', async () => {
      const worker = await parked();
      expect(await stats.totals()).toMatchObject({ parked: 5, running: 2, queued: 0 });
      const found = [];
      let cursor: string | undefined = '';
      for (let page = 0; cursor !== undefined && page < 20; page++) {
        const some: Awaited<ReturnType<Jobs['find']>> = await jobs.find({ states: ['parked'], limit: 2, cursor });
        found.push(...some.items);
        ({ cursor } = some);
      }
      expect(found.map(({ id }) => id).sort()).toEqual(['a-2', 'a-3', 'a-4', 'b/%-2', 'b/%-3']);
      expect(await jobs.find({ queue: 'elsewhere', states: ['parked'] })).toMatchObject({ items: [], complete: true });
      expect(await jobs.find({ queue: 'work', class: 'Keyed::Job', text: '"a",3' })).toMatchObject({
        items: [{ id: 'a-3', state: 'parked' }],
      });
      const third = await jobs.get('a-3');
      expect(third).toMatchObject({
        state: 'parked',
        queue: 'work',
        class: 'Keyed::Job',
        args: ['a', 3],
        payload: jobsOf('Keyed::Job', 'a', 4)[2],
        enqueuedAt: new Date(NOW - 60_000),
      });
      if (!third) return;
      await expect(jobs.reschedule(third, new Date(NOW + 60_000))).rejects.toThrow(/a parked job has no time/);

      // Past its limit, and before the one that came first.
      expect(await jobs.run(third)).toBe(true);
      await eventually(() => {
        worker.pass(6_000);
        expect(begun).toContain('a3');
      });
      expect(await jobs.run(third)).toBe(false);

      const [second, fourth] = [await jobs.get('a-2'), await jobs.get('a-4')];
      expect(second && (await jobs.remove(second))).toBe(true);
      expect(second && (await jobs.remove(second))).toBe(false);
      expect(await jobs.cancel('a-4', 'not wanted')).toBe('discarded');
      expect(fourth && (await jobs.remove(fourth))).toBe(false);
      await openAll(5, worker);
      expect(begun.sort()).toEqual(['a1', 'a3', 'b/%1', 'b/%2', 'b/%3']);
      await stores.tick();
      redisTime.move(600_000);
      await stores.tick();
      expect(await stats.totals()).toMatchObject({ parked: 0 });
      expect(await stores.db.exists(keys.parked)).toBe(0);
    });

    test('with bytes of any kind: all are kept, whatever is done', async () => {
      const payload = Buffer.concat([
        Buffer.from('{"class":"Odd","args":["'),
        Buffer.from([255, 10]),
        Buffer.from('"]}'),
      ]);
      await stores.db.rpush(keys.parkedAt('class:Odd'), Buffer.concat([Buffer.from('5:wörk'), payload]));
      await stores.db.zadd(keys.parked, NOW + 1_000, 'class:Odd');
      const { items } = await limits.parked('class:Odd');
      expect(items).toMatchObject([{ state: 'parked', queue: 'wörk', exact: false }]);
      expect(items[0] && (await jobs.run(items[0]))).toBe(true);
      expect(await stores.db.lrangeBuffer(keys.queue('wörk'), 0, -1)).toEqual([payload]);
      expect(await stores.db.ttl(keys.limit('class:Odd'))).toBeGreaterThan(0);
      redisTime.move(10_000);
      await stores.tick();
    });
  });

  describe('gates', () => {
    test('are listed with their rules, their holders, dead ones told apart, and what waits', async () => {
      const first = mortal(stores.open());
      await stores.produce('work', ...jobsOf('Keyed::Job', 'a', 3));
      const dead = startWorker({ store: first.store, jobs: [Keyed], queues: 'work', options: { lease: 60_000 } });
      await eventually(async () => expect(await stores.db.llen(keys.parkedAt('class:Keyed::Job/a'))).toBe(2));
      expect(await gateOf('class:Keyed::Job/a')).toEqual({
        gate: 'class:Keyed::Job/a',
        kind: 'class',
        name: 'Keyed::Job',
        key: 'a',
        limit: { running: 1 },
        holders: [{ worker: dead.worker, places: 1, alive: true }],
        called: 0,
        started: 0,
        parked: 2,
        lookAt: expect.any(Date),
      } satisfies GateInfo);
      first.kill();
      redisTime.move(61_000);
      expect(await limits.get('class:Keyed::Job/a')).toMatchObject({
        holders: [{ worker: dead.worker, places: 1, alive: false }],
      });
      await stores.tick();
      dead.stop();
      // Its place is free, and kept for the first that waited; the dead one's own job waits in the queue.
      expect(await gateOf('class:Keyed::Job/a')).toMatchObject({ holders: [], called: 1, parked: 1 });
      expect(await limits.get('class:Nobody')).toMatchObject({
        name: 'Nobody',
        limit: undefined,
        parked: 0,
        lookAt: undefined,
      });

      const worker = startWorker({ store: stores.store, jobs: [Keyed], queues: 'work' });
      await openAll(4, worker);
    });

    test('of queues, of paused classes and of defined ones are listed before any job is parked', async () => {
      const control = redisControlBroker(stores.client(), 'resque:', redisTime.now);
      await control.limit('work', { running: 3, rate: { count: 5, per: 60_000 } });
      await control.pauseClass('Held');
      await stores.db.sadd(keys.queues, 'own');
      await stores.db.hset(keys.limit('queue:own'), '=w', '1');
      await stores.db.zadd(keys.leases, NOW + 1_000, 'w');
      await stores.produce('rated', ...range(1, 5).map((n) => `{"class":"Rated","args":[${n}]}`));
      await drain({ store: stores.open(), jobs: [Rated], queues: 'rated' });
      const { items } = await limits.list();
      expect(
        items.map(({ gate, limit, holders, started, parked }) => ({
          gate,
          limit,
          holders: holders.length,
          started,
          parked,
        })),
      ).toEqual([
        { gate: 'class:Rated', limit: { rate: '2/1h' }, holders: 0, started: 2, parked: 3 },
        { gate: 'pause:Held', limit: undefined, holders: 0, started: 0, parked: 0 },
        { gate: 'queue:own', limit: undefined, holders: 1, started: 0, parked: 0 },
        { gate: 'queue:work', limit: { running: 3, rate: '5/1m' }, holders: 0, started: 0, parked: 0 },
      ]);
      await stores.db.del(keys.limit('queue:own'), keys.leases);
    });

    test('come in pages, each once, though many are looked at at one time', async () => {
      const names = range(1, 60).map((n) => `class:Many/t${n}`);
      for (const [i, gate] of names.entries()) {
        await stores.db.rpush(keys.parkedAt(gate), `1:q{"class":"Many","args":[${i}]}`);
        await stores.db.zadd(keys.parked, NOW + (i < 40 ? 1_000 : i), gate);
      }
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page: Awaited<ReturnType<Limits['list']>> = await limits.list({
          limit: 7,
          ...(cursor === undefined ? {} : { cursor }),
        });
        expect(page.items.length).toBeLessThanOrEqual(7);
        seen.push(...page.items.map(({ gate }) => gate));
        ({ cursor } = page);
      } while (cursor !== undefined && seen.length < 200);
      expect(seen.filter((gate) => gate !== 'class:Rated').sort()).toEqual([...names].sort());
      expect(await stats.totals()).toMatchObject({ parked: 60 });
      redisTime.move(10_000);
      await stores.tick();
      expect(await stores.db.llen(keys.queue('q'))).toBe(60);
    });

    test('release: all go back to the heads of their queues in order, and no limit is exceeded by that', async () => {
      const worker = await parked();
      worker.stop();
      expect(await limits.release('class:Keyed::Job/a')).toBe(3);
      expect(await stores.db.lrange(keys.queue('work'), 0, -1)).toEqual(jobsOf('Keyed::Job', 'a', 4).slice(1));
      expect(await limits.release('class:Keyed::Job/a')).toBe(0);
      expect(await stores.db.zscore(keys.parked, 'class:Keyed::Job/a')).toBeNull();
      const options = { interval: 1_000 };
      const other = startWorker({ store: stores.open(), jobs: [Keyed], queues: 'work', options });
      await eventually(async () => expect(await stores.db.llen(keys.parkedAt('class:Keyed::Job/a'))).toBe(3));
      expect(begun.sort()).toEqual(['a1', 'b/%1']);
      await openAll(7, worker, other);
    });

    test('a lock for which jobs wait is one of them, and freed as a lock', async () => {
      await stores.db.set(keys.unique('Report:1'), '1:aq 1:q{}');
      await stores.db.rpush(keys.parkedAt('unique:Report:1'), '1:q{"class":"Report","args":[],"id":"b"}');
      await stores.db.zadd(keys.parked, NOW + 1_000, 'unique:Report:1');
      expect(await gateOf('unique:Report:1')).toMatchObject({
        ...{ kind: 'unique', name: 'Report:1', limit: { running: 1 }, holders: [], parked: 1 },
        lookAt: new Date(NOW + 1_000),
      });
      expect((await limits.parked('unique:Report:1')).items).toMatchObject([{ id: 'b', queue: 'q', state: 'parked' }]);
      await expect(limits.release('unique:Report:1')).rejects.toThrow(/client\.locks\.free\("Report:1"\)/);
      await stores.db.del(keys.unique('Report:1'), keys.parkedAt('unique:Report:1'), keys.parked);
    });

    test('what cannot be is said', async () => {
      const control = redisControlBroker(stores.client(), 'resque:', redisTime.now);
      await control.pauseClass('Held');
      await stores.db.rpush(keys.parkedAt('pause:Held'), '1:q{"class":"Held","args":[],"id":"h"}');
      await stores.db.zadd(keys.parked, NOW + 1_000, 'pause:Held');
      const job = await jobs.get('h');
      await expect(job && jobs.run(job)).rejects.toThrow(
        /the class Held is paused, and its jobs start nowhere\. Resume/,
      );
      await expect(limits.release('pause:Held')).rejects.toThrow(/Held is paused\. Resume it/);
      for (const gate of ['', 'Report', 'class:', 'queues:a', 7 as never]) {
        await expect(limits.release(gate), String(gate)).rejects.toThrow(ConfigError);
      }
      await expect(limits.list({ limit: 0 })).rejects.toThrow(/limit must be/);
      await expect(limits.list({ cursor: 'x' })).rejects.toThrow(/cursor/);
      expect(await control.resumeClass('Held')).toBe(1);
    });
  });
});
