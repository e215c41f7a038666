import type { EventEmitter } from 'node:events';
import { namespaceOf } from '../broker/namespace.ts';
import { redisBroker } from '../broker/redis/broker.ts';
import { openRedis, type RedisOptions, redisOptionNames } from '../broker/redis/open.ts';
import { listText, type WorkerOptionsInput, workerOptionNames, workerOptions } from '../config.ts';
import { ConfigError } from '../errors.ts';
import type { JobCallbacks } from '../job/callbacks.ts';
import type { JobDefaults } from '../job/defaults.ts';
import type { AnyJobDefinition } from '../job/define.ts';
import type { Middleware } from '../job/middleware.ts';
import { createRegistry } from '../job/registry.ts';
import { checkLogger, consoleLogger, type Logger } from '../log.ts';
import { checkOptions, type OptionsOf } from '../options.ts';
import { parseQueues, type QueueList } from '../queues/queue-list.ts';
import { type CronEntry, checkCronEntries } from '../scheduler/cron/entry.ts';
import { type FailedLimits, failedLimits } from '../scheduler/trim-failed.ts';
import type { Telemetry } from '../telemetry.ts';
import type { Summary } from '../worker/reporter.ts';
import { tellLimitsElsewhere } from './limits-elsewhere.ts';
import { runWithSignals } from './process-signals.ts';
import { type WorkerEvents, WorkerService, type WorkerServiceDeps } from './worker-service.ts';

/** What `lambdesque work` can be told, and the code to run. Every time is a duration: milliseconds, or text such as `'30s'`. */
export interface CreateWorkerOptions extends RedisOptions, WorkerOptionsInput {
  /** What `defineJob` returns. */
  readonly jobs: readonly AnyJobDefinition[];
  /**
   * Options by pattern of class or queue, for jobs whose definition does not say: `{ 'mail*': { timeout: '30s', limit: { rate: '100/1s' } } }`.
   * @default none
   */
  readonly defaults?: JobDefaults;
  /** Around every handler, outermost first. @default none */
  readonly middleware?: readonly Middleware[];
  /** Called when jobs of any class end: `{ onFailed: (job, error) => tell(job.class, error) }`. @default none */
  readonly callbacks?: JobCallbacks;
  /**
   * Where to look for jobs: names in order (`['critical', 'default']`, `'critical,default'`), names with weights
   * (`'high=3,low=1'`), `*`, globs, `!name` to leave one out.
   */
  readonly queues: string | readonly string[];
  /** `strict`: a later queue only when all before it are empty; `weighted`: in proportion. @default 'weighted' where a weight is given, else 'strict' */
  readonly order?: QueueList['order'];
  /** Prefix of every key, with or without its colon. @default 'resque:', or '{resque}:' in a Redis Cluster */
  readonly namespace?: string;
  /** Also delayed jobs, retries, cron, and jobs of dead workers. At least one worker has to. @default true where `cron` is given, else false */
  readonly scheduler?: boolean;
  /** Static cron entries by name, on top of those in Redis. @default none */
  readonly cron?: Readonly<Record<string, CronEntry>>;
  /**
   * Heed the process's signals as `lambdesque work` does: TERM, INT, QUIT and HUP stop the worker, a second one ends the process;
   * USR2 pauses, CONT resumes, USR1 logs a summary. And errors that nothing caught count for the job that they came from; where
   * they came from none, the worker gives all back and ends. @default false: they are the program's own
   */
  readonly handleSignals?: boolean;
  /**
   * A thread that ends the process when its event loop stood still for longer than `lease`: then its jobs are given to others.
   * @default false
   */
  readonly watchdog?: boolean;
  /**
   * How much of the failed list its scheduler keeps: `{ max: 10_000, age: '30d' }`. What is beyond that is removed
   * for good, the oldest first, once a minute.
   * @default all
   */
  readonly failed?: FailedLimits;
  /**
   * Traces runs, what handlers enqueue, syncs and ticks: what `openTelemetry(api)` of `lambdesque/opentelemetry` returns.
   * @default nothing does
   */
  readonly telemetry?: Telemetry;
  /** @default JSON lines through `console` */
  readonly log?: Logger;
}

