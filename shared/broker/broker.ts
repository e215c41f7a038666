import type { OpenedGates, ParkedGates } from './admission.ts';
import type { Controlled, ControlledJob } from './controlled.ts';
import type { CronState } from './cron-broker.ts';
import type { LostSteps } from './flow-broker.ts';
import type { AheadReply, AheadRequest } from './park-ahead.ts';
import type { Reclaimed } from './reclaimed.ts';
import type { HeldJob, Recovered, StartingJob, SyncRequest, SyncResult } from './sync.ts';
import type { WrongKey } from './wrong-key.ts';

export type { Reclaimed, ReclaimedJob } from './reclaimed.ts';
export type {
  HeldJob,
  Recovered,
  Reservation,
  StartingJob,
  SyncReply,
  SyncRequest,
  SyncResult,
  WorkingOnRecord,
} from './sync.ts';
export type { WorkerPlace } from './worker-place.ts';
export type { WrongKey } from './wrong-key.ts';

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

  /** A worker's round trip, in one atomic step: settle what ended, extend the lease, reserve the next jobs. */
  sync(request: SyncRequest): Promise<SyncResult>;
  /** Jobs are about to start that have something to say before. @returns which of them the worker holds; no other may start */
  start(worker: string, jobs: readonly StartingJob[]): Promise<boolean[]>;
  /** Redis lost its last writes: gives back what is in flight for a worker that holds only these jobs. */
  recover(worker: string, call: number, held: readonly HeldJob[]): Promise<Recovered>;
  /** A worker's end. @returns how many jobs it still holds; they are reclaimed when its lease has run out */
  unregister(worker: string): Promise<number>;

  /** Parks jobs of a queue that were read before, and reads others. @returns undefined where those are not there any more: nothing was done */
  parkAhead(request: AheadRequest): Promise<AheadReply | undefined>;

  /** Push payloads to the tails of their queues, in one round trip. */
  enqueue(jobs: readonly { readonly queue: string; readonly payload: string }[]): Promise<void>;
  /**
   * Add payloads to the delayed lists, in one round trip; very large ones without an index by payload.
   * @property seconds due time, epoch seconds
   */
  enqueueDelayed(jobs: readonly { readonly seconds: number; readonly payload: string }[]): Promise<void>;

  /**
   * Push jobs to their queues and delayed lists, in their order: each with its lock and its status record, where it needs some. May
   * be sent again: a job with a lock is not pushed twice.
   * @returns what became of each
   */
  enqueueControlled(jobs: readonly ControlledJob[]): Promise<Controlled[]>;

  /** Redis's clock, epoch ms. */
  time(): Promise<number>;
  /** Names of all queues. */
  queues(): Promise<string[]>;
  /** Rejects if Redis cannot be used now. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/**
 * What a tick of the scheduler needs. What is due is decided by Redis's clock. `passed` is how many of the first members
 * that are due to pass over: they were met before in this tick and cannot be used.
 */
export interface SchedulerBroker {
  /** When the earliest of each is due. One call, for an idle scheduler. */
  dueTimes(after?: LookedThrough): Promise<DueTimes>;
  /** The same, and all that is known of cron entries, in one call. */
  snapshot(): Promise<TickSnapshot>;
  /** Give back the jobs of workers whose leases have ended. @param limit most workers in this call */
  reclaim(limit: number, passed?: number): Promise<Reclaimed[]>;
  /** Gates for which jobs are parked, and that are to be looked at now. @param all those too whose time has not come */
  parkedGates(limit: number, all: boolean): Promise<ParkedGates>;
  /** Calls the jobs that may go on now to the heads of their queues, some of each gate. */
  openGates(gates: readonly string[]): Promise<OpenedGates>;
  /** Tells flows of steps that ended where no worker could, at most `limit`. */
  tellLostSteps(limit: number): Promise<LostSteps>;
  /** Move due retries to their queues, at most `limit`. */
  promoteRetries(limit: number, passed?: number): Promise<Promoted>;
  /** The due times of delayed jobs, in order, at most `limit`. */
  dueDelayed(limit: number, passed?: number): Promise<DueDelayed>;
  /** The first payloads of due lists, up to these limits for all together; the one that exceeds `bytes` is the last. */
  readDelayed(lists: readonly DueList[], limit: number, bytes: number): Promise<DelayedList[]>;
  /** Move payloads from the starts of due lists, in order; stops where a list has changed since it was read. */
  promoteDelayed(lists: readonly DelayedMoves[]): Promise<MovedDelayed>;
}

