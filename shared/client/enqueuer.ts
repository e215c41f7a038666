import { setImmediate } from 'node:timers/promises';
import type { WorkerBroker } from '../broker/broker.ts';
import { type Clock, LAST_DATE, systemClock } from '../clock.ts';
import { type DurationRule, durationMs } from '../duration.ts';
import { ArgumentsError, ConfigError } from '../errors.ts';
import type { Args, Enqueue, Enqueued, EnqueueOptions, JobRef, Target } from '../job/enqueue.ts';
import { newPayload } from '../job/new-payload.ts';
import type { Registry } from '../job/registry.ts';
import { checkArgs } from '../job/schema.ts';
import { checkOptions, noSuchOption, type OptionsOf, shown, unknownOption } from '../options.ts';
import { newId } from '../wire/payload.ts';
import { push } from './push.ts';
import { RedisTime } from './redis-time.ts';

/** One job of `enqueueAll`. */
export interface EnqueueItem<In extends Args = Args> extends EnqueueOptions {
  /** A definition, or the name of a class that is defined elsewhere. */
  readonly job: Target<In>;
  /** One element for each argument; JSON values, and bigints. */
  readonly args: NoInfer<In>;
}

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
  readonly store: Pick<WorkerBroker, 'enqueue' | 'enqueueDelayed' | 'time'>;
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
  /** Measures how long ago Redis was asked. */
  readonly clock?: Pick<Clock, 'now'>;
  /** Epoch ms, for `queue_time`, which is the producer's own as in php-resque. @default Date.now */
  readonly wallClock?: () => number;
}

/** Of one job: options, and what goes before them. */
const ITEM = {
  queue: true,
  in: true,
  at: true,
  metadata: true,
  job: false,
  args: false,
} satisfies OptionsOf<EnqueueItem>;
/** A job that is due in less than a second says so with a unit: a small number was meant as seconds. */
const IN: DurationRule = { leastNumber: 1_000 };

/** Of very many jobs, so many are checked and written before others have their turn in this process. */
const AT_ONCE = 1_000;

