import type { DueTimes, TickSnapshot, WrongKey } from '../broker/broker.ts';
import type { LogFields } from '../log.ts';

/** What a tick has done so far. */
export interface TickTotals {
  /** Delayed jobs moved to their queues. */
  promoted: number;
  /** Retries moved to their queues. */
  retried: number;
  /** Jobs that were parked, and called to their queues. */
  called: number;
  /** Jobs of dead workers given back to their queues. */
  reclaimed: number;
  /** Jobs of cron entries enqueued. */
  cron: number;
  /** Delayed payloads that no queue could be found for, and at-most-once jobs of dead workers: now in the failed list. */
  failed: number;
  /** By how much the latest of the promoted delayed jobs and retries were late, ms. */
  lateness: number;
}

/** One tick, as its steps see it. */
export interface Tick {
  /** Redis's time, epoch ms. */
  now(): number;
  readonly snapshot: TickSnapshot;
  readonly totals: TickTotals;
  /** Keys that cannot be used: logged once in a while. */
  report(wrong: readonly WrongKey[]): void;
  /** Something that each tick meets again: logged as an error once in a while. @param what its identity */
  reportOnce(what: string, message: string, fields: LogFields): void;
  /** The step has something to do at this time, epoch ms. Holds until its next share. */
  lookAgainAt(time: number): void;
}

/** One part of the scheduler's work, with its own error boundary: what keeps it from going on does not stop the others. */
export interface Step {
  readonly name: string;
  /** When it has something to do, epoch ms; undefined if it has nothing. */
  dueAt(due: DueTimes): number | undefined;
  /** Where what it looks through is kept, if its next time is to be found there. */
  readonly source?: 'leases' | 'retry' | 'delayed' | 'parked';
  begin(tick: Tick): Share;
}

/** Does one share of a step's work, so that the steps take turns. @returns whether there is more to do at once */
export type Share = () => Promise<boolean>;

/** What follows the work, such as starting consumers: after the first turn of all steps, and now and then while it goes on. */
export interface Follower {
  readonly name: string;
  run(tick: Tick): Promise<void>;
}
