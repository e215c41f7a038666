import { describe, expect, it } from 'vitest';
import type { Keys } from '../../../shared/broker/keys.ts';
import type { RawJob } from '../../../shared/types.ts';
import { unsplice } from '../../../shared/wire/attempts-record.ts';
import { phpStatus } from '../../../shared/wire/php-status.ts';
import {
  done,
  fail,
  failBinary,
  failText,
  from,
  LEASE,
  NOW,
  release,
  retry,
  settled,
  type TestWorker,
  withBrokers,
} from '../../helpers/brokers.ts';
import { type Kind, spoil, wrongKindsOf } from '../../helpers/wrong-keys.ts';

const STATUS_ID = 'd96d3448e98b29aace86a5474d84fe78';
const DAY = 86_400_000;

interface Row {
  readonly name: string;
  readonly key: (keys: Keys, worker: string) => string;
  readonly type: Parameters<typeof wrongKindsOf>[0];
  /** Classes of the jobs that stay in flight, since the key does not take them. @default none */
  readonly refuses?: readonly string[];
  /** Redis sets and deletes it whatever it is. @default false */
  readonly isReplaced?: true;
}

const FAILURES = ['fail', 'failText', 'failBinary'];

/** Every key of a worker's side. */
const rows: readonly Row[] = [
  { name: 'leases', key: (keys) => keys.leases, type: 'sorted set' },
  { name: 'pause-all-workers', key: (keys) => keys.paused, type: 'string' },
  { name: 'workers', key: (keys) => keys.workers, type: 'set' },
  { name: 'worker:<id>', key: (keys, worker) => keys.worker(worker), type: 'string', isReplaced: true },
  { name: 'worker:<id>:started', key: (keys, worker) => keys.workerStarted(worker), type: 'string', isReplaced: true },
  { name: 'workers:heartbeat', key: (keys) => keys.heartbeats, type: 'hash' },
  { name: 'stat:processed', key: (keys) => keys.stat('processed'), type: 'counter' },
  { name: 'stat:processed:<id>', key: (keys, worker) => keys.stat('processed', worker), type: 'counter' },
  { name: 'stat:failed', key: (keys) => keys.stat('failed'), type: 'counter' },
  { name: 'stat:failed:<id>', key: (keys, worker) => keys.stat('failed', worker), type: 'counter' },
  { name: 'failed', key: (keys) => keys.failed, type: 'list', refuses: FAILURES },
  { name: 'retry', key: (keys) => keys.retry, type: 'sorted set', refuses: ['retry'] },
  { name: 'retry:payloads', key: (keys) => keys.retryPayloads, type: 'hash', refuses: ['retry'] },
  { name: 'queues', key: (keys) => keys.queues, type: 'set' },
  { name: 'serial', key: (keys) => keys.serial, type: 'hash' },
  { name: 'queue:<name>', key: (keys) => keys.queue('q'), type: 'list', refuses: ['head', 'tail'] },
  { name: 'job:<id>:status', key: (keys) => keys.jobStatus(STATUS_ID), type: 'string' },
  { name: 'queues:paused', key: (keys) => keys.pausedQueues, type: 'set' },
  { name: 'stats:minute:<…>', key: (keys) => keys.stats.minute(NOW), type: 'hash' },
  { name: 'stats:day:<…>', key: (keys) => keys.stats.day(NOW), type: 'hash' },
  { name: 'stats:times:<…>', key: (keys) => keys.stats.times(NOW), type: 'hash' },
  { name: 'unique:<name>', key: (keys) => keys.unique('tidy'), type: 'string' },
  { name: 'parked:<gate>', key: (keys) => keys.parkedAt('unique:tidy'), type: 'list' },
  { name: 'parked', key: (keys) => keys.parked, type: 'sorted set' },
];
const table = rows.flatMap((row) => wrongKindsOf(row.type).map((kind): [string, Kind, Row] => [row.name, kind, row]));

