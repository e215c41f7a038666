/** How each function divides the end of an invocation's time, so that Lambda cuts nothing off. */

/** Of the time that an invocation of a consumer has, this part, and no more than so many ms, is kept for its end. */
const LAST_PART = 0.25;
const LAST_MS = 3_000;

/** Times are epoch ms. */
export interface ConsumerEnd {
  /** Handlers are aborted. */
  readonly deadline: number;
  /** Milliseconds they then have to end by themselves; what is left is for settling, releasing and leaving. */
  readonly abortGrace: number;
  /** Redis is waited for no longer. */
  readonly giveUpAt: number;
}

/** @param now epoch ms  @param end epoch ms at which Lambda ends the invocation */
export function consumerEnd(now: number, end: number): ConsumerEnd {
  const margin = Math.min(LAST_MS, Math.max(0, end - now) * LAST_PART);
  // A consumer that cannot reach Redis gives up two graces after its deadline, and has half of one to say so.
  const abortGrace = margin / 3;
  return { deadline: end - margin, abortGrace, giveUpAt: end - abortGrace / 2 };
}

/** Kept of the scheduler's time for its last tick, and of that for saying that Redis is away, ms. */
const LAST_TICK_MS = 5_000;
const LAST_WORDS_MS = 500;

/** Times are epoch ms. */
interface SchedulerEnd {
  /** No tick is waited for that would begin later. */
  readonly lastTickAt: number;
  /** Redis is waited for no longer. */
  readonly giveUpAt: number;
}

/** @param end epoch ms at which Lambda ends the invocation */
export function schedulerEnd(end: number): SchedulerEnd {
  return { lastTickAt: end - LAST_TICK_MS, giveUpAt: end - LAST_WORDS_MS };
}
