import { describe, expect, test } from 'vitest';
import { LeaseLostError } from '../../../shared/errors.ts';
import { rawJob, starting } from '../../helpers/builders.ts';
import { asking, away, forgot, held, jobs, leaseWith, lost, WORKER, watch } from './lease-scene.ts';

describe('a Redis that lost its last writes', () => {
  const mine = [rawJob('{}', { seq: 1 }), rawJob('{}', { seq: 2 })] as const;

  test('gives back what is in flight there and unknown here; then the sync is sent again, with its number', async () => {
    const { sync, syncs, recovers, says, missing, wrong, log } = leaseWith(held, held, forgot, jobs(2), held);
    const key = { key: 'resque:queue:q', error: 'WRONGTYPE' };
    says.held = [{ raw: mine[0] }, { raw: mine[1], marked: true }];
    says.recover.answers = [{ given: 40, missing: [mine[1]], wrong: [key] }];
    await sync();
    await sync();
    expect(await sync(asking(5))).toEqual(jobs(2));
    expect(recovers).toEqual([{ worker: WORKER, call: 2, held: says.held }]);
    expect(syncs.map((one) => one.call)).toEqual([1, 2, 3, 3]);
    expect(syncs[3]).toEqual(syncs[2]);
    expect(missing).toEqual([mine[1]]);
    expect(wrong).toEqual([key]);
    expect(log.lines).toEqual([
      {
        level: 'warn',
        message: 'Redis has lost its last writes; jobs that nobody held any more are back in their queues',
        fields: { redis: 'host:1', givenBack: 40, again: 1 },
      },
    ]);
    await sync(asking(5));
    expect(syncs[4]?.reserve?.firstSeq).toBe(2);
  });

  test('and is away meanwhile is asked until it answers', async () => {
    const { sync, recovers, says, clock } = leaseWith(held, forgot, held);
    says.recover.answers = [away, { given: 0, missing: [], wrong: [] }];
    await sync();
    const second = watch(sync());
    await clock.advance(50);
    expect(second.end).toEqual({ value: held });
    expect(recovers).toHaveLength(2);
  });

  test('and then the lease too has lost it', async () => {
    const { sync, recovers } = leaseWith(held, forgot, lost);
    await sync();
    await expect(sync()).rejects.toThrow(LeaseLostError);
    expect(recovers).toHaveLength(1);
  });
});

describe('the mark that at-most-once jobs may have started', () => {
  const raws = [rawJob('{}', { seq: 1 }), rawJob('{}', { seq: 2 }), rawJob('{}', { seq: 3 })];

  test('answers those that the worker holds', async () => {
    const { lease, starts, says, giveUp } = leaseWith();
    says.start.answers = [[true, false, true]];
    expect(await lease.start(raws.map(starting), giveUp.signal)).toEqual([raws[0], raws[2]]);
    expect(starts).toEqual([{ worker: WORKER, jobs: raws.map(starting) }]);
  });

  test('is sent again while Redis does not answer', async () => {
    const { lease, sync, starts, says, giveUp, clock } = leaseWith(held);
    await sync();
    says.start.answers = [away, [true, true, true]];
    const started = watch(lease.start(raws.map(starting), giveUp.signal));
    await clock.advance(50);
    expect(started.end).toEqual({ value: raws });
    expect(starts).toHaveLength(2);
  });

  test('is not waited for any longer than the worker waits for Redis', async () => {
    const { lease, sync, says, giveUp } = leaseWith(held);
    await sync();
    says.start.answers = [away];
    giveUp.abort();
    await expect(lease.start(raws.map(starting), giveUp.signal)).rejects.toBe(away);
  });

  test('lets nothing start whose lease was lost before the answer came', async () => {
    const { lease, sync, says, giveUp, clock } = leaseWith(held, lost);
    await sync();
    says.start.answers = [away, [true, true, true]];
    const started = watch(lease.start(raws.map(starting), giveUp.signal));
    await expect(sync()).rejects.toThrow(LeaseLostError);
    await clock.advance(50);
    expect(started.end).toEqual({ value: [] });
  });
});