export function createEnqueuer(deps: EnqueuerDeps): Enqueuer {
  const { store, registry, onDue, metadata = false, clock = systemClock, wallClock = Date.now } = deps;
  const time = new RedisTime(store, clock, wallClock);
  const now = async () => deps.now?.() ?? (await time.now());

  function prepare(item: EnqueueItem, now: number): Enqueued | Promise<Enqueued> {
    const { definition, name } = resolve(item.job, registry);
    const unknown = unknownOption(item, ITEM);
    if (unknown !== undefined) throw noSuchOption(`enqueue ${name}`, unknown, item, ITEM);
    if (!Array.isArray(item.args)) {
      throw new ConfigError(
        `enqueue ${name}: args must be an array, one element for each argument; got ${typeof item.args}.`,
      );
    }
    const queue = queueOf(name, item.queue ?? definition?.queue);
    const at = dueAt(name, item, now);
    const write = (): Enqueued => {
      const id = definition?.activeJob || (item.metadata ?? metadata) ? newId() : undefined;
      const payload = newPayload(definition, { class: name, args: item.args, queue, at, id, now: wallClock() });
      return { id, queue, payload, at };
    };
    if (definition?.args === undefined) return write();
    // The schema only checks here: what it makes of the arguments is for the handler, not for the wire.
    const checked = checkArgs(definition, item.args);
    return checked instanceof Promise ? checked.then(write) : write();
  }

  async function prepareAll(items: readonly EnqueueItem[]): Promise<Enqueued[]> {
    if (!Array.isArray(items)) {
      throw new ConfigError(
        `enqueueAll: items must be a list, such as [{ job: Hello, args: ['hi'] }]; got ${shown(items)}.`,
      );
    }
    const known = items.some(isLater) ? await now() : 0;
    const prepared: Enqueued[] = [];
    const checking: Promise<void>[] = [];
    for (let i = 0; i < items.length; i++) {
      const failed = (error: unknown): never => {
        throw ofItem(i, error);
      };
      try {
        const item: unknown = items[i];
        if (typeof item !== 'object' || item === null) {
          throw new ConfigError(`must be an object, such as { job: Hello, args: ['hi'] }; got ${shown(item)}.`);
        }
        const one = prepare(item as EnqueueItem, known);
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

  return {
    async enqueue(job, args, options) {
      if (options !== undefined && typeof options !== 'object') checkOptions('enqueue', options, ITEM);
      const item = { ...options, job, args } as EnqueueItem;
      const prepared = [await prepare(item, isLater(item) ? await now() : 0)] as const;
      await push(store, prepared);
      tellDue(prepared);
      return prepared[0];
    },
    async enqueueAll(items: readonly EnqueueItem[]) {
      const prepared = await prepareAll(items);
      await push(store, prepared);
      tellDue(prepared);
      return prepared;
    },
  };
}

function isLater(item: Pick<EnqueueItem, 'at' | 'in'> | null | undefined): boolean {
  return item?.at !== undefined || item?.in !== undefined;
}

function resolve(job: Target, registry: Registry | undefined): { name: string; definition: JobRef | undefined } {
  if (typeof job === 'string') {
    if (job === '') throw new ConfigError('enqueue: the class must be a name; got "".');
    return { name: job, definition: (registry?.handlerFor(job) ?? registry?.handlerFor(job, true))?.definition };
  }
  if (typeof job?.class !== 'string') {
    throw new ConfigError(
      `enqueue: the job must be what defineJob returns, or the name of a class; got ${shown(job)}.`,
    );
  }
  if (job.class.endsWith('*')) {
    throw new ConfigError(
      `enqueue: ${JSON.stringify(job.class)} stands for many classes. Give the class by name, such as ${JSON.stringify(job.class.replace(/\*$/, 'name'))}.`,
    );
  }
  return { name: job.class, definition: job };
}

function queueOf(name: string, queue: string | undefined): string {
  if (queue === undefined || queue === '') {
    throw new ConfigError(`enqueue ${name}: no queue. Give options.queue, or a queue in the job's definition.`);
  }
  if (typeof queue !== 'string') {
    throw new ConfigError(`enqueue ${name}: the queue must be a name; got ${shown(queue)}.`);
  }
  if (!queue.isWellFormed()) {
    throw new ConfigError(
      `enqueue ${name}: the queue ${JSON.stringify(queue)} cannot be written as UTF-8. Name another.`,
    );
  }
  return queue;
}

/** The second of the delayed list; undefined for what is due. @param now epoch ms */
function dueAt(name: string, item: Pick<EnqueueItem, 'at' | 'in'>, now: number): Date | undefined {
  if (item.at !== undefined && item.in !== undefined) {
    throw new ConfigError(`enqueue ${name}: at and in both say when. Give one of them.`);
  }
  if (item.at !== undefined && typeof item.at?.getTime !== 'function') {
    throw new ConfigError(
      `enqueue ${name}: at must be a Date, such as new Date('2026-12-01T09:00:00Z'); got ${shown(item.at)}.`,
    );
  }
  const ms = item.in === undefined ? item.at?.getTime() : now + durationMs(item.in, `enqueue ${name}: in`, IN);
  if (ms === undefined) return undefined;
  if (!(ms >= 0 && ms <= LAST_DATE)) {
    throw new ConfigError(
      `enqueue ${name}: the time must be a valid Date after 1970; got ${item.in === undefined ? item.at : `in ${item.in}`}.`,
    );
  }
  const second = ms - (ms % 1000);
  return second > now ? new Date(second) : undefined;
}

/** The same error, naming the item that it is about. */
function ofItem(i: number, error: unknown): unknown {
  const Kind = [ArgumentsError, ConfigError].find((one) => error instanceof one);
  return Kind ? new Kind(`items.${i}: ${(error as Error).message}`, { cause: error }) : error;
}
