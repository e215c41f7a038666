import type { Broker } from '../broker/broker.ts';
import { type Clock, systemClock } from '../clock.ts';
import { ConfigError } from '../errors.ts';
import type { Args, JobDefinition } from '../job/define.ts';
import type { Registry } from '../job/registry.ts';
import { checkArgs } from '../job/schema.ts';
import { newId, writePayload } from '../wire/payload.ts';

/** What to enqueue: a definition, or the name of a class that is defined elsewhere. */
export type Target<In extends Args> = JobDefinition<In, never> | JobDefinition<In, Args> | string;

export interface EnqueueOptions {
  /** @default the definition's queue */
  readonly queue?: string;
  /** Write `id` and `queue_time` into the payload, as php-resque does. @default true */
  readonly metadata?: boolean;
}

/** What was enqueued. */
export interface Enqueued {
  /** undefined where `metadata` is off. */
  readonly id: string | undefined;
  readonly queue: string;
  readonly payload: string;
}

/** One job of `enqueueAll`. */
export interface EnqueueItem<In extends Args = Args> extends EnqueueOptions {
  readonly job: Target<In>;
  readonly args: NoInfer<In>;
  /** When it is due; at once if absent. */
  readonly at?: Date;
}

/** Push a job to its queue now. @throws ArgumentsError, ConfigError, or what Redis says */
export type Enqueue = <In extends Args>(
  job: Target<In>,
  args: NoInfer<In>,
  options?: EnqueueOptions,
) => Promise<Enqueued>;

/** Writes jobs as Ruby Resque and resque-scheduler write them. */
export interface Client {
  readonly enqueue: Enqueue;
  /** Due `seconds` from now. */
  enqueueIn<In extends Args>(
    seconds: number,
    job: Target<In>,
    args: NoInfer<In>,
    options?: EnqueueOptions,
  ): Promise<Enqueued>;
  /** Due at `time`, to the second; at once if that is not in the future. */
  enqueueAt<In extends Args>(
    time: Date,
    job: Target<In>,
    args: NoInfer<In>,
    options?: EnqueueOptions,
  ): Promise<Enqueued>;
  /** Many jobs in one round trip (two where some are delayed and some are not). All are checked before any is pushed. */
  enqueueAll<const In extends readonly Args[]>(
    items: readonly [...{ [I in keyof In]: EnqueueItem<In[I]> }],
  ): Promise<Enqueued[]>;
}

export interface ClientOptions {
  readonly store: Pick<Broker, 'enqueue' | 'enqueueDelayed'>;
  readonly clock?: Clock;
  /** Lets a class name find its definition, hence its queue and schema. */
  readonly registry?: Registry;
  /**
   * Called after something was enqueued, with when it is due (epoch ms; of several the earliest): a system without a
   * minute tick wants to know. It must not throw.
   */
  readonly onDue?: (at: number) => void;
}

interface Prepared extends Enqueued {
  /** Epoch seconds of a delayed job. */
  readonly seconds: number | undefined;
}

export function createClient({ store, clock = systemClock, registry, onDue }: ClientOptions): Client {
  async function prepare(item: EnqueueItem): Promise<Prepared> {
    const { definition, name } = resolve(item.job, registry);
    if (!Array.isArray(item.args)) {
      throw new ConfigError(
        `enqueue ${name}: args must be an array, one element for each argument; got ${typeof item.args}.`,
      );
    }
    // The schema only checks here: what it makes of the arguments is for the handler, not for the wire.
    if (definition) await checkArgs(definition, item.args);
    const queue = item.queue ?? definition?.queue;
    if (queue === undefined || queue === '') {
      throw new ConfigError(`enqueue ${name}: no queue. Give options.queue, or a queue in the job's definition.`);
    }
    const now = clock.now();
    const at = item.at?.getTime();
    if (at !== undefined && !(at >= 0)) {
      throw new ConfigError(`enqueue ${name}: the time must be a valid Date after 1970; got ${String(item.at)}.`);
    }
    const seconds = at !== undefined && Math.floor(at / 1000) > now / 1000 ? Math.floor(at / 1000) : undefined;
    const id = item.metadata === false ? undefined : newId();
    const payload = writePayload({
      class: name,
      args: item.args,
      queue: seconds === undefined ? undefined : queue,
      id,
      queueTime: id === undefined ? undefined : now,
    });
    return { id, queue, payload, seconds };
  }

  async function push(items: readonly EnqueueItem[]): Promise<Enqueued[]> {
    const prepared = await Promise.all(items.map(prepare));
    const delayed = prepared.filter((one): one is Prepared & { seconds: number } => one.seconds !== undefined);
    await Promise.all([
      store.enqueue(prepared.filter((one) => one.seconds === undefined)),
      store.enqueueDelayed(delayed),
    ]);
    if (onDue && prepared.length > 0) {
      const now = clock.now();
      onDue(Math.min(...prepared.map((one) => (one.seconds === undefined ? now : one.seconds * 1000))));
    }
    return prepared.map(({ id, queue, payload }) => ({ id, queue, payload }));
  }

  async function one(item: EnqueueItem): Promise<Enqueued> {
    const [enqueued] = await push([item]);
    return enqueued as Enqueued;
  }

  const item = (job: Target<never>, args: Args, options?: EnqueueOptions) => ({ ...options, job, args }) as EnqueueItem;
  return {
    enqueue: (job, args, options) => one(item(job as Target<never>, args, options)),
    async enqueueIn(seconds, job, args, options) {
      if (!Number.isFinite(seconds)) {
        throw new ConfigError(`enqueueIn: the delay must be a finite number of seconds; got ${seconds}.`);
      }
      const at = new Date(clock.now() + seconds * 1000);
      return one({ ...item(job as Target<never>, args, options), at });
    },
    enqueueAt: (time, job, args, options) => one({ ...item(job as Target<never>, args, options), at: time }),
    enqueueAll: push,
  };
}

function resolve(job: EnqueueItem['job'], registry: Registry | undefined) {
  if (typeof job === 'string') {
    if (job === '') throw new ConfigError('enqueue: the class must be a name; got "".');
    return { name: job, definition: registry?.handlerFor(job)?.definition };
  }
  if (job.class.endsWith('*')) {
    throw new ConfigError(
      `enqueue: ${JSON.stringify(job.class)} stands for many classes. Give the class by name, such as ${JSON.stringify(job.class.replace(/\*$/, 'name'))}.`,
    );
  }
  return { name: job.class, definition: job as JobDefinition };
}
