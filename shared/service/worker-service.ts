import { EventEmitter } from 'node:events';
import { hostname } from 'node:os';
import type { Broker } from '../broker/broker.ts';
import type { RedisClient } from '../broker/redis/client.ts';
import { redisCronBroker } from '../broker/redis/cron.ts';
import { CronReader } from '../broker/redis/cron-state.ts';
import { redisFailedTrimBroker } from '../broker/redis/failed.ts';
import { redisQueueWatch } from '../broker/redis/queue-watch.ts';
import { redisSchedulerBroker } from '../broker/redis/scheduler.ts';
import { redisStatsBroker } from '../broker/redis/stats.ts';
import { createEnqueuer } from '../client/enqueuer.ts';
import { systemClock } from '../clock.ts';
import { type WorkerOptionsInput, workerOptions } from '../config.ts';
import type { JobInfo } from '../job/context.ts';
import type { Registry } from '../job/registry.ts';
import type { Logger } from '../log.ts';
import { type QueueList, textOf } from '../queues/queue-list.ts';
import type { CronEntry } from '../scheduler/cron/entry.ts';
import { CronRunner } from '../scheduler/cron/runner.ts';
import { noteSizes } from '../scheduler/note-sizes.ts';
import { Scheduler } from '../scheduler/scheduler.ts';
import type { TickTotals } from '../scheduler/step.ts';
import { type FailedLimits, FailedTrimmer } from '../scheduler/trim-failed.ts';
import type { Telemetry } from '../telemetry.ts';
import { errorFields } from '../wire/failed-entry.ts';
import { workerId } from '../wire/worker-id.ts';
import { PushWatch } from '../worker/push-watch.ts';
import type { WhyIdle } from '../worker/queue-poller.ts';
import type { RunReport, Summary } from '../worker/reporter.ts';
import type { PlacesPart } from '../worker/shared-places.ts';
import { Worker as WorkerLoop } from '../worker/worker.ts';
import { noticingStarts } from './noticing-starts.ts';
import { tellingPaused } from './paused.ts';
import { traceTick, tracingRuns, tracingSyncs } from './traced.ts';
import { Watchdog } from './watchdog.ts';

/** Milliseconds between two ticks of a scheduler that runs all the time: jobs come on their second. */
const TICK_INTERVAL = 1_000;

/** What happens in a worker. Listeners run in its loop: they should be quick, and what they throw is logged. */
export interface WorkerEvents {
  /** A handler begins. */
  started: [job: JobInfo];
  /** A run ended, in one of these ways. */
  succeeded: [run: RunReport];
  /** An attempt failed, and there will be another. */
  retried: [run: RunReport];
  /** A job went to the failed list. */
  failed: [run: RunReport];
  /** A handler has dropped its job. */
  discarded: [run: RunReport];
  /** It went back to its queue, with no attempt counted. */
  released: [run: RunReport];
  /** Nothing runs, and the last look found no more: because the queues are empty, paused, or serial and with another worker. */
  idle: [why: WhyIdle];
  /** The scheduler beside the worker did something. */
  ticked: [totals: TickTotals];
}

export interface WorkerServiceDeps {
  readonly redis: RedisClient;
  readonly store: Broker;
  /** Prefix of every key, with its colon. */
  readonly namespace: string;
  readonly registry: Registry;
  readonly queues: QueueList;
  readonly options: WorkerOptionsInput;
  /** Its part of the places that it shares with other shards' loops. @default `concurrency` of its own */
  readonly places?: PlacesPart | undefined;
  /** Run a scheduler beside the worker, with these static cron entries and those that are in Redis. @default no scheduler */
  readonly cron?: Readonly<Record<string, CronEntry>> | undefined;
  /** End the process when its event loop stood still for longer than the lease. @default false */
  readonly watchdog?: boolean;
  /** How much of the failed list its scheduler keeps. @default all */
  readonly failed?: FailedLimits | undefined;
  /** Traces runs, enqueues of handlers, syncs and ticks. @default nothing does */
  readonly telemetry?: Telemetry | undefined;
  readonly log: Logger;
}

