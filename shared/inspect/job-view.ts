import { isUtf8 } from 'node:buffer';
import { LAST_DATE } from '../clock.ts';
import type { JobFlow } from '../job/flow.ts';
import { parseWithBigInts } from '../json.ts';
import { traceContext, traceIdOf } from '../telemetry.ts';
import { readErrors } from '../wire/attempt-errors.ts';
import { unsplice } from '../wire/attempts-record.ts';
import { flowOf } from '../wire/flow.ts';
import type { TrackedJob } from '../wire/read-status.ts';
import { shownJob } from '../wire/shown-job.ts';

/** One page of a list. */
export interface Page<T> {
  /** In the order of the list. */
  readonly items: readonly T[];
  /** For the next page; undefined after the last. */
  readonly cursor: string | undefined;
}

/**
 * Where a job is. `parked` is one that a limit, a paused class or an equal job that runs does not let through
 * now. `done` is only known of jobs with a php-resque status record.
 */
export type JobState = 'queued' | 'running' | 'scheduled' | 'retry' | 'parked' | 'failed' | 'done';

/** A job as it stands in Redis. */
export interface JobView {
  /** Where it is. */
  readonly state: JobState;
  /** That it waits in, goes to, or was taken from. */
  readonly queue: string | undefined;
  /** undefined, and no arguments, where the payload is no job. */
  readonly class: string | undefined;
  /** The payload's `id`, or the one that it got with its first retry; undefined if it has none. */
  readonly id: string | undefined;
  /** Decoded, integers beyond ±(2⁵³−1) as bigint. */
  readonly args: readonly unknown[];
  /** As its producer wrote it. */
  readonly payload: string;
  /** `payload` is the text exactly; false where it is not UTF-8 and is shown with replacement characters. */
  readonly exact: boolean;
  /** Length of the payload. */
  readonly bytes: number;
  /** Attempts that ended without success; 0 of a failed job, since its entry does not say. */
  readonly attempts: number;
  /** Workers that died while they held it. */
  readonly deaths: number;
  /** Of past attempts: the last three at the most, and of a failed job its last; each text is cut short. */
  readonly errors: readonly AttemptError[];
  /** Id of the trace in which it was enqueued, if the payload says so (`traceparent`). */
  readonly traceId: string | undefined;
  /** The flow of which it is a step, and which. */
  readonly flow: Pick<JobFlow, 'id' | 'step'> | undefined;
  /** If the payload says so (`queue_time`). */
  readonly enqueuedAt: Date | undefined;
  /** When it is due (scheduled, retry), failed, or started (running, as far as that is known). */
  readonly at: Date | undefined;
  /** Of a running job, the worker that holds it; of a failed one, the worker that ran it last. */
  readonly worker: string | undefined;
  /** Its status record, of a job that is tracked; only `jobs.get` reads that, and `jobs.find` by id. */
  readonly tracked?: TrackedJob;
  /** Where it is: what `run`, `remove` and `reschedule` go by. */
  readonly place: string;
}

/** How one attempt ended. */
export interface AttemptError {
  /** From 1; 0 where nobody knows. */
  readonly attempt: number;
  /** When it ended, if that is known. */
  readonly at?: Date;
  /** Name and message. */
  readonly error: string;
}

/** Where a job was found, and what is known of it besides its payload. */
export type JobOrigin = Pick<JobView, 'state' | 'queue' | 'place'> & Partial<Pick<JobView, 'at' | 'worker'>>;

/** @param bytes the payload as it was found, with the record of its attempts */
export function jobView(bytes: Buffer, origin: JobOrigin): JobView {
  const text = bytes.toString('utf8');
  const { payload, record } = unsplice(text);
  let fields: {
    class?: unknown;
    args?: unknown;
    id?: unknown;
    queue?: unknown;
    queue_time?: unknown;
    traceparent?: unknown;
    flow?: unknown;
  } = {};
  try {
    const value = parseWithBigInts(payload);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) fields = value;
  } catch {
    // Shown as what it is: a payload without class.
  }
  const { queue, queue_time: seconds } = fields;
  const job = shownJob(fields);
  const mark = flowOf(fields.flow);
  return {
    at: undefined,
    worker: undefined,
    ...origin,
    queue: origin.queue ?? (typeof queue === 'string' ? queue : undefined),
    class: job.class,
    id: job.id ?? record?.id,
    args: job.args,
    payload,
    exact: isUtf8(bytes),
    bytes: record ? bytes.length - Buffer.byteLength(text) + Buffer.byteLength(payload) : bytes.length,
    attempts: record?.attempts ?? 0,
    traceId: traceIdOf(traceContext(fields.traceparent, undefined)),
    flow: mark && { id: mark.id, step: mark.step },
    deaths: record?.deaths ?? 0,
    errors: readErrors(record?.errors).map(({ at, ...told }) => ({ ...told, at: new Date(at) })),
    enqueuedAt: typeof seconds === 'number' && seconds > 0 ? dateOf(seconds * 1000) : undefined,
  };
}

/** A date of whatever number stands there. @param ms epoch ms */
export function dateOf(ms: number): Date | undefined {
  return Number.isNaN(ms) ? undefined : new Date(Math.max(-LAST_DATE, Math.min(ms, LAST_DATE)));
}
