import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  ArgumentsError,
  DeadlineError,
  Discard,
  JobTimeoutError,
  LeaseLostError,
  ShutdownError,
  SkipRetry,
  WorkerDiedError,
} from '../../../shared/errors.ts';
import { type Backoff, RetryIn } from '../../../shared/job/retry.ts';
import { MOST_DEATHS } from '../../../shared/types.ts';
import { type FailedRun, outcomeOfCrash, outcomeOfDeaths, outcomeOfError } from '../../../shared/worker/outcome.ts';

const boom = new Error('boom');

function fate(given: Partial<Omit<FailedRun, 'job'>> & { readonly attempt?: number } = {}) {
  const { attempt = 1, ...rest } = given;
  return outcomeOfError({
    job: { attempt, class: 'Hello' },
    retry: undefined,
    defaultAttempts: 5,
    thrown: boom,
    aborted: undefined,
    onlyOnce: false,
    hadItsTime: false,
    ...rest,
  });
}

beforeEach(() => {
  vi.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe('an error', () => {
  test.each([
    [1, 16_000],
    [2, 31_000],
    [4, 271_000],
  ])('in attempt %i of 5 is retried after the default wait', (attempt, delay) => {
    expect(fate({ attempt })).toEqual({ kind: 'retried', delay, error: boom });
  });

  test.each([5, 6])('in attempt %i of 5 is the end', (attempt) => {
    expect(fate({ attempt })).toEqual({ kind: 'failed', error: boom });
  });

  test('counts the attempts of the definition before the default ones', () => {
    expect(fate({ attempt: 1, retry: { attempts: 1 } })).toMatchObject({ kind: 'failed' });
    expect(fate({ attempt: 5, retry: { attempts: 6 } })).toMatchObject({ kind: 'retried' });
    expect(fate({ attempt: 2, retry: {}, defaultAttempts: 2 })).toMatchObject({ kind: 'failed' });
    expect(fate({ attempt: 1, retry: {}, defaultAttempts: 2 })).toMatchObject({ kind: 'retried' });
  });

  test("waits as the definition's backoff says, which is asked with attempt and error", () => {
    const backoff = vi.fn(() => 1_500);
    expect(fate({ attempt: 3, retry: { backoff } })).toEqual({ kind: 'retried', delay: 1_500, error: boom });
    expect(backoff.mock.calls).toEqual([[3, boom]]);
    expect(fate({ attempt: 2, retry: { backoff: ['1s', '7s'] } })).toMatchObject({ delay: 7_000 });
    expect(fate({ retry: { backoff: 0 } })).toMatchObject({ delay: 0 });
  });

  test.each([['a string'], [null], [undefined], [0], [{ an: 'object' }]])('may be %j', (thrown) => {
    expect(fate({ thrown })).toEqual({ kind: 'retried', delay: 16_000, error: thrown });
    expect(fate({ thrown, attempt: 5 })).toEqual({ kind: 'failed', error: thrown });
  });
});

describe('a backoff function that fails', () => {
  const warning = 'The backoff function of Hello failed, so the default wait applies: ';

  test.each<[string, () => unknown, string]>([
    [
      'throws',
      () => {
        throw new RangeError('no idea');
      },
      'no idea',
    ],
    ['returns no duration', () => 'soon', 'What a backoff function returns must be a duration: .*; got "soon".'],
  ])('because it %s: the default wait, with a warning', (_how, backoff, reason) => {
    expect(fate({ attempt: 2, retry: { backoff: backoff as Backoff } })).toEqual({
      kind: 'retried',
      delay: 31_000,
      error: boom,
      warning: expect.stringMatching(`^${warning}.*${reason}$`),
    });
  });

  test.each<[string, unknown]>([
    ['a symbol', Symbol('no idea')],
    ['an object without a text', Object.create(null)],
  ])('with %s: the same', (_what, thrown) => {
    const backoff = () => {
      throw thrown;
    };
    expect(fate({ retry: { backoff } })).toEqual({
      kind: 'retried',
      delay: 16_000,
      error: boom,
      warning: expect.stringContaining(warning),
    });
  });
});

describe('what a handler can ask for', () => {
  test.each([1, 5])('Discard in attempt %i drops the job', (attempt) => {
    const thrown = new Discard('not needed');
    expect(fate({ thrown, attempt })).toEqual({ kind: 'discarded', error: thrown });
  });

  test.each([new SkipRetry('no use'), new ArgumentsError('refused')])('%s fails the job at once', (thrown) => {
    expect(fate({ thrown, retry: { attempts: 9 } })).toEqual({ kind: 'failed', error: thrown });
  });

  test.each([
    [0, 0],
    [2_500, 2_500],
    ['1h30m', 5_400_000],
  ] as const)('RetryIn(%j) waits so long, whatever the backoff says', (given, delay) => {
    const thrown = new RetryIn(given);
    const backoff = vi.fn(() => 99);
    expect(fate({ thrown, retry: { backoff } })).toEqual({ kind: 'retried', delay, error: thrown });
    expect(backoff).not.toHaveBeenCalled();
  });

  test('RetryIn in the last attempt is the end', () => {
    const thrown = new RetryIn('1s');
    expect(fate({ thrown, attempt: 5 })).toEqual({ kind: 'failed', error: thrown });
  });
});

describe('an attempt that was aborted', () => {
  const timeout = new JobTimeoutError('too long');
  const deadline = new DeadlineError('nearly over');

  test.each([new ShutdownError('stopping'), new LeaseLostError('lost'), deadline])(
    'by %s goes back to the head of its queue, and counts for nothing',
    (aborted) => {
      for (const attempt of [1, 5]) {
        const released = { kind: 'released', to: 'head', reason: aborted.message };
        expect(fate({ aborted, attempt })).toEqual(released);
        expect(fate({ aborted, attempt, thrown: aborted })).toEqual(released);
        expect(fate({ aborted, attempt, thrown: new RetryIn('1s') })).toEqual(released);
      }
    },
  );

  test('by the deadline counts, if it had its time', () => {
    expect(fate({ aborted: deadline, hadItsTime: true })).toEqual({ kind: 'retried', delay: 16_000, error: deadline });
    expect(fate({ aborted: deadline, hadItsTime: true, attempt: 5 })).toEqual({ kind: 'failed', error: deadline });
  });

  test('by a shutdown goes back, also if it had its time', () => {
    const aborted = new ShutdownError('stopping');
    expect(fate({ aborted, hadItsTime: true })).toMatchObject({ kind: 'released' });
  });

  test('by its timeout failed with that, whatever the handler made of it', () => {
    const retried = { kind: 'retried', delay: 16_000, error: timeout };
    expect(fate({ aborted: timeout })).toEqual(retried);
    expect(fate({ aborted: timeout, thrown: timeout })).toEqual(retried);
    expect(fate({ aborted: timeout, attempt: 5 })).toEqual({ kind: 'failed', error: timeout });
  });

  test.each([timeout, new ShutdownError('stopping'), new LeaseLostError('lost'), deadline])(
    'by %s may still be discarded or given up by its handler',
    (aborted) => {
      expect(fate({ aborted, thrown: new Discard() })).toMatchObject({ kind: 'discarded' });
      expect(fate({ aborted, thrown: new SkipRetry() })).toMatchObject({ kind: 'failed' });
    },
  );

  test('by its timeout waits as RetryIn says', () => {
    expect(fate({ aborted: timeout, thrown: new RetryIn('3s') })).toEqual({
      kind: 'retried',
      delay: 3_000,
      error: timeout,
    });
  });
});

describe('a job that may not be run again', () => {
  const onlyOnce = true;

  test.each([boom, new RetryIn('1s'), new SkipRetry('no use'), new ArgumentsError('refused'), 'a string', undefined])(
    'and threw %s has failed, whatever attempts are left',
    (thrown) => {
      expect(fate({ onlyOnce, thrown, retry: { attempts: 9 } })).toEqual({ kind: 'failed', error: thrown });
    },
  );

  test.each([
    new JobTimeoutError('too long'),
    new ShutdownError('stopping'),
    new LeaseLostError('lost'),
    new DeadlineError('nearly over'),
  ])('and was aborted by %s has failed with that: it goes back to no queue', (aborted) => {
    expect(fate({ onlyOnce, aborted })).toEqual({ kind: 'failed', error: aborted });
    expect(fate({ onlyOnce, aborted, hadItsTime: true })).toEqual({ kind: 'failed', error: aborted });
  });

  test('may be discarded', () => {
    const thrown = new Discard('not needed');
    expect(fate({ onlyOnce, thrown })).toEqual({ kind: 'discarded', error: thrown });
  });
});

describe('deaths', () => {
  test.each([0, 1, 2])('after %i of them the job runs', (deaths) => {
    expect(outcomeOfDeaths({ deaths }, false)).toBeUndefined();
  });

  test.each([3, 4])('after %i of them the job is taken for the cause', (deaths) => {
    expect(outcomeOfDeaths({ deaths }, false)).toEqual({
      kind: 'failed',
      error: new WorkerDiedError(
        `The worker that held this job died ${deaths} times (killed, out of memory, process.exit, or its event loop ` +
          'blocked for longer than the lease), the last time with nothing beside it, so the job is taken for the cause. ' +
          'Requeue it when that is mended.',
      ),
    });
  });

  test.each([0, 2, 3, 9])('after %i of them a job that runs at most once has not started, so it runs', (deaths) => {
    expect(outcomeOfDeaths({ deaths }, true)).toBeUndefined();
  });

  test('three of them are too many', () => {
    expect(MOST_DEATHS).toBe(3);
  });
});

describe('when the process is about to end because of an error that no job could be told from', () => {
  test('a job that runs goes back, with one death more', () => {
    expect(outcomeOfCrash(false)).toBeUndefined();
  });

  test('one that runs, and may only once, has failed, with a word on what to do', () => {
    expect(outcomeOfCrash(true)).toEqual({
      kind: 'failed',
      error: expect.objectContaining({
        name: 'WorkerDiedError',
        message: expect.stringMatching(/at-most-once.*not run again.*requeue it if it is safe/),
      }),
    });
  });
});
