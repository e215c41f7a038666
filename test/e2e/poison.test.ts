import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { nameOf, type PoisonCase, runPoison, runSuspects } from '../chaos/poison.ts';
import { Bed } from '../helpers/chaos-bed.ts';
import { PATIENCE } from '../helpers/eventually.ts';

vi.setConfig({ testTimeout: 3 * PATIENCE, hookTimeout: PATIENCE });

let bed: Bed;
beforeAll(async () => {
  bed = await Bed.open();
});
afterAll(() => bed.close());

/** One of each kind, and each surrounding at least once; `npm run chaos -- poison` runs every combination. */
const CASES: readonly PoisonCase[] = [
  { poison: 'kill', concurrency: 25, workers: 1, innocents: 'noop' },
  { poison: 'exit', concurrency: 1, workers: 1, innocents: 'mixed' },
  { poison: 'kill', concurrency: 2, workers: 3, innocents: '1ms', poisons: 2 },
  { poison: 'memory', concurrency: 2, workers: 1, innocents: '1ms' },
  { poison: 'loop', concurrency: 25, workers: 3, innocents: 'mixed' },
  { poison: 'stray-event', concurrency: 2, workers: 1, innocents: '1ms' },
  { poison: 'kill-later', concurrency: 10, workers: 1, innocents: 'slow', poisons: 2, fresh: true },
];

// Beside each other: most of their time they wait for the leases of dead workers to end.
describe.concurrent('costs three workers at most, then is in failed; no innocent job ever is', () => {
  test.each(CASES.map((one) => [nameOf(one), one] as const))('%s', async (_name, one) => {
    expect(await runPoison(bed, one, PATIENCE)).toEqual([]);
  });

  test('healthy jobs behind five suspects start while places are free', async () => {
    expect(await runSuspects(bed, PATIENCE)).toEqual([]);
  });
});
