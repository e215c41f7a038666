import { describe, expect, test } from 'vitest';
import { LeaseLostError } from '../../../shared/errors.ts';
import { rawJob, syncReply } from '../../helpers/builders.ts';
import { asking, away, full, held, jobs, leaseWith, lost, reservation, WORKER, watch } from './lease-scene.ts';

const START = Date.UTC(2026, 10, 20, 20, 29, 37);

test('a worker and its token', () => {
  expect(leaseWith().lease).toMatchObject({ worker: WORKER, token: '0123456789ab' });
});

describe('a sync', () => {
  test('carries what was decided, and what the lease adds', async () => {
    const { sync, syncs, clock } = leaseWith(held);
    const settle = [{ raw: rawJob('{}'), marked: false, outcome: { kind: 'done' }, effects: [] }] as const;
    await sync(asking(5, { settle, workingOn: null, effects: [], letGo: ['ledger'] }));
    expect(syncs).toEqual([
      {
        worker: WORKER,
        place: { maxWorkers: 3 },
        call: 1,
        now: clock.now(),
        lease: 60_000,
        register: true,
        heartbeat: true,
        settle,
        workingOn: null,
        effects: [],
        letGo: ['ledger'],
        reserve: { ...reservation, count: 5, firstSeq: 0 },
      },
    ]);
  });

  test('answers what the store does', async () => {
    const answer = jobs(2);
    expect(await leaseWith(answer).sync(asking(5))).toBe(answer);
  });

  test('registers the worker once', async () => {
    const { sync, syncs, clock } = leaseWith(held);
    await clock.advance(5_000);
    await sync();
    await sync();
    expect(syncs.map((one) => one.register)).toEqual([true, undefined]);
    expect(syncs.map((one) => 'register' in one)).toEqual([true, false]);
  });

  test('numbers calls and jobs in their order', async () => {
    const { sync, syncs } = leaseWith(jobs(3), jobs(0), jobs(2), held);
    await sync(asking(5));
    await sync(asking(5));
    await sync();
    await sync(asking(5));
    expect(syncs.map((one) => one.call)).toEqual([1, 2, 3, 4]);
    expect(syncs.map((one) => one.reserve?.firstSeq)).toEqual([0, 3, undefined, 5]);
    expect(syncs.map((one) => 'reserve' in one)).toEqual([true, true, false, true]);
  });

  test('extends the lease; two thirds before its end it is time for the next', async () => {
    const { lease, sync, syncs, clock, start } = leaseWith(held);
    expect(lease.end).toBe(0);
    await sync();
    expect(lease).toMatchObject({ end: start + 60_000, extendAt: start + 20_000 });
    await clock.advance(7_000);
    await sync();
    expect(syncs.map((one) => one.lease)).toEqual([60_000, 60_000]);
    expect(lease).toMatchObject({ end: start + 67_000, extendAt: start + 27_000 });
  });

  test("writes Ruby's heartbeat once a minute", async () => {
    const { sync, syncs, clock } = leaseWith(held);
    for (let i = 0; i < 9; i++) {
      await sync();
      await clock.advance(20_000);
    }
    const [beats, no] = [true, undefined];
    expect(syncs.map((one) => one.heartbeat)).toEqual([beats, no, no, beats, no, no, beats, no, no]);
  });
});

describe("Redis's time", () => {
  test('is ours before the first sync', () => {
    const { lease, clock } = leaseWith();
    expect(lease.redisNow()).toBe(clock.now());
  });

  test.each([-61_000, 0, 31_536_000_000])('is known to be %i ms off ours, and goes on with ours', async (off) => {
    // It read its clock half way between question and answer.
    const { lease, clock, sync, says, start } = leaseWith(syncReply({ now: START + off + 50 }));
    says.takes = 100;
    const first = watch(sync());
    await clock.advance(100);
    expect(first.end).toHaveProperty('value');
    expect(lease.redisNow()).toBe(start + 100 + off);
    await clock.advance(7_000);
    expect(lease.redisNow()).toBe(start + 7_100 + off);
  });

  test('has nothing to do with when the lease ends for us', async () => {
    const { lease, sync, start } = leaseWith(syncReply({ now: START + 1e9 }));
    await sync();
    expect(lease.end).toBe(start + 60_000);
  });
});

test('the last round trip is that of the try that was answered', async () => {
  const { lease, clock, sync, says } = leaseWith(held, away, held);
  says.takes = 30;
  watch(sync());
  await clock.advance(30);
  expect(lease.lastRoundTrip).toBe(30);
  says.takes = 80;
  watch(sync());
  await clock.advance(80 + 50 + 80);
  expect(lease.lastRoundTrip).toBe(80);
});

