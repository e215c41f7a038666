/**
 * Every error that Lambdesque raises. Each says what went wrong, the value it got, what is allowed and what to do;
 * one class for each thing that a caller can act on.
 */
export class LambdesqueError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** An option, flag or definition that cannot be used. Fix the call; nothing was done. */
export class ConfigError extends LambdesqueError {}

/**
 * Arguments that a job's schema refuses, or that JSON would change on their way. Where a worker meets them, the job goes
 * to the failed list at once.
 */
export class ArgumentsError extends LambdesqueError {}

/** Redis cannot be used now but may be later: away, starting, out of memory, a read-only replica. Worth trying again. */
export class RedisUnavailableError extends LambdesqueError {}

/** Redis refuses the credentials, or they do not allow a command. Trying again does not help; new credentials do. */
export class RedisAuthError extends LambdesqueError {}

/** A key of ours, or a queue, holds another Redis type. Rename or delete that key. */
export class RedisTypeError extends LambdesqueError {}

/** Any other error that Redis answered. */
export class RedisReplyError extends LambdesqueError {}

/**
 * `enqueueAll` could not push all. The first `pushed` of its items are in their queues; of the others some may be, where
 * Redis's answer was lost. Go on with `items.slice(error.pushed)`. Its `cause` says what Redis said.
 * @example
 * const items: EnqueueItem<[string, string]>[] = [{ job: Hello, args: ['hi', 'Zoë'] }];
 * await client.enqueueAll(items).catch((error) => {
 *   if (error instanceof PartlyEnqueuedError) console.error('to be enqueued again:', items.slice(error.pushed));
 *   throw error;
 * });
 */
export class PartlyEnqueuedError extends LambdesqueError {
  /** So many of the first items are in their queues. */
  readonly pushed: number;
  /** Items in all. */
  readonly total: number;
  constructor(pushed: number, total: number, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(
      `The first ${pushed} of ${total} jobs were enqueued, then it failed: ${why} Go on with items.slice(${pushed}), of which ` +
        "the next few may be there already, if it was only Redis's answer that was lost.",
      { cause },
    );
    this.pushed = pushed;
    this.total = total;
  }
}

/**
 * `enqueueAll` of a sharded client could not push all: some shards have all of theirs, others a part or none. `left` has the
 * indexes of the items that are not known to be pushed; `pushed`, as of one Redis, counts the first ones that all are, so that
 * `items.slice(error.pushed)` loses none but enqueues some twice.
 * @example
 * const items: EnqueueItem<[string, string]>[] = [{ job: Hello, args: ['hi', 'Zoë'] }];
 * await createShardedClient({ shards: { a: {}, b: { port: 6380 } } }).enqueueAll(items).catch((error) => {
 *   if (error instanceof ShardsPartlyEnqueuedError) console.error(error.shards, error.left.map((i) => items[i]));
 * });
 */
export class ShardsPartlyEnqueuedError extends PartlyEnqueuedError {
  /** Indexes of the items to enqueue again, in order; of each shard the next few may be there already. */
  readonly left: readonly number[];
  /** What the Redis of each shard that failed has said, by the shard's name. */
  readonly shards: Readonly<Record<string, unknown>>;
  constructor(left: readonly number[], total: number, shards: Readonly<Record<string, unknown>>) {
    const [first] = Object.entries(shards);
    super(left[0] ?? total, total, first?.[1]);
    this.left = left;
    this.shards = shards;
    const why = Object.entries(shards).map(
      ([name, error]) => `${name}: ${error instanceof Error ? error.message : error}`,
    );
    this.message =
      `${total - left.length} of ${total} jobs were enqueued; ${Object.keys(shards).length} of the shards failed. Go on with ` +
      `those whose indexes are in left. ${why.join(' ')}`;
  }
}

/** The lease of this worker ended and its jobs were given to others; what it wanted to settle was left alone. */
export class LeaseLostError extends LambdesqueError {}

/** The abort reason of a handler that ran longer than its `timeout`. */
export class JobTimeoutError extends LambdesqueError {}

/** The abort reason of a handler that had to stop because its worker is shutting down. */
export class ShutdownError extends LambdesqueError {}

/** The abort reason of a handler that had to stop because the invocation's time is nearly over. */
export class DeadlineError extends LambdesqueError {}

/** The abort reason of a handler whose job somebody cancelled, and why it was discarded. */
export class CancelledError extends LambdesqueError {}

/** The job was not to be started any more: see `expires`. It was discarded. */
export class ExpiredError extends LambdesqueError {}

/** The time that the job had for all of its attempts is over: see `deadline`. */
export class JobDeadlineError extends LambdesqueError {}

/** Another job with the same `unique` key runs, and this one was discarded. */
export class DuplicateJobError extends LambdesqueError {}

/** The job had not ended when `jobs.wait` had waited for its `timeout`. The job goes on. */
export class WaitTimeoutError extends LambdesqueError {}

/** Nobody tracks the job: it has no status record, or no longer. */
export class UntrackedJobError extends LambdesqueError {}

/** What a handler returned is kept as JSON, and is none, or is too much of it. The job is not run again: it has done its work. */
export class ResultError extends LambdesqueError {}

/** The payload cannot be read as a Resque job. */
export class PayloadError extends LambdesqueError {}

/** No definition handles the class of a payload. */
export class UnknownClassError extends LambdesqueError {}

/** The worker lives: stop its process, or wait until its lease has ended. Nothing was done. */
export class LiveWorkerError extends LambdesqueError {}

/** Its worker died while it held the job, too often or on its last attempt. */
export class WorkerDiedError extends LambdesqueError {}

/**
 * Throw it from a handler: no further attempt, straight to the failed list.
 * @example throw new SkipRetry('there is no such account');
 */
export class SkipRetry extends LambdesqueError {
  constructor(message = 'The handler asked for no further attempt.', options?: ErrorOptions) {
    super(message, options);
  }
}

/**
 * A middleware called `next` twice, or after it had ended. What is wrong is the middleware, and the handler may have run:
 * so there is no further attempt.
 */
export class MiddlewareError extends SkipRetry {}

/**
 * Throw it from a handler: the job is dropped, with no further attempt and no entry in the failed list.
 * @example throw new Discard('the order was cancelled');
 */
export class Discard extends LambdesqueError {
  constructor(message = 'The handler discarded the job.', options?: ErrorOptions) {
    super(message, options);
  }
}
