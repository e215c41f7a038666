import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { nameOf, runSerial, type SerialCase } from '../chaos/serial.ts';
import { Bed } from '../helpers/chaos-bed.ts';
import { Random } from '../helpers/chaos-random.ts';
import { PATIENCE } from '../helpers/eventually.ts';

vi.setConfig({ testTimeout: 3 * PATIENCE, hookTimeout: PATIENCE });

let bed: Bed;
beforeAll(async () => {
  bed = await Bed.open();
});
afterAll(() => bed.close());

const SEED = 8;
/** `npm run chaos -- serial` has more of each. */
const CASES: readonly SerialCase[] = [
  { jobs: 600, work: ['wait', 5], kills: 3, workers: 1, concurrency: 25 },
  { jobs: 400, work: ['wait', 5], kills: 3, workers: 2, concurrency: 1 },
  { jobs: 20_000, work: ['noop'], kills: 2, workers: 1, concurrency: 1 },
];

// Beside each other: most of their time they wait for the leases of dead workers to end.
describe.concurrent('a serial queue whose workers are killed and started again keeps its order, one at a time', () => {
  test.each(CASES.map((one) => [nameOf(one), one] as const))('%s', async (_name, one) => {
    expect(await runSerial(bed, one, new Random(SEED), PATIENCE)).toEqual([]);
  });
});
