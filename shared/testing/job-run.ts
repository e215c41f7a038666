import type { Args } from '../job/enqueue.ts';
import type { Progress } from '../job/progress.ts';
import type { Outcome } from '../types.ts';
import type { LogLine } from './recording-logger.ts';

/** How one attempt of a job went. */
export interface JobRun {
  /**
   * What a worker would do with the job: `succeeded`; `retried`, it waits for its next attempt; `failed`, it is in the
   * failed list; `discarded`, dropped; `released`, given back unchanged, at no cost.
   */
  readonly outcome: Outcome['kind'];
  /** What was thrown, or why the attempt was aborted; undefined where it succeeded. */
  readonly error: unknown;
  /** Milliseconds until the next attempt; undefined unless it is `retried`. */
  readonly delay: number | undefined;
  /** What `perform` returned, awaited; undefined unless it ran to its end. */
  readonly result: unknown;
  /** What `ctx.progress` said, in order. */
  readonly progress: readonly Progress[];
  /** What was enqueued through `ctx.enqueue`, in order. */
  readonly enqueued: readonly EnqueuedJob[];
  /** What was started through `startFlow`, in order: checked, and none of its steps runs. */
  readonly flows: readonly StartedInTest[];
  /** What was logged through `ctx.log`, in order; fields include class, queue, id and attempt. */
  readonly logs: readonly LogLine[];
}

/** A flow that a job has started in a test. */
export interface StartedInTest {
  /** Its id. */
  readonly id: string;
  /** Its name, '' where it has none. */
  readonly name: string;
  /** To which its steps go. */
  readonly queues: readonly string[];
  /** How many there are, without callbacks. */
  readonly steps: number;
}

/** A job that was enqueued in a test. */
export interface EnqueuedJob {
  /** What stands in the payload's `class`. */
  readonly class: string;
  /** As they arrive: read from the payload's JSON. */
  readonly args: Args;
  /** Where it goes. */
  readonly queue: string;
  /** When it is due, to the second; undefined where it goes to its queue at once. */
  readonly at: Date | undefined;
  /** When it was enqueued, on the test's clock. */
  readonly enqueuedAt: Date;
  /** undefined where `metadata` is off. */
  readonly id: string | undefined;
  /** Its JSON text. */
  readonly payload: string;
  /** How it ran; undefined unless `inline` is on. */
  readonly run: JobRun | undefined;
}
