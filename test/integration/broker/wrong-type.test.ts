import { describe, expect, it } from 'vitest';
import { RedisTypeError } from '../../../shared/errors.ts';
import { type Logger, silentLogger } from '../../../shared/log.ts';
import { unsplice } from '../../../shared/wire/attempts-record.ts';
import { done, from, LEASE, NOW, redisTime, release, retry, texts, withBrokers } from '../../helpers/brokers.ts';
import { promoteDelayed } from '../../helpers/scheduler/run-step.ts';

const SECONDS = NOW / 1000;

withBrokers((stores) => {
  const job = (name: string) => `{"class":"${name}","args":[]}`;
  const delayed = (name: string, queue: string) => `{"class":"${name}","args":[],"queue":"${queue}"}`;
  const classes = async (queue: string) =>
    (await stores.queued(queue)).map((one) => (JSON.parse(unsplice(one).payload) as { class: string }).class);

  /** Somebody put a string where the queue should be. */
  const spoil = (queue: string) => stores.db.set(stores.keys.queue(queue), 'no list');
  const mend = (queue: string) => stores.db.del(stores.keys.queue(queue));
  /** What was put off until somebody mends the queue is due by then. */
  const DAY = 24 * 3_600_000;
  const MUCH_LATER = NOW + DAY;
  /** Whatever this call says: what counts is what is in Redis afterwards. */
  const attempt = (call: Promise<unknown>) =>
    call.catch((error: unknown) => expect(error).toBeInstanceOf(RedisTypeError));

  describe('a queue key of another type', () => {
    it('is reported by name with Redis’s words, while the queues beside it are served', async () => {
      await stores.produce('before', 'a');
      await stores.produce('after', 'b');
      await spoil('bad');
      const worker = stores.worker();

      const { jobs, wrong, more } = await worker.sync({ reserve: from(['before', 'bad', 'after', 'bad']) });

      expect(texts(jobs)).toEqual(['a', 'b']);
      expect(wrong).toEqual([{ key: stores.keys.queue('bad'), error: expect.stringContaining('WRONGTYPE') }]);
      expect(more).toBe(false);
      await worker.sync({ settle: jobs.map(done) });
      expect(await stores.db.get(stores.keys.queue('bad'))).toBe('no list');
      await mend('bad');
    });

    it('fails an enqueue with an error that names host and remedy', async () => {
      await spoil('bad');

      const error = await stores.store.enqueue([{ queue: 'bad', payload: 'a' }]).catch((one: unknown) => one);

      expect(error).toBeInstanceOf(RedisTypeError);
      expect((error as Error).message).toContain(stores.store.address);
      expect((error as Error).message).toMatch(/RENAME or DEL/);
      await mend('bad');
      await stores.db.del(stores.keys.queues);
    });

    it('loses no job that is released to it', async () => {
      await stores.produce('bad', job('a'), job('b'));
      await stores.produce('q', job('c'));
      const worker = stores.worker();
      const jobs = await worker.take(['bad', 'q']);
      await spoil('bad');

      await attempt(worker.sync({ settle: jobs.map((raw) => release(raw)) }));
      await mend('bad');
      await stores.reclaimAfter(DAY);

      expect(await classes('bad')).toEqual(['a', 'b']);
      expect(await classes('q')).toEqual(['c']);
    });

    it('does not keep a worker that releases a job to it from settling and reserving others', async () => {
      await stores.produce('bad', job('a'));
      await stores.produce('q', job('b'), job('c'), job('d'));
      const worker = stores.worker();
      const [a, b, c] = await worker.take(['bad', 'q'], 3);
      if (!a || !b || !c) throw new Error('four jobs were queued');
      await spoil('bad');

      const { jobs } = await worker.sync({
        lease: 2 * LEASE,
        settle: [done(b), release(c, 'tail'), release(a)],
        reserve: from('q'),
      });

      expect(texts(jobs)).toEqual([job('d'), job('c')]);
      expect(await stores.db.get(stores.keys.stat('processed'))).toBe('1');
      expect(await stores.reclaimAfter(LEASE)).toEqual([]);
      await mend('bad');
      await stores.reclaimAfter(DAY);
      expect(await classes('bad')).toEqual(['a']);
    });

    it('loses no retry and moves none twice; the others move', async () => {
      await stores.produce('bad', job('b'));
      await stores.produce('q', job('a'), job('c'));
      const worker = stores.worker();
      for (const raw of await worker.take(['q', 'bad'])) {
        const record = { id: `${raw.queue}-${raw.seq}`, attempts: 1, deaths: 0 };
        await worker.sync({ settle: [retry(raw, record)] });
      }
      await spoil('bad');

      await attempt(stores.promoteRetries());
      await attempt(stores.promoteRetries());
      expect(await classes('q')).toEqual(['a', 'c']);
      await mend('bad');
      redisTime.move(DAY);
      await stores.promoteRetries();

      expect(await classes('q')).toEqual(['a', 'c']);
      expect(await classes('bad')).toEqual(['b']);
    });

    it('does not keep the retries behind its own waiting', async () => {
      await stores.produce('bad', ...['a', 'b', 'c'].map(job));
      await stores.produce('q', job('d'));
      const worker = stores.worker();
      for (const raw of await worker.take(['bad', 'q'])) {
        const record = { id: `${raw.seq}`, attempts: 1, deaths: 0 };
        await worker.sync({ settle: [retry(raw, record, raw.seq)] });
      }
      await spoil('bad');

      for (let i = 0; i < 3; i++) {
        redisTime.move(1_000);
        await attempt(stores.promoteRetries(2));
      }

      expect(await classes('q')).toEqual(['d']);
      await mend('bad');
      redisTime.move(DAY);
      await stores.promoteRetries();
      expect(await classes('bad')).toEqual(['a', 'b', 'c']);
    });

    it('lets no delayed job into a list that the schedule does not name; those of one time stay in order', async () => {
      const { db, keys, store } = stores;
      const jobs = [0, 0, 1, 0].map((later, i) => ({ seconds: SECONDS + later, payload: delayed(`${i}`, 'q') }));
      const lists = () => Promise.all([0, 1].map((later) => db.lrange(keys.delayed(SECONDS + later), 0, -1)));
      await db.set(keys.delayedSchedule, 'no schedule');
      await expect(store.enqueueDelayed(jobs)).rejects.toThrow(/WRONGTYPE/);
      expect(await lists()).toEqual([[], []]);

      await db.del(keys.delayedSchedule);
      await store.enqueueDelayed(jobs);
      const [first, second, third, fourth] = jobs.map(({ payload }) => payload);
      expect(await lists()).toEqual([[first, second, fourth], [third]]);
      for (const { seconds, payload } of jobs) {
        expect(await db.smembers(keys.timestamps(payload))).toEqual([`delayed:${seconds}`]);
      }
      await promoteDelayed(stores.at(MUCH_LATER));
    });

    it('loses no delayed job and moves none twice', async () => {
      const [a, b, c] = [delayed('a', 'q'), delayed('b', 'bad'), delayed('c', 'q')];
      await stores.store.enqueueDelayed([a, b, c].map((payload) => ({ seconds: SECONDS, payload })));
      await spoil('bad');

      for (let i = 0; i < 3; i++) await attempt(promoteDelayed(stores.store));
      await mend('bad');
      await promoteDelayed(stores.at(MUCH_LATER));

      expect(await stores.queued('q')).toEqual([a, c]);
      const failed = await stores.db.lrange(stores.keys.failed, 0, -1);
      expect([...(await stores.queued('bad')), ...failed]).toEqual([expect.stringContaining(b)]);
    });

    it('moves no delayed job twice where the failed list or an index is of another type', async () => {
      const [a, b, c] = [delayed('a', 'q'), '{"class":"b","args":[]}', delayed('c', 'q')];
      await stores.store.enqueueDelayed([a, b, c].map((payload) => ({ seconds: SECONDS, payload })));
      await stores.db.set(stores.keys.failed, 'no list');
      await stores.db.set(stores.keys.timestamps(c), 'no set');

      for (let i = 0; i < 3; i++) await attempt(promoteDelayed(stores.store));
      await stores.db.del(stores.keys.failed);
      for (let i = 0; i < 3; i++) await attempt(promoteDelayed(stores.at(MUCH_LATER)));
      await stores.db.del(stores.keys.timestamps(c));
      await promoteDelayed(stores.at(MUCH_LATER));

      expect(await stores.queued('q')).toEqual([a, c]);
      expect(await stores.db.lrange(stores.keys.failed, 0, -1)).toEqual([expect.stringContaining(b)]);
    });

    it('loses no job of a dead worker and gives none back twice', async () => {
      await stores.produce('q', job('a'), job('b'));
      await stores.produce('bad', job('c'));
      await stores.produce('other', job('d'));
      await stores.worker().take(['q', 'bad', 'other']);
      await spoil('bad');

      for (let i = 0; i < 3; i++) await attempt(stores.reclaimAfter(LEASE));
      await mend('bad');
      await stores.reclaimAfter(DAY);

      expect(await classes('q')).toEqual(['a', 'b']);
      expect(await classes('bad')).toEqual(['c']);
      expect(await classes('other')).toEqual(['d']);
    });

    it('does not keep the scheduler from other dead workers, retries and delayed jobs', async () => {
      await stores.produce('bad', job('x'));
      await stores.worker().take('bad');
      await stores.produce('q', job('reclaimed'));
      await stores.worker().sync({ reserve: from('q') });
      await stores.produce('q', job('retried'));
      const worker = stores.worker();
      const raw = await worker.takeOne('q');
      const record = { id: 'r', attempts: 1, deaths: 0 };
      await worker.sync({ settle: [retry(raw, record)] });
      await worker.unregister();
      await stores.store.enqueueDelayed([{ seconds: SECONDS, payload: delayed('delayed', 'q') }]);
      await spoil('bad');

      redisTime.move(2 * LEASE);
      await attempt(stores.tick());

      expect((await classes('q')).toSorted()).toEqual(['delayed', 'reclaimed', 'retried']);
      await mend('bad');
      await stores.reclaimAfter(DAY);
      expect(await classes('bad')).toEqual(['x']);
    });
  });

  describe('a scheduler', () => {
    /** What it logs as errors, and what it fails with. */
    async function complaints(): Promise<string> {
      const lines: unknown[] = [];
      const log: Logger = { ...silentLogger, error: (message, fields) => void lines.push(message, fields) };
      await stores.tick(log).catch((error: Error) => lines.push(error.message));
      return JSON.stringify(lines);
    }

    it('says nothing where nothing is wrong', async () => {
      await stores.store.enqueueDelayed([{ seconds: SECONDS, payload: delayed('a', 'q') }]);
      expect(await complaints()).toBe('[]');
    });

    it('says which queue does not take its retries or the jobs of a dead worker', async () => {
      await stores.produce('bad', job('a'), job('b'));
      const worker = stores.worker();
      const [a] = await worker.take('bad');
      if (!a) throw new Error('two jobs were queued');
      await worker.sync({ settle: [retry(a, { id: 'a', attempts: 1, deaths: 0 })] });
      await spoil('bad');

      expect(await complaints()).toMatch(/queue:bad.*WRONGTYPE/);
      redisTime.move(LEASE);
      expect(await complaints()).toMatch(/queue:bad.*WRONGTYPE/);
      await mend('bad');
      redisTime.move(DAY);
      await stores.promoteRetries();
    });

    it('puts a delayed job whose queue does not take it into the failed list, with the reason', async () => {
      await stores.store.enqueueDelayed([{ seconds: SECONDS, payload: delayed('a', 'bad') }]);
      await spoil('bad');

      expect(await complaints()).toMatch(/failed list/);

      const [entry = ''] = await stores.db.lrange(stores.keys.failed, 0, -1);
      expect(entry).toContain(`"payload":${delayed('a', 'bad')},`);
      expect(entry).toContain('WRONGTYPE');
      await mend('bad');
    });

    it('says that the failed list does not take a delayed job', async () => {
      await stores.store.enqueueDelayed([{ seconds: SECONDS, payload: '{"class":"a","args":[]}' }]);
      await stores.db.set(stores.keys.failed, 'no list');

      expect(await complaints()).toMatch(/WRONGTYPE/);

      await stores.db.del(stores.keys.failed);
    });
  });
});
