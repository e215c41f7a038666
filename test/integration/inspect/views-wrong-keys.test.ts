import { beforeAll, describe, expect, it } from 'vitest';
import { type Keys, keysOf } from '../../../shared/broker/keys.ts';
import { LambdesqueError } from '../../../shared/errors.ts';
import { fail, NOW, type TestWorker, withBrokers } from '../../helpers/brokers.ts';
import { inspectorOf } from '../../helpers/inspector.ts';
import { spoil, wrongKindsOf } from '../../helpers/wrong-keys.ts';

const PHP = 'php:1:q,other';
const keys = keysOf('resque:');

/** Every key that a view reads. */
const rows: readonly [
  name: string,
  key: (keys: Keys, worker: string) => string,
  type: Parameters<typeof wrongKindsOf>[0],
][] = [
  ['queues', () => keys.queues, 'set'],
  ['queue:<name>', () => keys.queue('q'), 'list'],
  ['queues:paused', () => keys.pausedQueues, 'set'],
  ['failed', () => keys.failed, 'list'],
  ['leases', () => keys.leases, 'sorted set'],
  ['workers', () => keys.workers, 'set'],
  ['workers:heartbeat', () => keys.heartbeats, 'hash'],
  ['worker:<id>', (_, worker) => keys.worker(worker), 'string'],
  ['worker:<id>:started', (_, worker) => keys.workerStarted(worker), 'string'],
  ['stat:processed:<id>', (_, worker) => keys.stat('processed', worker), 'counter'],
  ['stat:failed:<id>', (_, worker) => keys.stat('failed', worker), 'counter'],
  ['inflight:<worker>', (_, worker) => keys.inflight(worker), 'hash'],
  ['serial', () => keys.serial, 'hash'],
  ['pause-all-workers', () => keys.paused, 'string'],
  ['stat:processed', () => keys.stat('processed'), 'counter'],
  ['retry', () => keys.retry, 'sorted set'],
  ['delayed_queue_schedule', () => keys.delayedSchedule, 'sorted set'],
  ['stats:minute:<…>', () => keys.stats.minute(NOW), 'hash'],
  ['stats:day:<…>', () => keys.stats.day(NOW), 'hash'],
];
const table = rows.flatMap(([name, key, type]) => wrongKindsOf(type).map((kind) => [name, kind, key] as const));

withBrokers((stores) => {
  let inspector: ReturnType<typeof inspectorOf>;
  beforeAll(() => {
    inspector = inspectorOf(stores);
  });

  /** Something of everything. */
  async function fill(): Promise<TestWorker> {
    const worker = stores.worker();
    const payloads = Array.from({ length: 5 }, (_, i) => `{"class":"Hello","args":[${i}]}`);
    await stores.produce('q', ...payloads);
    await stores.produce('other', ...payloads);
    await worker.sync({ heartbeat: true });
    const [one, two] = await worker.take('q', 3);
    if (!one || !two) throw new Error('nothing came');
    const run = { class: 'Hello', outcome: 'failed' as const, ms: 1, wait: undefined };
    const workingOn = { raw: two, head: '{"queue":"q","run_at":"2026-11-20T20:29:30Z","payload":', tail: '}' };
    await worker.sync({ now: NOW, settle: [{ ...fail(one, '{"payload":', '}'), run }], workingOn });
    await stores.db.sadd(keys.workers, PHP);
    await inspector.queues.pause('other');
    return worker;
  }

  describe.each(table)('where %s is a %s', (_name, kind, key) => {
    it('every view answers with the rest', async () => {
      const worker = await fill();
      const spoilt = key(keys, worker.id);
      const restore = await spoil(stores.db, spoilt, kind);
      const { queues, workers, stats } = inspector;

      if (spoilt !== keys.queues) expect((await queues.list()).map(({ name }) => name)).toEqual(['other', 'q']);
      expect(await queues.get('other')).toMatchObject({ name: 'other', size: 5 });
      expect((await queues.peek('other')).items).toHaveLength(5);
      const known = (await workers.list()).map(({ id }) => id);
      expect(known).toContain(spoilt === keys.workers ? worker.id : PHP);
      expect(await workers.get(spoilt === keys.workers ? worker.id : PHP)).toBeDefined();
      expect((await stats.totals()).queued).toBeGreaterThanOrEqual(spoilt === keys.queues ? 0 : 5);
      for (const unit of ['day', 'minute'] as const) {
        expect(await stats.series({ unit })).toHaveLength(1);
        await stats.series({ unit, by: 'queue' });
      }
      // What cannot be changed says why.
      for (const change of [() => queues.pause('q'), () => queues.move('q', 'other'), () => queues.clear('q')]) {
        await change().catch((error) => expect(error).toBeInstanceOf(LambdesqueError));
      }
      await restore();
      await inspector.queues.resume('other');
      await workers.unregister(PHP, { force: true });
    });
  });

  it('names and ids that are no text stop nothing', async () => {
    const worker = await fill();
    const garbage = Buffer.from('ff00fe', 'hex');
    await stores.db.sadd(keys.queues, garbage, 'x'.repeat(70_000), '');
    await stores.db.sadd(keys.workers, garbage, '\u0000');
    await stores.db.sadd(keys.pausedQueues, garbage);
    await stores.db.zadd(keys.leases, NOW + 5, garbage);
    await stores.db.hset(keys.heartbeats, garbage, garbage);
    await stores.db.hset(keys.serial, garbage, garbage);
    await stores.db.hset(keys.inflight(worker.id), garbage, garbage, '7', 'x', '9:', 'no job', '!:x', 'y');
    await stores.db.set(keys.worker(PHP), garbage);
    const { queues, workers, stats } = inspector;
    expect((await queues.list()).map(({ name }) => name)).toEqual(['', 'other', 'q']);
    expect((await workers.list()).map(({ id }) => id).sort()).toEqual(['\u0000', worker.id, PHP].sort());
    expect(await stats.totals()).toMatchObject({ queued: 7, running: 3 });
    await stores.db.flushall();
  });
});
