/** A queue whose key has another type than a list: someone's SET in place of an RPUSH. */

import { expect, test } from 'vitest';
import { RedisTypeError } from '../../../shared/index.ts';
import { createScheduled, redisBroker, redisScheduledBroker } from '../../../shared/internal.ts';
import { NAMESPACE, withBackends } from '../../helpers/backends.ts';
import { TestWorker } from '../../helpers/brokers.ts';
import { addRetry, delayed, enqueueAt, names, SECONDS, tickAt } from '../../helpers/scheduler/delayed-jobs.ts';
import { StepwiseClient } from '../../helpers/scheduler/stepwise-client.ts';
import { HOUR, START, slotsIn, testScheduler } from '../../helpers/scheduler/test-scheduler.ts';

withBackends((bed) => {
  const breakQueue = () => bed.db.set(bed.keys.queue('broken'), 'not a list');
  const repair = () => bed.db.del(bed.keys.queue('broken'));
  const ticks = async (count: number, from = START) => {
    for (let i = 0; i < count; i++) await tickAt(bed.client(), from + i * 1_000).catch(() => {});
  };

  /** Where the jobs of the broken queue are: waiting, in their queue, or in the failed list for all to see. */
  async function kept(): Promise<unknown[]> {
    const lists = [
      bed.keys.delayed(SECONDS),
      ...((await bed.db.type(bed.keys.queue('broken'))) === 'list' ? [bed.keys.queue('broken')] : []),
    ];
    const waiting = (await Promise.all(lists.map((key) => bed.db.lrange(key, 0, -1)))).flat();
    const failed = (await bed.db.lrange(bed.keys.failed, 0, -1)).map(
      (one) => (JSON.parse(one) as { payload: unknown }).payload,
    );
    const retries = await Promise.all(
      (await bed.db.zrange(bed.keys.retry, '0', '-1')).map((member) => bed.db.hget(bed.keys.retryPayloads, member)),
    );
    const all = [...waiting, ...retries.map(String), ...failed.map((one) => JSON.stringify(one))];
    return names(all.filter((one) => !one.includes('"queue":"q"'))).sort();
  }

  test('delayed jobs: those of other queues are promoted once, its own are not lost', async () => {
    await breakQueue();
    const jobs = [delayed('a'), delayed('x', 'broken'), delayed('b'), delayed('y', 'broken'), delayed('c')];
    await enqueueAt(bed, SECONDS, ...jobs);
    await enqueueAt(bed, SECONDS + 1, delayed('d'));
    await ticks(5);
    expect(names(await bed.queued('q'))).toEqual(['a', 'b', 'c', 'd']);
    expect(await kept()).toEqual(['x', 'y']);
    await repair();
    await ticks(2, START + HOUR);
    expect(names(await bed.queued('q'))).toEqual(['a', 'b', 'c', 'd']);
    expect(await kept()).toEqual(['x', 'y']);
  });

  test('delayed jobs: one in the failed list names its queue, so that it can be tried again from there', async () => {
    await breakQueue();
    await enqueueAt(bed, SECONDS, delayed('x', 'broken'));
    await ticks(2);
    const [entry] = await bed.db.lrange(bed.keys.failed, 0, -1);
    if (entry !== undefined)
      expect(JSON.parse(entry)).toMatchObject({ queue: 'broken', error: expect.stringContaining('WRONGTYPE') });
    expect(await kept()).toEqual(['x']);
  });

  test('delayed jobs: five schedulers at once send none to the failed list but its own', async () => {
    await breakQueue();
    const jobs = Array.from({ length: 400 }, (_, i) => (i % 20 === 7 ? delayed(i, 'broken') : delayed(i)));
    await enqueueAt(bed, SECONDS, ...jobs);
    const clients = Array.from({ length: 5 }, (_, i) => bed.client({ backend: i % 2 === 0 ? 'TCP' : 'Upstash REST' }));
    for (let i = 0; i < 3; i++) await Promise.all(clients.map((client) => tickAt(client, START + i).catch(() => {})));
    const good = names(jobs.filter((job) => !job.includes('broken')));
    expect(names(await bed.queued('q'))).toEqual(good);
    expect(await kept()).toHaveLength(20);
  });

  test('delayed jobs: another scheduler between any two commands', async () => {
    for (let after = 1; after <= 12; after++) {
      await bed.db.flushall();
      await breakQueue();
      const jobs = [delayed('a'), delayed('x', 'broken'), delayed('y', 'broken'), delayed('b'), delayed('c')];
      await enqueueAt(bed, SECONDS, ...jobs);
      const client = new StepwiseClient(bed.client());
      const one = tickAt(client, START);
      one.catch(() => {});
      for (let i = 0; i < after; i++) await client.step(one);
      await ticks(2);
      await enqueueAt(bed, SECONDS, delayed('d'), delayed('e'));
      await client.finish(one).catch(() => {});
      await ticks(2);
      expect(names(await bed.queued('q')), `after ${after} commands`).toEqual(['a', 'b', 'c', 'd', 'e']);
      expect(await kept(), `after ${after} commands`).toEqual(['x', 'y']);
    }
  });

  test('retries: those of other queues are promoted, its own wait on', async () => {
    await breakQueue();
    for (const [i, name] of ['a', 'x', 'b'].entries())
      await addRetry(bed, name, START - 3 + i, name === 'x' ? 'broken' : 'q');
    await ticks(3);
    expect(names(await bed.queued('q'))).toEqual(['a', 'b']);
    expect(await bed.db.zrange(bed.keys.retry, '0', '-1')).toEqual(['token-x:broken']);
    await repair();
    await ticks(1, START + HOUR);
    expect(names(await bed.queued('broken'))).toEqual(['x']);
    expect(await bed.db.exists(bed.keys.retry, bed.keys.retryPayloads)).toBe(0);
  });

  test('retries: any number of its own does not keep back those of other queues', async () => {
    await breakQueue();
    await Promise.all(Array.from({ length: 1_200 }, (_, i) => addRetry(bed, i, START - 5_000 + i, 'broken')));
    await addRetry(bed, 'good', START);
    await ticks(5);
    expect(names(await bed.queued('q'))).toEqual(['good']);
    expect(await bed.db.zcard(bed.keys.retry)).toBe(1_200);
  });

  test('jobs of a dead worker: those of other queues come back once, its own are not lost', async () => {
    await bed.db.rpush(bed.keys.queue('q'), delayed('a'), delayed('b'));
    await bed.db.rpush(bed.keys.queue('broken'), delayed('x', 'broken'));
    await new TestWorker(redisBroker(bed.client(), NAMESPACE, () => START)).take(['q', 'broken', 'q'], 3);
    await breakQueue();
    await ticks(3, START + HOUR);
    expect(names(await bed.queued('q'))).toEqual(['a', 'b']);
    await repair();
    await ticks(1, START + 2 * HOUR);
    expect(names(await bed.queued('q'))).toEqual(['a', 'b']);
    expect(names(await bed.queued('broken'))).toEqual(['x']);
    expect(await bed.db.keys('resque:inflight:*')).toEqual([]);
  });

  test('cron entries are enqueued all the same', async () => {
    await breakQueue();
    const cron = testScheduler({ client: bed.client(), entries: { a: { every: '1m', class: 'Report' } } });
    await cron.tick(START);
    await enqueueAt(bed, SECONDS, delayed('x', 'broken'));
    await addRetry(bed, 'y', START, 'broken');
    await cron.tick(START + 23_000).catch(() => {});
    expect(await slotsIn(bed)).toEqual([START + 23_000]);
  });

  test('run now: refused, and the job waits on', async () => {
    await breakQueue();
    await enqueueAt(bed, SECONDS, delayed('x', 'broken'));
    await addRetry(bed, 'y', START, 'broken');
    const scheduled = createScheduled(redisScheduledBroker(bed.client(), NAMESPACE));
    for await (const job of scheduled.find({})) {
      const error = await scheduled.runNow(job).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(RedisTypeError);
    }
    expect(await kept()).toEqual(['x', 'y']);
    expect(await scheduled.count()).toEqual({ delayed: 1, retries: 1 });
    expect(await bed.db.smembers(bed.keys.timestamps(delayed('x', 'broken')))).toEqual([`delayed:${SECONDS}`]);
  });
});
