import type { CronSlot, RawJob, Settlement } from '../types.ts';

/**
 * The seam between the loops and Redis, in the words of the project. Every method rejects with a `LambdesqueError`. After
 * one, any method may be called again with the same arguments; but `enqueue` and `enqueueDelayed` may then push twice, if
 * it was only Redis's answer that was lost.
 */
export interface Broker extends WorkerBroker, SchedulerBroker {}

/** What a worker and a client need. */
export interface WorkerBroker {
  /** Host and port of the Redis behind it, for messages. */
  readonly address: string;

  /** One turn of a worker, in one atomic step: settle, extend the lease, reserve. */
  sync(turn: SyncRequest): Promise<SyncResult>;
  /** A worker's end. @returns how many jobs it still holds; they are reclaimed when its lease has run out */
  leave(worker: string): Promise<number>;

  /** Push payloads to the tails of their queues, in one round trip. */
  enqueue(jobs: readonly { readonly queue: string; readonly payload: string }[]): Promise<void>;
  /**
   * Add payloads to the delayed lists, in one round trip; very large ones without an index by payload.
   * @property seconds due time, epoch seconds
   */
  enqueueDelayed(jobs: readonly { readonly seconds: number; readonly payload: string }[]): Promise<void>;

  /** Redis's clock, epoch ms. */
  time(): Promise<number>;
  /** Names of all queues. */
  queues(): Promise<string[]>;
  /** Rejects if Redis cannot be used now. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** What a tick of the scheduler needs. */
export interface SchedulerBroker {
  /** Give back the jobs of workers whose leases ended before `now`. @param limit most workers in this call */
  reclaim(now: number, limit: number): Promise<Reclaimed[]>;
  /** Move due retries to their queues, at most `limit`. */
  promoteRetries(now: number, limit: number): Promise<Promoted>;
  /** The earliest due lists of delayed jobs, with their first payloads, up to these limits for all together. */
  dueDelayed(now: number, limit: number, bytes: number): Promise<DueDelayed[]>;
  /** Move payloads from the starts of due lists, in order; stops where a list has changed since it was read. */
  promoteDelayed(lists: readonly DelayedMoves[]): Promise<MovedDelayed>;

  /** When the earliest of each is due, epoch ms; undefined where there is none. One call, for an idle scheduler. */
  agenda(): Promise<DueTimes>;
}

export interface SyncRequest {
  readonly worker: string;
  /** Rises by one with each turn; a turn that is sent again keeps its number, and is not carried out twice. */
  readonly call: number;
  /** When the lease ends, epoch ms, unless a later turn extends it. */
  readonly leaseEnd: number;
  /** Set on a worker's first turn and on the first after it lost its lease: when it started. */
  readonly register?: Date;
  /** Write the heartbeat that Ruby's tools read. */
  readonly heartbeat?: Date;
  readonly settle: readonly Settlement[];
  /** The job to show as being worked on: its record is `head`, the payload, `tail`. null clears it; absent leaves it. */
  readonly workingOn?: { readonly raw: RawJob; readonly head: string; readonly tail: string } | null;
  readonly statuses?: readonly StatusUpdate[];
  /** Jobs of cron entries that must not overlap, now ended for good: their entries may enqueue again. */
  readonly cronEnded?: readonly CronSlot[];
  /** Highest number of a job that may have started once this turn is answered: what a death counts for. */
  readonly started: number;
  readonly reserve?: Reservation;
}

export interface Reservation {
  /** Most jobs. */
  readonly count: number;
  /** Most payload bytes; one job is reserved even if it is larger. */
  readonly bytes: number;
  /** Number for the first job; the others follow. */
  readonly firstSeq: number;
  /** Where to look, in order. A queue may stand in it more than once. */
  readonly shares: readonly QueueShare[];
  /** Also answer the names of all queues. */
  readonly listQueues: boolean;
  /** Also answer how many jobs each queue has left. */
  readonly countLeft: boolean;
  /** Whether one job that is one death away from the failed list may be among them. */
  readonly mayRisk: boolean;
}

export interface QueueShare {
  readonly queue: string;
  /** Most jobs from it at this place in the order. */
  readonly limit: number;
}

/** An update of php-resque's status record, where there is one. The record is `head`, started time, `tail`. */
export interface StatusUpdate {
  readonly id: string;
  readonly head: string;
  /** undefined keeps the time that the record has. */
  readonly started: string | undefined;
  readonly tail: string;
  /** Seconds until the record expires; 0 for never. */
  readonly ttl: number;
}

export type SyncResult =
  | { readonly leaseLost: true }
  | {
      readonly leaseLost: false;
      readonly jobs: readonly RawJob[];
      /** `pause-all-workers` is set: nothing is reserved. */
      readonly paused: boolean;
      /** There may be more where these came from. */
      readonly more: boolean;
      /** How many of the settled jobs were no longer held. */
      readonly missing: number;
      /** Queues that could not be read, with Redis's own words. */
      readonly unreadable: readonly { readonly queue: string; readonly error: string }[];
      /** Names of all queues, if asked for. */
      readonly queues: readonly string[];
      /** Jobs left in each queue looked at, if asked for. */
      readonly left: ReadonlyMap<string, number>;
    };

export interface DueTimes {
  readonly leaseEnd: number | undefined;
  readonly retry: number | undefined;
  readonly delayed: number | undefined;
  /** Ruby's resque-scheduler runs: the delayed jobs are its to promote. */
  readonly rubyScheduler?: true;
}

export interface Reclaimed {
  readonly worker: string;
  readonly jobs: number;
  /** A queue that did not take its own, with Redis's own words; those jobs stay in flight and are tried again later. */
  readonly refused: string | undefined;
}

export interface Promoted {
  readonly moved: number;
  /** Queues that did not take theirs, with Redis's own words; what is theirs stays where it was. */
  readonly refused: readonly string[];
}

export interface MovedDelayed {
  readonly queued: number;
  readonly failed: number;
  /** Redis's own words, if the queue of the next payload did not take it. */
  readonly refused: string | undefined;
}

/** What becomes of the first payloads of one list. */
export interface DelayedMoves {
  readonly time: string;
  readonly moves: readonly DelayedMove[];
}

export interface DueDelayed {
  /** Due time as the schedule has it: epoch seconds, unless somebody wrote something else there. */
  readonly time: string;
  readonly payloads: readonly Buffer[];
}

/** What becomes of one delayed payload. */
export type DelayedMove = { readonly bytes: Buffer } & (
  | { readonly to: 'queue'; readonly queue: string }
  /** The failed entry is `head`, the payload, `tail`. */
  | { readonly to: 'failed'; readonly head: string; readonly tail: string }
  /** The payload is not JSON, so the failed entry comes whole. */
  | { readonly to: 'buried'; readonly entry: string }
);
