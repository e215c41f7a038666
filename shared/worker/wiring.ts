import type { AskedGate } from '../broker/admission.ts';
import type { SyncReply } from '../broker/broker.ts';
import type { LeaseLostError } from '../errors.ts';
import { limitRules } from '../limit.ts';
import { parseQueues } from '../queues/queue-list.ts';
import type { RawJob } from '../types.ts';
import type { Attempt, Ended } from './attempt.ts';
import { Batches } from './batches.ts';
import { Callbacks } from './callbacks.ts';
import type { WorkerDeps } from './deps.ts';
import { Gates } from './gates.ts';
import { Lease, type SyncPlan } from './lease.ts';
import { LimitedQueues } from './limited-queues.ts';
import { Orders } from './orders.ts';
import { Pace } from './pace.ts';
import { ParkAhead } from './park-ahead.ts';
import { PendingResults } from './pending-results.ts';
import { PluginEffects } from './plugin-effects.ts';
import { Prefetch } from './prefetch.ts';
import { PrefetchBuffer } from './prefetch-buffer.ts';
import { QueuePoller } from './queue-poller.ts';
import { Reporter, type Summary } from './reporter.ts';
import { Reserver } from './reserver.ts';
import { RunningJobs } from './running-jobs.ts';
import { SerialQueues } from './serial-queues.ts';
import { Shutdown } from './shutdown.ts';
import { StartMarks } from './start-marks.ts';
import { Suspects } from './suspects.ts';
import { Syncer } from './syncer.ts';
import { Wakeup } from './wakeup.ts';
import { YieldTimer } from './yield-timer.ts';

/** What the parts of a worker tell its loop. */
interface PartsHooks {
  /** An attempt has ended. */
  readonly onEnd: (attempt: Attempt, ended: Ended) => void;
  /** It could not start, since the worker does not hold it any more. */
  readonly onDropped: (raw: RawJob) => void;
  /** A sync brought something. */
  readonly onReply: (plan: SyncPlan, reply: SyncReply) => void;
  /** What has to let a job through that nobody has taken; undefined where it is for the loop. */
  readonly gateOf: (raw: RawJob) => AskedGate | undefined;
  /** Redis has lost its last writes, and with them these jobs. */
  readonly onMissing: (jobs: ReadonlySet<RawJob>) => void;
  /** The lease was lost, and with it all that the worker held. */
  readonly onLost: (error: LeaseLostError, unsettled: number) => void;
}

export type Parts = ReturnType<typeof createParts>;

/** Everything that a worker is made of, each with what it needs of the others. */
export function createParts(deps: WorkerDeps, summary: Summary, hooks: PartsHooks) {
  const { options, clock, deadline, log, client } = deps;
  const reporter = new Reporter(deps, summary);
  const shutdown = new Shutdown(clock, options, deadline);
  const wakeup = new Wakeup(clock);
  if (deps.places) deps.places.onFree = () => wakeup.wake();
  const yieldTimer = new YieldTimer(() => wakeup.wake());
  const lease: Lease = new Lease({
    ...deps,
    duration: options.lease,
    held: () => syncer.held(),
    onMissing: (jobs) => hooks.onMissing(new Set(jobs)),
    onWrong: (keys) => reporter.wrong(keys),
  });
  const running = new RunningJobs({
    concurrency: options.concurrency,
    places: deps.places,
    abortGrace: options.abortGrace,
    deps: {
      clock,
      log,
      enqueue: client.enqueue,
      flows: deps.flows,
      onProgress: (job, progress) => {
        // The loop may wait for something that is hours away.
        if (shared.pending.progress(job, progress)) wakeup.wake();
      },
      registry: deps.registry,
      deadline,
      redisNow: () => lease.redisNow(),
      attempts: options.attempts,
      timeout: options.timeout,
    },
    onEnd: hooks.onEnd,
    onDropped: ({ bound }) => hooks.onDropped(bound.job.raw),
  });
  const serial = new SerialQueues(options, options.serial === '' ? undefined : parseQueues(options.serial));
  const prefetch = new Prefetch(options);
  const orders = new Orders(() => lease.redisNow());
  const gates = new Gates({ clock, orders, timeout: options.timeout, isSerial: serial.has });
  const plugins = new PluginEffects(log);
  const poller = new QueuePoller(deps.queues, options.interval);
  const buffer = new PrefetchBuffer(serial.has);
  const parkAhead = new ParkAhead({
    store: deps.store,
    gates,
    buffer,
    poller,
    isSerial: serial.has,
    gateOf: hooks.gateOf,
    isOver: () => shutdown.why !== undefined || reserver.paused,
    onWrong: (keys) => reporter.wrong(keys),
    wake: () => wakeup.wake(),
  });
  const shared = {
    clock,
    orders,
    gates,
    parkAhead,
    batches: new Batches(clock),
    limits: new LimitedQueues(limitRules(options.limits), orders),
    options,
    log,
    reporter,
    shutdown,
    lease,
    running,
    serial,
    poller,
    prefetch,
    pace: new Pace({ clock, concurrency: options.concurrency, startRate: () => prefetch.startRate }),
    buffer,
    suspects: new Suspects(clock),
    callbacks: new Callbacks(deps.registry, clock, log),
    marks: new StartMarks((jobs) => lease.start(jobs, shutdown.giveUp)),
    plugins,
    pending: new PendingResults({
      clock,
      plugins,
      within: options.settleWithin,
      worker: () => lease.worker,
      redisNow: () => lease.redisNow(),
      ahead: () => lease.ahead,
      gatesOf: (raw) => gates.of(raw),
      isEnding: () => shutdown.why !== undefined,
      isCancelled: (job) => orders.cancelled(job) !== undefined,
    }),
  };
  const reserver: Reserver = new Reserver(shared);
  // One that ends when it finds nothing does not wait.
  const watches = options.exitOnComplete ? undefined : deps.watchPushes;
  const pushWatch = watches?.({
    ...shared,
    interval: options.interval,
    wake: () => wakeup.wake(),
    isHolding: () => reserver.held > 0,
    ask: () => syncer.ask(),
  });
  const syncer: Syncer = new Syncer({
    ...shared,
    reserver,
    onReply: (plan, reply) => {
      hooks.onReply(plan, reply);
      pushWatch?.looked(plan.reserve, reply);
    },
    onLost: hooks.onLost,
    wake: () => wakeup.wake(),
    onOver: () => {
      yieldTimer.renew();
      wakeup.wake();
    },
  });
  return { ...shared, reserver, syncer, pushWatch, wakeup, yieldTimer };
}