/** A worker in this process, and a scheduler beside it if asked for. */
export class WorkerService extends EventEmitter<WorkerEvents> {
  /** As Resque has it: `host:pid:queues`. */
  readonly id: string;
  /** Milliseconds. */
  readonly lease: number;
  readonly #worker: WorkerLoop;
  readonly #scheduler: Scheduler | undefined;
  readonly #watchdog: Watchdog | undefined;
  readonly #log: Logger;

  constructor(deps: WorkerServiceDeps) {
    super();
    const { queues, cron, failed, log, namespace, telemetry } = deps;
    const store = telemetry ? tracingSyncs(deps.store, telemetry) : deps.store;
    this.#watchdog = deps.watchdog ? new Watchdog() : undefined;
    const watched = this.#watchdog?.watching(deps.registry) ?? deps.registry;
    const registry = telemetry ? tracingRuns(watched, telemetry) : watched;
    const options = workerOptions(deps.options);
    const clock = systemClock;
    this.#log = log;
    this.id = workerId(hostname(), process.pid, queues.patterns.map(textOf));
    this.lease = options.lease;
    const open = redisQueueWatch(deps.redis, namespace);
    const worker: WorkerLoop = new WorkerLoop({
      store: tellingPaused(store, `${namespace}pause-all-workers`, log),
      registry: noticingStarts(registry, (job) => this.#tell('started', job)),
      client: createEnqueuer({ store, clock, registry, telemetry, now: () => worker.redisNow() }),
      flows: { open: (make) => make(deps.redis, namespace), registry, telemetry, now: () => worker.redisNow() },
      queues,
      watchPushes: open && ((parts) => new PushWatch(open, parts)),
      options,
      places: deps.places,
      worker: this.id,
      clock,
      log,
      onRun: (run) => this.#tell(run.outcome, run),
      onIdle: (why) => this.#tell('idle', why),
    });
    this.#worker = worker;
    // One: what the one of the two has read, the other knows.
    const reader = new CronReader();
    this.#scheduler =
      cron &&
      new Scheduler({
        store: redisSchedulerBroker(deps.redis, namespace, undefined, reader),
        registry,
        cron: new CronRunner({
          entries: cron,
          registry,
          store: redisCronBroker(deps.redis, namespace, undefined, reader),
          log,
        }),
        ...(failed ? { failed: new FailedTrimmer(redisFailedTrimBroker(deps.redis, namespace), failed, log) } : {}),
        clock,
        log,
        interval: TICK_INTERVAL,
        followers: [noteSizes(redisStatsBroker(deps.redis, namespace))],
        onTick: (result) => {
          if (telemetry) traceTick(telemetry, result);
          this.#tell('ticked', result);
        },
      });
  }

  /** What it has done so far. */
  get summary(): Readonly<Summary> {
    return this.#worker.summary;
  }

  /** Resolves when the worker has ended, and the scheduler with it. @throws what Redis says, if it cannot be used from the start */
  async run(): Promise<Summary> {
    this.#watchdog?.start(this.lease);
    const scheduling = this.#scheduler?.run();
    try {
      return await this.#worker.run();
    } finally {
      this.#scheduler?.stop();
      await scheduling;
      await this.#watchdog?.stop();
    }
  }

  /** Reserves nothing more, gives running jobs `shutdownTimeout` to end, then aborts and releases them. */
  stop(): void {
    this.#worker.stop();
  }

  /** Takes no more jobs until it is resumed: those that wait here go back, those that run go on. */
  pause(): void {
    this.#worker.pause();
  }

  /** Ends a pause. */
  resume(): void {
    this.#worker.resume();
  }

  /** @see WorkerLoop.escaped */
  escaped(error: unknown): boolean {
    return this.#worker.escaped(error);
  }

  /** @see WorkerLoop.crash */
  crash(): Promise<void> {
    return this.#worker.crash();
  }

  #tell<Name extends keyof WorkerEvents>(name: Name, value: WorkerEvents[Name][0]): void {
    if (this.listenerCount(name) === 0) return;
    try {
      this.emit<keyof WorkerEvents>(name, ...([value] as never));
    } catch (error) {
      this.#log.error(`A listener for ${name} threw; the work is not affected`, errorFields(error));
    }
  }
}
