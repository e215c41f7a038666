/**
 * The words of this project as types.
 *
 * A **payload** is the JSON text of one job as its producer wrote it. A **worker** is one running loop that drains queues. Workers **reserve**
 * jobs: these leave their queues and are in flight, under the worker's **lease**, until **settled**. RawJob → Job → BoundJob → Outcome → settled.
 */

import type { FlowAddition, FlowLists, FlowMark, StepEnd } from './flow-mark.ts';
import type { Gate } from './limit.ts';

export type { Gate, LimitRule } from './limit.ts';

import type { TraceContext } from './telemetry.ts';

/** How often workers may die with a job before it is taken for the cause. */
export const MOST_DEATHS = 3;

/** A job as it was reserved: bytes, not yet looked into. */
export interface RawJob {
  readonly queue: string;
  /** Number of the reservation within its worker; rises by one with each job. */
  readonly seq: number;
  /** Length of the payload in bytes. */
  readonly size: number;
  /** The payload as Redis had it. */
  readonly bytes: Buffer;
  /** The same as text; undefined if it is not UTF-8. */
  readonly text: string | undefined;
}

/** What is remembered of a job's past attempts; it travels in the payload, see wire/attempts-record.ts. */
export interface Attempts {
  /** Unique among all retried jobs, so that two equal payloads stay two members of the sorted set. No quote, backslash or brace. */
  readonly id: string;
  /** Attempts that ended: the handler threw, or ran out of time. */
  readonly attempts: number;
  /** How many workers died while they held the job; no attempts, since nobody knows whether it had started. */
  readonly deaths: number;
  /** How the last attempts ended, as `addError` writes it: short, whatever they are. No quote, backslash or brace. */
  readonly errors?: string;
}

/** A job whose payload could be read. */
export interface Job {
  readonly raw: RawJob;
  /** What stands in the payload's `class`. */
  readonly class: string;
  readonly args: readonly unknown[];
  /** The payload's `id`, or one that we gave it; the same for all attempts. */
  readonly id: string;
  /** The id in the record of past attempts: ours, unique, whatever the payload's `id` is. Absent on the first attempt. */
  readonly attemptsId: string | undefined;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  /** How many workers died while they held it. */
  readonly deaths: number;
  /** The payload as its producer wrote it. */
  readonly payload: string;
  /** When its producer enqueued it, epoch milliseconds; only if the payload says so (`queue_time`). */
  readonly queueTime: number | undefined;
  /** It may have waited for its time after that: its payload names its queue, as a delayed one does. */
  readonly delayed: boolean;
  /** The cron entry that enqueued it, and for which slot. */
  readonly cron: CronSlot | undefined;
  /** Set for a job of Rails' ActiveJob, whose class and arguments are those inside its wrapper. */
  readonly activeJob: ActiveJobInfo | undefined;
  /** The id of its php-resque status record, if it may have one. */
  readonly statusId: string | undefined;
  /** What our client was asked for when it enqueued it. */
  readonly control: Control | undefined;
  /** The trace in which it was enqueued, if its payload says so. */
  readonly trace: TraceContext | undefined;
  /** The flow of which it is a step. */
  readonly flow: FlowMark | undefined;
  /** Of its definition; undefined where it has none. */
  readonly plugins: readonly ResquePlugin[] | undefined;
}

/** What the producer of one job asked for, where it is our client; it travels in the payload's `control`. */
export interface Control {
  /** The job is discarded if it has not started by then; epoch ms. Infinity: never, whatever its definition says. */
  readonly expires?: number | undefined;
  /** When all of its attempts have to be over; epoch ms, or Infinity likewise. */
  readonly deadline?: number | undefined;
  /** See `unique`; false where it is not to be unique, whatever its definition says. */
  readonly lock?: ControlLock | false | undefined;
  /** When it is due at the earliest, where it may be parked until its lock is free; epoch ms. */
  readonly due?: number | undefined;
  /** How many seconds its status record is kept when it has ended. */
  readonly keep?: number | undefined;
}

/** A lock that a job holds, or that it takes when an attempt of it starts. */
export interface ControlLock {
  /** Letters, digits and `_.:-`. */
  readonly name: string;
  /** It is given back when the job starts, or has ended for good, or by its time alone; or it is held while an attempt runs. */
  readonly until: 'start' | 'end' | 'time' | 'running';
  /** How long it is held at most, ms. */
  readonly ms: number;
  /** With `running`: one that finds it taken waits, and is not discarded. */
  readonly later: boolean;
}

