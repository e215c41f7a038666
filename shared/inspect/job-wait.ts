import type { EndedJobs } from '../broker/redis/ended-jobs.ts';
import type { JobsBroker } from '../broker/redis/jobs.ts';
import { type Clock, sleep, systemClock } from '../clock.ts';
import { type Duration, durationMs } from '../duration.ts';
import { RedisUnavailableError, UntrackedJobError, WaitTimeoutError } from '../errors.ts';
import { checkOptions, type OptionsOf } from '../options.ts';
import { hasEnded, readStatus, type TrackedJob } from '../wire/read-status.ts';

/** How long to wait for a job's end. */
export interface WaitOptions {
  /** Then it rejects with a `WaitTimeoutError`; `Infinity` for as long as it takes. @default '1m' */
  readonly timeout?: Duration;
  /** Ends the wait; it rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

const OPTIONS = { timeout: true, signal: true } satisfies OptionsOf<WaitOptions>;
const TIMEOUT_MS = 60_000;
/** Where Redis tells of the end, a message may be lost nevertheless: so often it is looked at. */
const LOOK_MS = 30_000;
/** Where it does not, first and last, each time half as long again. */
const FIRST_LOOK_MS = 200;
const LAST_LOOK_MS = 5_000;

export interface WaitDeps {
  readonly jobs: Pick<JobsBroker, 'status'>;
  /** @default none: each wait looks by itself */
  readonly ended?: EndedJobs | undefined;
  /** @default the system's */
  readonly clock?: Clock | undefined;
}

/** A Redis that is away may be there again before the time is over. */
async function unlessAway<Answer>(answer: Promise<Answer>): Promise<Answer | RedisUnavailableError> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof RedisUnavailableError) return error;
    throw error;
  }
}

/** Resolves when a tracked job has ended for good. */
export function waitFor({ jobs, ended, clock = systemClock }: WaitDeps) {
  async function look(id: string): Promise<TrackedJob> {
    const record = await jobs.status(id);
    const tracked = record === undefined ? undefined : readStatus(id, record);
    if (tracked) return tracked;
    throw new UntrackedJobError(
      `There is no status record of the job ${JSON.stringify(id)}: it was enqueued without track: true, or has ended longer ago than ` +
        'its record is kept (track: { result }).',
    );
  }

  return async (id: string, options: WaitOptions = {}): Promise<TrackedJob> => {
    checkOptions('jobs.wait', options, OPTIONS);
    const { timeout = TIMEOUT_MS, signal } = options;
    const ms = durationMs(timeout, 'jobs.wait: timeout', { refuseSmall: true, endless: true });
    const until = clock.now() + ms;
    let [heard, pause] = [Promise.withResolvers<void>(), FIRST_LOOK_MS];
    const wake = () => heard.resolve();
    signal?.throwIfAborted();
    let found = await look(id);
    if (hasEnded(found.state)) return found;
    let stop: (() => void) | undefined;
    try {
      for (;;) {
        // Each time, as its connection may have been lost, and before the look: what ends while nobody listens is told to nobody.
        stop = await ended?.listen(id, wake);
        const seen = await unlessAway(look(id));
        const away = seen instanceof RedisUnavailableError ? seen : undefined;
        if (!(seen instanceof RedisUnavailableError)) found = seen;
        if (hasEnded(found.state)) return found;
        const left = until - clock.now();
        if (left <= 0) {
          if (away) throw away;
          throw new WaitTimeoutError(
            `The job ${id} had not ended after ${ms} ms: it was ${found.state}. It goes on; wait again, or cancel it.`,
          );
        }
        const longest = stop && !away ? LOOK_MS : pause;
        pause = Math.min(LAST_LOOK_MS, pause * 1.5);
        await either(heard.promise, Math.min(left, longest), signal);
        signal?.throwIfAborted();
        heard = Promise.withResolvers<void>();
      }
    } finally {
      stop?.();
    }
  };

  /** Resolves with the first of these. */
  async function either(heard: Promise<void>, wait: number, signal: AbortSignal | undefined): Promise<void> {
    const over = new AbortController();
    const end = () => over.abort();
    if (signal?.aborted) end();
    signal?.addEventListener('abort', end, { once: true });
    void heard.then(end);
    await sleep(clock, wait, over.signal);
    signal?.removeEventListener('abort', end);
  }
}
