import { describe, expect, test } from 'vitest';
import { decode, type Undecodable } from '../../../shared/wire/decode.ts';
import { aJob, rawJob } from '../../helpers/builders.ts';
import { BEHIND, begin, discarded, failed, released, retried, succeeded } from './pending-results-scene.ts';

/** Each with an effect, so that it is settled by itself. */
const tracked = aJob({ statusId: 'd96d3448e98b29aace86a5474d84fe78' });

describe('what the statistics are told', () => {
  test('are sums of what is only done, by queue and class', () => {
    const { pending } = begin();
    const other = aJob({ raw: rawJob('{}', { queue: 'other' }), class: 'Other' });
    pending.ended(aJob(), succeeded, false, 2);
    pending.ended(other, succeeded, false, 1);
    pending.ended(aJob(), discarded, false, 0.5);
    pending.ended(other, succeeded, false, 1);
    const none = { waitMs: 0, waited: 0 };
    expect(pending.take().ran).toEqual([
      // Half a millisecond and two of them.
      { queue: 'myqueue', class: 'Hello', succeeded: 1, discarded: 1, ms: 2.5, times: [1, 1], ...none },
      { queue: 'other', class: 'Other', succeeded: 2, discarded: 0, ms: 2, times: [2], ...none },
    ]);
    pending.ended(aJob(), succeeded, false, 7);
    expect(pending.take().ran).toMatchObject([{ succeeded: 1, ms: 7 }]);
    expect(pending.take().ran).toBeUndefined();
  });

  test.each([retried, failed])('stands with each job that is $kind', (outcome) => {
    const { pending } = begin();
    pending.ended(aJob(), outcome, false, 2);
    expect(pending.take()).toMatchObject({ settle: [{ run: { class: 'Hello', outcome: outcome.kind, ms: 2 } }] });
  });

  test('stands with those that are done, and with what happens besides', () => {
    const { pending } = begin();
    pending.ended(tracked, succeeded, false, 2);
    pending.ended(aJob(), discarded, true, 2);
    const { settle, ran } = pending.take();
    expect(settle).toMatchObject([{ run: { outcome: 'succeeded' } }, { run: { outcome: 'discarded' } }]);
    expect(ran).toBeUndefined();
  });

  test('is nothing of what goes back', () => {
    const { pending } = begin();
    pending.ended(aJob(), released, false, 2);
    pending.ended(tracked, released, false, 2);
    pending.died(aJob(), 'tail');
    pending.release([rawJob('{}')]);
    const { settle, ran } = pending.take();
    expect(settle.map(({ run }) => run)).toEqual([undefined, undefined, undefined, undefined]);
    expect(ran).toBeUndefined();
  });

  test('is that a payload failed which nobody can read', () => {
    const { pending } = begin();
    pending.undecodable(decode(rawJob('no json'), 'token', 'bigint') as Undecodable);
    expect(pending.take().settle).toMatchObject([{ run: { class: undefined, outcome: 'failed', ms: 0 } }]);
  });

  test('goes with the lease', () => {
    const { pending } = begin();
    pending.ended(aJob(), succeeded, false, 2);
    pending.takeAll();
    expect(pending.take().ran).toBeUndefined();
  });

  test('is never ahead of what is settled: all that is only done goes with the next sync', () => {
    const { pending } = begin();
    for (let i = 0; i < 1_500; i++) {
      pending.ended(aJob(), retried, false, 1);
      pending.ended(aJob(), succeeded, false, 1);
    }
    const first = pending.take();
    expect(first.settle.filter(({ outcome }) => outcome.kind === 'done')).toHaveLength(1_500);
    expect(first.settle).toHaveLength(2_500);
    expect(first.ran).toMatchObject([{ succeeded: 1_500 }]);
    expect(pending.take().settle).toHaveLength(500);
  });
});

describe('how long a job has waited', () => {
  const start = (given: Parameters<typeof aJob>[0], startedAt?: (now: number) => number) => {
    const { pending, clock } = begin();
    // By Redis's clock, which is behind ours.
    const queueTime = clock.now() - BEHIND - 5_000;
    pending.ended(aJob({ queueTime, ...given }), succeeded, false, 300, startedAt?.(clock.now()));
    return pending.take().ran?.[0];
  };

  test('is counted from when it was enqueued to its start, by Redis’s clock', () => {
    expect(start({}, (now) => now - 300)).toMatchObject({ waitMs: 4_700, waited: 1 });
    expect(
      start({}, (now) => now - 9_000),
      'its producer’s clock is ahead',
    ).toMatchObject({ waitMs: 0, waited: 1 });
  });

  test.each([
    ['does not say', { queueTime: undefined }],
    ['is of a second attempt', { attempt: 2 }],
    ['is of a job whose worker died', { deaths: 1 }],
    ['may be of a delayed job', { delayed: true }],
  ])('is not known where the payload %s', (_why, given) => {
    expect(start(given, (now) => now)).toMatchObject({ waitMs: 0, waited: 0 });
  });

  test('is not known of one that did not start', () => {
    expect(start({})).toMatchObject({ succeeded: 1, waited: 0 });
  });
});
