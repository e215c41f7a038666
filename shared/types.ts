import type { Handler } from './job/registry.ts';
import type { Attempts } from './wire/attempts.ts';

/**
 * The words of this project as types.
 *
 * A **payload** is the JSON text of one job as its producer wrote it. A **worker** is one running invocation of the
 * consumer. Workers **reserve** jobs: the jobs leave their queues and are in flight, held under the worker's **lease**
 * until they are **settled**. A job's way is one line: RawJob → Job → BoundJob → Outcome → settled.
 */

/** How often the workers of a job may die before the job is taken for the cause. */
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
  /** How many earlier attempts ended with the death of their worker. */
  readonly deaths: number;
  /** The payload as its producer wrote it. */
  readonly payload: string;
  /** When its producer enqueued it, epoch milliseconds; only if the payload says so (`queue_time`). */
  readonly queueTime: number | undefined;
  /** The cron entry that enqueued it, and for which slot. */
  readonly cron: CronSlot | undefined;
  /** The id of its php-resque status record, if it may have one. */
  readonly statusId: string | undefined;
}

export interface CronSlot {
  readonly name: string;
  /** Epoch ms. */
  readonly slot: number;
  /** The entry waits for this job's end before it enqueues another. */
  readonly exclusive: boolean;
}

/** A job and what runs it. */
export interface BoundJob {
  readonly job: Job;
  readonly handler: Handler;
}

/** How a reserved job ended. Every reserved job gets exactly one. */
export type Outcome =
  | { readonly kind: 'succeeded' }
  | { readonly kind: 'discarded'; readonly error: unknown }
  /** @property delay milliseconds until the next attempt  @property warning what was wrong with the backoff function */
  | { readonly kind: 'retried'; readonly delay: number; readonly error: unknown; readonly warning?: string }
  | { readonly kind: 'failed'; readonly error: unknown }
  /** Given back unchanged: to the head of its queue, or to the tail where others should come first. */
  | { readonly kind: 'released'; readonly to: 'head' | 'tail'; readonly reason: string };

/** An outcome on its way to Redis. */
export type Settlement =
  | { readonly kind: 'done'; readonly raw: RawJob }
  /** @property at epoch ms of the next attempt */
  | { readonly kind: 'retry'; readonly raw: RawJob; readonly at: number; readonly record: Attempts }
  /** The failed entry is `head`, the producer's payload, `tail`. */
  | { readonly kind: 'fail'; readonly raw: RawJob; readonly head: string; readonly tail: string }
  /** The payload is not JSON: it stands in the entry as a string. */
  | { readonly kind: 'quote'; readonly raw: RawJob; readonly head: string; readonly tail: string }
  /** The payload is not even UTF-8, so the failed entry comes whole. */
  | { readonly kind: 'bury'; readonly raw: RawJob; readonly entry: string }
  | { readonly kind: 'release'; readonly raw: RawJob; readonly to: 'head' | 'tail' };
