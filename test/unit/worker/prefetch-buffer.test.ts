import { describe, expect, test } from 'vitest';
import type { RawJob } from '../../../shared/types.ts';
import { PrefetchBuffer, rawOf } from '../../../shared/worker/prefetch-buffer.ts';
import { boundTo, rawJob } from '../../helpers/builders.ts';

/** A job with a number and a payload of so many bytes. */
const job = (seq: number, size = 10) => boundTo(() => {}, { raw: rawJob('x'.repeat(size), { seq }) });

test('an empty one has none', () => {
  const waiting = new PrefetchBuffer();
  expect(waiting).toMatchObject({ startable: 0, total: 0, bytes: 0, since: Infinity });
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

  test('come out in their order also where thousands are taken while thousands come', () => {
    const waiting = new PrefetchBuffer();
    const out: number[] = [];
    for (let seq = 0; seq < 5_000; seq++) {
      waiting.add(rawJob('{}', { seq }), seq);
      if (seq % 3 > 0) out.push(rawOf(waiting.next() ?? job(-1)).seq);
    }
    expect(waiting).toMatchObject({ total: 5_000 - out.length, since: out.length });
    for (let next = waiting.next(); next; next = waiting.next()) out.push(rawOf(next).seq);
    expect(out).toEqual(Array.from({ length: 5_000 }, (_, i) => i));
  });

  test('are counted, with the bytes of their payloads', () => {
    const waiting = new PrefetchBuffer();
    waiting.add(job(1, 10), 0);
    waiting.add(job(2, 300), 0);
    waiting.add(job(3, 5), 0);
    expect(waiting).toMatchObject({ startable: 3, total: 3, bytes: 315 });
    waiting.next();
    expect(waiting).toMatchObject({ startable: 2, total: 2, bytes: 305 });
    waiting.next();
    waiting.next();
    expect(waiting).toMatchObject({ startable: 0, total: 0, bytes: 0 });
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
    expect(waiting).toMatchObject({ startable: 0, total: 0, bytes: 0, since: Infinity });
    expect(waiting.takeAll()).toEqual([]);
  });

  // They came at 200, 300 and 400, and may wait for 150.
  test.each([
    ['none starts any more', 400, 0, [2, 3, 4]],
    ['the first is late, whatever the rate', 351, 9, [2, 3, 4]],
    ['only the first starts in time', 350, 1 / 101, [3, 4]],
    ['only the first starts, since nothing is known to end', 350, 0, [3, 4]],
    ['the last would be late', 349, 1 / 101, [4]],
    ['all start in time', 350, 1 / 100, []],
    ['all start at once', 350, Infinity, []],
  ])('can be taken back if they would start too late: %s', (_name, now, rate, taken) => {
    const waiting = new PrefetchBuffer();
    for (const seq of [1, 2, 3, 4]) waiting.add(rawJob('x', { seq }), 100 * seq);
    waiting.next();
    expect(waiting.takeLate(now, rate, 150).map(({ seq }) => seq)).toEqual(taken);
    const stay = 3 - taken.length;
    expect(waiting).toMatchObject({ total: stay, bytes: stay, since: stay > 0 ? 200 : Infinity });
    expect(waiting.next()).toEqual(stay > 0 ? rawJob('x', { seq: 2 }) : undefined);
  });

  test('can be dropped by what they are', () => {
    const waiting = new PrefetchBuffer();
    for (const seq of [1, 2, 3, 4]) waiting.add(rawJob('x'.repeat(seq), { seq }), 100 * seq);
    waiting.next();
    expect(waiting.drop(() => false)).toBe(0);
    expect(waiting.drop(({ seq }) => seq !== 3)).toBe(2);
    expect(waiting).toMatchObject({ total: 1, bytes: 3, since: 300 });
    expect(waiting.next()).toEqual(rawJob('xxx', { seq: 3 }));
  });

  test('can be looked at, those that wait', () => {
    const waiting = new PrefetchBuffer((queue) => queue === 'ledger');
    const raws = [rawJob('{}', { seq: 1 }), rawJob('{}', { seq: 2 }), rawJob('{}', { seq: 3, queue: 'ledger' })];
    for (const raw of raws) waiting.add(raw, 0);
    waiting.next();
    const seen: RawJob[] = [];
    waiting.forEach((raw) => void seen.push(raw));
    expect(seen).toEqual(raws.slice(1));
  });
});