/** A worker in this process: `run()` it, `stop()` it, listen to it. */
export interface Worker
  extends AsyncDisposable,
    Pick<WorkerService, 'id' | 'stop' | 'pause' | 'resume'>,
    Pick<EventEmitter<WorkerEvents>, 'on' | 'once' | 'off'> {
  /** What it has done so far. */
  readonly summary: Readonly<Summary>;
  /**
   * Runs jobs until `stop()`, or with `exitOnComplete` until the queues are empty; then the connection is closed. Resolves to
   * what was done; called again, to the same. The end of an `await using` stops it and waits for it.
   * @throws what Redis says, if it cannot be used from the start
   */
  run(): Promise<Summary>;
}

/**
 * A worker for a program of your own, with everything that `lambdesque work` can do; that is one with `handleSignals` and
 * `watchdog`.
 * @throws ConfigError for an option that cannot be used
 * @example
 * const worker = createWorker({ url: 'redis://localhost:6379', jobs: [Hello], queues: ['critical', 'default'], scheduler: true });
 * worker.on('failed', ({ class: name, error }) => console.error(name, error));
 * await worker.run();
 */
export function createWorker(options: CreateWorkerOptions): Worker {
  checkOptions('createWorker', options, OPTIONS, true);
  const { url, token, host, port, username, password, database, tls, ...own } = options;
  const { jobs, defaults, middleware, callbacks, queues, order, namespace, scheduler, cron, failed, ...more } = own;
  const { handleSignals = false, watchdog = false, log = consoleLogger, telemetry, ...worker } = more;
  const registry = createRegistry(jobs, middleware, defaults, callbacks);
  const list = parseQueues(listText(queues, 'queues'), order);
  checkLogger(log, 'log');
  tellLimitsElsewhere(workerOptions(worker).limits, list, log);
  if (cron) {
    if (scheduler === false)
      throw new ConfigError('cron needs the scheduler, which enqueues its entries: leave scheduler out.');
    checkCronEntries(cron, registry);
  }
  if (failed) {
    if (!scheduler && !cron)
      throw new ConfigError('failed needs the scheduler, which keeps the list short: set scheduler: true.');
    failedLimits(failed);
  }
  const redis = openRedis({ url, token, host, port, username, password, database, tls });
  const prefix = namespaceOf(namespace, redis.cluster);
  return new ConnectedWorker({
    redis,
    store: redisBroker(redis, prefix),
    namespace: prefix,
    registry,
    queues: list,
    options: worker,
    cron: cron ?? (scheduler ? {} : undefined),
    watchdog,
    handleSignals,
    failed,
    telemetry,
    log,
  });
}

/** Those of a worker of several databases too. */
export const serviceOptionNames = {
  jobs: true,
  defaults: true,
  queues: true,
  namespace: true,
  order: true,
  middleware: true,
  callbacks: true,
  scheduler: true,
  failed: true,
  handleSignals: true,
  watchdog: true,
  telemetry: true,
  log: true,
  ...workerOptionNames,
} as const;

const OPTIONS = {
  ...redisOptionNames,
  ...serviceOptionNames,
  cron: true,
} satisfies OptionsOf<CreateWorkerOptions>;

/** Its connection is its own, and ends with it. */
class ConnectedWorker extends WorkerService implements Worker {
  readonly #deps: WorkerServiceDeps & { readonly handleSignals: boolean };
  #running: Promise<Summary> | undefined;

  constructor(deps: WorkerServiceDeps & { readonly handleSignals: boolean }) {
    super(deps);
    this.#deps = deps;
  }

  override run(): Promise<Summary> {
    const { handleSignals, log, redis } = this.#deps;
    const run = () => super.run();
    this.#running ??= (handleSignals ? runWithSignals(this, log, {}, run) : run()).finally(() => redis.close());
    return this.#running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#running) return await this.#deps.redis.close();
    this.stop();
    await this.#running.catch(() => {});
  }
}
