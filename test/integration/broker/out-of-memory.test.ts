import { afterEach, expect, it } from 'vitest';
import { RedisUnavailableError } from '../../../shared/errors.ts';
import type { Settlement } from '../../../shared/types.ts';
import {
  done,
  dump,
  fail,
  failBinary,
  from,
  LEASE,
  NOW,
  release,
  retry,
  texts,
  withBrokers,
} from '../../helpers/brokers.ts';
import { promoteDelayed } from '../../helpers/scheduler/run-step.ts';

const SECONDS = NOW / 1000;

withBrokers((stores) => {
  const job = (name: string) => `{"class":"${name}","args":[]}`;
  const fill = () => stores.db.config('SET', 'maxmemory', '1');
  const free = () => stores.db.config('SET', 'maxmemory', '0');
  afterEach(free);

  it('fails an enqueue with an error that names host and remedy, and queues nothing', async () => {
    await stores.produce('q', job('a'));
    const before = await dump(stores.db);
    await fill();

    const calls = [
      () => stores.store.enqueue([{ queue: 'q', payload: job('b') }]),
      () => stores.store.enqueueDelayed([{ seconds: SECONDS, payload: job('b') }]),
    ];

    for (const call of calls) {
      const error = await call().catch((one: unknown) => one);
      expect(error).toBeInstanceOf(RedisUnavailableError);
      expect((error as Error).message).toContain(stores.store.address);
      expect((error as Error).message).toMatch(/out of memory.*raise maxmemory/);
      expect((error as Error).message).not.toContain('args');
    }
    expect(await dump(stores.db)).toEqual(before);
  });

  it('can still be drained: a worker settles, of each kind, and reserves', async () => {
    await stores.produce('q', ...['a', 'b', 'c', 'd', 'e', 'f'].map(job));
    const worker = stores.worker();
    const [a, b, c, d, e] = await worker.take('q', 5);
    if (!a || !b || !c || !d || !e) throw new Error('six jobs were queued');
    await fill();

    const { jobs } = await worker.sync({
      heartbeat: true,
      settle: [fail(a), retry(b, { id: 'b', attempts: 1, deaths: 0 }), failBinary(c, 'c'), release(d, 'tail'), done(e)],
      reserve: from('q'),
    });

    expect(texts(jobs)).toEqual([job('f'), job('d')]);
    expect(await stores.db.lrange(stores.keys.failed, 0, -1)).toEqual([`<${job('a')}>`, 'c']);
    expect(await stores.db.zcard(stores.keys.retry)).toBe(1);
    expect(await stores.db.get(stores.keys.stat('processed'))).toBe('4');
  });

  const kinds: Readonly<Record<string, (raw: Parameters<typeof done>[0]) => Settlement[]>> = {
    nothing: () => [],
    'a job that is done': (raw) => [done(raw)],
    'a job that failed': (raw) => [fail(raw)],
    'a retry': (raw) => [retry(raw, { id: 'x', attempts: 1, deaths: 0 })],
    'a release': (raw) => [release(raw)],
  };
  it.each(Object.entries(kinds))('can still be drained by a sync that settles %s', async (_, settlementsOf) => {
    await stores.produce('other', job('a'));
    await stores.produce('q', job('b'));
    const worker = stores.worker();
    const raw = await worker.takeOne('other');
    await fill();

    expect(texts((await worker.sync({ settle: settlementsOf(raw), reserve: from('q') })).jobs)).toEqual([job('b')]);
  });

  it('can still be drained by a worker that starts only now, and leaves', async () => {
    await stores.produce('q', job('a'));
    await fill();
    const worker = stores.worker();

    const raw = await worker.takeOne('q');
    await worker.sync({ settle: [done(raw)] });

    expect(await worker.unregister()).toBe(0);
  });

  it('loses nothing that a scheduler moves, and moves it once at the latest when there is memory again', async () => {
    await stores.produce('q', job('retried'));
    const worker = stores.worker();
    const raw = await worker.takeOne('q');
    await worker.sync({
      settle: [retry(raw, { id: 'x', attempts: 1, deaths: 0 })],
    });
    await worker.unregister();
    await stores.store.enqueueDelayed([{ seconds: SECONDS, payload: '{"class":"delayed","args":[],"queue":"d"}' }]);
    await stores.produce('r', job('reclaimed'));
    await stores.worker().take('r');
    const all = async () => {
      const calls = [
        () => stores.promoteRetries(),
        () => promoteDelayed(stores.store),
        () => stores.reclaimAfter(LEASE),
      ];
      for (const call of calls) {
        await call().catch((error: unknown) => expect(error).toBeInstanceOf(RedisUnavailableError));
      }
    };

    await fill();
    await all();
    await all();
    await free();
    await all();

    expect(await stores.queued('q')).toEqual([
      '{"lambdesque":{"id":"x","attempts":1,"deaths":0},"class":"retried","args":[]}',
    ]);
    expect(await stores.queued('d')).toEqual(['{"class":"delayed","args":[],"queue":"d"}']);
    expect(await stores.queued('r')).toHaveLength(1);
  });

  it('gets a dead worker’s jobs back although it is full, or nobody could make room', async () => {
    await stores.produce('q', job('a'));
    const worker = stores.worker();
    await worker.take('q');
    await fill();

    expect(await stores.reclaimAfter(LEASE)).toMatchObject([{ worker: worker.id, jobs: 1, failed: 0, wrong: [] }]);
  });
});
