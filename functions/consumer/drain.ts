import type { Logger, RunReport, Summary, Telemetry } from '../../shared/index.ts';
import {
  type Clock,
  createEnqueuer,
  type FlowHost,
  functionWorkerId,
  type QueueList,
  type Registry,
  sleep,
  textOf,
  Worker,
  type WorkerBroker,
  type WorkerOptions,
  type WorkerPlace,
} from '../../shared/internal.ts';
import type { ConsumerEnd } from '../contract/invocation-end.ts';

export interface DrainDeps {
  readonly store: WorkerBroker;
  /** Where jobs start flows. */
  readonly openFlows: FlowHost['open'];
  readonly registry: Registry;
  readonly queues: QueueList;
  readonly options: WorkerOptions;
  /** The consumer's name and its system's: in the worker's id. */
  readonly consumer: string;
  readonly system: string;
  readonly requestId: string;
  readonly place: WorkerPlace;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onRun: (report: RunReport) => void;
  /** Of the client that jobs have: see `ClientOptions`. @default nobody wants to know */
  readonly onDue?: (at: number) => void;
  /** Traces what jobs enqueue. @default nothing does */
  readonly telemetry?: Telemetry | undefined;
  /** Gets each worker before it runs. */
  readonly onWorker?: (worker: Worker) => void;
  /** Milliseconds to go on looking at empty queues. */
  readonly linger: number;
  readonly end: ConsumerEnd;
}

/** One invocation of a consumer: a worker from its start to its end; where it lingers, several, one after the other. */
export async function drain(deps: DrainDeps): Promise<Summary> {
  const { clock, end, linger, options } = deps;
  const interval = Math.min(options.interval, linger / 2);
  const total = await drainOnce(deps);
  if (linger === 0) return total;
  let idleSince = clock.now();
  for (;;) {
    const next = clock.now() + interval;
    // A paused queue is one that has nothing to do: others may get jobs.
    const isIdle = total.stopped === 'empty' || total.stopped === 'paused';
    if (!isIdle || next > idleSince + linger || next >= end.deadline) return total;
    await sleep(clock, interval);
    const more = await drainOnce(deps);
    if (more.processed > 0) idleSince = clock.now();
    add(total, more);
  }
}

function drainOnce(deps: DrainDeps): Promise<Summary> {
  const { store, registry, clock, queues, consumer, system, requestId, end, onDue, onWorker, telemetry } = deps;
  const patterns = queues.patterns.map(textOf);
  const client = createEnqueuer({
    store,
    clock,
    registry,
    telemetry,
    now: () => worker.redisNow(),
    ...(onDue ? { onDue } : {}),
  });
  const worker: Worker = new Worker({
    ...deps,
    options: { ...deps.options, abortGrace: end.abortGrace, exitOnComplete: true },
    client,
    flows: { open: deps.openFlows, registry, telemetry, now: () => worker.redisNow(), onDue },
    worker: functionWorkerId({ consumer, system, requestId }, patterns),
    deadline: end.deadline,
  });
  onWorker?.(worker);
  return worker.run();
}

function add(total: Summary, more: Summary): void {
  for (const [key, value] of Object.entries(more)) {
    if (typeof value === 'number') total[key as 'processed'] += value;
  }
  total.stopped = more.stopped;
}
