import { describe, expect, it } from 'vitest';
import type { RawJob } from '../../../shared/types.ts';
import {
  done,
  dump,
  fail,
  failBinary,
  failText,
  from,
  LEASE,
  NOW,
  redisTime,
  release,
  retry,
  texts,
  withBrokers,
} from '../../helpers/brokers.ts';

const record = (id: string, attempts = 1, deaths = 0) => ({ id, attempts, deaths });

withBrokers((stores) => {
  const failed = () => stores.db.lrange(stores.keys.failed, 0, -1);

  it('settles and reserves in one sync', async () => {
    await stores.produce('q', 'a', 'b', 'c', 'd');
    const worker = stores.worker();
    const first = await worker.take('q', 2);

    const second = await worker.sync({ settle: first.map(done), reserve: from('q', 2) });

    expect(texts(second.jobs)).toEqual(['c', 'd']);
    expect(await stores.held(worker)).toEqual({ '2:q': 'c', '3:q': 'd' });
  });

  it('settles thousands of jobs in one sync', async () => {
    await stores.produce('q', ...Array.from({ length: 9_000 }, (_, i) => `{"n":${i}}`));
    const worker = stores.worker();
    const jobs = await worker.take('q', 9_000);

    const { missing } = await worker.sync({ settle: jobs.map(done) });

    expect(missing).toBe(0);
    expect(await stores.held(worker)).toEqual({});
    expect(await stores.db.get(stores.keys.stat('processed'))).toBe('9000');
  });

  it.each([
    ['Ruby’s multi-queue backend', ['mail_failed'], ['failed', 'mail_failed']],
    ['Ruby’s default backend', [], []],
  ])('with %s, resque-web finds what failed', async (_, before, after) => {
    for (const name of before) await stores.db.sadd(stores.keys.failedQueues, name);
    await stores.produce('q', '{"class":"A"}');
    const worker = stores.worker();
    await worker.sync({ settle: [fail(await worker.takeOne('q'))] });
    expect((await stores.db.smembers(stores.keys.failedQueues)).sort()).toEqual(after);
  });

  it('puts a retry aside for its time, with the record of its attempts', async () => {
    await stores.produce('a:b c', ' {"class":"A","args":[1.0]}');
    const worker = stores.worker();
    const raw = await worker.takeOne('a:b c');

    await worker.sync({ settle: [retry(raw, record('job-1', 2, 1), 16_000)] });

    const payload = ' {"lambdesque":{"id":"job-1","attempts":2,"deaths":1},"class":"A","args":[1.0]}';
    const [member = '', time] = await stores.db.zrange(stores.keys.retry, '0', '-1', 'WITHSCORES');
    expect(member).toMatch(/^[^:]+:a:b c$/);
    expect(time).toBe(`${NOW + 16_000}`);
    expect(await stores.db.hgetall(stores.keys.retryPayloads)).toEqual({ [member]: payload });
    expect(await stores.held(worker)).toEqual({});
  });

  it("puts a failed job's entry together: head, payload, tail", async () => {
    await stores.produce('q', '{"class":"A","args":[]}', '{"class":"B","args":[]}', 'say "hi"\n');
    const worker = stores.worker();
    const [one, two, three] = await worker.take('q');
    if (!one || !two || !three) throw new Error('three jobs were queued');

    await worker.sync({
      settle: [
        fail(one, '{"payload":', ',"queue":"q"}'),
        failBinary(two, '{"payload":"whole"}'),
        failText(three, '{"payload":', ',"queue":"q"}'),
      ],
    });

    expect(await failed()).toEqual([
      '{"payload":{"class":"A","args":[]},"queue":"q"}',
      '{"payload":"whole"}',
      '{"payload":"say \\"hi\\"\\u000a","queue":"q"}',
    ]);
    expect(await stores.held(worker)).toEqual({});
  });

  it('says how many settled jobs it did not hold, and leaves all else alone', async () => {
    await stores.produce('q', '{"n":1}');
    const worker = stores.worker();
    const raw = await worker.takeOne('q');
    await worker.sync();
    const before = await dump(stores.db);
    const unknown = (seq: number): RawJob => ({ ...raw, seq });

    const { missing } = await worker.sync({
      settle: [
        done(unknown(10)),
        retry(unknown(11), record('x')),
        fail(unknown(12)),
        failBinary(unknown(13), 'x'),
        failText(unknown(15)),
        release(unknown(14)),
        done({ ...raw, queue: 'other' }),
      ],
    });

    expect(missing).toBe(7);
    expect(await stores.held(worker)).toEqual({ '0:q': '{"n":1}' });
    const inflight = stores.keys.inflight(worker.id);
    expect(await dump(stores.db)).toEqual({ ...before, [inflight]: expect.anything() });
  });

  describe('release', () => {
    it('gives jobs back to the heads of their queues in the order in which they were taken', async () => {
      await stores.produce('one', 'a1', 'a2', 'a3', 'a4');
      await stores.produce('two', 'b1', 'b2', 'b3');
      const worker = stores.worker();
      const jobs = await worker.take(['one', 'two'], 6);
      await stores.produce('one', 'a5');
      await stores.produce('two', 'b4');

      await worker.sync({ settle: jobs.toReversed().map((raw) => release(raw)) });

      expect(await stores.queued('one')).toEqual(['a1', 'a2', 'a3', 'a4', 'a5']);
      expect(await stores.queued('two')).toEqual(['b1', 'b2', 'b3', 'b4']);
    });

    it('gives some back while others end', async () => {
      await stores.produce('q', 'a', 'b', 'c', 'd', 'e');
      const worker = stores.worker();
      const [a, b, c, d] = await worker.take('q', 4);
      if (!a || !b || !c || !d) throw new Error('five jobs were queued');

      await worker.sync({ settle: [release(b), done(a), release(d), failBinary(c, 'c')] });

      expect(await stores.queued('q')).toEqual(['b', 'd', 'e']);
      expect(await failed()).toEqual(['c']);
    });

    it('can take the released jobs again in the same sync', async () => {
      await stores.produce('q', 'a', 'b');
      const worker = stores.worker();
      const jobs = await worker.take('q');

      const again = await worker.sync({ settle: jobs.map((raw) => release(raw)), reserve: from('q', 1) });

      expect(again.jobs.map(({ seq, bytes }) => [seq, `${bytes}`])).toEqual([[2, 'a']]);
      expect(await stores.queued('q')).toEqual(['b']);
    });

    it('gives jobs back to the tail in the order in which they ended', async () => {
      await stores.produce('q', 'a', 'b', 'c', 'd');
      const worker = stores.worker();
      const [a, b, c] = await worker.take('q', 3);
      if (!a || !b || !c) throw new Error('four jobs were queued');

      await worker.sync({ settle: [release(c, 'tail'), release(a, 'tail'), release(b)] });

      expect(await stores.queued('q')).toEqual(['b', 'd', 'c', 'a']);
    });

    it('puts the queue back on the list of queues, if it was removed meanwhile', async () => {
      await stores.produce('q', 'a', 'b');
      const worker = stores.worker();
      const jobs = await worker.take('q');
      await stores.db.srem(stores.keys.queues, 'q');

      await worker.sync({ settle: jobs.map((raw) => release(raw)) });

      expect(await stores.store.queues()).toEqual(['q']);
    });
  });

  describe('what a worker works on', () => {
    const shown = (id: string) => stores.db.get(stores.keys.worker(id));
    const head = '{"queue":"q","run_at":"2026-11-20T20:29:37Z","payload":';

    it("is Resque's record around the payload's bytes", async () => {
      await stores.produce('q', '{"class":"A","args":[1.0,"\\/"]}');
      const worker = stores.worker();
      const raw = await worker.takeOne('q');

      await worker.sync({ workingOn: { raw, head, tail: '}' } });

      expect(await shown(worker.id)).toBe(
        '{"queue":"q","run_at":"2026-11-20T20:29:37Z","payload":{"class":"A","args":[1.0,"\\/"]}}',
      );
    });

    it('shows a retried job as its producer wrote it', async () => {
      await stores.produce('q', '{"class":"A","args":[]}');
      const worker = stores.worker();
      const raw = await worker.takeOne('q');
      await worker.sync({ settle: [retry(raw, record('x'))] });
      await stores.promoteRetries();

      await worker.sync({ workingOn: { raw: await worker.takeOne('q'), head, tail: '}' } });

      expect(await shown(worker.id)).toBe(`${head}{"class":"A","args":[]}}`);
    });

    it('stays until it is replaced or cleared', async () => {
      await stores.produce('q', '{"n":1}', '{"n":2}');
      const worker = stores.worker();
      const [one, two] = await worker.take('q');
      if (!one || !two) throw new Error('two jobs were queued');
      await worker.sync({ workingOn: { raw: one, head: '<', tail: '>' } });

      await worker.sync();
      expect(await shown(worker.id)).toBe('<{"n":1}>');
      await worker.sync({ workingOn: { raw: two, head: '<', tail: '>' } });
      expect(await shown(worker.id)).toBe('<{"n":2}>');
      await worker.sync({ workingOn: null });
      expect(await shown(worker.id)).toBe(null);
    });

    it('is not a job that ended in the same sync', async () => {
      await stores.produce('q', '{"n":1}');
      const worker = stores.worker();
      const raw = await worker.takeOne('q');

      await worker.sync({ settle: [done(raw)], workingOn: { raw, head: '<', tail: '>' } });

      expect(await shown(worker.id)).toBe(null);
    });
  });

  it('extends the lease by as much as it was told, from now on', async () => {
    const worker = stores.worker();
    await worker.sync({ lease: 10 * LEASE });
    redisTime.move(1_000);
    const { now } = await worker.sync({ lease: 5_000 });

    expect(now).toBe(NOW + 1_000);
    expect(await stores.db.zscore(stores.keys.leases, worker.id)).toBe(`${NOW + 6_000}`);
    expect(await stores.db.hget(stores.keys.inflight(worker.id), 'lease')).toBe(`${NOW + 6_000}`);
  });
});
