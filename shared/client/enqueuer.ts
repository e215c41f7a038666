import { setImmediate } from 'node:timers/promises';
import type { WorkerBroker } from '../broker/broker.ts';
import { type Clock, systemClock } from '../clock.ts';
import { ArgumentsError, ConfigError } from '../errors.ts';
import type { Args, Enqueue, Enqueued } from '../job/enqueue.ts';
import type { Registry } from '../job/registry.ts';
import { checkOptions, shown } from '../options.ts';
import type { Telemetry, TraceContext } from '../telemetry.ts';
import { gatheredPushes } from './gathered-pushes.ts';
import { type EnqueueItem, ITEM, type NewJob, needsTime, newJob } from './new-job.ts';
import { type PushStore, push } from './push.ts';
import { RedisTime } from './redis-time.ts';

export type { EnqueueItem } from './new-job.ts';

/**
 * Any number of jobs, thousands in a round trip (two where some are delayed and some are not). All are checked before
 * any is pushed, and they are pushed in their order.
 * @throws PartlyEnqueuedError where some were pushed before Redis failed: it says how many; else as `enqueue`
 * @example await client.enqueueAll([{ job: Hello, args: ['hi', 'Zoë'] }, { job: Hello, args: ['hi', 'later'], in: '1h' }]);
 */
export type EnqueueAll = <const In extends readonly Args[]>(
  items: readonly [...{ [I in keyof In]: EnqueueItem<In[I]> }],
) => Promise<Enqueued[]>;

/** Writes jobs as Ruby Resque and resque-scheduler write them. */
export interface Enqueuer {
  /** One job, now or later. */
  readonly enqueue: Enqueue;
  /** Many jobs, in few round trips. */
  readonly enqueueAll: EnqueueAll;
}

export interface EnqueuerDeps {
  readonly store: PushStore & Pick<WorkerBroker, 'time'>;
  /** For jobs that do not say. @default false */
  readonly metadata?: boolean;
  /** Lets a class name find its definition, hence its queue and schema. */
  readonly registry?: Registry;
  /** Redis's time, epoch ms, for whoever knows it. @default Redis is asked, when first needed and again after 5 minutes */
  readonly now?: () => number;
  /**
   * Called after something was enqueued, with when it is due (epoch ms; of several the earliest): a system without a
   * minute tick wants to know. It must not throw.
   */
  readonly onDue?: (at: number) => void;
  /** Traces enqueues. @default nobody does */
  readonly telemetry?: Telemetry | undefined;
  /** Measures how long ago Redis was asked. */
  readonly clock?: Pick<Clock, 'now'>;
  /** Epoch ms, for `queue_time`, which is the producer's own as in php-resque. @default Date.now */
  readonly wallClock?: () => number;
}

/** Of very many jobs, so many are checked and written before others have their turn in this process. */
const AT_ONCE = 1_000;

export function createEnqueuer(deps: EnqueuerDeps): Enqueuer {
  const { enqueue, enqueueAll } = createBatchEnqueuer(deps);
  return { enqueue, enqueueAll };
}

/** One whose batches can be checked before any of them, here or elsewhere, is pushed. */
interface BatchEnqueuer extends Enqueuer {
  /** @param numbers of the items in the caller's list, for messages; their places in this one where there are none */
  prepareAll(
    items: readonly EnqueueItem[],
    trace: TraceContext | undefined,
    numbers?: readonly number[],
  ): Promise<NewJob[]>;
  /** In their order. @throws as `enqueueAll` */
  pushAll(prepared: readonly NewJob[]): Promise<Enqueued[]>;
}

export function createBatchEnqueuer(deps: EnqueuerDeps): BatchEnqueuer {
  const { store, registry, onDue, telemetry, metadata = false, clock = systemClock, wallClock = Date.now } = deps;
  const time = new RedisTime(store, clock, wallClock);
  const pushes = {
    enqueue: gatheredPushes((jobs) => store.enqueue(jobs)),
    enqueueDelayed: (jobs: Parameters<typeof store.enqueueDelayed>[0]) => store.enqueueDelayed(jobs),
    enqueueControlled: (jobs: Parameters<typeof store.enqueueControlled>[0]) => store.enqueueControlled(jobs),
  };
  const now = async () => deps.now?.() ?? (await time.now());
  const making = { registry, metadata, wallClock };

  async function prepareAll(
    items: readonly EnqueueItem[],
    trace: TraceContext | undefined,
    numbers?: readonly number[],
  ): Promise<NewJob[]> {
    if (!Array.isArray(items)) {
      throw new ConfigError(
        `enqueueAll: items must be a list, such as [{ job: Hello, args: ['hi'] }]; got ${shown(items)}.`,
      );
    }
    const known = items.some((one) => needsTime(one, registry)) ? await now() : 0;
    const prepared: NewJob[] = [];
    const checking: Promise<void>[] = [];
    for (let i = 0; i < items.length; i++) {
      const failed = (error: unknown): never => {
        throw ofItem(numbers?.[i] ?? i, error);
      };
      try {
        const item: unknown = items[i];
        if (typeof item !== 'object' || item === null) {
          throw new ConfigError(`must be an object, such as { job: Hello, args: ['hi'] }; got ${shown(item)}.`);
        }
        const one = newJob(item as EnqueueItem, known, { ...making, trace });
        if (one instanceof Promise) {
          const settled = one.then((ready) => {
            prepared[i] = ready;
          }, failed);
          // It may settle before it is awaited below.
          settled.catch(() => {});
          checking.push(settled);
        } else prepared[i] = one;
      } catch (error) {
        failed(error);
      }
      if (i % AT_ONCE === AT_ONCE - 1) await setImmediate();
    }
    await Promise.all(checking);
    return prepared;
  }

  function tellDue(prepared: readonly Enqueued[]): void {
    if (!onDue || prepared.length === 0) return;
    const due = deps.now?.() ?? time.estimate();
    let earliest = Infinity;
    for (const { at } of prepared) earliest = Math.min(earliest, at?.getTime() ?? due);
    onDue(earliest);
  }

  async function pushAll(prepared: readonly NewJob[]): Promise<Enqueued[]> {
    const done = await push(pushes, prepared);
    tellDue(done);
    return done;
  }

  return {
    prepareAll,
    pushAll,
    async enqueue(job, args, options) {
      if (options !== undefined && typeof options !== 'object') checkOptions('enqueue', options, ITEM);
      const item = { ...options, job, args } as EnqueueItem;
      const one = async (trace?: TraceContext) => {
        const known = needsTime(item, registry) ? await now() : 0;
        return push(pushes, [await newJob(item, known, { ...making, trace })]);
      };
      const done = await (telemetry ? telemetry.enqueue(one) : one());
      tellDue(done);
      return done[0] as Enqueued;
    },
    async enqueueAll(items: readonly EnqueueItem[]) {
      const all = async (trace?: TraceContext) => push(pushes, await prepareAll(items, trace));
      const done = await (telemetry ? telemetry.enqueue(all) : all());
      tellDue(done);
      return done;
    },
  };
}

/** The same error, naming the item that it is about. */
export function ofItem(i: number, error: unknown): unknown {
  const Kind = [ArgumentsError, ConfigError].find((one) => error instanceof one);
  return Kind ? new Kind(`items.${i}: ${(error as Error).message}`, { cause: error }) : error;
}
