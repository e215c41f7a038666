import { beforeEach, describe, expect, test } from 'vitest';
import { decode, type Undecodable } from '../../../shared/wire/decode.ts';
import { PendingResults } from '../../../shared/worker/pending-results.ts';
import { aJob, rawJob } from '../../helpers/builders.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';

let clock: ManualClock;
let outbox: PendingResults;
let start: number;

beforeEach(() => {
  clock = new ManualClock();
  start = clock.now();
  outbox = new PendingResults('host:1:q', clock, 100);
});

const job = aJob();
const tracked = aJob({ statusId: 'd96d3448e98b29aace86a5474d84fe78' });

test('an empty one has nothing to say, at no time', () => {
  expect(outbox).toMatchObject({ size: 0, dueAt: Infinity });
  expect(outbox.take()).toMatchObject({ settle: [], statuses: [] });
});

describe('what is in it', () => {
  test('outcomes become settlements, in their order', () => {
    outbox.ended(job, { kind: 'succeeded' });
    outbox.ended(job, { kind: 'retried', delay: 1_500, error: 'boom' });
    outbox.ended(job, { kind: 'released', to: 'tail', reason: 'unknown' });
    outbox.ended(job, { kind: 'failed', error: 'boom' });
    expect(outbox.size).toBe(4);
    expect(outbox.take()).toMatchObject({
      settle: [
        { kind: 'done', raw: job.raw },
        { kind: 'retry', raw: job.raw, at: start + 1_500 },
        { kind: 'release', raw: job.raw, to: 'tail' },
        { kind: 'fail', raw: job.raw, tail: expect.stringContaining('"worker":"host:1:q"') },
      ],
      statuses: [],
    });
  });

  test('payloads that are no job are buried', () => {
    const raw = rawJob('not JSON');
    outbox.undecodable(decode(raw, 'token', 'bigint') as Undecodable);
    expect(outbox.size).toBe(1);
    expect(outbox.take().settle).toMatchObject([{ kind: 'quote', raw, tail: expect.stringContaining('"host:1:q"') }]);
  });

  test('jobs that did not start are released to the head of their queues', () => {
    const raws = [rawJob('{}', { seq: 1 }), rawJob('{}', { seq: 2 })];
    outbox.release(raws);
    expect(outbox.size).toBe(2);
    expect(outbox.take().settle).toEqual(raws.map((raw) => ({ kind: 'release', raw, to: 'head' })));
  });

  test('statuses of jobs that have a record, when they start and when they end', async () => {
    const seconds = start / 1000;
    outbox.started(job);
    outbox.started(tracked);
    expect(outbox.size).toBe(0);
    expect(outbox.take().statuses).toMatchObject([
      { id: tracked.statusId, head: `{"status":2,"updated":${seconds},"started":`, started: String(seconds) },
    ]);
    await clock.advance(2_000);
    outbox.ended(tracked, { kind: 'succeeded' });
    expect(outbox.take().statuses).toMatchObject([
      { id: tracked.statusId, head: `{"status":4,"updated":${seconds + 2},"started":`, started: undefined },
    ]);
  });

  test('one status of a job that starts and ends in between: the last, with the time of its start', async () => {
    const other = aJob({ statusId: '9b78327126474e42219f39231d6015af' });
    outbox.started(tracked);
    outbox.started(other);
    await clock.advance(2_000);
    outbox.ended(tracked, { kind: 'failed', error: 'boom' });
    expect(outbox.take().statuses).toMatchObject([
      { id: tracked.statusId, head: expect.stringContaining('"status":3'), started: String(start / 1000) },
      { id: other.statusId, head: expect.stringContaining('"status":2'), started: String(start / 1000) },
    ]);
  });

  test('cron entries that must not overlap, of jobs that ended for good', () => {
    const cron = { name: 'nightly', slot: start, exclusive: true };
    const shared = aJob({ cron: { ...cron, exclusive: false } });
    outbox.ended(aJob({ cron }), { kind: 'retried', delay: 1, error: 'boom' });
    outbox.ended(aJob({ cron }), { kind: 'released', to: 'head', reason: 'shutdown' });
    outbox.ended(shared, { kind: 'succeeded' });
    outbox.ended(job, { kind: 'succeeded' });
    expect(outbox.take().cronEnded).toEqual([]);
    for (const kind of ['succeeded', 'discarded', 'failed'] as const) {
      outbox.ended(aJob({ cron }), { kind, error: 'boom' });
    }
    expect(outbox.take().cronEnded).toEqual([cron, cron, cron]);
    expect(outbox.take().cronEnded).toEqual([]);
  });

  test('is taken once', () => {
    outbox.started(tracked);
    outbox.ended(job, { kind: 'succeeded' });
    const first = outbox.take();
    outbox.ended(tracked, { kind: 'succeeded' });
    expect(first).toMatchObject({ settle: [{ kind: 'done' }], statuses: [{ id: tracked.statusId }] });
    expect(outbox.size).toBe(1);
    expect(outbox.take().settle).toHaveLength(1);
    expect(outbox.take()).toMatchObject({ settle: [], statuses: [] });
  });
});

describe('when it is due', () => {
  test('a while after the first outcome; later ones do not put it off', async () => {
    outbox.ended(job, { kind: 'succeeded' });
    expect(outbox.dueAt).toBe(start + 100);
    await clock.advance(60);
    outbox.ended(job, { kind: 'succeeded' });
    outbox.release([rawJob('{}')]);
    outbox.undecodable(decode(rawJob('x'), 'token', 'bigint') as Undecodable);
    outbox.started(tracked);
    expect(outbox.dueAt).toBe(start + 100);
  });

  test.each<[string, () => void]>([
    ['an outcome', () => outbox.ended(job, { kind: 'succeeded' })],
    ['a release', () => outbox.release([rawJob('{}')])],
    ['a burial', () => outbox.undecodable(decode(rawJob('x'), 'token', 'bigint') as Undecodable)],
    ['a status', () => outbox.started(tracked)],
  ])('%s makes it due', async (_what, put) => {
    await clock.advance(7);
    put();
    expect(outbox.dueAt).toBe(start + 107);
  });

  test('the start of a job without a status record does not', () => {
    outbox.started(job);
    outbox.release([]);
    expect(outbox.dueAt).toBe(Infinity);
  });

  test('never, when it has been taken; then from anew', async () => {
    outbox.ended(tracked, { kind: 'succeeded' });
    outbox.take();
    expect(outbox.dueAt).toBe(Infinity);
    await clock.advance(500);
    outbox.ended(job, { kind: 'succeeded' });
    expect(outbox.dueAt).toBe(start + 600);
  });
});
