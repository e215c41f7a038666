import { describe, expect, test, vi } from 'vitest';
import type { Outcome } from '../../../shared/types.ts';
import { decode, type Undecodable } from '../../../shared/wire/decode.ts';
import { emptySummary, Reporter, type ReporterDeps, type RunReport } from '../../../shared/worker/reporter.ts';
import { aJob, rawJob } from '../../helpers/builders.ts';
import { ManualClock } from '../../helpers/manual-clock.ts';
import { recordingLogger } from '../../helpers/recording-logger.ts';

class SkippedStack extends Error {
  override stack = 'SkippedStack: no stack';
}

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
  return { reporter: new SettledReporter(setting, summary), clock, log, reports, summary };
}

/** Redis has each outcome at once. */
class SettledReporter extends Reporter {
  override ended(...args: Parameters<Reporter['ended']>): void {
    super.ended(...args);
    this.settled([args[0]]);
  }

  override undecodable(one: Undecodable): void {
    super.undecodable(one);
    this.settled([one]);
  }
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

  test('has the attempts in all, where a handler was to run', () => {
    const { reporter, log, reports } = begin();
    reporter.ended(job, failed, 1, 3);
    expect(log.lines[0]?.fields).toMatchObject({ attempt: 2, attempts: 3 });
    expect(reports[0]).toMatchObject({ attempt: 2, attempts: 3 });
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

  test.each(['retried', 'failed'] as const)('of one that %s has the stack, its lines as Node writes them', (kind) => {
    const { reporter, log } = begin();
    const error = new RangeError('boom');
    reporter.ended(job, { kind, delay: 1, error }, 0);
    const stack = log.lines[0]?.fields['stack'];
    expect(stack).toMatch(/^at .*reporter\.test\.ts:\d+:\d+/);
    // Without the frames of the platform that say nothing.
    expect(error.stack).toContain(String(stack).split('\n')[0]);
  });

  test.each(['boom', null, new SkippedStack('no stack')])('has no stack where there is none: %s', (error) => {
    const { reporter, log } = begin();
    reporter.ended(job, { kind: 'failed', error }, 0);
    reporter.ended(job, succeeded, 0);
    expect(log.lines.some(({ fields }) => 'stack' in fields)).toBe(false);
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
      { class: 'Hello', queue: 'myqueue', id: 'abc', attempt: 2, outcome: 'failed', ms: 12.346, error },
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
    [749.999_64, 250],
    [1_000, 0],
    [2_000, 0],
  ])(
    'of a job that was enqueued a second ago and ran for %f ms has a wait of %i, to the microsecond as well',
    (ms, wait) => {
      const { reporter, reports, clock } = begin();
      reporter.ended(aJob({ queueTime: clock.now() - 1_000 }), succeeded, ms);
      reporter.ended(aJob(), succeeded, ms);
      expect(reports.map((report) => report.waitMs)).toEqual([wait, undefined]);
    },
  );

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

describe('jobs that waited and went back', () => {
  test('are counted as released, and not as processed', () => {
    const { reporter, log, reports, summary } = begin();
    reporter.released(3);
    reporter.released(0);
    reporter.released(2);
    expect(summary).toEqual({ ...emptySummary(), released: 5 });
    expect([log.lines, reports]).toEqual([[], []]);
  });
});

describe('jobs that were not held any more', () => {
  test('are told and counted', () => {
    const { reporter, log, summary } = begin();
    reporter.missing(2);
    reporter.missing(0);
    reporter.missing(1);
    expect(summary.lost).toBe(3);
    expect(log.lines.map(({ level, fields }) => [level, fields])).toEqual([
      ['error', { jobs: 2 }],
      ['error', { jobs: 1 }],
    ]);
  });
});

describe('a key that is not what it should be', () => {
  const wrongKeys = (...keys: readonly string[]) => keys.map((key) => ({ key, error: `WRONGTYPE ${key}` }));

  test('is told, with what Redis said and what to do', () => {
    const { reporter, log } = begin();
    reporter.wrong([]);
    reporter.wrong(wrongKeys('resque:queue:a', 'resque:retry'));
    expect(log.lines).toEqual(
      ['resque:queue:a', 'resque:retry'].map((key) => ({
        level: 'error',
        message: 'A key cannot be used and is passed over',
        fields: { redis: 'host:1', key, answer: `WRONGTYPE ${key}`, remedy: expect.stringContaining('RENAME or DEL') },
      })),
    );
  });

  test('is told once in ten minutes, each for itself', async () => {
    const { reporter, log, clock } = begin();
    const told = () => log.lines.map(({ fields }) => fields['key']);
    reporter.wrong(wrongKeys('a'));
    await clock.advance(599_999);
    reporter.wrong(wrongKeys('a', 'b'));
    expect(told()).toEqual(['a', 'b']);
    await clock.advance(1);
    reporter.wrong(wrongKeys('a', 'b'));
    expect(told()).toEqual(['a', 'b', 'a']);
  });
});

describe('a line', () => {
  const waiting = () => {
    const log = recordingLogger();
    const store = { address: 'host:1' };
    const options = { logRuns: true, logArgs: false };
    return { log, reporter: new Reporter({ log, clock: new ManualClock(), options, store }, emptySummary()) };
  };

  test('comes when Redis has the outcome, and not before', () => {
    const { log, reporter } = waiting();
    const other = aJob({ id: 'other' });
    reporter.ended(job, succeeded, 1);
    reporter.ended(other, failed, 1);
    expect(log.lines).toEqual([]);
    reporter.settled([other]);
    expect(log.lines.map(({ message, fields }) => [message, fields?.['id']])).toEqual([['job failed', 'other']]);
    reporter.settled([other, job]);
    expect(log.lines.map(({ fields }) => fields?.['id'])).toEqual(['other', 'abc']);
  });

  test('says so where Redis will not have it', () => {
    const { log, reporter } = waiting();
    reporter.ended(job, succeeded, 1);
    reporter.lost();
    reporter.lost();
    expect(log.lines).toMatchObject([
      { level: 'info', message: 'job succeeded, but Redis does not know it', fields: { id: 'abc', settled: false } },
    ]);
  });
});
