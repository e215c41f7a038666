import { describe, expect, test } from 'vitest';
import { ConfigError, type WaitingJob } from '../../../shared/index.ts';
import { createRegistry, createScheduled, type RedisClient, redisScheduledBroker } from '../../../shared/internal.ts';
import { NAMESPACE, withBackends } from '../../helpers/backends.ts';
import { dump } from '../../helpers/brokers.ts';
import {
  addRetry,
  delayed,
  enqueueAt,
  enqueueAtAsPhp,
  names,
  SECONDS,
  tickAt,
} from '../../helpers/scheduler/delayed-jobs.ts';
import { StepwiseClient } from '../../helpers/scheduler/stepwise-client.ts';
import { HOUR, Report, START } from '../../helpers/scheduler/test-scheduler.ts';

withBackends((bed) => {
  const view = (client: RedisClient = bed.client()) =>
    createScheduled(redisScheduledBroker(client, NAMESPACE), createRegistry([Report]));
  const first = async (kind: 'delayed' | 'retry') => (await view().page(kind)).jobs[0] as WaitingJob;
  const LATER = new Date(START + HOUR);

  describe('a delayed job', () => {
    const a = delayed('a');

    test('runs now: in its queue, byte for byte, and nowhere else', async () => {
      const payload = String.raw`{"class":"Job","args":[1.0,"a\/b",9007199254740993],"queue":"q"}`;
      await enqueueAt(bed, SECONDS, payload);
      const job = await first('delayed');
      expect([await view().runNow(job), await view().runNow(job)]).toEqual([true, false]);
      expect(await dump(bed.db)).toEqual({
        'resque:queue:q': { type: 'list', value: [payload] },
        'resque:queues': { type: 'set', value: ['q'] },
      });
    });

    test('runs now in the queue of its class if it names none; without one it is refused', async () => {
      await enqueueAtAsPhp(bed, SECONDS, '{"class":"Report","args":[]}');
      expect(await view().runNow(await first('delayed'))).toBe(true);
      expect(await bed.queued('reports')).toHaveLength(1);
      for (const payload of ['{"class":"Unknown","args":[]}', 'not JSON']) {
        await enqueueAtAsPhp(bed, SECONDS, payload);
        await expect(view().runNow(await first('delayed'))).rejects.toThrow(ConfigError);
        expect(await view().remove(await first('delayed'))).toBe(true);
      }
    });

    test('is removed, with all that pointed to it', async () => {
      await enqueueAt(bed, SECONDS, a);
      const job = await first('delayed');
      expect([await view().remove(job), await view().remove(job)]).toEqual([true, false]);
      expect(await dump(bed.db)).toEqual({});
    });

    test('is put off, to the second', async () => {
      await enqueueAt(bed, SECONDS, a);
      const job = await first('delayed');
      expect(await view().reschedule(job, new Date(LATER.getTime() + 999))).toBe(true);
      expect(await view().reschedule(job, LATER)).toBe(false);
      const fresh = await first('delayed');
      expect(fresh.at).toEqual(LATER);
      const after = await dump(bed.db);
      await bed.db.flushall();
      await enqueueAt(bed, SECONDS + 3_600, a);
      expect(after).toEqual(await dump(bed.db));
    });

    test('is brought forward, and due', async () => {
      await enqueueAt(bed, SECONDS + 3_600, a);
      expect(await view().reschedule(await first('delayed'), new Date(START - HOUR))).toBe(true);
      await tickAt(bed.client(), START);
      expect(names(await bed.queued('q'))).toEqual(['a']);
    });

    test('is put off to the time that it has', async () => {
      await enqueueAt(bed, SECONDS, a);
      const before = await dump(bed.db);
      expect(await view().reschedule(await first('delayed'), new Date(START))).toBe(true);
      expect(await dump(bed.db)).toEqual(before);
    });

    test('is one of several equal ones: the others stay', async () => {
      await enqueueAt(bed, SECONDS, a, delayed('b'), a);
      await enqueueAt(bed, SECONDS + 9, a);
      expect(await view().remove(await first('delayed'))).toBe(true);
      expect(names(await bed.db.lrange(bed.keys.delayed(SECONDS), 0, -1))).toEqual(['b', 'a']);
      expect((await bed.db.smembers(bed.keys.timestamps(a))).sort()).toEqual(
        [`delayed:${SECONDS}`, `delayed:${SECONDS + 9}`].sort(),
      );
      expect(await view().remove({ ...(await first('delayed')), payload: a })).toBe(true);
      expect(await bed.db.smembers(bed.keys.timestamps(a))).toEqual([`delayed:${SECONDS + 9}`]);
    });
  });

  describe('a retry', () => {
    test('runs now, with the record of its attempts', async () => {
      await addRetry(bed, 'a', START + HOUR, 'q:x');
      const job = await first('retry');
      expect([await view().runNow(job), await view().runNow(job)]).toEqual([true, false]);
      expect(await dump(bed.db)).toEqual({
        'resque:queue:q:x': {
          type: 'list',
          value: ['{"lambdesque":{"id":"token-a","attempts":1,"deaths":0},"class":"Job","args":["a"]}'],
        },
        'resque:queues': { type: 'set', value: ['q:x'] },
      });
    });

    test('is removed', async () => {
      await addRetry(bed, 'a', START);
      const job = await first('retry');
      expect([await view().remove(job), await view().remove(job)]).toEqual([true, false]);
      expect(await dump(bed.db)).toEqual({});
    });

    test('is put off, to the millisecond, also to the time that it has', async () => {
      await addRetry(bed, 'a', START);
      const job = await first('retry');
      expect(await view().reschedule(job, new Date(START + 1))).toBe(true);
      expect(await view().reschedule(job, new Date(START + 1))).toBe(true);
      expect((await first('retry')).at).toEqual(new Date(START + 1));
      await view().remove(job);
      expect(await view().reschedule(job, LATER)).toBe(false);
      expect(await dump(bed.db)).toEqual({});
    });
  });

  /** Each change at the same time as three schedulers that promote all, over and over: each job ends once. */
  describe('while schedulers promote', () => {
    const JOBS = 300;

    async function fill(): Promise<void> {
      await enqueueAt(bed, SECONDS, ...Array.from({ length: JOBS }, (_, i) => delayed(i)));
      await Promise.all(Array.from({ length: JOBS }, (_, i) => addRetry(bed, JOBS + i, START - i)));
    }

    test.each(['runNow', 'remove', 'reschedule'] as const)('%s: no job is doubled or lost', async (change) => {
      await fill();
      const scheduled = view();
      const jobs: WaitingJob[] = [];
      for await (const job of scheduled.find({})) jobs.push(job);
      expect(jobs).toHaveLength(2 * JOBS);

      // From the end, so that schedulers and changes meet in the middle.
      const changed: unknown[] = [];
      const changing = (async () => {
        for (const job of jobs.toReversed()) {
          const done = change === 'reschedule' ? scheduled.reschedule(job, LATER) : scheduled[change](job);
          if (await done) changed.push(job.args[0]);
        }
      })();
      const slowly = bed.client();
      const schedulers = [bed.client({ backend: 'TCP' }), bed.client({ backend: 'Upstash REST' }), slowly].map(
        async (client, i) => {
          for (let n = 0; n < 20 + 10 * i; n++) await client.command(['PING']);
          await tickAt(client, START);
        },
      );
      await Promise.all([changing, ...schedulers]);
      await tickAt(bed.client(), START);

      const queued = names(await bed.queued('q'));
      const all = Array.from({ length: 2 * JOBS }, (_, i) => `${i}`);
      if (change === 'reschedule') {
        expect(await scheduled.count()).toEqual({
          delayed: changed.filter((name) => Number(name) < JOBS).length,
          retries: changed.filter((name) => Number(name) >= JOBS).length,
        });
        await tickAt(bed.client(), LATER.getTime());
        expect(names(await bed.queued('q')).sort()).toEqual(all.sort());
      } else {
        expect([...queued, ...(change === 'remove' ? changed : [])].sort()).toEqual(all.sort());
      }
      expect((await bed.db.keys('*')).sort()).toEqual(['resque:queue:q', 'resque:queues']);
    });

    test('a retry that is put off between a scheduler’s commands is put off', async () => {
      for (let after = 1; after <= 3; after++) {
        await bed.db.flushall();
        await addRetry(bed, 'a', START);
        const job = await first('retry');
        const client = new StepwiseClient(bed.client());
        const ticking = tickAt(client, START);
        for (let i = 0; i < after; i++) await client.step(ticking);
        const putOff = await view().reschedule(job, LATER);
        await client.finish(ticking);
        expect(await view().count(), `after ${after} commands`).toEqual({ delayed: 0, retries: putOff ? 1 : 0 });
        expect(await bed.queued('q')).toHaveLength(putOff ? 0 : 1);
      }
    });

    test('two who change the same job: one of them has it', async () => {
      await fill();
      const jobs: WaitingJob[] = [];
      for await (const job of view().find({})) jobs.push(job);
      const [one, other] = [view(), view(bed.client({ backend: 'TCP' }))];
      const outcomes = await Promise.all(jobs.map((job) => Promise.all([one.remove(job), other.runNow(job)])));
      expect(outcomes.every(([removed, ran]) => removed !== ran)).toBe(true);
      expect(await bed.db.llen(bed.keys.queue('q'))).toBe(outcomes.filter(([, ran]) => ran).length);
    });
  });
});
