import { describe, expect, test } from 'vitest';
import { consumerEnd, schedulerEnd } from '../../../functions/contract/invocation-end.ts';

describe('the end of a consumer’s time', () => {
  test.each([
    // remaining → deadline and last moment for Redis, ms before the end; grace
    [900_000, 3_000, 500, 1_000],
    [60_000, 3_000, 500, 1_000],
    [8_000, 2_000, 333, 667],
    [3_000, 750, 125, 250],
    [0, 0, 0, 0],
    [-5, 0, 0, 0],
  ])('of %i ms', (remaining, deadline, last, grace) => {
    const plan = consumerEnd(1_000_000, 1_000_000 + remaining);
    const end = 1_000_000 + remaining;
    expect([end - plan.deadline, end - plan.giveUpAt, plan.abortGrace].map(Math.round)).toEqual([
      deadline,
      last,
      grace,
    ]);
  });

  test('leaves room between what comes after another', () => {
    for (let remaining = 100; remaining < 1_000_000; remaining *= 1.5) {
      const { deadline, abortGrace, giveUpAt } = consumerEnd(0, remaining);
      // A consumer gives up on Redis two graces after the deadline.
      expect(deadline + 2 * abortGrace).toBeLessThan(giveUpAt);
      expect(giveUpAt).toBeLessThan(remaining);
    }
  });
});

test('the scheduler keeps 5 s for its last tick, and half a second to say what is wrong', () => {
  expect(schedulerEnd(60_000)).toEqual({ lastTickAt: 55_000, giveUpAt: 59_500 });
});
