import { describe, expect, test, vi } from 'vitest';
import type { Outcome } from '../../../shared/types.ts';
import { decode, type Undecodable } from '../../../shared/wire/decode.ts';
import { emptySummary, Reporter, type ReporterDeps, type RunReport } from '../../../shared/worker/reporter.ts';
import { aJob, rawJob, syncReply } from '../../helpers/builders.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';

/** A reporter, and all that it tells. */
function begin(given: Partial<ReporterDeps> = {}) {
  const clock = new ManualClock();
  const log = recordingLogger();
  const reports: RunReport[] = [];
  const summary = emptySummary();
  const setting = {
    log,
    clock,
    options: { logRuns: true, logArgs: false },
    store: { address: 'host:1' },
    onRun: (report: RunReport) => reports.push(report),
    ...given,
  };
  return { reporter: new Reporter(setting, summary), clock, log, reports, summary };
}

const job = aJob({ id: 'abc', attempt: 2, args: ['hi', { deep: [1] }] });
const notJson = decode(rawJob('{"password": hunter2}'), 'token', 'bigint') as Undecodable;

const succeeded: Outcome = { kind: 'succeeded' };
const failed: Outcome = { kind: 'failed', error: new RangeError('boom') };
const outcomes: readonly Outcome[] = [
  succeeded,
  { kind: 'discarded', error: 'not needed' },
  { kind: 'released', to: 'head', reason: 'shutdown' },
  { kind: 'retried', delay: 1_000, error: 'boom' },
  failed,
];

describe('the line of a run', () => {
  test('has class, queue, id, attempt, outcome and ms, to the microsecond', () => {
    const { reporter, log } = begin();
    reporter.ended(job, succeeded, 12.3456);
    expect(log.lines).toEqual([
      {
        level: 'info',
        message: 'job succeeded',
        fields: { class: 'Hello', queue: 'myqueue', id: 'abc', attempt: 2, outcome: 'succeeded', ms: 12.346 },
      },
    ]);
  });

  test('has the level that its outcome deserves', () => {
    const { reporter, log } = begin();
    for (const outcome of outcomes) reporter.ended(job, outcome, 0);
    expect(log.lines.map(({ level, message }) => [level, message])).toEqual([
      ['info', 'job succeeded'],
      ['info', 'job discarded'],
      ['info', 'job released'],
      ['warn', 'job retried'],
      ['error', 'job failed'],
    ]);
  });

  test.each<[unknown, string]>([
    [new RangeError('boom'), 'RangeError: boom'],
    ['boom', 'NonErrorThrown: The handler threw the string "boom", not an Error.'],
    [null, 'NonErrorThrown: The handler threw null, not an Error.'],
  ])('tells the error %s in one text', (error, text) => {
    const { reporter, log } = begin();
    reporter.ended(job, { kind: 'failed', error }, 0);
    expect(log.lines[0]?.fields['error']).toBe(text);
  });

  test('of a payload that could not be read has what is known, and nothing of what is in it', () => {
    const { reporter, log } = begin();
    reporter.undecodable(notJson);
    expect(log.lines).toEqual([
      {
        level: 'error',
        message: 'job failed',
        fields: {
          queue: 'myqueue',
          outcome: 'failed',
          ms: 0,
          error: expect.stringMatching(/^PayloadError: .*not JSON/),
        },
      },
    ]);
    expect(JSON.stringify(log.lines)).not.toMatch(/hunter2|password/);
  });

  test('has no arguments, unless they are asked for', () => {
    const silent = begin();
    for (const outcome of outcomes) silent.reporter.ended(job, outcome, 0);
    expect(JSON.stringify(silent.log.lines)).not.toMatch(/hi|deep/);
    expect(silent.log.lines.some(({ fields }) => 'args' in fields)).toBe(false);
    const { reporter, log } = begin({ options: { logRuns: true, logArgs: true } });
    reporter.ended(job, succeeded, 0);
    expect(log.lines[0]?.fields).toMatchObject({ args: ['hi', { deep: [1] }] });
  });

  test('is left out if told so; the report and the warning are not', () => {
    const { reporter, log, reports } = begin({ options: { logRuns: false, logArgs: true } });
    reporter.ended(job, { kind: 'retried', delay: 1, error: 'boom', warning: 'The backoff is broken' }, 0);
    reporter.undecodable(notJson);
    expect(log.lines).toEqual([{ level: 'warn', message: 'The backoff is broken', fields: { class: 'Hello' } }]);
    expect(reports).toHaveLength(2);
  });
});

