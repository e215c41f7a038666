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
  test('a turn is sent again, with its number, until it does', async () => {
    const { turn, turns, times, clock } = leaseWith(held, away, away, away, away, jobs(2), held);
    await turn();
    const second = watch(turn(asking(5)));
    await clock.advance(10_000);
    expect(second.end).toEqual({ value: jobs(2) });
    expect(times).toEqual([0, 0, 50, 150, 350, 750]);
    await turn(asking(5));
    expect(turns.map((one) => one.call)).toEqual([1, 2, 2, 2, 2, 2, 3]);
    expect(turns.map((one) => one.reserve?.firstSeq)).toEqual([undefined, 0, 0, 0, 0, 0, 2]);
  });

  test('it waits longer and longer, up to five seconds', async () => {
    const { turn, times, clock } = leaseWith(held, away);
    await turn();
    watch(turn());
    await clock.advance(30_000);
    const waits = times.slice(2).map((time, i) => time - (times[i + 1] ?? 0));
    expect(waits).toEqual([50, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000, 5_000]);
  });

  test('the lease counts from the try that got through, not from the first', async () => {
    const { lease, turn, turns, clock, start } = leaseWith(held, away, held);
    await turn();
    watch(turn());
    await clock.advance(50);
    expect(turns[2]?.leaseEnd).toBe(start + 60_050);
    expect(lease.end).toBe(start + 60_050);
  });

  test('the heartbeat is due until it got through', async () => {
    const { turn, turns, clock, log } = leaseWith(away, held);
    const first = watch(turn());
    await clock.advance(50);
    expect(first.end).toEqual({ value: held });
    expect(log.lines.map(({ message }) => message).at(-1)).toBe('Redis answers again');
    expect(turns.map((one) => one.heartbeat !== undefined)).toEqual([true, true]);
    expect(turns.map((one) => one.register !== undefined)).toEqual([true, true]);
  });

  test('it says so, again every 30 s, and when it is over', async () => {
    const { turn, log, clock } = leaseWith(held, ...Array<Answer>(20).fill(away), held);
    await turn();
    watch(turn());
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
      const { turn, clock } = leaseWith(held, error, held);
      await turn();
      const second = watch(turn());
      await clock.advance(50);
      expect(second.end).toEqual({ value: held });
    },
  );

  test('a worker that is told to give up does, at once, with what Redis said', async () => {
    const { turn, giveUp, clock, times } = leaseWith(held, away);
    await turn();
    const second = watch(turn());
    await clock.advance(4_000);
    expect(second.end).toBeUndefined();
    giveUp.abort();
    await clock.advance(0);
    expect(second.end).toEqual({ error: away });
    expect(times.at(-1)).toBe(4_000);
    expect(clock.pending).toBe(0);
  });

  test('a worker that was told to give up before still tries once', async () => {
    const { turn, giveUp, turns } = leaseWith(held, held, away);
    await turn();
    giveUp.abort();
    await expect(turn()).resolves.toBe(held);
    await expect(turn()).rejects.toBe(away);
    expect(turns).toHaveLength(3);
  });
});

describe('on the first turn', () => {
  test('a Redis that is away is tried three times, then the error is told', async () => {
    const { lease, turn, times, clock } = leaseWith(away);
    const first = watch(turn());
    await clock.advance(149);
    expect(first.end).toBeUndefined();
    await clock.advance(1);
    expect(first.end).toEqual({ error: away });
    expect(times).toEqual([0, 50, 150]);
    expect(lease.end).toBe(0);
  });

  test.each([new RedisReplyError('ERR'), new LambdesqueError('other')])('%s is tried as often', async (error) => {
    const { turn, turns, clock } = leaseWith(error, error, held);
    const first = watch(turn());
    await clock.advance(150);
    expect(first.end).toEqual({ value: held });
    expect(turns).toHaveLength(3);
  });

  test.each([new RedisAuthError('WRONGPASS'), new RedisTypeError('WRONGTYPE')])(
    '%s is told at once: it does not mend itself',
    async (error) => {
      const { turn, turns } = leaseWith(error);
      await expect(turn()).rejects.toBe(error);
      expect(turns).toHaveLength(1);
    },
  );
});

describe('numbers of jobs are never given twice', () => {
  test('after a turn whose outcome stayed unknown', async () => {
    const { turn, turns, giveUp } = leaseWith(jobs(2), away, away, held);
    await turn(asking(5));
    giveUp.abort();
    await expect(turn(asking(5))).rejects.toBe(away);
    await expect(turn()).rejects.toBe(away);
    await turn(asking(5));
    expect(turns.map((one) => one.reserve?.firstSeq)).toEqual([0, 2, undefined, 7]);
  });

  // The lost answer may have brought jobs. They were given back with ids that are made of these numbers, and a job that
  // got one of them once more would take the other's place among the retries.
  test('after a turn that was sent again and found the lease lost', async () => {
    const { turn, turns, clock } = leaseWith(jobs(2), away, lost, held);
    await turn(asking(5));
    const second = watch(turn(asking(5)));
    await clock.advance(50);
    expect(second.end).toEqual({ error: expect.any(LeaseLostError) });
    await turn(asking(5));
    expect(turns.map((one) => one.reserve?.firstSeq)).toEqual([0, 2, 2, 7]);
  });
});
