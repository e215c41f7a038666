import { describe, expect, test } from 'vitest';
import type { StartingJob } from '../../../shared/broker/broker.ts';
import type { RawJob } from '../../../shared/types.ts';
import { StartMarks } from '../../../shared/worker/start-marks.ts';
import { rawJob, starting } from '../../helpers/builders.ts';

const [a, b, c] = [1, 2, 3].map((seq) => rawJob('{}', { seq })) as [RawJob, RawJob, RawJob];

/** Marks, and the calls that write them, each answered by the test. */
function begin() {
  const calls: { readonly jobs: readonly StartingJob[]; answer(may: readonly RawJob[]): void; refuse(): void }[] = [];
  const marks = new StartMarks((jobs) => {
    const { promise, resolve, reject } = Promise.withResolvers<readonly RawJob[]>();
    calls.push({ jobs: [...jobs], answer: resolve, refuse: () => reject(new Error('away')) });
    return promise;
  });
  return { marks, calls };
}

/** Lets promises go on. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

test('jobs that get a place in one moment are one call', async () => {
  const { marks, calls } = begin();
  const all = [marks.mark(starting(a)), marks.mark(starting(b))];
  await settle();
  expect(calls.map(({ jobs }) => jobs.map(({ raw }) => raw))).toEqual([[a, b]]);
  calls[0]?.answer([a, b]);
  expect(await Promise.all(all)).toEqual([true, true]);
});

test('one that comes later is another, though the first is still under way', async () => {
  const { marks, calls } = begin();
  const first = marks.mark(starting(a));
  await settle();
  const second = marks.mark(starting(b));
  await settle();
  expect(calls.map(({ jobs }) => jobs.map(({ raw }) => raw))).toEqual([[a], [b]]);
  calls[1]?.answer([b]);
  expect(await second).toBe(true);
  calls[0]?.answer([a]);
  expect(await first).toBe(true);
});

describe('a job', () => {
  test('has its mark from when it stands in Redis until it is forgotten', async () => {
    const { marks, calls } = begin();
    const may = marks.mark(starting(a));
    await settle();
    expect(marks.has(a)).toBe(false);
    calls[0]?.answer([a]);
    await may;
    expect([marks.has(a), marks.has(b)]).toEqual([true, false]);
    marks.forget(a);
    expect(marks.has(a)).toBe(false);
  });

  test('that only had effects has none', async () => {
    const { marks, calls } = begin();
    const may = marks.mark({ ...starting(a), marked: false });
    await settle();
    calls[0]?.answer([a]);
    expect([await may, marks.has(a)]).toEqual([true, false]);
  });

  test('may not start where its worker does not hold it any more; others of the same call may', async () => {
    const { marks, calls } = begin();
    const all = [a, b, c].map((raw) => marks.mark(starting(raw)));
    await settle();
    calls[0]?.answer([a, c]);
    expect(await Promise.all(all)).toEqual([true, false, true]);
    expect([marks.has(a), marks.has(b), marks.has(c)]).toEqual([true, false, true]);
  });

  test('may not start where nobody knows whether it was written', async () => {
    const { marks, calls } = begin();
    const all = [marks.mark(starting(a)), marks.mark(starting(b))];
    await settle();
    calls[0]?.refuse();
    expect(await Promise.all(all)).toEqual([false, false]);
    expect(marks.has(a)).toBe(false);
    const again = marks.mark(starting(c));
    await settle();
    calls[1]?.answer([c]);
    expect(await again).toBe(true);
  });
});
