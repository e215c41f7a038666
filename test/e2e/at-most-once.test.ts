import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type AtMostOnceCase, nameOf, runAtMostOnce } from '../chaos/at-most-once.ts';
import { Bed } from '../helpers/chaos-bed.ts';
import { Random } from '../helpers/chaos-random.ts';
import { PATIENCE } from '../helpers/eventually.ts';

vi.setConfig({ testTimeout: 3 * PATIENCE, hookTimeout: PATIENCE });

let bed: Bed;
beforeAll(async () => {
  bed = await Bed.open();
});
afterAll(() => bed.close());

const SEED = 5;
/** `npm run chaos -- at-most-once` has 50,000. */
const CASES: readonly AtMostOnceCase[] = [
  { jobs: 1_000, work: ['wait', 5], kills: 4, workers: 2, concurrency: 5 },
  { jobs: 1_000, work: ['noop'], kills: 2, workers: 1, concurrency: 25 },
];

test.concurrent.each(CASES.map((one) => [nameOf(one), one] as const))('%s: none starts twice', async (_name, one) => {
  const { wrong, killed, started, failedUnstarted } = await runAtMostOnce(bed, one, new Random(SEED), PATIENCE);
  expect(wrong).toEqual([]);
  expect(killed, 'workers killed while jobs ran').toBe(one.kills);
  expect(started + failedUnstarted).toBe(one.jobs);
  // At a kill, what stands between Redis's word and the first line of a handler is at most what runs at once.
  expect(failedUnstarted).toBeLessThanOrEqual(one.kills * one.concurrency);
});
