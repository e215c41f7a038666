import { describe, expect, test } from 'vitest';
import type { Settlement } from '../../../shared/types.ts';
import { decode, type Undecodable } from '../../../shared/wire/decode.ts';
import { aJob, rawJob } from '../../helpers/builders.ts';
import { begin, failed, retried, succeeded } from './pending-results-scene.ts';

const job = aJob();
const tracked = aJob({ statusId: 'd96d3448e98b29aace86a5474d84fe78' });
const numbered = (count: number) => Array.from({ length: count }, (_, seq) => rawJob('{}', { seq }));
const seqsOf = (settle: readonly Settlement[]) => settle.map(({ raw }) => raw.seq);

test('an empty one has nothing to say, at no time', () => {
  const { pending } = begin();
  expect(pending).toMatchObject({ size: 0, unsettled: 0, dueAt: Infinity });
  expect(pending.take()).toEqual({ settle: [], effects: [] });
  expect(pending.takeAll()).toBe(0);
});

describe('what is in it', () => {
  test('goes in its order, once', () => {
    const { pending } = begin();
    for (const raw of numbered(3)) pending.ended(aJob({ raw }), succeeded, false, 12.5);
    pending.release(numbered(5).slice(3));
    expect(pending.size).toBe(5);
    const first = pending.take();
    pending.ended(aJob({ raw: rawJob('{}', { seq: 9 }) }), succeeded, false, 12.5);
    expect(seqsOf(first.settle)).toEqual([0, 1, 2, 3, 4]);
    expect(pending.size).toBe(1);
    expect(seqsOf(pending.take().settle)).toEqual([9]);
    expect(pending.take()).toEqual({ settle: [], effects: [] });
  });

  test('can be looked at, with what a key did not take', () => {
    const { pending } = begin();
    const [a, b] = numbered(2) as [(typeof job)['raw'], (typeof job)['raw']];
    pending.ended(aJob({ raw: a }), succeeded, true, 12.5);
    pending.answered({ refused: pending.take().settle });
    pending.release([b]);
    const seen: Settlement[] = [];
    pending.forEach((one) => void seen.push(one));
    expect(seen).toMatchObject([
      { raw: b, marked: false },
      { raw: a, marked: true },
    ]);
  });

  test('is forgotten with the lease', () => {
    const { pending } = begin();
    pending.started(tracked);
    pending.ended(job, succeeded, false, 12.5);
    pending.answered({ refused: pending.take().settle });
    pending.ended(job, succeeded, false, 12.5);
    pending.started(tracked);
    expect(pending.takeAll()).toBe(2);
    expect(pending).toMatchObject({ size: 0, unsettled: 0, dueAt: Infinity });
    expect(pending.take()).toEqual({ settle: [], effects: [] });
  });
});

describe('one sync takes', () => {
  test('a hundred thousand jobs that are done', () => {
    const { pending } = begin();
    for (let i = 0; i < 100_000; i++) pending.ended(job, succeeded, false, 12.5);
    expect(pending.take().settle).toHaveLength(100_000);
  });

  test('a thousand others; the rest goes with the next ones, at once, in its order', () => {
    const { pending } = begin();
    for (const raw of numbered(2_500)) pending.ended(aJob({ raw }), retried, false, 12.5);
    expect(seqsOf(pending.take().settle)).toEqual(numbered(1_000).map(({ seq }) => seq));
    expect(pending).toMatchObject({ size: 1_500, dueAt: -Infinity });
    pending.ended(aJob({ raw: rawJob('{}', { seq: 9_999 }) }), succeeded, false, 12.5);
    const second = numbered(2_000).map(({ seq }) => seq);
    // What is only done need not wait.
    expect(seqsOf(pending.take().settle)).toEqual([...second.slice(1_000), 9_999]);
    const last = seqsOf(pending.take().settle);
    expect([last.length, last.at(0), last.at(-1)]).toEqual([500, 2_000, 2_499]);
    expect(pending.dueAt).toBe(Infinity);
  });

  test('those that are done with an effect are among the thousand', () => {
    const { pending } = begin();
    for (let i = 0; i < 1_001; i++) pending.ended(tracked, succeeded, false, 12.5);
    expect(pending.take().settle).toHaveLength(1_000);
  });

  const large = (seq: number, size: number) => aJob({ raw: rawJob('{}', { seq, queue: 'q'.repeat(size) }) });

  test('a megabyte of text', () => {
    const { pending } = begin();
    for (let seq = 0; seq < 5; seq++) pending.ended(large(seq, 400_000), failed, false, 12.5);
    expect(seqsOf(pending.take().settle)).toEqual([0, 1]);
    expect(seqsOf(pending.take().settle)).toEqual([2, 3]);
    expect(seqsOf(pending.take().settle)).toEqual([4]);
  });

  test('one that is larger than that, alone among such', () => {
    const { pending } = begin();
    pending.ended(large(0, 3_000_000), failed, false, 12.5);
    pending.ended(job, succeeded, false, 12.5);
    pending.ended(large(2, 3_000_000), failed, false, 12.5);
    expect(seqsOf(pending.take().settle)).toEqual([0, 7]);
    expect(seqsOf(pending.take().settle)).toEqual([2]);
  });

  test('a payload that is not UTF-8, which goes whole, counts with its size', () => {
    const { pending } = begin();
    const raw = rawJob(Buffer.alloc(600_000, 0xff));
    for (let i = 0; i < 2; i++) pending.undecodable(decode(raw, 'token', 'bigint') as Undecodable);
    expect(pending.take().settle).toHaveLength(1);
    expect(pending.take().settle).toHaveLength(1);
  });
});

