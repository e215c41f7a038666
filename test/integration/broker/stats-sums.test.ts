import { expect, it } from 'vitest';
import { keysOf } from '../../../shared/broker/keys.ts';
import { MOST_PAIRS } from '../../../shared/broker/ops/stats.ts';
import type { RawJob, RunStats, SettleOp } from '../../../shared/types.ts';
import { fail, NOW, redisTime, retry, settled, type TestWorker, withBrokers } from '../../helpers/brokers.ts';

const keys = keysOf('resque:');
const DONE: SettleOp = { kind: 'done' };
const DAY = 86_400_000;
const MINUTE = 60_000;

const ran = (name: string | undefined, outcome: RunStats['outcome'], ms = 0, wait?: number): RunStats => ({
  class: name,
  outcome,
  ms,
  wait,
});

withBrokers((stores) => {
  const minute = (time = NOW) => stores.db.hgetall(keys.stats.minute(time));
  const day = (time = NOW) => stores.db.hgetall(keys.stats.day(time));
  const jobs = async (worker: TestWorker, count: number, queue = 'q') => {
    await stores.produce(queue, ...Array.from({ length: count }, (_, i) => `{"class":"Hello","args":[${i}]}`));
    return worker.take(queue, count);
  };
  /** All of them done, by one class. */
  const done = (raws: readonly RawJob[], name = 'Hello', ms = 0) =>
    raws.map((raw) => ({ ...settled(raw, DONE), run: ran(name, 'succeeded', ms) }));

  it('sums what a sync settles by queue and class, in the hashes of its minute and day', async () => {
    const worker = stores.worker();
    const [a, b, c, d, e] = (await jobs(worker, 5)) as [RawJob, RawJob, RawJob, RawJob, RawJob];
    const [other] = (await jobs(worker, 1, 'other')) as [RawJob];
    await worker.sync({
      now: NOW,
      settle: [
        { ...settled(a, DONE), run: ran('Hello', 'succeeded', 1.5, 20) },
        { ...settled(b, DONE), run: ran('Hello', 'succeeded', 0.25, 2.4) },
        { ...settled(c, DONE), run: ran('Hello', 'discarded', 1) },
        { ...retry(d), run: ran('Hello', 'retried', 3, 7) },
        { ...fail(e), run: ran(undefined, 'failed') },
        { ...settled(other, DONE), run: ran('Hello', 'succeeded', 4) },
      ],
    });
    const sums = {
      '["q","Hello"]': '2 0 1 1 5750 29 3',
      '["q","(unknown)"]': '0 1 0 0 0 0 0',
      '["other","Hello"]': '1 0 0 0 4000 0 0',
    };
    expect(await minute()).toEqual(sums);
    expect(await day()).toEqual(sums);
    // Each by how long it took, and how long it waited.
    expect(await stores.db.hgetall(keys.stats.times(NOW))).toEqual({
      '0 ["q","Hello"]': '2',
      '1 ["q","Hello"]': '2',
      '16 ["q","Hello"]': '1',
      '17 ["q","Hello"]': '1',
      '18 ["q","Hello"]': '1',
      '0 ["q","(unknown)"]': '1',
      '1 ["other","Hello"]': '1',
    });
    expect(await stores.db.ttl(keys.stats.times(NOW))).toBeGreaterThan(86_400);
    expect(await stores.db.get(keys.stat('processed'))).toBe('6');
    expect(await stores.db.ttl(keys.stats.minute(NOW))).toBeGreaterThan(180 * 60);
    expect(await stores.db.ttl(keys.stats.day(NOW))).toBeGreaterThan(90 * 86_400);
  });

  it('adds up, and begins anew with each minute and each day', async () => {
    const worker = stores.worker();
    await worker.sync({ now: NOW, settle: done(await jobs(worker, 3)) });
    await worker.sync({ now: NOW, settle: done(await jobs(worker, 2)) });
    redisTime.move(MINUTE);
    await worker.sync({ now: NOW + MINUTE, settle: done(await jobs(worker, 1)) });
    redisTime.move(DAY);
    await worker.sync({ lease: 2 * DAY, now: NOW + MINUTE + DAY, settle: done(await jobs(worker, 1)) });
    const count = (hash: Record<string, string>) => hash['["q","Hello"]']?.split(' ')[0];
    expect(count(await minute())).toBe('5');
    expect(count(await minute(NOW + MINUTE))).toBe('1');
    expect(count(await day())).toBe('6');
    expect(count(await day(NOW + DAY))).toBe('1');
  });

  it.each([-25_000, 25_000])("goes by Redis's time, where the worker's is %i ms off", async (off) => {
    const worker = stores.worker();
    for (const second of [0, 10, 50, 59]) {
      redisTime.set(NOW - (NOW % MINUTE) + second * 1_000);
      await worker.sync({ now: Number(redisTime.now()) + off, settle: done(await jobs(worker, 1)) });
    }
    expect(await minute()).toEqual({ '["q","Hello"]': '4 0 0 0 0 0 0' });
  });

  it('counts a sync that is sent again once', async () => {
    const worker = stores.worker();
    const raws = await jobs(worker, 3);
    const request = worker.next({
      now: NOW,
      settle: [...done(raws.slice(0, 2)), { ...fail(raws[2] as RawJob), run: ran('Hello', 'failed') }],
    });
    await worker.send(request);
    await worker.send(request);
    redisTime.move(MINUTE);
    await worker.send({ ...request, now: NOW + MINUTE });
    expect(await minute()).toEqual({ '["q","Hello"]': '2 1 0 0 0 0 0' });
    expect(await minute(NOW + MINUTE)).toEqual({});
    expect(await day()).toEqual({ '["q","Hello"]': '2 1 0 0 0 0 0' });
    expect(await stores.db.hgetall(keys.stats.times(NOW))).toEqual({ '0 ["q","Hello"]': '3' });
  });

  it('counts no job that was not held any more', async () => {
    const worker = stores.worker();
    const raws = await jobs(worker, 6);
    await stores.db.hdel(keys.inflight(worker.id), '1:q', '4:q');
    const others = raws.slice(3).map((raw) => ({ ...retry(raw), run: ran('Hello', 'retried', 2) }));
    expect(await worker.sync({ now: NOW, settle: [...done(raws.slice(0, 3)), ...others] })).toMatchObject({
      missing: 2,
    });
    expect(await minute()).toEqual({ '["q","Hello"]': '2 0 2 0 4000 0 0' });
    expect(await stores.db.get(keys.stat('processed'))).toBe('4');
  });

  it('counts what a key did not take when it does', async () => {
    const worker = stores.worker();
    const [raw] = (await jobs(worker, 1)) as [RawJob];
    await stores.db.set(keys.failed, 'no list');
    const settle = [{ ...fail(raw), run: ran('Hello', 'failed') }];
    expect((await worker.sync({ now: NOW, settle })).refused).toHaveLength(1);
    expect(await minute()).toEqual({ '["q","Hello"]': '0 0 0 0 0 0 0' });
    await stores.db.del(keys.failed);
    await worker.sync({ now: NOW, settle });
    expect(await minute()).toEqual({ '["q","Hello"]': '0 1 0 0 0 0 0' });
  });

  it('has room for some hundred names, and puts the rest together', async () => {
    const worker = stores.worker();
    const raws = await jobs(worker, 1_600);
    for (let from = 0; from < raws.length; from += 80) {
      const settle = raws
        .slice(from, from + 80)
        .map((raw) => ({ ...settled(raw, DONE), run: ran(`C${raw.seq}`, 'succeeded', 1) }));
      await worker.sync({ now: NOW, settle });
    }
    const found = await day();
    expect(Object.keys(found)).toHaveLength(MOST_PAIRS.day + 1);
    expect(Object.keys(await minute())).toHaveLength(MOST_PAIRS.minute + 1);
    expect(found['["(other)","(other)"]']).toBe('1100 0 0 0 1100000 0 0');
    // Those that are known go on.
    const [raw] = (await jobs(worker, 1)) as [RawJob];
    await worker.sync({ now: NOW, settle: [{ ...settled(raw, DONE), run: ran('C7', 'succeeded') }] });
    expect((await day())['["q","C7"]']).toBe('2 0 0 0 1000 0 0');
  });

  it('takes a hundred names from one sync, and of each its beginning', async () => {
    const worker = stores.worker();
    const raws = await jobs(worker, 300);
    const long = 'L'.repeat(200);
    const nameOf = ({ seq }: RawJob) => (seq < 3 ? `${long}${seq}` : `C${seq}`);
    await worker.sync({
      now: NOW,
      settle: raws.map((raw) => ({ ...settled(raw, DONE), run: ran(nameOf(raw), 'succeeded') })),
    });
    const found = await minute();
    expect(Object.keys(found)).toHaveLength(101);
    expect(found[JSON.stringify(['q', `${'L'.repeat(80)}…`])]).toBe('3 0 0 0 0 0 0');
    const sum = Object.values(found).reduce((total, text) => total + Number(text.split(' ')[0]), 0);
    expect(sum).toBe(300);
  });

  it('takes every name that JSON can write', async () => {
    const worker = stores.worker();
    const name = 'a"b\\c\n\u0000é😀\ud800';
    await worker.sync({
      now: NOW,
      settle: done(await jobs(worker, 1, 'x:"y')).map((one) => ({ ...one, run: ran(name, 'succeeded') })),
    });
    expect(Object.keys(await minute()).map((field) => JSON.parse(field))).toEqual([['x:"y', name.toWellFormed()]]);
  });

  it('writes over what is no sum', async () => {
    const worker = stores.worker();
    await stores.db.hset(keys.stats.day(NOW), '["q","Hello"]', 'seven', 'rubbish', 'stays');
    await worker.sync({ now: NOW, settle: done(await jobs(worker, 1)) });
    expect(await day()).toEqual({ '["q","Hello"]': '1 0 0 0 0 0 0', rubbish: 'stays' });
  });

  it('writes nothing where nothing was settled, or the time is not known', async () => {
    const worker = stores.worker();
    await worker.sync({ now: NOW, settle: [] });
    const raws = await jobs(worker, 1);
    await worker.sync({ settle: done(raws) });
    expect(await stores.db.keys('resque:stats:*')).toEqual([]);
  });
});
