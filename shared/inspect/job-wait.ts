import type { EndedJobs } from '../broker/redis/ended-jobs.ts';
import type { JobsBroker } from '../broker/redis/jobs.ts';
import { type Clock, sleep, systemClock } from '../clock.ts';
import { type Duration, durationMs } from '../duration.ts';
import { ConfigError, RedisUnavailableError, UntrackedJobError, WaitTimeoutError } from '../errors.ts';
import { checkOptions, type OptionsOf, shown } from '../options.ts';
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
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new ConfigError(`jobs.wait: signal must be an AbortSignal; got ${shown(signal)}.`);
    }
    signal?.throwIfAborted();
    const until = clock.now() + ms;
    // A Redis that is silent must not keep anybody waiting for longer than he said.
    const over = Promise.withResolvers<never>();
    over.promise.catch(() => {});
    const onAbort = () => over.reject(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    let cancelTimer = () => {};
    let listening: ReturnType<EndedJobs['listen']> | undefined;
    let [heard, pause] = [Promise.withResolvers<void>(), FIRST_LOOK_MS];
    const wake = () => heard.resolve();
    try {
      let found = await Promise.race([look(id), over.promise]);
      let away: RedisUnavailableError | undefined;
      const onTime = () => {
        const left = until - clock.now();
        if (left > 0) cancelTimer = clock.after(left, onTime);
        else
          over.reject(
            away ??
              new WaitTimeoutError(
                `The job ${id} had not ended after ${ms} ms: it was ${found.state}. It goes on; wait again, or cancel it.`,
              ),
          );
      };
      while (!hasEnded(found.state)) {
        if (listening === undefined && ms !== Infinity) onTime();
        // Each time, as its connection may have been lost, and before the look: what ends while nobody listens is told to nobody.
        listening = ended?.listen(id, wake) ?? NOBODY;
        const stop = await Promise.race([listening, over.promise]);
        const seen = await Promise.race([unlessAway(look(id)), over.promise]);
        away = seen instanceof RedisUnavailableError ? seen : undefined;
        if (!(seen instanceof RedisUnavailableError)) found = seen;
        if (hasEnded(found.state)) break;
        const rest = new AbortController();
        const rested = sleep(clock, stop && !away ? LOOK_MS : pause, rest.signal);
        pause = Math.min(LAST_LOOK_MS, pause * 1.5);
        await Promise.race([rested, heard.promise, over.promise]).finally(() => rest.abort());
        heard = Promise.withResolvers<void>();
      }
      return found;
    } finally {
      cancelTimer();
      signal?.removeEventListener('abort', onAbort);
      void listening?.then((stop) => stop?.());
    }
  };
}

const NOBODY = Promise.resolve(undefined);
