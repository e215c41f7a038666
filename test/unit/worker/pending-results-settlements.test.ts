import { describe, expect, test } from 'vitest';
import type { Job, Outcome, Settlement } from '../../../shared/types.ts';
import { spliceText } from '../../../shared/wire/attempts-record.ts';
import { decode, type Undecodable } from '../../../shared/wire/decode.ts';
import { tokenOf } from '../../../shared/wire/worker-id.ts';
import { aJob, rawJob } from '../../helpers/builders.ts';
import { BEHIND, begin, discarded, failed, released, retried, succeeded, WORKER } from './pending-results-scene.ts';

/** What an outcome is for Redis, whose time is 20:28:35.5. */
function settlementOf(job: Job, outcome: Outcome, marked = false): Settlement {
  const { pending } = begin();
  pending.ended(job, outcome, marked, 12.5);
  return pending.take().settle[0] as Settlement;
}

const job = aJob({ attempt: 3, deaths: 1, attemptsId: 'other-9', id: 'abc', payload: '{"class":"Hello","n":1.0}' });
const { raw } = job;
const tracked = aJob({ statusId: 'app_d96d3448e98b29aace86a5474d84fe78' });

describe('the settlement of a job', () => {
  test.each([[succeeded], [discarded]])('that $kind is that it is done', (outcome) => {
    expect(settlementOf(job, outcome)).toEqual({ raw, marked: false, outcome: { kind: 'done' }, effects: [] });
  });

  test.each(['head', 'tail'] as const)('that is released goes to the %s of its queue', (to) => {
    expect(settlementOf(job, { kind: 'released', to, reason: '' }).outcome).toEqual({ kind: 'release', to });
  });

  test('that is retried takes the record of its attempts along, under our own id; Redis adds the delay to its time', () => {
    expect(settlementOf(job, retried).outcome).toEqual({
      kind: 'retry',
      delay: 1_500,
      record: { id: 'other-9', attempts: 3, deaths: 1, errors: expect.stringMatching(/^3@\d+ NonErrorThrown: /) },
    });
  });

  test('that is retried takes the errors of its last attempts along, and so does one that is given back with a death', () => {
    const before = ['1@5 E: one', '2@6 E: two', '3@7 E: three'].join('|');
    const record = { id: 'x-1', attempts: 3, deaths: 0, errors: before };
    const bytes = rawJob(`{${spliceText(record)}"class":"Hello","args":[]}`);
    const again = aJob({ attemptsId: 'x-1', attempt: 4, raw: bytes });
    expect(settlementOf(again, retried).outcome).toMatchObject({
      record: { errors: expect.stringMatching(/^2@6 E: two\|3@7 E: three\|4@\d+ NonErrorThrown: /) },
    });
    const { pending } = begin();
    pending.died(again, 'tail');
    expect(pending.take().settle[0]?.outcome).toMatchObject({ record: { attempts: 3, deaths: 1, errors: before } });
  });

  test('that is retried for the first time gets an id that no other reservation has', () => {
    const first = aJob({ attemptsId: undefined, id: 'abc', raw: rawJob('{}', { seq: 41 }) });
    expect(settlementOf(first, retried).outcome).toMatchObject({
      record: { id: `${tokenOf(WORKER)}-41`, attempts: 1, deaths: 0 },
    });
  });

  test('that failed is an entry around its payload, with the time that Redis has', () => {
    const { raw: settled, outcome } = settlementOf(job, failed);
    if (outcome.kind !== 'fail') throw new Error(outcome.kind);
    expect(settled).toBe(raw);
    expect(outcome.head).toBe('{"failed_at":"2026/11/20 20:28:35 UTC","payload":');
    expect(JSON.parse(outcome.head + job.payload + outcome.tail)).toMatchObject({
      payload: { class: 'Hello' },
      exception: 'RangeError',
      error: 'boom',
      worker: WORKER,
      queue: 'myqueue',
    });
  });

  test.each([succeeded, failed, released])('that may have started, and may only once, says so: $kind', (outcome) => {
    expect(settlementOf(job, outcome, true).marked).toBe(true);
    expect(settlementOf(tracked, outcome, true).marked).toBe(true);
  });
});

