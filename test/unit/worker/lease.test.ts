import { describe, expect, test } from 'vitest';
import { LeaseLostError } from '../../../shared/errors.ts';
import type { SyncReply } from '../../../shared/worker/lease.ts';
import { rawJob } from '../../helpers/builders.ts';
import { asking, away, held, jobs, leaseWith, lost, nothing, reservation, watch } from './lease-scene.ts';

test('a worker and its token', () => {
  expect(leaseWith().lease).toMatchObject({ worker: 'lambdesque-host-abc123:7:q', token: 'abc123' });
});

describe('a turn', () => {
  test('carries what was decided, and what the lease adds', async () => {
    const { turn, turns, start } = leaseWith(held);
    const settle = [{ kind: 'done', raw: rawJob('{}') }] as const;
    await turn(asking(5, { settle, workingOn: null, statuses: [], started: 3 }));
    expect(turns).toEqual([
      {
        worker: 'lambdesque-host-abc123:7:q',
        call: 1,
        leaseEnd: start + 60_000,
        register: new Date(start),
        heartbeat: new Date(start),
        settle,
        workingOn: null,
        statuses: [],
        started: 3,
        reserve: { ...reservation, count: 5, firstSeq: 0 },
      },
    ]);
  });

  test('answers what the store does', async () => {
    const answer = jobs(2) as SyncReply;
    expect(await leaseWith(answer).turn(asking(5))).toBe(answer);
  });

  test('registers the worker once, with the time at which it started', async () => {
    const { turn, turns, clock, start } = leaseWith(held);
    await clock.advance(5_000);
    await turn();
    await turn();
    expect(turns.map((one) => one.register)).toEqual([new Date(start), undefined]);
    expect(turns.map((one) => 'register' in one)).toEqual([true, false]);
  });

  test('numbers calls and jobs in their order', async () => {
    const { turn, turns } = leaseWith(jobs(3), jobs(0), jobs(2), held);
    await turn(asking(5));
    await turn(asking(5));
    await turn();
    await turn(asking(5));
    expect(turns.map((one) => one.call)).toEqual([1, 2, 3, 4]);
    expect(turns.map((one) => one.reserve?.firstSeq)).toEqual([0, 3, undefined, 5]);
    expect(turns.map((one) => 'reserve' in one)).toEqual([true, true, false, true]);
  });

  test('extends the lease; two thirds before its end it is time for the next', async () => {
    const { lease, turn, turns, clock, start } = leaseWith(held);
    expect(lease.end).toBe(0);
    await turn();
    expect(lease).toMatchObject({ end: start + 60_000, extendAt: start + 20_000 });
    await clock.advance(7_000);
    await turn();
    expect(turns[1]?.leaseEnd).toBe(start + 67_000);
    expect(lease).toMatchObject({ end: start + 67_000, extendAt: start + 27_000 });
  });

  test("writes Ruby's heartbeat once a minute", async () => {
    const { turn, turns, clock, start } = leaseWith(held);
    for (let i = 0; i < 9; i++) {
      await turn();
      await clock.advance(20_000);
    }
    const beat = (ms: number) => new Date(start + ms);
    expect(turns.map((one) => one.heartbeat)).toEqual([
      beat(0),
      undefined,
      undefined,
      beat(60_000),
      undefined,
      undefined,
      beat(120_000),
      undefined,
      undefined,
    ]);
  });
});

describe('a lost lease', () => {
  test('is an error that says what happened, and is not tried again', async () => {
    const { turn, turns, log } = leaseWith(held, lost);
    await turn();
    await expect(turn(asking(5))).rejects.toThrow(LeaseLostError);
    await expect(turn(asking(5))).rejects.toThrow(/jobs were given back to their queues/);
    expect(turns).toHaveLength(3);
    expect(log.lines).toEqual([]);
  });

  test('makes the next turn register anew, with a heartbeat and a number that goes on', async () => {
    const { lease, turn, turns, clock, start } = leaseWith(jobs(3), lost, held);
    await turn(asking(5));
    await clock.advance(1_000);
    await expect(turn()).rejects.toThrow(LeaseLostError);
    await turn(asking(5));
    expect(turns[1]).not.toHaveProperty('register');
    expect(turns[1]).not.toHaveProperty('heartbeat');
    expect(turns[2]).toMatchObject({
      call: 3,
      register: new Date(start),
      heartbeat: new Date(start + 1_000),
      reserve: { firstSeq: 3 },
    });
    expect(lease.end).toBe(start + 61_000);
  });

  test('that is found after an outage is told as lost, not waited for', async () => {
    const { turn, clock } = leaseWith(held, away, away, lost);
    await turn();
    const second = watch(turn());
    await clock.advance(150);
    expect(second.end).toEqual({ error: expect.any(LeaseLostError) });
  });
});

describe('the highest number that may have started when a turn is answered', () => {
  test('is that of the jobs that have, where none of those that come can start at once', async () => {
    const { turn, turns } = leaseWith(jobs(3), held);
    await turn(asking(5, { started: -1, startable: 0 }));
    await turn({ ...nothing, started: 2, startable: 4 });
    await turn(asking(5, { started: 2, startable: 0 }));
    expect(turns.map((one) => one.started)).toEqual([-1, 2, 2]);
  });

  test('is that of the last one for which there is a slot, where jobs are reserved', async () => {
    const { turn, turns } = leaseWith(jobs(3), held);
    await turn(asking(5, { started: -1, startable: 4 }));
    await turn(asking(5, { started: 2, startable: 1 }));
    await turn(asking(5, { started: 2, startable: 9 }));
    expect(turns.map((one) => one.started)).toEqual([3, 3, 7]);
  });
});

describe('leaving', () => {
  test('unregisters the worker', async () => {
    const { lease, left, log } = leaseWith();
    await lease.leave(0, undefined);
    expect(left).toEqual(['lambdesque-host-abc123:7:q']);
    expect(log.lines).toEqual([]);
  });

  test('tells how many jobs are left to be reclaimed', async () => {
    const { lease, log, leaving } = leaseWith();
    leaving.answer = 1;
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
    const { lease, log, leaving } = leaseWith();
    leaving.answer = away;
    await lease.leave(2, undefined);
    expect(log.lines).toEqual([untaken(2)]);
  });

  test('after a turn that failed leaves the registration for the reclaim, with what was not settled', async () => {
    const { lease, log, left } = leaseWith();
    await lease.leave(4, away);
    expect(left).toEqual([]);
    expect(log.lines).toEqual([untaken(4)]);
  });
});
