import { redisBroker } from '../broker/redis/broker.ts';
import { ConfigError, PartlyEnqueuedError, ShardsPartlyEnqueuedError } from '../errors.ts';
import type { JobDefaults } from '../job/defaults.ts';
import type { AnyJobDefinition } from '../job/define.ts';
import type { Args, Enqueued, EnqueueOptions, Target } from '../job/enqueue.ts';
import { createRegistry } from '../job/registry.ts';
import { checkOptions, type OptionsOf, shown } from '../options.ts';
import { type CronEntry, cronRule } from '../scheduler/cron/entry.ts';
import type { Telemetry, TraceContext } from '../telemetry.ts';
import { type Client, clientOver } from './client.ts';
import { createBatchEnqueuer, ofItem } from './enqueuer.ts';
import { lockNameOf } from './job-control.ts';
import { definitionIn, type EnqueueItem } from './new-job.ts';
import { openShards, type ShardOptions, shardOf, shardOptionNames } from './shards.ts';

/** A shard, as a client needs it. */
export interface ClientShard extends ShardOptions {
  /** Static cron entries that live in this shard, so that `shard(name).cron` shows and runs them too. @default none */
  readonly cronEntries?: Readonly<Record<string, CronEntry>> | undefined;
}

/** As of `createClient`, with several databases in place of one. */
export interface ShardedClientOptions {
  /**
   * By name, of which the key's shard depends: a shard that moves to another URL keeps its keys, one that is renamed does not.
   * All programs have to give the same names.
   */
  readonly shards: Readonly<Record<string, ClientShard>>;
  /** Of shards that have none of their own. @default 'resque:', or '{resque}:' in a Redis Cluster */
  readonly namespace?: string | undefined;
  /** What `defineJob` returns: then a class name finds its queue and its schema as well. @default none are known by name */
  readonly jobs?: readonly AnyJobDefinition[] | undefined;
  /** Options by pattern of class or queue, for jobs whose definition does not say. @default none */
  readonly defaults?: JobDefaults | undefined;
  /** Write `id` and `queue_time` into payloads: see `EnqueueOptions.metadata`. @default false */
  readonly metadata?: boolean | undefined;
  /** Traces enqueues: what `openTelemetry(api)` of `lambdesque/opentelemetry` returns. @default nothing does */
  readonly telemetry?: Telemetry | undefined;
}

/** Where a job goes, and when. */
export interface ShardedEnqueueOptions<In extends Args = Args> extends EnqueueOptions<In> {
  /**
   * Jobs with the same key go to the same shard, and so stay in the order of their queue: a customer, an account, the name of
   * a serial queue. @default the lock of a job that is `unique`; the shards in turn for all others
   */
  readonly shardKey?: string;
}

/** One job of a sharded client's `enqueueAll`. */
export interface ShardedEnqueueItem<In extends Args = Args> extends ShardedEnqueueOptions<In> {
  /** A definition, or the name of a class that is defined elsewhere. */
  readonly job: Target<In>;
  /** One element for each argument; JSON values, and bigints. */
  readonly args: NoInfer<In>;
}

/** What was enqueued, and in which shard. */
export interface ShardedEnqueued extends Enqueued {
  /** Its name. */
  readonly shard: string;
}

/** Enqueues jobs into several databases. What looks at them is each shard's own client. */
export interface ShardedClient extends AsyncDisposable {
  /** The shards' names, as they were given. */
  readonly shards: readonly string[];
  /** As `client.enqueue`; `shardKey` chooses the shard. A shard that is away fails its jobs, and no other's. */
  enqueue<In extends Args>(
    job: Target<In>,
    args: NoInfer<In>,
    options?: ShardedEnqueueOptions<NoInfer<In>>,
  ): Promise<ShardedEnqueued>;
  /**
   * As `client.enqueueAll`: all are checked before any is pushed. Shards get theirs at the same time, each in order.
   * @throws ShardsPartlyEnqueuedError where some were pushed: it says which are left; else what the first shard that failed said
   */
  enqueueAll<const In extends readonly Args[]>(
    items: readonly [...{ [I in keyof In]: ShardedEnqueueItem<In[I]> }],
  ): Promise<ShardedEnqueued[]>;
  /** The name of the shard that has this key. */
  shardOf(key: string): string;
  /** All that there is of one shard: queues, jobs, failed, scheduled, cron …. @throws ConfigError where there is none of that name */
  shard(name: string): Client;
  /** Ends all connections. */
  close(): Promise<void>;
}

const OPTIONS = {
  shards: true,
  namespace: true,
  jobs: true,
  defaults: true,
  metadata: true,
  telemetry: true,
} satisfies OptionsOf<ShardedClientOptions>;

/**
 * A client of several databases, or of several namespaces in a Redis Cluster: past what one Redis can do. Jobs of one key are in one
 * shard; jobs without a key go to the shards in turn. Nothing is sent before the first call.
 * @throws ConfigError for what cannot be used, and for two shards that are the same
 * @example
 * const shards = { a: { url: 'redis://one' }, b: { url: 'redis://two' } };
 * await using client = createShardedClient({ shards, jobs: [Hello] });
 * const { shard } = await client.enqueue(Hello, ['hi', 'Zoë'], { shardKey: 'customer-7' });
 * await client.shard(shard).queues.list();
 */
