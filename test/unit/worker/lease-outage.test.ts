import { describe, expect, test } from 'vitest';
import {
  LambdesqueError,
  LeaseLostError,
  RedisAuthError,
  RedisReplyError,
  RedisTypeError,
} from '../../../shared/errors.ts';
import { type Answer, asking, away, held, jobs, leaseWith, lost, watch } from './lease-scene.ts';

describe('while Redis does not answer', () => {
  test('a sync is sent again, with its number, until it does', async () => {
    const { sync, syncs, times, clock } = leaseWith(held, away, away, away, away, jobs(2), held);
    await sync();
    const second = watch(sync(asking(5)));
    await clock.advance(10_000);
    expect(second.end).toEqual({ value: jobs(2) });
    expect(times).toEqual([0, 0, 50, 150, 350, 750]);
    await sync(asking(5));
    expect(syncs.map((one) => one.call)).toEqual([1, 2, 2, 2, 2, 2, 3]);
    expect(syncs.map((one) => one.reserve?.firstSeq)).toEqual([undefined, 0, 0, 0, 0, 0, 2]);
  });

  test('it waits longer and longer, up to five seconds', async () => {
    const { sync, times, clock } = leaseWith(held, away);
    await sync();
    watch(sync());
    await clock.advance(30_000);
    const waits = times.slice(2).map((time, i) => time - (times[i + 1] ?? 0));
    expect(waits).toEqual([50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000, 5_000]);
  });

  test('the lease counts from the try that got through, not from the first', async () => {
    const { lease, sync, syncs, clock, start } = leaseWith(held, away, held);
    await sync();
    watch(sync());
    await clock.advance(50);
    expect(syncs[2]?.lease).toBe(60_000);
    expect(lease.end).toBe(start + 60_050);
  });

  test('the heartbeat is due until it got through', async () => {
    const { sync, syncs, clock, log } = leaseWith(away, held);
    const first = watch(sync());
    await clock.advance(50);
    expect(first.end).toEqual({ value: held });
    expect(log.lines.map(({ message }) => message).at(-1)).toBe('Redis answers again');
    expect(syncs.map((one) => one.heartbeat !== undefined)).toEqual([true, true]);
    expect(syncs.map((one) => one.register !== undefined)).toEqual([true, true]);
  });

  test('it says so, again every 30 s, and when it is over', async () => {
    const { sync, log, clock } = leaseWith(held, ...Array<Answer>(20).fill(away), held);
    await sync();
    watch(sync());
    await clock.advance(120_000);
    const line = (tries: number) => ({
      level: 'error',
      message: 'Redis did not carry out a call; trying again until it does',
      fields: { redis: 'host:1', tries, error: away },
    });
    expect(log.lines).toEqual([
      line(1),
      line(13),
      line(19),
      { level: 'info', message: 'Redis answers again', fields: { redis: 'host:1', tries: 21 } },
    ]);
  });

  test.each([new RedisReplyError('ERR'), new RedisAuthError('WRONGPASS'), new LambdesqueError('other')])(
    'a worker that has begun tries again after %s too',
    async (error) => {
      const { sync, clock } = leaseWith(held, error, held);
      await sync();
      const second = watch(sync());
      await clock.advance(50);
      expect(second.end).toEqual({ value: held });
    },
  );

  test('a worker that is told to give up does, at once, with what Redis said', async () => {
    const { sync, giveUp, clock, times } = leaseWith(held, away);
    await sync();
    const second = watch(sync());
    await clock.advance(4_000);
    expect(second.end).toBeUndefined();
    giveUp.abort();
    await clock.advance(0);
    expect(second.end).toEqual({ error: away });
    expect(times.at(-1)).toBe(4_000);
    expect(clock.pending).toBe(0);
  });

  test('a worker that was told to give up before still tries once', async () => {
    const { sync, giveUp, syncs } = leaseWith(held, held, away);
    await sync();
    giveUp.abort();
    await expect(sync()).resolves.toBe(held);
    await expect(sync()).rejects.toBe(away);
    expect(syncs).toHaveLength(3);
  });
});

describe('on the first sync', () => {
  test('a Redis that is away is tried three times, then the error is told', async () => {
    const { lease, sync, times, clock } = leaseWith(away);
    const first = watch(sync());
    await clock.advance(149);
    expect(first.end).toBeUndefined();
    await clock.advance(1);
    expect(first.end).toEqual({ error: away });
    expect(times).toEqual([0, 50, 150]);
    expect(lease.end).toBe(0);
  });

  test.each([new RedisReplyError('ERR'), new LambdesqueError('other')])('%s is tried as often', async (error) => {
    const { sync, syncs, clock } = leaseWith(error, error, held);
    const first = watch(sync());
    await clock.advance(150);
    expect(first.end).toEqual({ value: held });
    expect(syncs).toHaveLength(3);
  });

  test.each([new RedisAuthError('WRONGPASS'), new RedisTypeError('WRONGTYPE')])(
    '%s is told at once: it does not mend itself',
    async (error) => {
      const { sync, syncs } = leaseWith(error);
      await expect(sync()).rejects.toBe(error);
      expect(syncs).toHaveLength(1);
    },
  );
});

describe('numbers of jobs are never given twice', () => {
  test('after a sync whose outcome stayed unknown', async () => {
    const { sync, syncs, giveUp } = leaseWith(jobs(2), away, away, held);
    await sync(asking(5));
    giveUp.abort();
    await expect(sync(asking(5))).rejects.toBe(away);
    await expect(sync()).rejects.toBe(away);
    await sync(asking(5));
    expect(syncs.map((one) => one.reserve?.firstSeq)).toEqual([0, 2, undefined, 7]);
  });

  // The lost answer may have brought jobs. They were given back with ids that are made of these numbers, and a job that
  // got one of them once more would take the other's place among the retries.
  test('after a sync that was sent again and found the lease lost', async () => {
    const { sync, syncs, clock } = leaseWith(jobs(2), away, lost, held);
    await sync(asking(5));
    const second = watch(sync(asking(5)));
    await clock.advance(50);
    expect(second.end).toEqual({ error: expect.any(LeaseLostError) });
    await sync(asking(5));
    expect(syncs.map((one) => one.reserve?.firstSeq)).toEqual([0, 2, 2, 7]);
  });
});
