import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Duration } from '../duration.ts';

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
export interface EnqueueOptions {
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
}

/** What was enqueued. */
export interface Enqueued {
  /** Where the payload has one: with `metadata`, and of an ActiveJob. */
  readonly id: string | undefined;
  /** Where it is, or will be when it is due. */
  readonly queue: string;
  /** Its JSON text, as it was written. */
  readonly payload: string;
  /** When it is due, to the second; undefined for what went to its queue at once. */
  readonly at: Date | undefined;
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
  options?: EnqueueOptions,
) => Promise<Enqueued>;