/**
 * What a plugin of Ruby's Resque keeps in Redis for jobs of a class, kept right where they run here: `resqueRetry()`,
 * `resqueLoner()`, `resqueLock()` and `resqueStatus()` make them.
 * @example
 * const plugins: ResquePlugin[] = [resqueRetry(), resqueLoner()]; // for defineJob
 */
export interface ResquePlugin {
  /** The gem's name. */
  readonly gem: string;
}

/** What all of them are. */
export interface PluginHooks extends ResquePlugin {
  /** What has to stand in Redis before the handler is called. */
  before?(job: Job): readonly Effect<'clearKey'>[];
  /** What its start changes, though it need not wait for that. @param now Redis's time, epoch ms */
  started?(job: Job, now: number): readonly Effect[];
  /** What its end, or that of one attempt, changes. @param now Redis's time, epoch ms */
  ended?(job: Job, outcome: Outcome, now: number): readonly Effect[];
}

export interface CronSlot {
  readonly name: string;
  /** Epoch ms. */
  readonly slot: number;
}

/** What Rails says of a job besides its arguments, under the names that it has there. */
export interface ActiveJobInfo {
  /** Its class in Ruby. */
  readonly jobClass: string;
  /** Its id, the same for all attempts. */
  readonly jobId: string;
  /** Attempts before this one, of whoever made them. */
  readonly executions: number;
  /** By the names of the exceptions that `retry_on` lists. */
  readonly exceptionExecutions: Readonly<Record<string, unknown>>;
  /** Where Rails has put it. */
  readonly queueName: string | undefined;
  /** Rails' own; Resque takes no notice of it. */
  readonly priority: number | undefined;
  /** Of `I18n`, where it was enqueued. */
  readonly locale: string | undefined;
  /** Where it was enqueued: an IANA name, or what Rails calls it. */
  readonly timeZone: string | undefined;
  /** ISO 8601, as it stands in the payload: nine decimals, or whole seconds in Rails 6.1. */
  readonly enqueuedAt: string | undefined;
  /** When it was to be due, in the same form; undefined for what was enqueued at once. */
  readonly scheduledAt: string | undefined;
  /** All of the job's data as Rails has it, with what newer versions add (`continuation`, `resumptions`, …). */
  readonly data: Readonly<Record<string, unknown>>;
}

/** @property delay milliseconds until the next attempt  @property warning what was wrong with the backoff function */
type Retried = { readonly kind: 'retried'; readonly delay: number; readonly error: unknown; readonly warning?: string };

/** How a reserved job ended. Every reserved job gets exactly one. */
export type Outcome =
  /** @property result what the handler returned, of a job that has a record for it  @property added to its flow */
  | { readonly kind: 'succeeded'; readonly result?: KeptResult; readonly added?: FlowAddition | undefined }
  | { readonly kind: 'discarded'; readonly error: unknown }
  /** @property exceptions under which Rails counts its error */
  | (Retried & { readonly exceptions?: string })
  | { readonly kind: 'failed'; readonly error: unknown }
  /** Given back unchanged: to the head of its queue, or to the tail where others should come first. */
  | { readonly kind: 'released'; readonly to: 'head' | 'tail'; readonly reason: string };

/** The JSON of a result; or why it cannot be kept. */
export type KeptResult = { readonly json: string } | { readonly problem: string };

/** An outcome on its way to Redis: what becomes of the job, and what else happens with it, in one atomic step. */
export interface Settlement {
  readonly raw: RawJob;
  /** It is an at-most-once job that may have started. */
  readonly marked: boolean;
  readonly outcome: SettleOp;
  readonly effects: readonly Effect[];
  /** What the statistics say of its attempt. Absent where none ended; and where it is only done: see `RunSums`. */
  readonly run?: RunStats | undefined;
}

/** Attempts of one queue and class, as the statistics count them; all of jobs that are only done. */
export interface RunSums {
  readonly queue: string;
  readonly class: string;
  readonly succeeded: number;
  readonly discarded: number;
  /** Of their handlers. */
  readonly ms: number;
  /** From enqueuing to their starts, of those of which it is known… */
  readonly waitMs: number;
  /** …and how many those are. */
  readonly waited: number;
  /** How many handlers ran how long, and how many jobs waited so: by bucket, see broker/ops/run-times.ts. */
  readonly times: readonly number[];
}

