import type { QueueShare } from '../queues/queue-selector.ts';
import type { Effect, RawJob, RunSums, Settlement } from '../types.ts';
import type { Admission, AdmissionRequest, LimitedQueue, OpenedGates, Orders, ParkedGates } from './admission.ts';
import type { CronState } from './cron-broker.ts';
import type { WorkerPlace } from './worker-place.ts';
import type { WrongKey } from './wrong-key.ts';

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
  /** Move due retries to their queues, at most `limit`. */
  promoteRetries(limit: number, passed?: number): Promise<Promoted>;
  /** The due times of delayed jobs, in order, at most `limit`. */
  dueDelayed(limit: number, passed?: number): Promise<DueDelayed>;
  /** The first payloads of due lists, up to these limits for all together; the one that exceeds `bytes` is the last. */
  readDelayed(lists: readonly DueList[], limit: number, bytes: number): Promise<DelayedList[]>;
  /** Move payloads from the starts of due lists, in order; stops where a list has changed since it was read. */
  promoteDelayed(lists: readonly DelayedMoves[]): Promise<MovedDelayed>;
}

export interface SyncRequest {
  readonly worker: string;
  /** Rises by one with each sync; one that is sent again keeps its number, and is not carried out twice. */
  readonly call: number;
  /** Redis's time as far as the worker knows it, epoch ms; within half a minute it names the keys of the statistics. */
  readonly now?: number;
  /** Milliseconds from now, on Redis's clock, until the lease ends unless a later sync extends it. */
  readonly lease: number;
  /** Set on a worker's first sync. */
  readonly register?: true;
  /** Goes with each sync of a worker whose consumer may have only so many. @default it may have any number */
  readonly place?: WorkerPlace;
  /** Write the heartbeat that Ruby's tools read. */
  readonly heartbeat?: true;
  readonly settle: readonly Settlement[];
  /** Of the settlements that are only done. */
  readonly ran?: readonly RunSums[];
  /** The job to show as being worked on: its record is `head`, the payload, `tail`. null clears it; absent leaves it. */
  readonly workingOn?: WorkingOnRecord | null;
  /** Of jobs that start. */
  readonly effects?: readonly Effect[];
  /** Serial queues of which the worker holds no job any more, once this is settled. */
  readonly letGo?: readonly string[];
  /** Leave to start, for jobs that a limit stands before. */
  readonly admit?: AdmissionRequest;
  /** Queues that the worker knows to be limited. */
  readonly limited?: readonly LimitedQueue[];
  readonly reserve?: Reservation;
}

/** A job that a worker holds. @property marked it is an at-most-once job that may have started */
export interface HeldJob {
  readonly raw: RawJob;
  readonly marked?: boolean;
}

/** A job that is about to start. @property marked it is an at-most-once job: it may have started from then on */
export interface StartingJob {
  readonly raw: RawJob;
  readonly marked: boolean;
  readonly effects: readonly Effect<'clearKey'>[];
}

export interface WorkingOnRecord extends HeldJob {
  readonly head: string;
  readonly tail: string;
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
  /** How many jobs that were in a death may be among them: as many as can start at once. */
  readonly suspects: number;
  /** Whether one that was in two deaths may come, alone: where there is nothing else, or before all others. */
  readonly alone: 'no' | 'ifNothingElse' | 'first';
}

export type SyncResult =
  /** @property wrong the key of the jobs in flight, if that is why */
  | { readonly kind: 'lease lost'; readonly wrong?: WrongKey }
  /** As many workers of its consumer have leases as may: it has not registered. */
  | { readonly kind: 'no place' }
  /** Redis does not know of the last sync. */
  | { readonly kind: 'writes lost' }
  | SyncReply;

export interface SyncReply {
  readonly kind: 'held';
  /** Redis's clock, epoch ms. */
  readonly now: number;
  /** How many of the settled jobs were no longer held. */
  readonly missing: number;
  /** Settlements that a key did not take; their jobs are still in flight. */
  readonly refused: readonly Settlement[];
  readonly wrong: readonly WrongKey[];
  readonly jobs: readonly RawJob[];
  /** `pause-all-workers` is set: nothing is reserved. */
  readonly paused: boolean;
  /** Queues that give nothing, whether they were looked at or not. */
  readonly pausedQueues: readonly string[];
  /** One of them was looked at, and has jobs. */
  readonly pausedHasJobs: boolean;
  /** There may be more where these came from. */
  readonly more: boolean;
  /** Jobs that were passed over: they were in a death and no place is free, or in two and something runs beside. */
  readonly passedOver: { readonly forPlace: number; readonly forWorker: number };
  /** The one job that came was in two deaths: nothing may run beside it. */
  readonly alone: boolean;
  /** Another worker holds a serial queue. */
  readonly heldElsewhere: boolean;
  /** Which of the queues looked at are serial, and whether they have more than was asked for. `more` is about the others. */
  readonly serial: readonly { readonly queue: string; readonly more: boolean }[];
  /** Names of all queues, if asked for. */
  readonly queues: readonly string[];
  /** Jobs left in each queue looked at, if asked for. */
  readonly left: ReadonlyMap<string, number>;
  /** Absent where there are none. */
  readonly orders?: Orders;
  /** For each job that asked for leave. */
  readonly admissions?: readonly Admission[];
  /**
   * A queue that has jobs was left alone for its limit, and its rate allows the next after so many ms; undefined while jobs of it
   * run that have to end before. Absent where no queue was left alone.
   */
  readonly overLimit?: { readonly ms: number | undefined };
}

export interface Recovered {
  /** Jobs that were given back. */
  readonly given: number;
  /** Jobs of the worker that Redis does not have in flight: they are in their queues again, or were settled. */
  readonly missing: readonly RawJob[];
  readonly wrong: readonly WrongKey[];
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
  /** Ruby's resque-scheduler runs: the delayed jobs are its to promote. */
  readonly rubyScheduler?: true;
  readonly wrong: readonly WrongKey[];
}

export interface Reclaimed {
  readonly worker: string;
  /** Jobs given back to their queues. */
  readonly jobs: number;
  /** At-most-once jobs that may have started, now in the failed list. */
  readonly failed: number;
  /** Keys that did not take their jobs; those stay in flight and are tried again in a minute. */
  readonly wrong: readonly WrongKey[];
  /** Nothing could be done, and its lease stays as it is. */
  readonly passedOver?: true;
}

export interface Promoted {
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

export interface DueDelayed {
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

export interface MovedDelayed {
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