withBrokers((stores) => {
  const job = (name: string) => `{"class":"${name}","args":[]}`;
  const CLASSES = ['done', 'retry', ...FAILURES, 'head', 'tail', 'shown'];
  const classOf = (payload: string) => (JSON.parse(unsplice(payload).payload) as { class: string }).class;

  const forgetLocks = () =>
    stores.db.del(stores.keys.unique('tidy'), stores.keys.parkedAt('unique:tidy'), stores.keys.parked);

  /** A sync that touches every key there is. */
  function everything(jobs: readonly RawJob[]) {
    const [a, b, c, d, e, f, g, shown] = jobs;
    if (!a || !b || !c || !d || !e || !f || !g || !shown) throw new Error('eight jobs were queued');
    const shares = [
      { queue: 'q', limit: 1 },
      { queue: 'other', limit: 10 },
      { queue: 'serial', limit: 10, serial: true },
    ];
    return {
      now: NOW,
      register: true as const,
      heartbeat: true as const,
      settle: [
        settled(a, { kind: 'done' }, [
          { kind: 'unlock', id: 'a', name: 'tidy', queue: 'q' },
          phpStatus(STATUS_ID, 'complete', NOW),
        ]),
        { ...retry(b), run: { class: 'retry', outcome: 'retried' as const, ms: 1, wait: 1 } },
        fail(c, '{"payload":', '}'),
        failText(d, '{"payload":', '}'),
        failBinary(e, '{"payload":"binary"}'),
        release(f, 'head'),
        release(g, 'tail'),
      ],
      workingOn: { raw: shown, head: '<', tail: '>' },
      effects: [phpStatus(STATUS_ID, 'running', NOW)],
      letGo: ['serial'],
      reserve: from([], 20, { shares, listQueues: true, countLeft: true }),
    };
  }

  async function holdingEight(): Promise<{ worker: TestWorker; jobs: readonly RawJob[] }> {
    await stores.db.set(stores.keys.jobStatus(STATUS_ID), '{"status":1,"updated":1,"started":1,"result":null}');
    await stores.db.set(stores.keys.unique('tidy'), '1:aq 1:q{}');
    await stores.db.rpush(stores.keys.parkedAt('unique:tidy'), '9:elsewhere{"class":"Parked","args":[]}');
    await stores.db.zadd(stores.keys.parked, NOW, 'unique:tidy');
    await stores.produce('q', ...CLASSES.map(job));
    const worker = stores.worker();
    const jobs = await worker.take('q');
    // Its counters have something to count on.
    await stores.produce('q', job('before'));
    const [before] = await worker.take('q');
    if (!before) throw new Error('one job was queued');
    await worker.sync({ settle: [fail(before)] });
    await stores.produce('other', job('other 1'), job('other 2'));
    await stores.produce('serial', job('serial 1'), job('serial 2'));
    return { worker, jobs };
  }

  describe.each(table)('%s that is a %s', (_name, kind, { key: keyOf, refuses = [], isReplaced }) => {
    it('is told once by its name, and stops nothing else of a sync; what it refuses is settled when it is mended', async () => {
      const { worker, jobs } = await holdingEight();
      const key = keyOf(stores.keys, worker.id);
      const mend = await spoil(stores.db, key, kind);

      const request = worker.next(everything(jobs));
      const reply = await worker.send(request);

      expect(reply.wrong.map((one) => one.key)).toEqual(isReplaced ? [] : [key]);
      for (const { error } of reply.wrong) expect(error).toMatch(/WRONGTYPE|not an integer/);
      expect(reply.refused.map(({ raw }) => classOf(raw.text ?? '')).toSorted()).toEqual([...refuses].toSorted());
      const expected = key.endsWith('queue:q') ? [] : ['head'];
      expect(reply.jobs.map(({ text }) => classOf(text ?? ''))).toEqual([
        ...expected,
        ...['other 1', 'other 2', 'serial 1', 'serial 2'],
      ]);
      expect(reply.missing).toBe(0);

      const again = await worker.send(request);
      expect(again.jobs, 'and if the answer was lost').toEqual(reply.jobs);
      expect(again.refused).toEqual(reply.refused);

      if (!isReplaced) await mend();
      const last = await worker.sync({ settle: [...again.refused, ...again.jobs.map(done)], letGo: ['serial'] });
      expect(last).toMatchObject({ missing: 0, refused: [], wrong: [] });
      expect(Object.values(await stores.held(worker))).toEqual([job('shown')]);
      expect(await stores.db.zcard(stores.keys.retry)).toBe(1);
      expect(await stores.db.llen(stores.keys.failed)).toBe(1 + FAILURES.length);
      const queued = (await stores.queued('q')).map(classOf).toSorted();
      expect(queued).toEqual(key.endsWith('queue:q') ? ['head', 'tail'] : ['tail']);
      await forgetLocks();
    });

    it('keeps no worker from its end', async () => {
      const { worker, jobs } = await holdingEight();
      await worker.sync({ settle: jobs.map(done) });
      const key = keyOf(stores.keys, worker.id);
      const mend = await spoil(stores.db, key, kind);

      expect(await worker.unregister()).toBe(0);

      const stats = (['processed', 'failed'] as const).map((one) => stores.keys.stat(one, worker.id));
      const ownKeys = [stores.keys.worker(worker.id), ...stats];
      if (!isReplaced && !ownKeys.includes(key)) await mend();
      expect(await stores.db.exists(...ownKeys, stores.keys.inflight(worker.id))).toBe(0);
      await stores.db.del(stores.keys.leases, stores.keys.workers, stores.keys.heartbeats);
      await forgetLocks();
    });
  });

  describe.each(wrongKindsOf('hash'))('inflight:<id> that is a %s', (kind) => {
    it('is told by its name, as the reason for which the lease is lost', async () => {
      const { worker } = await holdingEight();
      const key = stores.keys.inflight(worker.id);
      await spoil(stores.db, key, kind);

      expect(await stores.store.sync(worker.next({ reserve: from('other') }))).toEqual({
        kind: 'lease lost',
        wrong: { key, error: expect.stringContaining('WRONGTYPE') },
      });

      expect(await stores.queued('other')).toHaveLength(2);
      await stores.db.del(key);
      await forgetLocks();
    });

    it('keeps no other dead worker’s jobs waiting', async () => {
      const { worker } = await holdingEight();
      await stores.worker().take('other');
      const key = stores.keys.inflight(worker.id);
      await spoil(stores.db, key, kind);

      const reclaimed = await stores.reclaimAfter(LEASE);

      expect(reclaimed.find((one) => one.worker === worker.id)).toMatchObject({
        jobs: 0,
        wrong: [{ key, error: expect.stringContaining('WRONGTYPE') }],
      });
      expect(await stores.queued('other')).toHaveLength(2);
      await stores.db.del(key);
      await forgetLocks();
    });
  });

  const reclaims = ['workers', 'workers:heartbeat', 'stat:processed', 'stat:failed', 'failed', 'queues', 'serial'];
  const ofReclaim = table.filter(([name]) => reclaims.includes(name) || name === 'queue:<name>');
  it.each(ofReclaim)('%s that is a %s is told by a reclaim, which goes on', async (name, kind, { key: keyOf }) => {
    await stores.produce('q', job('a'), job('b'), job('c'));
    await stores.produce('other', job('d'));
    const worker = stores.worker();
    const [a] = await worker.take(['q', 'other'], 4);
    if (!a) throw new Error('four jobs were queued');
    await worker.start(a);
    const key = keyOf(stores.keys, worker.id);
    const mend = await spoil(stores.db, key, kind);

    const [reclaimed] = await stores.reclaimAfter(LEASE);

    expect(reclaimed?.wrong).toEqual([{ key, error: expect.stringMatching(/WRONGTYPE|not an integer/) }]);
    expect((await stores.queued('other')).map(classOf)).toEqual(['d']);
    const taken = name === 'failed' ? { jobs: 3, failed: 0 } : name === 'queue:<name>' ? { jobs: 1, failed: 1 } : {};
    expect(reclaimed).toMatchObject({ jobs: 3, failed: 1, ...taken });

    await mend();
    await stores.reclaimAfter(DAY);
    expect((await stores.queued('q')).map(classOf)).toEqual(['b', 'c']);
    expect(await stores.db.llen(stores.keys.failed)).toBe(1);
    expect(await stores.db.exists(stores.keys.inflight(worker.id))).toBe(0);
    await stores.db.del(stores.keys.workers, stores.keys.heartbeats);
  });
});