/** One attempt, as the statistics count it. */
export interface RunStats {
  /** undefined where the payload names none. */
  readonly class: string | undefined;
  readonly outcome: 'succeeded' | 'failed' | 'retried' | 'discarded';
  /** Of its handler; 0 where it did not run. */
  readonly ms: number;
  /** Milliseconds from enqueuing to its start, if that is known. */
  readonly wait: number | undefined;
}

/** A replacement in a payload's text: nothing else of it changes. */
export interface Edit {
  /** Characters from its beginning. */
  readonly at: number;
  readonly length: number;
  readonly text: string;
}

interface SettleOps {
  /** Succeeded or discarded. */
  done: unknown;
  /** @property delay milliseconds until the next attempt is due */
  retry: {
    readonly delay: number;
    readonly record: Attempts;
    /** What changes in the producer's payload, in bytes from its beginning. */
    readonly edit?: Edit;
  };
  /** The failed entry is `head`, the producer's payload, `tail`. */
  fail: { readonly head: string; readonly tail: string };
  /** The payload is not JSON: it stands in the entry as a string. */
  failText: { readonly head: string; readonly tail: string };
  /** The payload is not even UTF-8, so the failed entry comes whole. */
  failBinary: { readonly entry: string };
  /** @property record in place of the one that the payload has */
  release: { readonly to: 'head' | 'tail'; readonly record?: Attempts };
}

export type SettleOp<Kind extends keyof SettleOps = keyof SettleOps> = {
  [K in Kind]: { readonly kind: K } & SettleOps[K];
}[Kind];

interface Effects {
  /** An update of php-resque's status record, where there is one: `head`, started time, `tail`. */
  status: {
    readonly id: string;
    readonly head: string;
    readonly started: string | undefined; // undefined keeps the record's
    readonly tail: string;
    /** What only the record of a job of ours says; '' for one that php-resque has made. */
    readonly more: string;
    /** Seconds until the record expires; 0 for never. */
    readonly ttl: number;
    /** Who waits for the job's end is told. */
    readonly ended: boolean;
  };
  /** How far a job has come. @property text JSON */
  progress: { readonly id: string; readonly text: string };
  /** A tracked job is removed, or was failed and is queued again. @property keep seconds that its record is kept  @property reason without quotes */
  removed: { readonly id: string; readonly keep: number; readonly reason: string };
  requeued: { readonly id: string; readonly keep: number };
  /** Gives back the lock of a unique job, where it is still its own. @property queue the job's */
  unlock: { readonly id: string; readonly name: string; readonly queue: string };
  /** A unique job is to run again: its lock is held for longer, or taken back where it is free. See ops/relock.ts. */
  relock: {
    readonly id: string;
    readonly name: string;
    readonly queue: string;
    readonly ms: number;
    readonly due?: number | undefined;
    readonly member?: string | undefined;
    readonly seconds?: number | undefined;
  };
  /** The job gives back its places. @property queue its own, to which the next ones may go */
  leave: { readonly gates: readonly Gate[]; readonly queue: string };
  /** A step of a flow has ended for good, and what follows goes to its queue. */
  flow: { readonly mark: FlowMark } & StepEnd;
  flowLists: FlowLists;
  /** A step of a flow ends where nobody can tell the flow: the scheduler does. @property why a sentence */
  stepLost: { readonly mark: FlowMark; readonly why: string };
  /** A job that was to be cancelled has ended. */
  cancelled: { readonly id: string };
  /** A key of a plugin of Ruby's goes. @property name without the namespace  @property seconds until then; 0: at once */
  clearKey: { readonly name: string; readonly seconds: number };
  /** An update of resque-status's record, where there is one. @property members of its JSON object → their values as JSON */
  resqueStatus: {
    readonly uuid: string;
    readonly members: Readonly<Record<string, string>>;
    /** Seconds until the record expires; undefined leaves it the time that it has. */
    readonly ttl: number | undefined;
  };
}

/** What an outcome does in Redis besides. */
export type Effect<Kind extends keyof Effects = keyof Effects> = {
  [K in Kind]: { readonly kind: K } & Effects[K];
}[Kind];