describe('of a serial queue', () => {
  const isSerial = (queue: string) => queue.startsWith('serial');

  /** A buffer with jobs by their numbers; `A` and `B` stand for two serial queues. */
  function holding(...jobs: readonly string[]) {
    const waiting = new PrefetchBuffer(isSerial);
    for (const [i, name] of jobs.entries()) {
      const queue = name.startsWith('A') ? 'serialA' : name.startsWith('B') ? 'serialB' : 'other';
      waiting.add(rawJob(name, { queue, seq: i }), 1_000 + i);
    }
    const next = () => {
      const one = waiting.next();
      return one && rawOf(one).text;
    };
    return { waiting, next };
  }

  test('one job at a time comes out, in order; the others keep nobody else waiting', () => {
    const { waiting, next } = holding('A1', 'A2', 'o1', 'A3', 'o2');
    expect([next(), next(), next(), next()]).toEqual(['A1', 'o1', 'o2', undefined]);
    waiting.ended('serialA');
    expect([next(), next()]).toEqual(['A2', undefined]);
    waiting.ended('serialA');
    expect(next()).toBe('A3');
  });

  test('and of another one may run at the same time', () => {
    const { waiting, next } = holding('A1', 'A2', 'B1', 'B2');
    expect([next(), next(), next()]).toEqual(['A1', 'B1', undefined]);
    waiting.ended('serialB');
    expect([next(), next()]).toEqual(['B2', undefined]);
  });

  test('the first that was reserved comes first, whatever its queue', () => {
    const { waiting, next } = holding('o1', 'A1', 'o2', 'A2', 'o3');
    expect([next(), next()]).toEqual(['o1', 'A1']);
    waiting.ended('serialA');
    expect([next(), next(), next()]).toEqual(['o2', 'A2', 'o3']);
  });

  test('those that wait for the one that runs are held, and cannot start', () => {
    const { waiting, next } = holding('A1', 'A2', 'A3', 'o1');
    expect(waiting).toMatchObject({ startable: 2, total: 4, bytes: 8 });
    expect([waiting.held('serialA'), waiting.held('serialB'), waiting.isBusy('serialA')]).toEqual([3, 0, false]);
    next();
    expect(waiting).toMatchObject({ startable: 1, total: 3, bytes: 6 });
    expect([waiting.held('serialA'), waiting.isBusy('serialA')]).toEqual([3, true]);
    waiting.ended('serialA');
    expect(waiting).toMatchObject({ startable: 2, total: 3 });
    expect([waiting.held('serialA'), waiting.isBusy('serialA')]).toEqual([2, false]);
  });

  // Nobody else may take them.
  test('they do not wait for a place: they are not given back because others could start them', () => {
    const { waiting, next } = holding('A1', 'A2', 'o1', 'o2');
    expect(waiting.since).toBe(1_002);
    expect(waiting.takeLate(9_999, 1, 0).map(({ text }) => text)).toEqual(['o1', 'o2']);
    expect(waiting).toMatchObject({ total: 2, since: Infinity });
    expect(next()).toBe('A1');
  });

  test('they are given back with all others', () => {
    const { waiting, next } = holding('A1', 'B1', 'A2', 'o1');
    next();
    expect(waiting.takeAll().map(({ text }) => text)).toEqual(['o1', 'A2', 'B1']);
    expect([waiting.total, waiting.bytes, waiting.held('serialA')]).toEqual([0, 0, 1]);
  });

  test('they can be dropped too', () => {
    const { waiting, next } = holding('A1', 'A2', 'A3');
    expect(waiting.drop(({ text }) => text === 'A1' || text === 'A2')).toBe(2);
    expect(next()).toBe('A3');
  });
});
