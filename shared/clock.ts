/** Time as a parameter: production code gets `systemClock`, a test one that it moves by hand. */
export interface Clock {
  /**
   * Milliseconds since the epoch, as far as this machine knew when the process began; it never jumps. Only differences mean
   * anything: what the time is, Redis says.
   */
  now(): number;
  /** Calls `callback` once, `ms` from now, unless the returned function is called first. */
  after(ms: number, callback: () => void): () => void;
}

/** setTimeout's own limit; a longer delay would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Asking for it each time costs as much as the time itself. */
const ORIGIN = performance.timeOrigin;

export const systemClock: Clock = {
  now: () => ORIGIN + performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(0, ms), LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`, or as soon as `signal` aborts; never rejects. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(ms, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** The calendar of JavaScript ends here, epoch ms. */
export const LAST_DATE = 8_640_000_000_000_000;
