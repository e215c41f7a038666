import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Duration } from '../duration.ts';
import type { TraceContext } from '../telemetry.ts';
import type { TrackOptions } from './control-options.ts';
import type { UniqueOptions } from './unique-options.ts';

/** An argument list. */
export type Args = readonly unknown[];

/** What `enqueue` needs to know of a job class; every definition is one. */
export interface JobRef<In extends Args = Args> {
  /** What stands in the payload. */
  readonly class: string;
  /** Where it goes if the caller names no queue. */
  readonly queue?: string;
  /** Checks the arguments before they are written. */
  readonly args?: StandardSchemaV1<In, Args>;
  /** It is a class of Rails' ActiveJob: `class` stands inside its wrapper. */
  readonly activeJob?: ActiveJobDefaults;
  /** Of equal jobs there is one at a time, unless `enqueue` says otherwise. @default as many as there are */
  readonly unique?: UniqueOptions<NoInfer<In>>;
  /** Keep state, progress and result, for `client.jobs.get` and `wait`. @default false */
  readonly track?: boolean | TrackOptions;
  /**
   * A job that has not started so long after it was due is discarded: `'10m'`. Of other producers' jobs, where the payload says
   * when it was enqueued (`queue_time`). @default never
   */
  readonly expires?: Duration;
  /**
   * For all attempts together, from when the job is due: `'1h'`. One that runs then is aborted, and none follows.
   * @default none
   */
  readonly deadline?: Duration;
}

/** What an ActiveJob carries that its producer decides, where we are the producer. */
export interface ActiveJobDefaults {
  /** Rails' own; Resque takes no notice of it. @default none */
  readonly priority?: number;
  /** Of `I18n`. @default 'en' */
  readonly locale?: string;
  /** IANA name, or what Rails calls it. @default none */
  readonly timeZone?: string;
}

/** What to enqueue: a definition, or the name of a class that is defined elsewhere. */
export type Target<In extends Args = Args> = JobRef<In> | string;

/** Where a job goes, and when. */
export interface EnqueueOptions<In extends Args = Args> {
  /** @default the definition's queue */
  readonly queue?: string;
  /** Due after this time, `'30s'` or milliseconds, to the second, on Redis's clock: the producer's own may be wrong. @default now */
  readonly in?: Duration;
  /** Due at this time, to the second; at once if that is not in the future of Redis's clock. @default now */
  readonly at?: Date;
  /**
   * Write `id` and `queue_time` into the payload, as php-resque does: so that a job can be told from its equals, and how long
   * it waited is known. But `Resque.dequeue`, `delayed?`, `remove_delayed` and resque-web's cancel look for the exact bytes of
   * class and arguments, and find only payloads without them. @default the client's `metadata`, which is false
   */
  readonly metadata?: boolean;
  /**
   * Write this trace into the payload, for who traces without OpenTelemetry: `{ traceparent: '00-…' }`.
   * @default what is active, with the client's `telemetry`; else none
   */
  readonly trace?: TraceContext;
  /**
   * Of equal jobs there is one at a time; false for as many as there are. Such a job has an `id` and a `queue_time`.
   * @default the definition's
   * @example await client.enqueue(Hello, ['hi', 'Zoë'], { in: '5s', unique: { while: 'queued', onConflict: 'replace' } }); // debounce
   */
  readonly unique?: UniqueOptions<NoInfer<In>> | false;
  /**
   * Keep state, progress and result, for `client.jobs.get` and `wait`; in php-resque's status record, so that its
   * `Resque_Job_Status` reads them too. Such a job has an `id` and a `queue_time`. @default the definition's
   */
  readonly track?: boolean | TrackOptions;
  /**
   * Not started any more after this time from when it is due, or at this time, on Redis's clock, but discarded; `Infinity` for
   * never. @default the definition's
   */
  readonly expires?: Duration | Date;
  /**
   * For all of its attempts together, from when it is due, or at this time, on Redis's clock; `Infinity` for none.
   * @default the definition's
   */
  readonly deadline?: Duration | Date;
}

/** What was enqueued. */
export interface Enqueued {
  /** Where the payload has one: with `metadata`, `unique` or `track`, and of an ActiveJob. Of a duplicate the id of the job that there is. */
  readonly id: string | undefined;
  /** Where it is, or will be when it is due. */
  readonly queue: string;
  /** Its JSON text, as it was written. */
  readonly payload: string;
  /** When it is due, to the second; undefined for what went to its queue at once. */
  readonly at: Date | undefined;
  /** Nothing was enqueued, since there is an equal one: see `unique`. */
  readonly duplicate: boolean;
}

/**
 * Push a job to its queue; with `in` or `at`, to resque-scheduler's delayed jobs.
 *
 * Arguments travel as JSON, as they are given: text, booleans, null, finite numbers, bigints, and arrays and plain objects
 * of these. Anything that JSON would change (a Date, a Map, NaN, undefined, …) is refused. The schema only checks them
 * here; what it makes of them (its transforms and defaults) is for the handler, whose worker runs the schema again.
 * @throws ArgumentsError, ConfigError, or what Redis says
 * @example await client.enqueue(Hello, ['hi', 'Zoë'], { in: '30s' });
 */
export type Enqueue = <In extends Args>(
  job: Target<In>,
  args: NoInfer<In>,
  options?: EnqueueOptions<NoInfer<In>>,
) => Promise<Enqueued>;
