import type { FlowLists } from '../flow-mark.ts';
import type { QueueShare } from '../queues/queue-selector.ts';
import type { Effect, RawJob, RunSums, Settlement } from '../types.ts';
import type { Admission, AdmissionRequest, LimitedQueue, Orders } from './admission.ts';
import type { WorkerPlace } from './worker-place.ts';
import type { WrongKey } from './wrong-key.ts';

/** A worker's round trip. */
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
  /** Now and then: how long jobs of each class take. */
  readonly paces?: readonly ClassPace[];
  /** Leave to start, for jobs that a limit stands before. */
  readonly admit?: AdmissionRequest;
  /** Queues that the worker knows to be limited. */
  readonly limited?: readonly LimitedQueue[];
  readonly reserve?: Reservation;
}

/** What one job of a class takes, as a worker measured it. */
export interface ClassPace {
  readonly class: string;
  /** Of a worker's time, µs: a part of `took` where jobs run beside each other. */
  readonly share: number;
  /** From its start to its end, µs. */
  readonly took: number;
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
  /** Flows that wait for their lists of results: the next sync goes on with them. */
  readonly flowLists?: readonly FlowLists[];
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
