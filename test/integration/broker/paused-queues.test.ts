import { expect, it } from 'vitest';
import { keysOf } from '../../../shared/broker/keys.ts';
import { done, from, fromSerial, texts, withBrokers } from '../../helpers/brokers.ts';
import { spoil, wrongKindsOf } from '../../helpers/wrong-keys.ts';

const keys = keysOf('resque:');
const job = (n: number) => `{"class":"Hello","args":[${n}]}`;
const dead = (deaths: number, n: number) =>
  `{"lambdesque":{"id":"t-${n}","attempts":0,"deaths":${deaths}},"class":"Hello","args":[${n}]}`;

withBrokers((stores) => {
  const pause = (...names: string[]) => stores.db.sadd(keys.pausedQueues, ...names);

  it('gives nothing of a paused queue, and tells which are paused and that one has jobs', async () => {
    await stores.produce('a', job(1));
    await stores.produce('b', job(2));
    await pause('a', 'elsewhere');
    const worker = stores.worker();
    const reply = await worker.sync({ reserve: from(['a', 'b']) });
    expect(texts(reply.jobs)).toEqual([job(2)]);
    expect([...reply.pausedQueues].sort()).toEqual(['a', 'elsewhere']);
    expect(reply).toMatchObject({ paused: false, more: false, pausedHasJobs: true });
    await stores.db.srem(keys.pausedQueues, 'a');
    expect(texts(await worker.take(['a', 'b']))).toEqual([job(1)]);
  });

  it('says that none has jobs where they are empty, and where nothing is paused', async () => {
    await pause('a');
    const worker = stores.worker();
    expect(await worker.sync({ reserve: from(['a', 'b']) })).toMatchObject({ pausedHasJobs: false, more: false });
    await stores.db.del(keys.pausedQueues);
    await stores.produce('a', job(1));
    expect(await worker.sync({ reserve: from(['a'], 0) })).toMatchObject({ pausedHasJobs: false, pausedQueues: [] });
  });

  it('tells a worker that asks for no jobs too', async () => {
    await pause('a');
    expect((await stores.worker().sync()).pausedQueues).toEqual(['a']);
  });

  it('settles jobs of a paused queue, and takes them back', async () => {
    await stores.produce('a', job(1), job(2));
    const worker = stores.worker();
    const [one, two] = await worker.take('a');
    if (!one || !two) throw new Error('nothing came');
    await pause('a');
    const back = { raw: two, marked: false, outcome: { kind: 'release', to: 'head' }, effects: [] } as const;
    expect(await worker.sync({ settle: [done(one), back], reserve: from('a') })).toMatchObject({
      missing: 0,
      jobs: [],
    });
    expect(await stores.queued('a')).toEqual([job(2)]);
  });

  it('holds back serial jobs and suspects as well', async () => {
    await stores.produce('ledger', job(1));
    await stores.produce('a', dead(2, 1), dead(1, 2));
    await pause('ledger', 'a');
    const worker = stores.worker();
    for (const alone of ['no', 'ifNothingElse', 'first'] as const) {
      const { shares } = fromSerial('ledger');
      const reply = await worker.sync({ reserve: from([], 10, { alone, shares: [...shares, ...from('a').shares] }) });
      expect(reply).toMatchObject({
        jobs: [],
        more: false,
        passedOver: { forPlace: 0, forWorker: 0 },
        heldElsewhere: false,
        pausedHasJobs: true,
      });
    }
    expect(await stores.queued('a')).toEqual([dead(2, 1), dead(1, 2)]);
    expect(await stores.db.hget(keys.serial, 'ledger')).toBe('');
  });

  it('answers what a sync had reserved when it is sent again, though its queue was paused meanwhile', async () => {
    await stores.produce('a', job(1));
    const worker = stores.worker();
    const request = worker.next({ reserve: from('a') });
    await worker.send(request);
    await pause('a');
    expect(texts((await worker.send(request)).jobs)).toEqual([job(1)]);
  });

  it.each(wrongKindsOf('set'))('goes on where a %s stands in place of the set, and tells', async (kind) => {
    await stores.produce('a', job(1));
    const restore = await spoil(stores.db, keys.pausedQueues, kind);
    const reply = await stores.worker().sync({ reserve: from('a') });
    expect(texts(reply.jobs)).toEqual([job(1)]);
    expect(reply.wrong).toMatchObject([{ key: keys.pausedQueues }]);
    await restore();
  });

  it('costs one command', async () => {
    const worker = stores.worker();
    await worker.sync();
    const calls = async () => {
      const stats = await stores.db.info('commandstats');
      return Number(/cmdstat_smembers:calls=(\d+)/.exec(stats)?.[1] ?? 0);
    };
    const before = await calls();
    await worker.sync({ reserve: from(['a', 'b', 'c']) });
    expect((await calls()) - before).toBe(1);
  });
});
