import { beforeAll, describe, expect, it } from 'vitest';
import { keysOf } from '../../../shared/broker/keys.ts';
import { version } from '../../../shared/config.ts';
import { LiveWorkerError, RedisTypeError } from '../../../shared/errors.ts';
import type { Workers } from '../../../shared/inspect/workers.ts';
import { LEASE, NOW, redisTime, withBrokers } from '../../helpers/brokers.ts';
import { inspectorOf } from '../../helpers/inspector.ts';

const keys = keysOf('resque:');
const job = (n: number) => `{"class":"Hello","args":[${n}]}`;
const many = (count: number) => Array.from({ length: count }, (_, i) => job(i));

withBrokers((stores) => {
  let workers: Workers;
  beforeAll(() => {
    workers = inspectorOf(stores).workers;
  });
  const PHP = 'php.example:4711:mail,default';

  describe('a worker of ours', () => {
    it('is shown with its lease, version, counts and all that it holds', async () => {
      const worker = stores.worker();
      await stores.produce('a', ...many(4));
      await worker.sync({ heartbeat: true });
      const [, second] = await worker.take('a', 3);
      if (!second) throw new Error('nothing came');
      const workingOn = { raw: second, head: '{"queue":"a","run_at":"2026-11-20T20:29:30Z","payload":', tail: '}' };
      await worker.sync({ workingOn });
      await stores.db.set(keys.stat('processed', worker.id), 7);
      await stores.db.set(keys.stat('failed', worker.id), 2);

      const info = {
        id: worker.id,
        host: 'test',
        pid: String(process.pid),
        queues: ['*'],
        ours: true,
        started: new Date('2026-11-20T20:29:37Z'),
        heartbeat: new Date('2026-11-20T20:29:37Z'),
        leaseEnds: new Date(NOW + LEASE),
        alive: true,
        version,
        held: 3,
        processed: 7,
        failed: 2,
      };
      const views = [
        { queue: 'a', args: [1], at: new Date('2026-11-20T20:29:30Z'), state: 'running', worker: worker.id },
        { queue: 'a', args: [0], at: undefined },
        { queue: 'a', args: [2], at: undefined },
      ];
      expect(await workers.list()).toEqual([{ ...info, running: views.map((view) => expect.objectContaining(view)) }]);
      expect(await workers.get(worker.id)).toMatchObject({ ...info, running: views });
      expect(await workers.get('nobody:1:a')).toBeUndefined();
    });

    it('that holds very much shows the first of it, and the beginnings of long payloads', async () => {
      const worker = stores.worker();
      await stores.produce('a', `{"class":"Large","args":["${'x'.repeat(100_000)}"]}`, ...many(300));
      await worker.take('a', 301);
      const shown = await workers.get(worker.id);
      expect(shown).toMatchObject({ held: 301, running: { length: 100 } });
      expect(shown?.running[0]).toMatchObject({ class: 'Large', args: [], exact: false, bytes: 100_029 });
      expect(shown?.running.at(-1)).toMatchObject({ args: [98], exact: true });
      expect((await workers.list())[0]).toMatchObject({ held: 301, running: { length: 10 } });
    });

    it('is dead when its lease has ended', async () => {
      const worker = stores.worker();
      await worker.sync();
      redisTime.move(LEASE + 1);
      expect(await workers.get(worker.id)).toMatchObject({ alive: false });
    });
  });

  describe('another Resque’s worker', () => {
    const RECORDS = [
      [
        'Ruby',
        `{"queue":"mail","run_at":"2026-11-20T20:29:30Z","payload":{"class":"Mail","args":[12345678901234567890,1.0]}}`,
      ],
      [
        'node-resque',
        `{"run_at":"2026-11-20T20:29:30Z","queue":"mail","payload":{"class":"Mail","queue":"mail","args":[12345678901234567890,1.0]},"worker":"x:1:mail"}`,
      ],
    ] as const;

    it.each(RECORDS)('%s, is shown with what it works on', async (_who, record) => {
      await stores.db.sadd(keys.workers, PHP);
      await stores.db.set(keys.worker(PHP), record);
      await stores.db.set(keys.workerStarted(PHP), 'Fri Nov 20 20:00:00 UTC 2026');
      expect(await workers.get(PHP)).toEqual({
        id: PHP,
        host: 'php.example',
        pid: '4711',
        queues: ['mail', 'default'],
        ours: false,
        started: new Date('2026-11-20T20:00:00Z'),
        heartbeat: undefined,
        leaseEnds: undefined,
        alive: true,
        version: undefined,
        held: 1,
        processed: 0,
        failed: 0,
        running: [
          expect.objectContaining({
            state: 'running',
            queue: 'mail',
            class: 'Mail',
            args: [12345678901234567890n, 1],
            at: new Date('2026-11-20T20:29:30Z'),
          }),
        ],
      });
      redisTime.move(300_000);
      await workers.unregister(PHP, { force: true });
    });

    it('lives while its heartbeat is not older than 5 minutes', async () => {
      await stores.db.sadd(keys.workers, PHP);
      for (const [age, alive] of [
        [10_000, true],
        [299_000, true],
        [301_000, false],
      ] as const) {
        await stores.db.hset(keys.heartbeats, PHP, new Date(NOW - age).toISOString());
        expect(await workers.get(PHP)).toMatchObject({ alive });
      }
      await stores.db.hset(keys.heartbeats, PHP, 'garbage');
      expect(await workers.get(PHP)).toMatchObject({ alive: undefined, heartbeat: undefined });
      await workers.unregister(PHP, { force: true });
    });

    it('shows no job where its record is none', async () => {
      for (const record of [
        '',
        '{}',
        'garbage',
        '[1]',
        'null',
        '{"queue":"a","run_at":"x","payload":{"a":',
        '{"payload":null}',
      ]) {
        await stores.db.sadd(keys.workers, PHP);
        await stores.db.set(keys.worker(PHP), record);
        expect((await workers.get(PHP))?.running.map((one) => one.class) ?? []).toSatisfy((found: unknown[]) =>
          found.every((name) => name === undefined),
        );
        await workers.unregister(PHP, { force: true });
      }
      await stores.db.del(keys.failed);
    });

    it.each(['host', 'host:1', '', ':', '::', 'a:b:c:d'])('may have the id %j', async (id) => {
      await stores.db.sadd(keys.workers, id);
      expect(await workers.list()).toMatchObject([{ id, ours: false }]);
      expect(await workers.unregister(id, { force: true })).toBe(true);
      expect(await stores.db.exists(keys.workers)).toBe(0);
    });
  });

  describe('to unregister', () => {
    it('one of ours that lives is refused, and says until when', async () => {
      const worker = stores.worker();
      await worker.sync();
      await expect(workers.unregister(worker.id)).rejects.toThrow(LiveWorkerError);
      await expect(workers.unregister(worker.id)).rejects.toThrow(new Date(NOW + LEASE).toISOString());
      expect(await workers.get(worker.id)).toBeDefined();
    });

    it('one of ours that is dead gives its jobs back, with one death more', async () => {
      const worker = stores.worker();
      await stores.produce('a', ...many(2));
      await worker.take('a', 2);
      redisTime.move(LEASE + 1);
      expect(await workers.unregister(worker.id)).toBe(true);
      expect((await stores.queued('a')).map((text) => /"deaths":(\d)/.exec(text)?.[1])).toEqual(['1', '1']);
      expect(await workers.list()).toEqual([]);
      expect(await workers.unregister(worker.id)).toBe(false);
    });

    it('one of ours without a lease gives its jobs back as well', async () => {
      const worker = stores.worker();
      await stores.produce('a', ...many(2));
      await worker.take('a', 2);
      await stores.db.zrem(keys.leases, worker.id);
      await stores.db.hdel(keys.inflight(worker.id), 'lease');
      expect(await workers.unregister(worker.id)).toBe(true);
      expect(await stores.queued('a')).toHaveLength(2);
      expect(await workers.list()).toEqual([]);
    });

    it('one whose jobs no key takes fails, and says which', async () => {
      const worker = stores.worker();
      await stores.produce('a', job(1));
      await worker.take('a', 1);
      await stores.db.set(keys.queue('a'), 'no list');
      redisTime.move(LEASE + 1);
      await expect(workers.unregister(worker.id)).rejects.toThrow(RedisTypeError);
      await stores.db.del(keys.queue('a'));
      redisTime.move(60_001);
      expect(await workers.unregister(worker.id)).toBe(true);
      expect(await stores.queued('a')).toHaveLength(1);
    });

    const payload = '{"class":"Mail","args":[12345678901234567890,1.0,"\\/"]}';
    it.each([
      ['Ruby', `{"queue":"mail","run_at":"2026-11-20T20:24:30Z","payload":${payload}}`],
      ['pyres', `{"queue": "mail", "run_at": "1795696170", "payload": ${payload}}`],
    ])('another’s, %s’s, leaves in the failed list what it was on, as Ruby’s prune does', async (_who, record) => {
      await stores.db.sadd(keys.workers, PHP);
      await stores.db.hset(keys.heartbeats, PHP, new Date(NOW - 301_000).toISOString());
      await stores.db.set(keys.worker(PHP), record);
      await stores.db.set(keys.workerStarted(PHP), 'x');
      await stores.db.set(keys.stat('processed', PHP), 1);
      await stores.db.set(keys.stat('failed', PHP), 1);
      expect(await workers.unregister(PHP)).toBe(true);
      const [entry = ''] = await stores.db.lrange(keys.failed, 0, -1);
      expect(entry).toContain(`"payload":${payload},"exception":"Resque::PruneDeadWorkerDirtyExit"`);
      expect(JSON.parse(entry)).toMatchObject({
        failed_at: '2026/11/20 20:29:37 UTC',
        backtrace: [],
        worker: PHP,
        queue: 'mail',
      });
      expect(await stores.db.keys('resque:*')).toEqual([keys.failed]);
      expect(await workers.unregister(PHP)).toBe(false);
    });

    it('another’s that writes no heartbeat is refused while it may live, unless it is said', async () => {
      const begun = (ms: number) =>
        `{"queue":"mail","run_at":"${new Date(NOW - ms).toISOString()}","payload":{"class":"Mail","args":[]}}`;
      await stores.db.sadd(keys.workers, PHP);
      await stores.db.set(keys.worker(PHP), begun(5_000));
      expect(await workers.get(PHP)).toMatchObject({ alive: true });
      for (const force of [false, true]) {
        await expect(workers.unregister(PHP, { force })).rejects.toThrow(/lives: .* has begun a job within/);
      }
      await stores.db.del(keys.worker(PHP));
      await stores.db.set(keys.workerStarted(PHP), new Date(NOW - 5_000).toISOString());
      await expect(workers.unregister(PHP, { force: true })).rejects.toThrow(LiveWorkerError);
      await stores.db.del(keys.workerStarted(PHP));
      await stores.db.set(keys.worker(PHP), begun(300_001));
      expect(await workers.get(PHP)).toMatchObject({ alive: undefined });
      await expect(workers.unregister(PHP)).rejects.toThrow(LiveWorkerError);
      await expect(workers.unregister(PHP)).rejects.toThrow(/may live: .*\{ force: true \}/);
      expect(await stores.db.exists(keys.failed)).toBe(0);
      expect(await workers.unregister(PHP, { force: true })).toBe(true);
      expect(await stores.db.llen(keys.failed)).toBe(1);
    });

    it('another’s does not stop at what looks like a job in flight', async () => {
      await stores.db.sadd(keys.workers, PHP);
      await stores.db.hset(keys.inflight(PHP), '0:q', job(1));
      expect(await workers.unregister(PHP, { force: true })).toBe(true);
      await stores.db.del(keys.inflight(PHP));
    });

    it.each(['ours', 'another’s'])('%s, is done once, of two who do it at once', async (whose) => {
      const worker = stores.worker();
      await worker.sync({ heartbeat: true });
      redisTime.move(LEASE + 1);
      await stores.db.sadd(keys.workers, PHP);
      const id = whose === 'ours' ? worker.id : PHP;
      const other = inspectorOf(stores).workers;
      const done = await Promise.all([workers, other].map((one) => one.unregister(id, { force: true })));
      expect(done.toSorted()).toEqual([false, true]);
      await stores.db.srem(keys.workers, PHP);
    });

    it('another’s that lives is refused', async () => {
      await stores.db.sadd(keys.workers, PHP);
      await stores.db.hset(keys.heartbeats, PHP, new Date(NOW - 60_000).toISOString());
      await expect(workers.unregister(PHP)).rejects.toThrow(LiveWorkerError);
      await stores.db.hset(keys.heartbeats, PHP, new Date(NOW - 600_000).toISOString());
      expect(await workers.unregister(PHP)).toBe(true);
    });
  });

  it('lists hundreds of workers', async () => {
    const ids = Array.from({ length: 250 }, (_, i) => `host${String(i).padStart(3, '0')}:1:*`);
    await stores.db.sadd(keys.workers, ...ids);
    expect((await workers.list()).map(({ id }) => id)).toEqual(ids);
    await stores.db.del(keys.workers);
  });
});