describe('where as many workers run as may', () => {
  test('it asks once more after a second, since one of them may be about to leave', async () => {
    const { sync, syncs, times, clock, lease, left } = leaseWith(full, held);
    const done = sync();
    await clock.advance(1_000);
    await done;
    expect(times).toEqual([0, 1_000]);
    expect(syncs.map(({ call, register, place }) => [call, register, place])).toEqual([
      [1, true, { maxWorkers: 3 }],
      [1, true, { maxWorkers: 3 }],
    ]);
    await lease.leave(0, undefined);
    expect(left).toHaveLength(1);
  });

  test('it then gives up, says why, and has nothing to unregister', async () => {
    const { sync, clock, lease, left, log } = leaseWith(full);
    const failed = expect(sync()).rejects.toThrow(/As many workers of this consumer run as may \(maxWorkers: 3\)/);
    await clock.advance(1_000);
    await failed;
    await lease.leave(0, undefined);
    expect(left).toEqual([]);
    expect(log.lines).toEqual([]);
  });
});

describe('a lost lease', () => {
  test('is an error that says what happened, and is not tried again', async () => {
    const { sync, syncs, log } = leaseWith(held, lost);
    await sync();
    await expect(sync(asking(5))).rejects.toThrow(LeaseLostError);
    await expect(sync(asking(5))).rejects.toThrow(/jobs were given back to their queues/);
    expect(syncs).toHaveLength(3);
    expect(log.lines).toEqual([]);
  });

  test('makes the next sync register anew, with a heartbeat, under another id, with numbers that go on', async () => {
    const { lease, sync, syncs, clock, start } = leaseWith(jobs(3), lost, held);
    await sync(asking(5));
    await clock.advance(1_000);
    await expect(sync()).rejects.toThrow(LeaseLostError);
    await sync(asking(5));
    expect(syncs[1]).not.toHaveProperty('register');
    expect(syncs[1]).not.toHaveProperty('heartbeat');
    expect(syncs[1]?.worker).toBe(WORKER);
    expect(syncs[2]).toMatchObject({ call: 3, register: true, heartbeat: true, reserve: { firstSeq: 3 } });
    // What is in flight under the old one is reclaimed as a dead worker's.
    expect(syncs[2]?.worker).toMatch(/^lambdesque-host-[0-9a-f]{12}:7:q$/);
    expect(syncs[2]?.worker).not.toBe(WORKER);
    expect(lease.worker).toBe(syncs[2]?.worker);
    expect(lease.token).not.toBe('0123456789ab');
    expect(lease.end).toBe(start + 61_000);
  });

  test('because of a key of another type tells which', async () => {
    const key = { key: 'resque:inflight:w', error: 'WRONGTYPE' };
    const { sync, wrong } = leaseWith(held, { kind: 'lease lost', wrong: key }, lost);
    await sync();
    await expect(sync()).rejects.toThrow(LeaseLostError);
    await expect(sync()).rejects.toThrow(LeaseLostError);
    expect(wrong).toEqual([key]);
  });

  test('that is found after an outage is told as lost, not waited for', async () => {
    const { sync, clock } = leaseWith(held, away, away, lost);
    await sync();
    const second = watch(sync());
    await clock.advance(150);
    expect(second.end).toEqual({ error: expect.any(LeaseLostError) });
  });
});

describe('leaving', () => {
  test('unregisters the worker', async () => {
    const { lease, left, log } = leaseWith();
    await lease.leave(0, undefined);
    expect(left).toEqual([WORKER]);
    expect(log.lines).toEqual([]);
  });

  test('tells how many jobs are left to be reclaimed', async () => {
    const { lease, log, says } = leaseWith();
    says.unregister.answers = [1];
    await lease.leave(0, undefined);
    expect(log.lines).toEqual([
      {
        level: 'warn',
        message: 'Jobs of this worker are left to be reclaimed when its lease has ended',
        fields: { jobs: 1 },
      },
    ]);
  });

  const untaken = (jobs: number) => ({
    level: 'error',
    message: 'Redis did not take the last outcomes; those jobs run again when the lease has ended',
    fields: { redis: 'host:1', jobs, error: away },
  });

  test('does not reject when Redis is away', async () => {
    const { lease, log, says } = leaseWith();
    says.unregister.answers = [away];
    await lease.leave(2, undefined);
    expect(log.lines).toEqual([untaken(2)]);
  });

  test('after a sync that failed leaves the registration for the reclaim, with what was not settled', async () => {
    const { lease, log, left } = leaseWith();
    await lease.leave(4, away);
    expect(left).toEqual([]);
    expect(log.lines).toEqual([untaken(4)]);
  });
});