export function createShardedClient(options: ShardedClientOptions): ShardedClient {
  checkOptions('createShardedClient', options, OPTIONS, true);
  const { shards: given, namespace, jobs, defaults, metadata = false, telemetry } = options;
  const registry = createRegistry(jobs ?? [], [], defaults);
  const opened = openShards('createShardedClient', given, namespace, { ...shardOptionNames, cronEntries: true });
  const shards = new Map(
    opened.map(({ name, redis, namespace: prefix }) => {
      const cronEntries = given[name]?.cronEntries;
      for (const [entry, rule] of Object.entries(cronEntries ?? {})) cronRule(entry, rule, registry);
      const enqueuer = createBatchEnqueuer({ store: redisBroker(redis, prefix), registry, metadata, telemetry });
      const client = clientOver(redis, { namespace: prefix, jobs, defaults, cronEntries, metadata, telemetry });
      return [name, { client, enqueuer }] as const;
    }),
  );
  const names = [...shards.keys()];
  let turn = Math.floor(Math.random() * names.length);

  function keyOf(item: ShardedEnqueueItem): string | undefined {
    const { shardKey, job, args } = item;
    if (shardKey !== undefined) {
      if (typeof shardKey === 'string' && shardKey !== '') return shardKey;
      throw new ConfigError(`shardKey must be a text that is not empty, such as 'customer-7'; got ${shown(shardKey)}.`);
    }
    const name = typeof job === 'string' ? job : job?.class;
    // What is wrong with them is told where the job is made.
    if (typeof name !== 'string' || !Array.isArray(args)) return undefined;
    return lockNameOf(name, item, definitionIn(item.queue, job, registry));
  }

  function choose(item: ShardedEnqueueItem): string {
    const key = keyOf(item);
    return key === undefined ? (names[turn++ % names.length] as string) : shardOf(names, key);
  }

  const get = (name: string) => {
    const shard = shards.get(name);
    if (shard) return shard;
    throw new ConfigError(`There is no shard ${shown(name)}. There are ${names.join(', ')}.`);
  };
  async function enqueueAll(items: readonly ShardedEnqueueItem[], trace?: TraceContext): Promise<ShardedEnqueued[]> {
    const parts = partsOf(items, choose);
    // All of all shards are checked before any is pushed.
    const batches = await Promise.all(
      [...parts].map(async ([name, indexes]) => {
        const { enqueuer } = get(name);
        const own = indexes.map((i) => withoutKey(items[i] as ShardedEnqueueItem));
        return { name, indexes, enqueuer, prepared: await enqueuer.prepareAll(own, trace, indexes) };
      }),
    );
    const results = await Promise.allSettled(batches.map(({ enqueuer, prepared }) => enqueuer.pushAll(prepared)));
    const all: ShardedEnqueued[] = new Array(items.length);
    const left: number[] = [];
    const failures: Record<string, unknown> = {};
    for (const [at, { name, indexes }] of batches.entries()) {
      const result = results[at];
      if (result?.status === 'fulfilled') {
        for (const [i, one] of result.value.entries()) all[indexes[i] as number] = { ...one, shard: name };
      } else {
        failures[name] = result?.reason;
        left.push(...indexes.slice(result?.reason instanceof PartlyEnqueuedError ? result.reason.pushed : 0));
      }
    }
    if (left.length === 0) return all;
    if (left.length === items.length) throw Object.values(failures)[0];
    throw new ShardsPartlyEnqueuedError(
      left.sort((a, b) => a - b),
      items.length,
      failures,
    );
  }

  const close = async () => {
    await Promise.all([...shards.values()].map(({ client }) => client.close()));
  };

  return {
    shards: names,
    async enqueue(job, args, enqueueOptions) {
      const item: unknown = enqueueOptions ?? {};
      const { shardKey: _, ...own } = (typeof item === 'object' ? item : {}) as ShardedEnqueueOptions;
      const name = choose({ ...(item as ShardedEnqueueOptions), job: job as Target, args });
      const enqueued = await get(name).enqueuer.enqueue(
        job as Target,
        args,
        typeof item === 'object' ? own : (item as never),
      );
      return { ...enqueued, shard: name };
    },
    enqueueAll(items: readonly ShardedEnqueueItem[]) {
      return telemetry ? telemetry.enqueue((trace) => enqueueAll(items, trace)) : enqueueAll(items);
    },
    shardOf: (key) => shardOf(names, key),
    shard: (name) => get(name).client,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function withoutKey(item: ShardedEnqueueItem): EnqueueItem {
  if (typeof item !== 'object' || item === null) return item;
  const { shardKey: _, ...own } = item;
  return own;
}

/** By shard, the indexes of its items in order. @throws ConfigError, ArgumentsError naming the item */
function partsOf(
  items: readonly ShardedEnqueueItem[],
  choose: (item: ShardedEnqueueItem) => string,
): Map<string, number[]> {
  if (!Array.isArray(items)) {
    throw new ConfigError(
      `enqueueAll: items must be a list, such as [{ job: Hello, args: ['hi'] }]; got ${shown(items)}.`,
    );
  }
  const parts = new Map<string, number[]>();
  for (let i = 0; i < items.length; i++) {
    let name: string;
    try {
      name = choose((items[i] ?? {}) as ShardedEnqueueItem);
    } catch (error) {
      throw ofItem(i, error);
    }
    const part = parts.get(name);
    if (part) part.push(i);
    else parts.set(name, [i]);
  }
  return parts;
}
