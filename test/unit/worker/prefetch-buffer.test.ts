import { describe, expect, test } from 'vitest';
import { PrefetchBuffer } from '../../../shared/worker/prefetch-buffer.ts';
import { boundTo, rawJob } from '../../helpers/builders.ts';

/** A job with a number and a payload of so many bytes. */
const job = (seq: number, size = 10) => boundTo(() => {}, { raw: rawJob('x'.repeat(size), { seq }) });

test('an empty one has none', () => {
  const waiting = new PrefetchBuffer();
  expect(waiting).toMatchObject({ size: 0, bytes: 0, since: Infinity });
  expect(waiting.next()).toBeUndefined();
  expect(waiting.takeAll()).toEqual([]);
});

describe('jobs', () => {
  test('come out in the order in which they came in, also while others come', () => {
    const waiting = new PrefetchBuffer();
    const jobs = [1, 2, 3, 4].map((seq) => job(seq));
    const [first, second, third, fourth] = jobs as [
      (typeof jobs)[0],
      (typeof jobs)[0],
      (typeof jobs)[0],
      (typeof jobs)[0],
    ];
    waiting.add(first, 0);
    waiting.add(second, 0);
    expect(waiting.next()).toBe(first);
    waiting.add(third, 0);
    expect([waiting.next(), waiting.next(), waiting.next()]).toEqual([second, third, undefined]);
    waiting.add(fourth, 0);
    expect(waiting.next()).toBe(fourth);
  });

  test('are counted, with the bytes of their payloads', () => {
    const waiting = new PrefetchBuffer();
    waiting.add(job(1, 10), 0);
    waiting.add(job(2, 300), 0);
    waiting.add(job(3, 5), 0);
    expect(waiting).toMatchObject({ size: 3, bytes: 315 });
    waiting.next();
    expect(waiting).toMatchObject({ size: 2, bytes: 305 });
    waiting.next();
    waiting.next();
    expect(waiting).toMatchObject({ size: 0, bytes: 0 });
  });

  test('wait since the first of them came', () => {
    const waiting = new PrefetchBuffer();
    waiting.add(job(1), 1_000);
    waiting.add(job(2), 2_000);
    expect(waiting.since).toBe(1_000);
    waiting.next();
    expect(waiting.since).toBe(2_000);
    waiting.next();
    expect(waiting.since).toBe(Infinity);
  });

  test('can be taken back, those that have not started, in their order', () => {
    const waiting = new PrefetchBuffer();
    const jobs = [1, 2, 3].map((seq) => job(seq));
    for (const one of jobs) waiting.add(one, 0);
    waiting.next();
    expect(waiting.takeAll()).toEqual(jobs.slice(1).map((one) => one.job.raw));
    expect(waiting).toMatchObject({ size: 0, bytes: 0, since: Infinity });
    expect(waiting.takeAll()).toEqual([]);
  });
});
