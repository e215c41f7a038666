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
    const ms = durationMs(timeout, 'jobs.wait: timeout', { least: 1, refuseSmall: true, endless: true });
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new ConfigError(`jobs.wait: signal must be an AbortSignal; got ${shown(signal)}.`);
    }
    signal?.throwIfAborted();
    const ending = new Ending();
    let found: TrackedJob | undefined;
    let away: RedisUnavailableError | undefined;
    const timedOut = () =>
      away ??
      new WaitTimeoutError(
        `The job ${id} had not ended after ${ms} ms: ${found ? `it was ${found.state}` : 'Redis has not said how it is'}. It goes on; ` +
          'wait again, or cancel it.',
      );
    const onAbort = () => ending.end(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    // A Redis that is silent, also from the start, must not keep anybody waiting for longer than he said.
    const cancelTimer = ms === Infinity ? () => {} : callAfter(clock, ms, () => ending.end(timedOut()));
    let listening: ReturnType<EndedJobs['listen']> | undefined;
    let [wake, pause] = [() => {}, FIRST_LOOK_MS];
    const onEnded = () => wake();
    try {
      found = await ending.unlessBefore(look(id));
      while (!hasEnded(found.state)) {
        const heard = new Promise<void>((resolve) => {
          wake = resolve;
        });
        // Each time, as its connection may have been lost, and before the look: what ends while nobody listens is told to nobody.
        listening = ended?.listen(id, onEnded) ?? NOBODY;
        const stop = await ending.unlessBefore(listening);
        const seen = await ending.unlessBefore(unlessAway(look(id)));
        away = seen instanceof RedisUnavailableError ? seen : undefined;
        if (!(seen instanceof RedisUnavailableError)) found = seen;
        if (hasEnded(found.state)) break;
        const rest = new AbortController();
        const rested = sleep(clock, stop && !away ? LOOK_MS : pause, rest.signal);
        pause = Math.min(LAST_LOOK_MS, pause * 1.5);
        await ending.unlessBefore(Promise.race([rested, heard])).finally(() => rest.abort());
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

/** What ends a wait before its job does. It keeps nothing of what was waited for: a wait may take days. */
class Ending {
  #ended: { readonly reason: unknown } | undefined;
  #reject: (reason: unknown) => void = () => {};

  end(reason: unknown): void {
    this.#ended ??= { reason };
    this.#reject(this.#ended.reason);
  }

  /** One at a time. @throws the reason, where it has ended or ends before that */
  unlessBefore<Value>(awaited: Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#reject = reject;
      if (this.#ended) reject(this.#ended.reason);
      awaited.then(resolve, reject);
    });
  }
}

/** Also where that is longer than a timer can be. @returns what cancels it */
function callAfter(clock: Clock, ms: number, callback: () => void): () => void {
  const until = clock.now() + ms;
  const onTimer = () => {
    const left = until - clock.now();
    if (left > 0) cancel = clock.after(left, onTimer);
    else callback();
  };
  let cancel = clock.after(ms, onTimer);
  return () => cancel();
}