describe('what a key did not take', () => {
  function refused() {
    const scene = begin();
    scene.pending.ended(job, retried, false, 12.5);
    const { settle } = scene.pending.take();
    scene.pending.answered({ refused: settle });
    return { ...scene, settle };
  }

  test('waits for a second, whatever else goes meanwhile; then it goes again, as it was', async () => {
    const { pending, clock, settle, due } = refused();
    expect(pending).toMatchObject({ size: 0, unsettled: 1 });
    expect(due()).toBe(1_000);
    pending.release(numbered(1));
    await clock.advance(999);
    expect(seqsOf(pending.take().settle)).toEqual([0]);
    await clock.advance(1);
    expect(pending.take().settle).toEqual(settle);
    expect(pending).toMatchObject({ size: 0, unsettled: 0, dueAt: Infinity });
  });

  test('again and again waits longer and longer, up to half a minute', async () => {
    const { pending, clock } = refused();
    const waits: number[] = [];
    for (let i = 0; i < 8; i++) {
      const until = pending.dueAt - clock.now();
      waits.push(until);
      await clock.advance(until);
      pending.answered({ refused: pending.take().settle });
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  test('waits for a second once more, after it was taken', async () => {
    const { pending, clock } = refused();
    await clock.advance(1_000);
    pending.take();
    pending.take();
    pending.ended(job, retried, false, 12.5);
    pending.answered({ refused: pending.take().settle });
    expect(pending.dueAt - clock.now()).toBe(1_000);
  });

  test('that is nothing makes nothing due', () => {
    const { pending } = begin();
    pending.answered({ refused: [] });
    expect(pending.dueAt).toBe(Infinity);
  });
});

describe('when it is due', () => {
  const put = {
    'an outcome': ({ pending }) => pending.ended(job, succeeded, false, 12.5),
    'a release': ({ pending }) => pending.release([rawJob('{}')]),
    'a death': ({ pending }) => pending.died(job, 'tail'),
    'a payload that is no job': ({ pending }) =>
      pending.undecodable(decode(rawJob('x'), 'token', 'bigint') as Undecodable),
    'a status': ({ pending }) => pending.started(tracked),
  } satisfies Record<string, (scene: ReturnType<typeof begin>) => void>;

  test.each(Object.entries(put))('%s makes it due after a while', async (_what, one) => {
    const scene = begin();
    await scene.clock.advance(7);
    one(scene);
    expect(scene.due()).toBe(107);
  });

  test('later ones do not put it off', async () => {
    const scene = begin();
    scene.pending.ended(job, succeeded, false, 12.5);
    await scene.clock.advance(60);
    for (const one of Object.values(put)) one(scene);
    expect(scene.due()).toBe(100);
  });

  test('the start of a job without a status record does not', () => {
    const { pending } = begin();
    pending.started(job);
    pending.release([]);
    expect(pending.dueAt).toBe(Infinity);
  });

  test('never, when it has been taken; then from anew', async () => {
    const { pending, clock, due } = begin();
    pending.ended(tracked, succeeded, false, 12.5);
    pending.take();
    expect(pending.dueAt).toBe(Infinity);
    await clock.advance(500);
    pending.ended(job, succeeded, false, 12.5);
    expect(due()).toBe(600);
  });
});