describe('the settlement of a job whose process is about to die', () => {
  const died = (one: Job, to: 'head' | 'tail') => {
    const { pending } = begin();
    pending.died(one, to);
    return pending.take().settle;
  };

  test.each(['head', 'tail'] as const)('is that it goes to the %s with one death more, and no attempt', (to) => {
    const record = { id: 'other-9', attempts: 2, deaths: 2 };
    expect(died(job, to)).toEqual([{ raw, marked: false, outcome: { kind: 'release', to, record }, effects: [] }]);
  });

  test('gives it an id, if it has none', () => {
    const first = aJob({ attemptsId: undefined, raw: rawJob('{}', { seq: 41 }) });
    expect(died(first, 'tail')).toMatchObject([
      { outcome: { record: { id: `${tokenOf(WORKER)}-41`, attempts: 0, deaths: 1 } } },
    ]);
  });
});

test('jobs that did not start are released to the heads of their queues, unchanged', () => {
  const { pending } = begin();
  const raws = [rawJob('{}', { seq: 1 }), rawJob('{}', { seq: 2 })];
  pending.release(raws);
  expect(pending.take().settle).toEqual(
    raws.map((one) => ({ raw: one, marked: false, outcome: { kind: 'release', to: 'head' }, effects: [] })),
  );
});

describe('the settlement of a payload that is no job', () => {
  const bury = (payload: string | Buffer) => {
    const { pending } = begin();
    const one = rawJob(payload);
    pending.undecodable(decode(one, 'token', 'bigint') as Undecodable);
    const [settlement] = pending.take().settle as [Settlement];
    expect(settlement).toMatchObject({ marked: false, effects: [] });
    expect(settlement.raw).toBe(one);
    return settlement.outcome;
  };

  /** The entry of a payload that is not UTF-8. */
  const entry = (payload: Buffer): Record<string, unknown> => {
    const outcome = bury(payload);
    if (outcome.kind !== 'failBinary') throw new Error(outcome.kind);
    return JSON.parse(outcome.entry);
  };

  test('but JSON is an entry around it', () => {
    const outcome = bury('{"args":[1.0]}');
    if (outcome.kind !== 'fail') throw new Error(outcome.kind);
    const text = `${outcome.head}{"args":[1.0]}${outcome.tail}`;
    expect(JSON.parse(text)).toMatchObject({ payload: { args: [1] }, exception: 'PayloadError', queue: 'myqueue' });
  });

  test.each(['', 'not JSON', '{"class":"A"', 'Zoë\n\0"\\ 😀'])('nor JSON is an entry that quotes it: %j', (payload) => {
    const outcome = bury(payload);
    if (outcome.kind !== 'failText') throw new Error(outcome.kind);
    expect(JSON.parse(outcome.head + JSON.stringify(payload) + outcome.tail)).toEqual({
      failed_at: '2026/11/20 20:28:35 UTC',
      payload,
      exception: 'PayloadError',
      error: expect.stringMatching(/^The payload is no Resque job: it is not JSON/),
      backtrace: [],
      worker: WORKER,
      queue: 'myqueue',
    });
  });

  test('nor UTF-8 is an entry with its bytes in base64', () => {
    const bytes = Buffer.from('7b22ff00227d', 'hex');
    expect(entry(bytes)).toMatchObject({ payload: '{"\ufffd\0"}', payload_base64: bytes.toString('base64') });
  });

  // Its worker died before it could bury it, and the reclaim wrote that into it.
  test('nor UTF-8 is told as its producer wrote it, without our record', () => {
    const bytes = Buffer.from('7b22ff227d', 'hex');
    const record = spliceText({ id: 'other-1', attempts: 1, deaths: 1 });
    const spliced = Buffer.concat([bytes.subarray(0, 1), Buffer.from(record), bytes.subarray(1)]);
    expect(entry(spliced)).toMatchObject({
      payload: bytes.toString('utf8'),
      payload_base64: bytes.toString('base64'),
    });
  });
});

