import { describe, expect, test } from 'vitest';
import type { Keys } from '../../../shared/broker/keys.ts';
import { defineJob } from '../../../shared/index.ts';
import { redisTime, withBrokers } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { failed, inFlight, payloads, range } from '../../helpers/queue-state.ts';
import { startWorker } from '../../helpers/workers.ts';
import { type Kind, spoil, wrongKindsOf } from '../../helpers/wrong-keys.ts';

const eventLoopTurn = () => new Promise((resolve) => setImmediate(resolve));
const STATUS_ID = 'd96d3448e98b29aace86a5474d84fe78';

interface Row {
  readonly name: string;
  readonly key: (keys: Keys, worker: string) => string;
  readonly type: Parameters<typeof wrongKindsOf>[0];
  /** Jobs that have to wait until it is mended. @default 0 */
  readonly waiting?: number;
}

const rows: readonly Row[] = [
  { name: 'leases', key: (keys) => keys.leases, type: 'sorted set' },
  { name: 'pause-all-workers', key: (keys) => keys.paused, type: 'string' },
  { name: 'workers', key: (keys) => keys.workers, type: 'set' },
  { name: 'workers:heartbeat', key: (keys) => keys.heartbeats, type: 'hash' },
  { name: 'stat:processed', key: (keys) => keys.stat('processed'), type: 'counter' },
  { name: 'stat:processed:<id>', key: (keys, worker) => keys.stat('processed', worker), type: 'counter' },
  { name: 'stat:failed', key: (keys) => keys.stat('failed'), type: 'counter' },
  { name: 'stat:failed:<id>', key: (keys, worker) => keys.stat('failed', worker), type: 'counter' },
  { name: 'failed', key: (keys) => keys.failed, type: 'list', waiting: 1 },
  { name: 'retry', key: (keys) => keys.retry, type: 'sorted set', waiting: 1 },
  { name: 'retry:payloads', key: (keys) => keys.retryPayloads, type: 'hash', waiting: 1 },
  { name: 'queues', key: (keys) => keys.queues, type: 'set' },
  { name: 'serial', key: (keys) => keys.serial, type: 'hash' },
  { name: 'queue:<name>', key: (keys) => keys.queue('broken'), type: 'list' },
  { name: 'job:<id>:status', key: (keys) => keys.jobStatus(STATUS_ID), type: 'string' },
];
const table = rows.flatMap((row) => wrongKindsOf(row.type).map((kind): [string, Kind, Row] => [row.name, kind, row]));

withBrokers((stores) => {
  describe.each(table)('%s that is a %s', (name, kind, { key: keyOf, waiting = 0 }) => {
    test('is told once, with the remedy, and every other job goes on; what waits for it lands when it is mended', async () => {
      const ran: unknown[] = [];
      const Job = defineJob({
        class: 'Job',
        retry: { attempts: 2, backoff: '10m' },
        async perform([name], ctx) {
          ran.push(name);
          await eventLoopTurn();
          if (name === 'retried') throw new Error('later');
          if (name === 'failed' && ctx.job.attempt === 2) throw new Error('never');
        },
      });
      const isOwn = keyOf(stores.keys, '') !== keyOf(stores.keys, 'x');
      const mendShared = isOwn ? undefined : await spoil(stores.db, keyOf(stores.keys, ''), kind);
      const worker = startWorker({
        store: stores.store,
        jobs: [Job],
        // Those that match a pattern have to be read.
        queues: 'broken,serial,work,z*',
        serial: 'serial',
        options: { interval: 1_000, lease: 60_000, concurrency: 2 },
      });
      await eventually(async () => expect(await stores.db.exists(stores.keys.inflight(worker.worker))).toBe(1));
      const key = keyOf(stores.keys, worker.worker);
      const mend = mendShared ?? (await spoil(stores.db, key, kind));
      const second = '{"lambdesque":{"id":"x","attempts":1,"deaths":0},"class":"Job","args":["failed"]}';
      const php = `{"class":"Job","args":["php"],"id":"${STATUS_ID}"}`;
      await stores.db.rpush(stores.keys.queue('serial'), ...payloads('Job', ['s1', 's2', 's3']));
      await stores.db.rpush(stores.keys.queue('work'), second, php, ...payloads('Job', ['retried', ...range(1, 100)]));

      await eventually(async () => {
        worker.pass(1_000);
        expect(ran).toHaveLength(106);
        expect(await inFlight(stores.db)).toBe(waiting);
      });
      expect(ran.filter((name) => `${name}`.startsWith('s'))).toEqual(['s1', 's2', 's3']);
      worker.clock.move(30_000);
      await eventually(async () => expect(await inFlight(stores.db)).toBe(waiting));
      const told = worker.log.lines.filter(({ fields }) => fields?.['key'] === key);
      expect(told).toMatchObject([
        {
          level: 'error',
          fields: {
            redis: stores.store.address,
            answer: expect.stringMatching(/WRONGTYPE|not an integer/),
            remedy: expect.stringMatching(/RENAME or DEL/),
          },
        },
      ]);
      expect(
        worker.log.lines.filter(({ fields, level }) => level === 'error' && fields?.['key'] !== key),
        // A line comes when Redis has the outcome.
      ).toMatchObject(name === 'failed' ? [] : [{ message: 'job failed' }]);

      await mend();
      await eventually(async () => {
        worker.pass(1_000);
        expect(await inFlight(stores.db)).toBe(0);
      });
      expect(worker.summary).toMatchObject({ succeeded: 104, retried: 1, failed: 1, lost: 0 });
      await stores.db.sadd(stores.keys.queues, 'work', 'serial');
      worker.stop();
      await worker.ended;
      expect(await failed(stores.db)).toMatchObject([{ payload: { args: ['failed'] } }]);
      expect(await stores.db.zcard(stores.keys.retry)).toBe(1);
      expect(ran).toHaveLength(106);
      // What the key did not take while it was broken, Ruby's tools do not see: the worker is gone all the same.
      await stores.db.del(stores.keys.leases, stores.keys.workers, stores.keys.heartbeats);
      redisTime.move(600_000);
    });
  });

  describe.each(wrongKindsOf('hash'))('inflight:<id> that is a %s', (kind) => {
    test('costs the worker its lease and is told; it goes on under another id', async () => {
      const ran: unknown[] = [];
      const Job = defineJob({ class: 'Job', perform: ([name]) => void ran.push(name) });
      const worker = startWorker({ store: stores.store, jobs: [Job], queues: 'work', options: { interval: 1_000 } });
      await eventually(async () => expect(await stores.db.exists(stores.keys.inflight(worker.worker))).toBe(1));
      const key = stores.keys.inflight(worker.worker);
      await spoil(stores.db, key, kind);
      await stores.produce('work', ...payloads('Job', range(1, 50)));

      await eventually(() => {
        worker.pass(1_000);
        expect(ran).toEqual(range(1, 50));
      });
      expect(worker.log.lines.filter(({ fields }) => fields?.['key'] === key)).toMatchObject([
        { fields: { answer: expect.stringContaining('WRONGTYPE') } },
      ]);
      await stores.db.del(key);
    });
  });
});
