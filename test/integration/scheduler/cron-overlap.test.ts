import { beforeEach, describe, expect, test } from 'vitest';
import { type AnyJobDefinition, defineJob, SkipRetry } from '../../../shared/index.ts';
import { createScheduled, redisBroker, redisScheduledBroker } from '../../../shared/internal.ts';
import { cronLockName } from '../../../shared/job/unique.ts';
import { NAMESPACE, withBackends } from '../../helpers/backends.ts';
import { TestWorker } from '../../helpers/brokers.ts';
import { eventually } from '../../helpers/eventually.ts';
import { redisTime } from '../../helpers/redis-time.ts';
import { cronClient, DAY, HOUR, MINUTE, START, testScheduler } from '../../helpers/scheduler/test-scheduler.ts';
import { drain, Gate, startWorker } from '../../helpers/workers.ts';

/** The first slot, and those after it. */
const slot = (number: number) => START - 37_000 + number * MINUTE;
const entries = { alone: { every: '1m', class: 'Alone', overlap: 'skip' as const } };

withBackends((bed) => {
  const store = () => redisBroker(bed.client(), NAMESPACE, redisTime.now);

  beforeEach(() => redisTime.set(START));

  const aloneThat = (perform: () => unknown, retry?: AnyJobDefinition['retry']) =>
    defineJob({ class: 'Alone', queue: 'alone', perform, ...(retry ? { retry } : {}) });
  const quiet = aloneThat(() => {});

  /** A scheduler whose entry was first seen before slot 1. */
  async function scheduler(job: AnyJobDefinition = quiet) {
    const one = testScheduler({ client: bed.client(), entries, jobs: [job] });
    await one.tick(START);
    return {
      ...one,
      /** What the slot's tick did. */
      async slot(number: number, late = 0): Promise<'enqueued' | 'overlapped' | undefined> {
        await one.tick(slot(number) + late);
        const status = JSON.parse((await bed.db.hget(bed.keys.cron.status, 'alone')) ?? '{}');
        return status.slot === slot(number) ? status.outcome : undefined;
      },
    };
  }

  test('while the last job is queued, slots pass over', async () => {
    const cron = await scheduler();
    expect(await cron.slot(1)).toBe('enqueued');
    expect(await cron.slot(2)).toBe('overlapped');
    expect(await cron.slot(3)).toBe('overlapped');
    expect(await bed.queued('alone')).toHaveLength(1);

    await drain({ store: store(), jobs: [quiet] });
    expect(await cron.slot(4)).toBe('enqueued');
    expect(await bed.queued('alone')).toHaveLength(1);
  });

  test('a slot that was passed over does not come later', async () => {
    const cron = await scheduler();
    await cron.slot(1);
    await cron.slot(2);
    await drain({ store: store(), jobs: [quiet] });
    await cron.tick(slot(2) + 30_000);
    expect(await bed.queued('alone')).toEqual([]);
  });

  test('while it runs, slots pass over', async () => {
    const [started, ending] = [new Gate(), new Gate()];
    const job = aloneThat(() => {
      started.open();
      return ending.opened;
    });
    const cron = await scheduler(job);
    await cron.slot(1);
    const consumer = startWorker({ store: store(), jobs: [job], options: { exitOnComplete: true } });
    await started.opened;

    expect(await bed.queued('alone')).toEqual([]);
    expect(await cron.slot(2)).toBe('overlapped');

    ending.open();
    await consumer.ended;
    expect(await cron.slot(3)).toBe('enqueued');
  });

  test('while it waits for its next attempt, slots pass over', async () => {
    let attempts = 0;
    const job = aloneThat(
      () => {
        if (++attempts < 3) throw new Error('not yet');
      },
      { attempts: 3, backoff: '365d' },
    );
    const cron = await scheduler(job);
    await cron.slot(1);
    await drain({ store: store(), jobs: [job] });
    expect(await bed.db.zcard(bed.keys.retry)).toBe(1);
    expect(await cron.slot(2)).toBe('overlapped');

    for (const number of [3, 4]) {
      const [member = ''] = await bed.db.zrange(bed.keys.retry, '0', '0');
      await bed.db.zadd(bed.keys.retry, slot(number), member);
      expect(await cron.slot(number), 'promoted, and queued again').toBe('overlapped');
      expect(await bed.queued('alone')).toHaveLength(1);
      await drain({ store: store(), jobs: [job] });
    }
    expect(attempts).toBe(3);
    expect(await cron.slot(5)).toBe('enqueued');
  });

  test('the entry goes on when its job, which waits for a retry, is removed', async () => {
    const job = aloneThat(
      () => {
        throw new Error('not today');
      },
      { attempts: 3, backoff: '1d' },
    );
    const cron = await scheduler(job);
    await cron.slot(1);
    await drain({ store: store(), jobs: [job] });
    expect(await cron.slot(2)).toBe('overlapped');
    const waiting = createScheduled(redisScheduledBroker(bed.client(), NAMESPACE));
    for await (const one of waiting.find({ kind: 'retry' })) expect(await waiting.remove(one)).toBe(true);
    expect(await cron.slot(3)).toBe('enqueued');
  });

  test.each<[string, () => never, AnyJobDefinition['retry']]>([
    [
      'failed on its last attempt',
      () => {
        throw new Error('no');
      },
      { attempts: 1 },
    ],
    [
      'asked for no further attempt',
      () => {
        throw new SkipRetry();
      },
      undefined,
    ],
  ])('a job that %s has ended', async (_what, perform, retry) => {
    const job = aloneThat(perform, retry);
    const cron = await scheduler(job);
    await cron.slot(1);
    await drain({ store: store(), jobs: [job] });
    expect(await bed.db.llen(bed.keys.failed)).toBe(1);
    expect(await cron.slot(2)).toBe('enqueued');
  });

  test('a job whose class the consumer does not know has ended in the failed list', async () => {
    const cron = await scheduler();
    await cron.slot(1);
    await drain({ store: store(), jobs: [] });
    expect(await bed.db.llen(bed.keys.failed)).toBe(1);
    expect(await cron.slot(2)).toBe('enqueued');
  });

  test('a job whose worker died is back in its queue: slots pass over', async () => {
    const cron = await scheduler();
    await cron.slot(1);
    // Its lease ends a minute after START, before slot 2.
    expect(await new TestWorker(store()).take('alone')).toHaveLength(1);

    expect(await cron.slot(2)).toBe('overlapped');
    expect(await bed.queued('alone')).toHaveLength(1);
    await drain({ store: store(), jobs: [quiet] });
    expect(await cron.slot(3)).toBe('enqueued');
  });

  test('a job that is nowhere any more, five minutes after it was enqueued, is not waited for', async () => {
    const cron = await scheduler();
    expect(await cron.slot(1)).toBe('enqueued');
    await bed.db.del(bed.keys.queue('alone'));
    for (const number of [2, 5]) expect(await cron.slot(number)).toBe('overlapped');
    expect(await cron.slot(6)).toBe('enqueued');
    // Days later it is still waited for where it is: in its queue, with a worker of ours or another's, or for a retry.
    expect(await cron.slot((3 * DAY) / MINUTE)).toBe('overlapped');
    await bed.db.rename(bed.keys.queue('alone'), 'elsewhere');
    const payload = (await bed.db.lindex('elsewhere', 0)) ?? '';
    await bed.db.sadd(bed.keys.workers, 'ruby:1:alone');
    await bed.db.set(bed.keys.worker('ruby:1:alone'), `{"queue":"alone","payload":${payload}}`);
    expect(await cron.slot((3 * DAY) / MINUTE + 1)).toBe('overlapped');
    await bed.db.del(bed.keys.worker('ruby:1:alone'));
    await bed.db.hset(bed.keys.retryPayloads, 'm:alone', payload);
    expect(await cron.slot((3 * DAY) / MINUTE + 2)).toBe('overlapped');
    await bed.db.del(bed.keys.retryPayloads);
    expect(await cron.slot((3 * DAY) / MINUTE + 3)).toBe('enqueued');
    await bed.db.del('elsewhere');
  });

  test('of more payloads than can be looked through nobody knows: it is waited for', async () => {
    const cron = await scheduler();
    await cron.slot(1);
    await bed.db.del(bed.keys.queue('alone'));
    await bed.db.eval(
      "for i = 1, 51 do redis.call('RPUSH', KEYS[1], unpack(ARGV)) end",
      1,
      bed.keys.queue('alone'),
      ...Array(1_000).fill('{}'),
    );
    expect(await cron.slot(10)).toBe('overlapped');
    await bed.db.ltrim(bed.keys.queue('alone'), 0, 40_000);
    expect(await cron.slot(11)).toBe('enqueued');
  });

  test('the late end of a job that counted as lost does not end the one after it', async () => {
    const cron = await scheduler();
    await cron.slot(1);
    const [lost = ''] = await bed.queued('alone');
    await bed.db.del(bed.keys.queue('alone'));
    await cron.slot(10);
    await bed.db.lpush(bed.keys.queue('other'), lost);
    await drain({ store: store(), jobs: [quiet], queues: 'other' });
    await drain({ store: store(), jobs: [quiet], queues: 'other' });
    expect(await cron.slot(11)).toBe('overlapped');
  });

  test('the end of a job that was enqueued by hand does not end the one of a slot', async () => {
    const cron = await scheduler();
    await cron.slot(1);
    const [ofSlot = ''] = await bed.queued('alone');
    await bed.db.del(bed.keys.queue('alone'));
    await cronClient(bed, { entries, jobs: [quiet], now: () => slot(1) }).runNow('alone');
    await drain({ store: store(), jobs: [quiet] });
    expect(await cron.slot(2)).toBe('overlapped');
    await bed.db.rpush(bed.keys.queue('alone'), ofSlot);
    await drain({ store: store(), jobs: [quiet] });
    expect(await cron.slot(3)).toBe('enqueued');
  });

  test('three schedulers at once enqueue one job', async () => {
    const team = await Promise.all([scheduler(), scheduler(), scheduler()]);
    await Promise.all(team.map((one) => one.tick(slot(1))));
    await Promise.all(team.map((one) => one.tick(slot(2))));
    expect(await bed.queued('alone')).toHaveLength(1);
    await drain({ store: store(), jobs: [quiet] });
    await Promise.all(team.map((one) => one.tick(slot(3))));
    expect(await bed.queued('alone')).toHaveLength(1);
  });

  test('with `allow`, the default, jobs pile up', async () => {
    const free = { ...entries, alone: { ...entries.alone, overlap: 'allow' as const } };
    const one = testScheduler({ client: bed.client(), entries: free, jobs: [quiet] });
    for (const number of [0, 1, 2, 3]) await one.tick(slot(number) + 37_000);
    expect(await bed.queued('alone')).toHaveLength(3);
    expect(await bed.db.exists(bed.keys.unique(cronLockName('alone')))).toBe(0);
  });

  describe('what the job knows', () => {
    test('its entry and its slot, on each attempt; other jobs know of none', async () => {
      const seen: unknown[] = [];
      const job = defineJob({
        class: 'Alone',
        queue: 'alone',
        retry: { attempts: 2, backoff: '1s' },
        perform(_args, ctx) {
          seen.push([ctx.job.attempt, ctx.job.id, ctx.cron]);
          if (ctx.job.attempt === 1) throw new Error('again');
        },
      });
      const cron = await scheduler(job);
      await cron.slot(1, 12_345);
      await drain({ store: store(), jobs: [job] });
      await eventually(async () => expect(await bed.db.zcard(bed.keys.retry)).toBe(1));
      await cron.tick(slot(1) + HOUR);
      await bed.db.rpush(bed.keys.queue('alone'), '{"class":"Alone","args":[],"id":"x"}');
      await drain({ store: store(), jobs: [job], options: { concurrency: 1 } });

      const known = { name: 'alone', slot: new Date(slot(1)), overlap: 'skip' };
      const id = 'cron:alone:2026-11-20T20:30:00.000Z';
      expect(seen.slice(0, 2)).toEqual([
        [1, id, known],
        [2, id, known],
      ]);
      expect(seen[2]).toEqual([1, 'x', undefined]);
    });
  });
});
