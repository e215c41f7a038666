import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../../shared/types.ts';
import { spliceText } from '../../../shared/wire/attempts.ts';
import { decode, type Undecodable } from '../../../shared/wire/decode.ts';
import { tokenOf } from '../../../shared/wire/worker-id.ts';
import { burialOf, settlementOf, statusOf } from '../../../shared/worker/settlement.ts';
import { aJob, rawJob } from '../../helpers/builders.ts';

const NOW = Date.UTC(2026, 10, 20, 20, 29, 37, 500);
const WORKER = 'host:1:q';

const succeeded: Outcome = { kind: 'succeeded' };
const discarded: Outcome = { kind: 'discarded', error: 'not needed' };
const retried: Outcome = { kind: 'retried', delay: 1_500, error: 'boom' };
const failed: Outcome = { kind: 'failed', error: new RangeError('boom') };
const released: Outcome = { kind: 'released', to: 'head', reason: 'shutdown' };

describe('the settlement of a job', () => {
  const job = aJob({ attempt: 3, deaths: 1, attemptsId: 'other-9', id: 'abc', payload: '{"class":"Hello","n":1.0}' });
  const { raw } = job;

  test.each([[succeeded], [discarded]])('that $kind is that it is done', (outcome) => {
    expect(settlementOf(job, outcome, WORKER, NOW)).toEqual({ kind: 'done', raw });
  });

  test.each(['head', 'tail'] as const)('that is released goes to the %s of its queue', (to) => {
    expect(settlementOf(job, { kind: 'released', to, reason: '' }, WORKER, NOW)).toEqual({ kind: 'release', raw, to });
  });

  test('that is retried takes the record of its attempts along, under our own id', () => {
    expect(settlementOf(job, retried, WORKER, NOW)).toEqual({
      kind: 'retry',
      raw,
      at: NOW + 1_500,
      record: { id: 'other-9', attempts: 3, deaths: 1 },
    });
  });

  test('that is retried for the first time gets an id that no other reservation has', () => {
    const first = aJob({ attemptsId: undefined, id: 'abc', raw: rawJob('{}', { seq: 41 }) });
    expect(settlementOf(first, retried, WORKER, NOW)).toMatchObject({
      record: { id: `${tokenOf(WORKER)}-41`, attempts: 1 },
    });
  });

  test.each([
    [0.2, 1],
    [1, 1],
    [1_234.5, 1_235],
  ])('that is retried in %d ms is due at a whole millisecond, not before its time', (delay, later) => {
    expect(settlementOf(job, { ...retried, delay }, WORKER, NOW)).toMatchObject({ at: NOW + later });
  });

  test('that failed is an entry around its payload', () => {
    const settlement = settlementOf(job, failed, WORKER, NOW);
    if (settlement.kind !== 'fail') throw new Error(settlement.kind);
    expect(settlement.raw).toBe(raw);
    expect(settlement.head).toBe('{"failed_at":"2026/11/20 20:29:37 UTC","payload":');
    expect(JSON.parse(settlement.head + job.payload + settlement.tail)).toMatchObject({
      payload: { class: 'Hello' },
      exception: 'RangeError',
      error: 'boom',
      worker: WORKER,
      queue: 'myqueue',
    });
  });
});

describe('the settlement of a payload that is no job', () => {
  const bury = (payload: string | Buffer) => {
    const raw = rawJob(payload);
    return { raw, settlement: burialOf(decode(raw, 'token', 'bigint') as Undecodable, WORKER, NOW) };
  };

  /** The entry of a payload that is not UTF-8. */
  const entry = (payload: Buffer): Record<string, unknown> => {
    const { settlement } = bury(payload);
    if (settlement.kind !== 'bury') throw new Error(settlement.kind);
    return JSON.parse(settlement.entry);
  };

  test('but JSON is an entry around it', () => {
    const { raw, settlement } = bury('{"args":[1.0]}');
    if (settlement.kind !== 'fail') throw new Error(settlement.kind);
    expect(settlement.raw).toBe(raw);
    const text = `${settlement.head}{"args":[1.0]}${settlement.tail}`;
    expect(JSON.parse(text)).toMatchObject({ payload: { args: [1] }, exception: 'PayloadError', queue: 'myqueue' });
  });

  test.each(['', 'not JSON', '{"class":"A"', 'Zoë\n\0"\\ 😀'])('nor JSON is an entry that quotes it: %j', (payload) => {
    const { raw, settlement } = bury(payload);
    if (settlement.kind !== 'quote') throw new Error(settlement.kind);
    expect(settlement.raw).toBe(raw);
    expect(JSON.parse(settlement.head + JSON.stringify(payload) + settlement.tail)).toEqual({
      failed_at: '2026/11/20 20:29:37 UTC',
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
  const job = aJob({ statusId: 'app_d96d3448e98b29aace86a5474d84fe78' });

  test.each<[Outcome | 'running', number]>([
    ['running', 2],
    [succeeded, 4],
    [discarded, 4],
    [failed, 3],
    [retried, 1],
    [released, 1],
  ])('after %j is %i', (outcome, status) => {
    expect(statusOf(job, outcome, NOW)).toMatchObject({
      id: job.statusId,
      head: `{"status":${status},"updated":${Math.floor(NOW / 1000)},"started":`,
    });
  });

  test.each(['running', succeeded, failed] as const)('is none where the job has no record', (outcome) => {
    expect(statusOf(aJob(), outcome, NOW)).toBeUndefined();
  });
});