describe("php-resque's status", () => {
  const { statusId } = tracked;

  test.each<[Outcome, number]>([
    [succeeded, 4],
    [discarded, 4],
    [failed, 3],
    [retried, 1],
    [released, 1],
  ])("after %j is %i: an effect of the job's own settlement", (outcome, status) => {
    const { start } = begin();
    const { effects } = settlementOf(tracked, outcome);
    expect(effects).toMatchObject([
      {
        kind: 'status',
        id: statusId,
        head: `{"status":${status},"updated":${Math.floor((start - BEHIND) / 1000)},"started":`,
        started: undefined,
      },
    ]);
  });

  test.each([succeeded, failed, retried])('is none where the job has no record: $kind', (outcome) => {
    expect(settlementOf(aJob(), outcome).effects).toEqual([]);
  });

  test('is told when the job starts, by itself', () => {
    const { pending, start } = begin();
    const seconds = Math.floor((start - BEHIND) / 1000);
    pending.started(aJob());
    pending.started(tracked);
    expect(pending.size).toBe(0);
    expect(pending.take()).toMatchObject({
      settle: [],
      effects: [
        {
          kind: 'status',
          id: statusId,
          head: `{"status":2,"updated":${seconds},"started":`,
          started: String(seconds),
        },
      ],
    });
    expect(pending.take().effects).toEqual([]);
  });

  test('of a job that starts and ends in between is told once: the last, with the time of its start', async () => {
    const { pending, clock, start } = begin();
    const seconds = String(Math.floor((start - BEHIND) / 1000));
    const other = aJob({ statusId: '9b78327126474e42219f39231d6015af' });
    pending.started(tracked);
    pending.started(other);
    await clock.advance(2_000);
    pending.ended(tracked, failed, false, 12.5);
    const { settle, effects } = pending.take();
    expect(settle).toMatchObject([
      { effects: [{ id: statusId, head: expect.stringContaining('"status":3'), started: seconds }] },
    ]);
    expect(effects).toMatchObject([{ id: other.statusId, started: seconds }]);
  });
});

describe('the lock of a job', () => {
  const lock = (until: 'start' | 'end' | 'time') => ({ name: 'A:1', until, ms: 60_000, later: false });
  const locked = (until: 'start' | 'end' | 'time') => aJob({ id: 'a', control: { lock: lock(until) } });
  const unlock = { kind: 'unlock', id: 'a', name: 'A:1', queue: 'myqueue' };

  test.each([[succeeded], [discarded], [failed]])('is given back when the job is $kind', (outcome) => {
    for (const until of ['start', 'end'] as const)
      expect(settlementOf(locked(until), outcome).effects).toEqual([unlock]);
    expect(settlementOf(locked('time'), outcome).effects).toEqual([]);
  });

  test('is held on when the job is retried, for as long as it waits and its own time; given back, it is its own again', () => {
    const relock = { ...unlock, kind: 'relock', member: expect.stringMatching(/-\d+:myqueue$/) };
    for (const until of ['start', 'end'] as const) {
      const [effect] = settlementOf(locked(until), retried).effects;
      expect(effect).toMatchObject({ ...relock, ms: 60_000 + (retried.kind === 'retried' ? retried.delay : 0) });
    }
    expect(settlementOf(locked('start'), released).effects).toMatchObject([{ ...unlock, kind: 'relock', ms: 60_000 }]);
    expect(settlementOf(locked('end'), released).effects).toEqual([]);
  });

  test('and a status record go together', () => {
    const both = aJob({ control: { lock: lock('end') }, statusId: tracked.statusId });
    expect(settlementOf(both, succeeded).effects.map(({ kind }) => kind)).toEqual(['status', 'unlock']);
    expect(settlementOf(both, retried).effects.map(({ kind }) => kind)).toEqual(['status', 'relock']);
  });
});