/** Times up to which everything due was moved or passed over, epoch ms. */
export interface LookedThrough {
  readonly leases?: number | undefined;
  readonly retry?: number | undefined;
  readonly delayed?: number | undefined;
  readonly parked?: number | undefined;
}

/** What a tick looks at first. */
export interface TickSnapshot {
  readonly due: DueTimes;
  readonly cron?: CronState;
}

/** When the earliest of each is due, epoch ms; undefined where there is none. */
export interface DueTimes {
  /** Redis's time, epoch ms. */
  readonly now: number;
  readonly leaseEnd: number | undefined;
  readonly retry: number | undefined;
  readonly delayed: number | undefined;
  /** A gate for which jobs are parked is to be looked at. */
  readonly parked?: number | undefined;
  /** Steps of flows ended where no worker could tell their flows. */
  readonly lostSteps?: true;
  /** Ruby's resque-scheduler runs: the delayed jobs are its to promote. */
  readonly rubyScheduler?: true;
  readonly wrong: readonly WrongKey[];
}

interface Promoted {
  readonly moved: number;
  /** When the first of them was due, epoch ms. */
  readonly earliest: number | undefined;
  /** Due retries that cannot be used; they stay where they are. */
  readonly passedOver: number;
  /** There may be more that are due. */
  readonly more: boolean;
  /** Among them queues that did not take their retries, which wait another minute. */
  readonly wrong: readonly WrongKey[];
}

interface DueDelayed {
  /** Due times as the schedule has them: epoch seconds, unless somebody wrote something else there. */
  readonly times: readonly string[];
  /** Members of the schedule that are no names; they stay where they are. */
  readonly passedOver: number;
  readonly wrong: readonly WrongKey[];
}

export interface DueList {
  readonly time: string;
  /** How many payloads to pass over. @default 0 */
  readonly passed?: number;
}

export interface DelayedList {
  readonly time: string;
  readonly payloads: readonly Buffer[];
  /** It is no list. */
  readonly wrong?: WrongKey;
}

/** What becomes of the first payloads of one list. */
export interface DelayedMoves extends DueList {
  readonly moves: readonly DelayedMove[];
}

/** What becomes of one delayed payload. */
export type DelayedMove = { readonly bytes: Buffer } & (
  | { readonly to: 'queue'; readonly queue: string }
  /** The failed entry is `head`, the payload, `tail`. */
  | { readonly to: 'failed'; readonly head: string; readonly tail: string }
  /** The payload cannot stand in it as it is, so the failed entry comes whole. */
  | { readonly to: 'buried'; readonly entry: string }
  | { readonly to: 'nowhere' }
);

interface MovedDelayed {
  readonly queued: number;
  readonly failed: number;
  /** For each list, up to the first that has changed since it was read. */
  readonly lists: readonly MovedList[];
  readonly wrong: readonly WrongKey[];
}

export interface MovedList {
  /** Payloads that are left in it. */
  readonly left: number;
  /** It has changed since it was read: from there on nothing was moved. */
  readonly changed: boolean;
  /** Its time is still on the schedule. */
  readonly scheduled: boolean;
  /** Moves that a key did not take, by their places; their payloads stay first in the list, in order. */
  readonly refused: ReadonlyMap<number, WrongKey>;
}