describe('the report of a run', () => {
  test('has the error as it was thrown, and no arguments', () => {
    const { reporter, reports } = begin({ options: { logRuns: true, logArgs: true } });
    const error = new RangeError('boom');
    reporter.ended(job, { kind: 'failed', error }, 12.3456);
    expect(reports).toEqual([
      { class: 'Hello', queue: 'myqueue', id: 'abc', attempt: 2, outcome: 'failed', ms: 12.3456, error },
    ]);
    expect(reports[0]?.error).toBe(error);
  });

  test('has no error where there was none', () => {
    const { reporter, reports } = begin();
    reporter.ended(job, succeeded, 0);
    reporter.ended(job, { kind: 'released', to: 'head', reason: 'shutdown' }, 0);
    expect(reports.map((report) => 'error' in report)).toEqual([false, false]);
  });

  test.each([
    [750, 250],
    [1_000, 0],
    [2_000, 0],
  ])('of a job that was enqueued a second ago and ran for %i ms has a wait of %i', (ms, wait) => {
    const { reporter, reports, clock } = begin();
    reporter.ended(aJob({ queueTime: clock.now() - 1_000 }), succeeded, ms);
    reporter.ended(aJob(), succeeded, ms);
    expect(reports.map((report) => report.wait)).toEqual([wait, undefined]);
  });

  test('of a payload that could not be read has the queue and the error', () => {
    const { reporter, reports } = begin();
    reporter.undecodable(notJson);
    expect(reports).toEqual([{ queue: 'myqueue', outcome: 'failed', ms: 0, error: notJson.error }]);
  });

  test('that a listener refuses does no harm, and is told', () => {
    const onRun = vi.fn(() => {
      throw new Error('listener');
    });
    const { reporter, log, summary } = begin({ onRun });
    reporter.ended(job, succeeded, 0);
    reporter.undecodable(notJson);
    expect(onRun).toHaveBeenCalledTimes(2);
    expect(summary.processed).toBe(2);
    expect(log.lines.filter(({ fields }) => fields['error'] === 'listener')).toHaveLength(2);
  });
});

describe('the summary', () => {
  test('starts at nothing', () => {
    expect(emptySummary()).toEqual({
      processed: 0,
      succeeded: 0,
      retried: 0,
      failed: 0,
      discarded: 0,
      released: 0,
      lost: 0,
      stopped: undefined,
    });
  });

  test('counts each outcome, told or not; all but the released are processed', () => {
    const { reporter, summary } = begin({ options: { logRuns: false, logArgs: false } });
    for (const outcome of [...outcomes, succeeded]) reporter.ended(job, outcome, 0);
    reporter.undecodable(notJson);
    expect(summary).toEqual({
      ...emptySummary(),
      processed: 6,
      succeeded: 2,
      retried: 1,
      failed: 2,
      discarded: 1,
      released: 1,
    });
  });
});

describe('the trouble of a turn', () => {
  test('is none where nothing is wrong', () => {
    const { reporter, log, summary } = begin();
    reporter.trouble(syncReply());
    expect(log.lines).toEqual([]);
    expect(summary.lost).toBe(0);
  });

  test('is told and counted: jobs that were not held any more', () => {
    const { reporter, log, summary } = begin();
    reporter.trouble(syncReply({ missing: 2 }));
    reporter.trouble(syncReply({ missing: 1 }));
    expect(summary.lost).toBe(3);
    expect(log.lines.map(({ level, fields }) => [level, fields])).toEqual([
      ['error', { jobs: 2 }],
      ['error', { jobs: 1 }],
    ]);
  });

  test('is told: each queue that cannot be used, with what Redis said and what to do', () => {
    const { reporter, log } = begin();
    reporter.trouble(syncReply({ unreadable: ['a', 'b'].map((queue) => ({ queue, error: `WRONGTYPE ${queue}` })) }));
    expect(log.lines).toEqual(
      ['a', 'b'].map((queue) => ({
        level: 'error',
        message: 'A queue cannot be used and is passed over',
        fields: {
          redis: 'host:1',
          queue,
          answer: `WRONGTYPE ${queue}`,
          remedy: expect.stringContaining('RENAME or DEL'),
        },
      })),
    );
  });

  test('of one queue is told twice a minute', async () => {
    const { reporter, log, clock } = begin();
    const queuesTold = () => log.lines.map(({ fields }) => fields['queue']);
    const tell = (queue: string) => reporter.trouble(syncReply({ unreadable: [{ queue, error: 'WRONGTYPE' }] }));
    tell('a');
    await clock.advance(29_999);
    tell('a');
    tell('b');
    expect(queuesTold()).toEqual(['a', 'b']);
    await clock.advance(1);
    tell('a');
    tell('b');
    expect(queuesTold()).toEqual(['a', 'b', 'a']);
  });
});
