import { describe, expect, it } from 'vitest';
import { redisSchedulerBroker } from '../../../shared/broker/redis/scheduler.ts';
import { done, from, fromSerial, LEASE, redisTime, retry, withBrokers } from '../../helpers/brokers.ts';
import { job, numbered, queuedJobs } from '../../helpers/queued-jobs.ts';

withBrokers((stores) => {
  const { classes, records } = queuedJobs(stores);

  describe('in slices', () => {
    /** What the calls of one reclaim left in the queue, one after the other. */
    async function slices(queue: string): Promise<number[]> {
      const lengths: number[] = [];
      const client = stores.client();
      const watched: typeof client = {
        ...client,
        async script(...call) {
          const answer = await client.script(...call);
          lengths.push(await stores.db.llen(stores.keys.queue(queue)));
          return answer;
        },
      };
      redisTime.move(LEASE);
      await redisSchedulerBroker(watched, 'resque:', redisTime.now).reclaim(10);
      return lengths;
    }

    it.each([
      ['tail', from],
      ['head, of a serial queue', fromSerial],
    ])('of some hundred jobs, to the %s, in order', async (_, share) => {
      const names = numbered(1_700);
      await stores.produce('q', ...names.map(job));
      await stores.worker().sync({ reserve: share('q', 1_600) });

      const lengths = await slices('q');

      expect(Math.max(...lengths.map((length, i) => length - (lengths[i - 1] ?? 100)))).toBeLessThanOrEqual(500);
      const order = share === from ? [...names.slice(1_600), ...names.slice(0, 1_600)] : names;
      expect(await classes('q')).toEqual(order);
      expect((await records('q')).filter((record) => record?.deaths === 1)).toHaveLength(1_600);
    });

    it.each([
      ['tail', from],
      ['head, of a serial queue', fromSerial],
    ])('of some megabytes, to the %s, in order', async (_, share) => {
      const names = numbered(21);
      const large = (name: string) => `{"class":"${name}","args":["${'x'.repeat(1_048_576)}"]}`;
      for (const name of names) await stores.produce('q', large(name));
      await stores.worker().sync({ reserve: share('q', 20) });

      const lengths = await slices('q');

      expect(Math.max(...lengths.map((length, i) => length - (lengths[i - 1] ?? 1)))).toBeLessThanOrEqual(9);
      expect(await classes('q')).toEqual(share === from ? ['20', ...names.slice(0, 20)] : names);
    });

    it('is gone on with by another scheduler, where the first one ended in the middle', async () => {
      await stores.produce('q', ...numbered(1_200).map(job));
      const worker = stores.worker();
      await worker.take('q', 1_200);
      const client = stores.client();
      let calls = 0;
      const script: typeof client.script = (...call) => {
        if (++calls > 2) throw new Error('it was killed');
        return client.script(...call);
      };
      redisTime.move(LEASE);
      const killed = redisSchedulerBroker({ ...client, script }, 'resque:', redisTime.now).reclaim(10);
      await expect(killed).rejects.toThrow('it was killed');

      const given = (await stores.queued('q')).length;
      expect(given).toBeLessThan(1_200);
      expect(await stores.reclaimAfter(0)).toMatchObject([{ worker: worker.id, jobs: 1_200 - given }]);
      expect(await classes('q')).toEqual(numbered(1_200));
    });

    it('is lost on a worker that comes back in the middle of it: it settles nothing any more', async () => {
      await stores.produce('q', ...numbered(1_200).map(job));
      const worker = stores.worker();
      const jobs = await worker.take('q', 1_200);
      const client = stores.client();
      const answers: unknown[] = [];
      const script: typeof client.script = async (...call) => {
        const answer = await client.script(...call);
        const request = () => worker.next({ settle: jobs.slice(-1).map(done) });
        if (call[0].name === 'reclaim') answers.push(await stores.store.sync(request()));
        return answer;
      };
      redisTime.move(LEASE);
      await redisSchedulerBroker({ ...client, script }, 'resque:', redisTime.now).reclaim(10);

      expect(answers.at(-1)).toEqual({ kind: 'lease lost' });
      expect(answers.filter((answer) => (answer as { kind: string }).kind === 'held')).toEqual([]);
      expect(await classes('q')).toEqual(numbered(1_200));
    });
  });

  describe('a job that must not run twice, whose worker died', () => {
    it('goes to the failed list if it may have started, else back to its queue', async () => {
      await stores.produce('q', ...['a', 'b', 'c'].map(job));
      const worker = stores.worker();
      const [a, b] = await worker.take('q');
      if (!a || !b) throw new Error('three jobs were queued');
      expect(await worker.start(b)).toEqual([true]);

      expect(await stores.reclaimAfter(LEASE)).toMatchObject([{ worker: worker.id, jobs: 2, failed: 1, wrong: [] }]);

      expect(await classes('q')).toEqual(['a', 'c']);
      const [entry = '', ...others] = await stores.db.lrange(stores.keys.failed, 0, -1);
      expect(others).toEqual([]);
      expect(entry).toContain(
        `{"failed_at":"2026/11/20 20:30:37 UTC","payload":${job('b')},"exception":"WorkerDiedError",`,
      );
      expect(JSON.parse(entry)).toMatchObject({
        error: expect.stringMatching(/at-most-once.*not run again.*requeue/),
        worker: worker.id,
        queue: 'q',
        backtrace: expect.any(Array),
      });
      expect(await stores.db.get(stores.keys.stat('failed'))).toBe('1');
      expect(await stores.db.get(stores.keys.stat('processed'))).toBe('1');
    });

    it('goes there as its producer wrote it, whatever it has been through', async () => {
      await stores.produce('q', ` ${job('a')}`);
      const first = stores.worker();
      await first.sync({ settle: [retry(await first.takeOne('q'), { attempts: 2 })] });
      await stores.promoteRetries();
      await stores.worker().take('q');
      await stores.reclaimAfter(LEASE);
      const last = stores.worker();
      const raw = await last.takeOne('q');
      expect(raw.text).toContain('"deaths":1');
      await last.start(raw);
      await stores.reclaimAfter(LEASE);

      expect(await stores.db.lindex(stores.keys.failed, 0)).toContain(`"payload": ${job('a')},"exception"`);
    });

    it.each(['q', 'serial'])('goes there in the order in which %s held them, in slices', async (queue) => {
      const share = queue === 'serial' ? fromSerial : from;
      await stores.produce(queue, ...numbered(1_100).map(job));
      const worker = stores.worker();
      const { jobs } = await worker.sync({ reserve: share(queue, 1_100) });
      await worker.start(...jobs);

      expect(await stores.reclaimAfter(LEASE)).toMatchObject([{ jobs: 0, failed: 1_100 }]);

      const entries = await stores.db.lrange(stores.keys.failed, 0, -1);
      expect(entries.map((entry) => JSON.parse(entry).payload.class)).toEqual(numbered(1_100));
    });
  });
});
